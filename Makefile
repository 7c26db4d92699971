# Each target is a few lines: logic lives in Rust. `make` alone prints this list.

.DEFAULT_GOAL := help
SHELL := /bin/bash
# What is deployed says samconfig.toml, if it is there.
ARCH ?= $(or $(shell sed -n 's/.*Architecture=\(arm64\|x86_64\).*/\1/p' samconfig.toml 2> /dev/null | head -1),arm64)
LAMBDA_PORT ?= 9001

# Python tools, pinned, in folders that git ignores.
LINT := .tools/lint
LAMBDA := .tools/lambda
MINISTACK := .tools/ministack
MOTO := .tools/moto
FUNCTIONS := $(patsubst functions/%,-p %,$(wildcard functions/*))

# Written by the tests, read by `make okta-description`.
OKTA_EXCHANGES := $(CURDIR)/target/okta-exchanges
test e2e conformance: export OKTA_EXCHANGES := $(OKTA_EXCHANGES)
# Okta's published API description; where it is not, the check says so and passes.
OKTA_DESCRIPTION ?= ../shared/okta/openapi-subset.json
# The formats of okta-dac are tried with them.
SHELLS := /usr/bin/zsh /usr/bin/fish
CHROMIUM ?= $(or $(shell command -v chromium || command -v chromium-browser || command -v google-chrome),/usr/bin/chromium)

.PHONY: help run test check scale chaos rotation-faults format clippy e2e conformance okta-description test-api parity secrets-contract docs build release bench bench-credential generate new-operation invoke placeholder-key deploy whole-way lint deployer-policy audit need-samconfig need-cargo need-python need-node

help: ## Print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

run: need-cargo ## Start the local stack; make run ARGS=--json prints its addresses as JSON
	@cargo build --workspace --bins || { echo "make run: the build failed: mend what the compiler says above" >&2; exit 1; }
	@exec target/debug/local-stack $(ARGS)

test: need-cargo ## Run all tests; offline, once everything is downloaded
	rm -rf $(OKTA_EXCHANGES)
	cargo fetch
	cargo build --workspace --bins
	@# Many tests wait: for a lock, an index, a limit.
	RUST_TEST_THREADS=$(or $(RUST_TEST_THREADS),4) cargo test --workspace --no-fail-fast

# The parts of `make check`, in their order.
PARTS := lint format clippy test conformance okta-description test-api secrets-contract whole-way

check: need-cargo need-python ## What CI runs, with the time of each part
	@times=; for part in $(PARTS); do \
		start=$$SECONDS; $(MAKE) --no-print-directory $$part || exit 1; \
		times="$$times$$(printf '%-18s %5d s' $$part $$((SECONDS - start)))\n"; \
	done; printf "%b" "$$times"

scale: need-cargo ## Measure operations in orgs with 300, 3,000, 10,000 and 100,000 tenants
	cargo build --workspace --bins
	cargo xtask scale $(ARGS)

chaos: need-cargo ## Ten minutes of random operations, kills and faults beside a second model; CHAOS_SEED=n repeats a run
	cargo build --workspace --bins
	CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) cargo test --package tests --test chaos -- --nocapture

rotation-faults: need-cargo ## Break a rotation at every pair of calls of Okta and Secrets Manager
	ROTATION_FAULTS=all cargo test --package rotation --test steps every_call_broken_by_every_fault -- --nocapture

format: need-cargo ## Check that the code is formatted
	cargo fmt --all --check

clippy: need-cargo ## Run clippy; a warning is an error
	cargo clippy --workspace --all-targets -- -D warnings

e2e: need-cargo ## Run the end-to-end tests alone
	cargo test -p tests --test e2e

conformance: need-cargo .tools/conformance-okta/.done .tools/conformance-gimme/.done .tools/conformance-node/.done $(CHROMIUM) $(SHELLS) ## Run clients that Okta and AWS publish against the emulator
	cargo build --workspace --bins
	cargo xtask conformance --okta-python .tools/conformance-okta/bin/python --gimme-python .tools/conformance-gimme/bin/python --chromium $(CHROMIUM) $(ARGS)

okta-description: need-cargo .tools/description/.done ## Check what the tests exchanged with the emulator against Okta's description
	cd tests/description && ../../.tools/description/bin/python -m unittest --quiet
	cargo build --bin okta-emulator
	target/debug/okta-emulator --endpoints | .tools/description/bin/python tests/description/check.py $(OKTA_DESCRIPTION) $(OKTA_EXCHANGES) tests/description/deviations.json

test-api: need-cargo .tools/test-api/.done ## Send generated requests to the local stack, judged by docs/openapi.json
	cargo build --workspace --bins
	cargo xtask test-api --schemathesis $(CURDIR)/.tools/test-api/bin/schemathesis

parity: need-cargo ## Ask a real org what the emulator is asked: make parity ORG=https://… < token; without ORG, say what would be asked
	@OKTA_PARITY_ORG=$(ORG) cargo test --quiet --package tests --test parity a_real_org -- --nocapture

secrets-contract: need-cargo $(MINISTACK)/.done $(MOTO)/.done ## Try what Secrets Manager does against the local accounts, MiniStack and moto
	cargo xtask secrets-contract --ministack $(MINISTACK)/bin/ministack --moto $(MOTO)/bin/moto_server

docs: need-python .tools/docs/.done ## Show docs/openapi.json as a page, on port 8088
	mkdir -p target/docs && cp docs/openapi.json .tools/docs/node_modules/redoc/bundles/redoc.standalone.js target/docs/
	printf '<!doctype html><title>okta-dac</title><redoc spec-url="openapi.json"></redoc><script src="redoc.standalone.js"></script>' > target/docs/index.html
	@echo "http://127.0.0.1:8088 (Ctrl-C stops it)"
	@python3 -m http.server 8088 --bind 127.0.0.1 --directory target/docs

lint: $(LINT)/.done ## Check template.yaml with cfn-lint and sam, its size, and the deployer's policy
	$(LINT)/bin/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/sam validate --lint
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/python tests/template/test_size.py --quiet
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/python tests/template/test_deployer.py --quiet

deployer-policy: $(LINT)/.done ## Write docs/deployer-policy.json, what whoever deploys needs, from the template
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/python tests/template/deployer.py > target/deployer-policy.json && mv target/deployer-policy.json docs/deployer-policy.json

# cargo-deny takes minutes to install; tests/contract has the same rules for CI.
audit: need-cargo .tools/audit/bin/cargo-deny ## Check licences, sources and banned crates, and advisories where their database can be reached
	.tools/audit/bin/cargo-deny --locked check licenses bans sources
	@if .tools/audit/bin/cargo-deny --locked fetch db > target/audit.log 2>&1; then .tools/audit/bin/cargo-deny --locked check --disable-fetch advisories; else echo "advisories: not checked, because their database cannot be reached (target/audit.log)"; fi

.tools/audit/bin/cargo-deny: | need-cargo
	cargo install --quiet --locked --root .tools/audit --version 0.20.2 cargo-deny

bench-credential: need-cargo ## Measure reading the credential through the extension and with an SDK
	@cargo build --release --manifest-path benches/credential/Cargo.toml
	@cargo xtask bench-credential

generate: need-cargo ## Write every file that is derived from the table of operations
	cargo xtask generate

new-operation: need-cargo ## Scaffold: make new-operation NAME=get-x PACKAGE=tenants TRIGGER=http METHOD=GET ROUTE=/x
	cargo xtask new-operation --name "$(NAME)" --package "$(PACKAGE)" --trigger "$(or $(TRIGGER),http)" $(if $(METHOD),--method $(METHOD)) $(if $(ROUTE),--route '$(ROUTE)')

invoke: $(LAMBDA)/.done ## Send a sample event to the local stack: make invoke OP=get-tenant
	@. $(LAMBDA)/bin/activate && cargo lambda invoke $(OP) --data-file events/$(OP).json -A 127.0.0.1 -P $(LAMBDA_PORT)

build: $(LAMBDA)/.done ## Build what is deployed into target/lambda; ARCH=x86_64 for the other architecture
	. $(LAMBDA)/bin/activate && cargo lambda build --release $(if $(filter arm64,$(ARCH)),--arm64,--x86-64) $(FUNCTIONS)

# One static file for each: any Linux of these processors runs the file.
RELEASE := x86_64-unknown-linux-musl aarch64-unknown-linux-musl

release: need-cargo .tools/release/.done ## Build okta-dac as one static file for Linux on x86_64 and arm64, into target/dist
	@mkdir -p target/dist
	@for target in $(RELEASE); do \
		rustup target add $$target 2> target/rustup.log || { cat target/rustup.log >&2; exit 1; }; \
		(. .tools/release/bin/activate && cargo zigbuild --release --package okta-dac --target $$target) || exit 1; \
		file=target/dist/okta-dac-$${target%%-*}; cp target/$$target/release/okta-dac $$file || exit 1; \
		headers=$$(readelf --program-headers --wide $$file) || exit 1; \
		if grep -q INTERP <<< "$$headers"; then echo "$$file needs a loader: it is not static" >&2; exit 1; fi; \
		ls -l $$file | awk '{ printf "%s: %.1f MB, static\n", $$9, $$5 / 1e6 }'; \
	done
	@target/dist/okta-dac-$$(uname -m) --version

bench: need-cargo .tools/conformance-node/.done ## Measure what `make build ARCH=x86_64` (or arm64) made for this machine
	@cargo build --workspace --bins
	@cargo run --release --package xtask -- bench $(ARGS)

placeholder-key: need-cargo ## Make and upload the placeholder certificate: make placeholder-key ORG=https://… < token
	@cargo xtask placeholder-key --org $(ORG)

deploy: need-samconfig build $(LINT)/.done ## Build and deploy with samconfig.toml; without that file, ask for the parameters and write it
	SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam deploy $(if $(wildcard samconfig.toml),,--guided --capabilities CAPABILITY_IAM)

need-samconfig:
	@test -f samconfig.toml -o -t 0 || { echo "samconfig.toml is missing, and nobody can be asked: copy samconfig.toml.example and put your values in" >&2; exit 1; }

whole-way: need-cargo $(LINT)/.done $(MINISTACK)/.done ## From an org that nobody prepared to a platform that serves, deployed to MiniStack, and back
	cargo build --workspace --bins
	cargo xtask whole-way --sam $(LINT)/bin/sam --ministack $(MINISTACK)/bin/ministack

need-cargo:
	@command -v cargo > /dev/null || { echo "cargo is missing: install Rust, https://rustup.rs" >&2; exit 1; }

need-python:
	@command -v python3 > /dev/null || { echo "python3 is missing: install Python 3" >&2; exit 1; }

need-node:
	@command -v npm > /dev/null || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }

$(SHELLS) /usr/bin/chromium:
	@mkdir -p target && echo "installing $(@F), which make conformance runs" && (apt-get install --yes --quiet $(@F) > target/apt.log 2>&1 || { apt-get update --quiet > target/apt.log 2>&1 && apt-get install --yes --quiet $(@F) >> target/apt.log 2>&1; }) || { echo "$(@F) is missing: install it$(if $(findstring chromium,$@), or make conformance CHROMIUM=path)" >&2; exit 1; }

.tools/conformance-node/.done: tests/conformance/package-lock.json | need-node
	npm ci --prefix tests/conformance --no-audit --no-fund --ignore-scripts --loglevel error
	mkdir -p $(@D) && touch $@

.tools/docs/.done: | need-node
	npm install --prefix .tools/docs --no-audit --no-fund --ignore-scripts --loglevel error redoc@2.5.0
	touch $@

.tools/%/.done: .ci/requirements-%.txt | need-python
	python3 -m venv .tools/$*
	.tools/$*/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@
