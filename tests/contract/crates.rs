//! Who may depend on whom, and which crates may not be there at all.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};
use operations::{EnvVar, OPERATIONS, Operation, Package};
use tests::repository;

use crate::{Complaints, assert_none, assert_some};

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Direct dependencies that are built into a package, tests aside.
fn dependencies() -> Edges {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata");
    let direct = metadata.workspace_packages().into_iter().map(|package| {
        let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        (package.name.to_string(), normal.map(|d| d.name.clone()).collect())
    });
    direct.collect()
}

/// Everything that is built of these packages, on any platform: name and version.
pub(crate) fn built(of: &[&str]) -> Vec<(String, String)> {
    let tree = ["tree", "--target", "all", "--prefix", "none", "--offline", "--format", "{p}"];
    let output = std::process::Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(tree)
        .args(of)
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let package = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    text.lines().filter_map(package).collect()
}

fn rules(edges: &Edges) -> Complaints {
    let mut complaints = Complaints::new();
    let mut forbid = |package: &str, dependencies: &[&str], why: &str| {
        for dependency in dependencies {
            if *dependency != package && edges.get(package).is_some_and(|of| of.contains(*dependency)) {
                complaints.push(format!("{package} must not depend on {dependency}: {why}"));
            }
        }
    };
    let functions: Vec<&str> = Package::ALL.iter().map(|package| package.name()).collect();
    for function in &functions {
        forbid(function, &functions, "what operations share goes down into shared/");
        forbid(function, &["okta-emulator", "gateway"], "the emulator is for tests");
    }
    forbid("okta-proxy", &["okta-client", "state", "tenancy"], "it has nothing but what the caller sent");
    forbid("connection-keys", &["okta-client", "state", "tenancy"], "everybody may call it");
    forbid("discovery", &["state", "tenancy"], "everybody may call it");
    for pure in ["operations", "domain"] {
        forbid(pure, &["tokio", "reqwest", "okta-client", "lambda-kit", "lambda_http"], "it does no I/O");
    }
    forbid(
        "okta-client",
        &["domain", "operations", "lambda-kit", "lambda_http"],
        "it knows nothing of tenants or Lambda",
    );
    forbid("okta-emulator", &["okta-client", "domain", "lambda-kit"], "both could be wrong together");
    forbid(
        "gateway",
        &["authorizer", "okta-client", "domain", "tenancy", "tenants"],
        "it evaluates policies that it did not make",
    );
    complaints
}

#[test]
fn crates_depend_downwards() {
    let edges = dependencies();
    for package in Package::ALL {
        assert!(edges.contains_key(package.name()), "{package:?}");
    }
    assert_none(rules(&edges));
}

#[test]
fn a_forbidden_dependency_is_noticed() {
    let edge = |from: &str, to: &str| Edges::from([(from.to_owned(), BTreeSet::from([to.to_owned()]))]);
    assert_some(rules(&edge("tenants", "authorizer")), "tenants must not depend on authorizer");
    assert_some(rules(&edge("domain", "tokio")), "domain must not depend on tokio");
    assert_some(rules(&edge("okta-emulator", "okta-client")), "okta-emulator must not");
}

/// The crates below those that know Lambda: a program for a terminal can stand on them.
const CORE: [&str; 8] =
    ["connections", "run-kit", "tenancy", "guard", "state", "okta-client", "domain", "operations"];

/// What of Lambda, and of HTTP servers, is built into a package of the core.
fn of_a_server(package: &str, built: &[(String, String)]) -> Complaints {
    let servers = ["lambda_runtime", "lambda_http", "aws_lambda_events", "axum"];
    let found = built.iter().filter(|(name, _)| servers.contains(&name.as_str()));
    found.map(|(name, _)| format!("{package} is built with {name}: it must not know who calls")).collect()
}

#[test]
fn the_core_knows_neither_lambda_nor_a_server() {
    for package in CORE {
        let built = built(&["--package", package, "--edges", "normal,build"]);
        assert!(built.iter().any(|(name, _)| name == package), "{built:?}");
        assert_none(of_a_server(package, &built));
    }
    let above = built(&["--package", "lambda-kit", "--edges", "normal,build"]);
    assert_some(of_a_server("lambda-kit", &above), "lambda-kit is built with lambda_http");
}

/// `cargo lambda watch` gives functions what the template gives them.
#[test]
fn the_environment_for_cargo_lambda_watch() {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let env = metadata.workspace_metadata["lambda"]["env"].as_object().expect("metadata.lambda.env").clone();
    let of_functions = OPERATIONS.iter().flat_map(Operation::variables);
    // The level of the log has a default, and one address for all of AWS is MiniStack's.
    let others = [EnvVar::AWS_LAMBDA_LOG_LEVEL.name, EnvVar::AWS_ENDPOINT_URL.name];
    let names = of_functions.chain(EnvVar::RUNTIME).map(|variable| variable.name);
    let names: Vec<&str> = names.filter(|name| !others.contains(name)).collect();
    assert_none(crate::differences("Cargo.toml", env.keys().map(String::as_str), names));
    let seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).expect("the demo org");
    let issuer = format!("{}/oauth2/{}", env["OKTA_ORG_URL"].as_str().unwrap(), seed.authorization_server.id);
    assert_eq!(env["PLACEHOLDER_KEY_ID"], seed.placeholder_key.kid);
    assert_eq!(env["TOKEN_ISSUER"], issuer);
    assert_eq!(env["OKTA_CREDENTIAL_SECRET_ID"], gateway::SECRET_ARN);
    assert_eq!(env["HOOK_SECRET_ID"], gateway::HOOK_SECRET_ARN);
    assert_eq!(env["DELEGATED_USER_TYPE_ID"].as_str(), Some(seed.user_types[0].id.as_str()));
    assert_eq!(env["AWS_SESSION_TOKEN"], gateway::SESSION_TOKEN);
    assert_eq!(env["STATE_TABLE"], "StateTable", "as the local stack calls it");
    assert_eq!(env["TOKEN_AUDIENCES"], seed.authorization_server.audience);
}
