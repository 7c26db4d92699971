//! `make conformance`: clients that Okta and AWS publish, against the emulator.
//!
//! Each client is a program in `tests/conformance` that prints `ok <step>` for
//! what it has done and ends at the first deviation. What was exercised, by the
//! emulator's own journal, is compared with `tests/conformance/exercised.json`,
//! from which `docs/emulator.md` is made.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::local_stack;

/// Where the programs find what the command installed.
#[derive(Args)]
pub struct Conformance {
    /// Python with Okta's SDK and signxml.
    #[arg(long)]
    okta_python: PathBuf,
    /// Python with gimme-aws-creds and the AWS CLI.
    #[arg(long)]
    gimme_python: PathBuf,
    /// Chromium.
    #[arg(long)]
    chromium: PathBuf,
    /// Write what was exercised instead of comparing.
    #[arg(long)]
    write: bool,
}

/// One client: how it is shown, where its version is pinned, how it is run.
struct Client {
    /// Name in its registry.
    package: &'static str,
    pinned_in: &'static str,
    /// Runs with a credential that `okta-dac connect` made: its calls are not the client's.
    connected: bool,
    /// Program and arguments of each run.
    runs: &'static [(Program, &'static [&'static str])],
}

#[derive(Clone, Copy)]
enum Program {
    Node,
    OktaPython,
    GimmePython,
}

const NODE: &str = "tests/conformance/package.json";

const CLIENTS: &[Client] = &[
    Client {
        package: "okta",
        pinned_in: ".ci/requirements-conformance-okta.txt",
        connected: false,
        runs: &[(Program::OktaPython, &["tests/conformance/okta_sdk.py"])],
    },
    Client {
        package: "@okta/okta-sdk-nodejs",
        pinned_in: NODE,
        connected: false,
        runs: &[(Program::Node, &["tests/conformance/okta_sdk.js"])],
    },
    Client {
        package: "okta",
        pinned_in: ".ci/requirements-conformance-okta.txt",
        connected: true,
        runs: &[(Program::OktaPython, &["tests/conformance/connected.py"])],
    },
    Client {
        package: "@okta/okta-sdk-nodejs",
        pinned_in: NODE,
        connected: true,
        runs: &[(Program::Node, &["tests/conformance/connected.js"])],
    },
    Client {
        package: "@okta/jwt-verifier",
        pinned_in: NODE,
        connected: false,
        runs: &[(Program::Node, &["tests/conformance/verifiers.js", "okta"])],
    },
    Client {
        package: "aws-jwt-verify",
        pinned_in: NODE,
        connected: false,
        runs: &[(Program::Node, &["tests/conformance/verifiers.js", "aws"])],
    },
    Client {
        package: "gimme-aws-creds",
        pinned_in: ".ci/requirements-conformance-gimme.txt",
        connected: false,
        runs: &[
            (Program::GimmePython, &["tests/conformance/gimme.py", "classic"]),
            (Program::OktaPython, &["tests/conformance/saml.py"]),
            (Program::GimmePython, &["tests/conformance/gimme.py", "identity-engine"]),
            (Program::OktaPython, &["tests/conformance/saml.py"]),
        ],
    },
    Client {
        package: "awscli",
        pinned_in: ".ci/requirements-conformance-gimme.txt",
        connected: false,
        runs: &[
            (Program::GimmePython, &["tests/conformance/aws_tools.py"]),
            (Program::GimmePython, &["tests/conformance/config_files.py"]),
        ],
    },
    Client {
        package: "@okta/okta-auth-js",
        pinned_in: NODE,
        connected: false,
        runs: &[(Program::Node, &["tests/conformance/browser.js"])],
    },
];

/// File with what was exercised.
const EXERCISED: &str = "tests/conformance/exercised.json";

/// Runs every client.
///
/// # Errors
///
/// A sentence: what a client says when it fails, or that something else was
/// exercised than is written down.
pub fn conformance(root: &Path, tools: &Conformance) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(run(root, tools))
}

async fn run(root: &Path, tools: &Conformance) -> Result<String, String> {
    let (_stack, addresses) = local_stack::start(root)?;
    let address = |name: &str| addresses[name].as_str().unwrap_or_default().to_owned();
    let (okta, api) = (address("okta"), address("api"));
    let http = run_kit::http_client(Duration::from_secs(10)).map_err(|error| error.to_string())?;
    let seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).map_err(|error| error.to_string())?;
    let saml = std::env::temp_dir().join(format!("okta-dac-saml-{}", std::process::id()));
    let credential = std::env::temp_dir().join(format!("okta-dac-credential-{}", std::process::id()));
    let (mut exercised, mut report) = (Vec::new(), Vec::new());
    for client in CLIENTS {
        control(&http, "POST", &format!("{okta}/_emulator/reset")).await?;
        hold_events(&http, &okta).await?;
        if client.connected {
            connect(root, &http, &okta, &credential).await?;
            control(&http, "DELETE", &format!("{okta}/_emulator/requests")).await?;
        }
        let mut steps = Vec::new();
        for (program, arguments) in client.runs {
            let program = match program {
                Program::Node => Path::new("node"),
                Program::OktaPython => &tools.okta_python,
                Program::GimmePython => &tools.gimme_python,
            };
            let output = Command::new(program)
                .args(*arguments)
                .current_dir(root)
                .env("OKTA_URL", &okta)
                .env("API_URL", &api)
                .env("AWS_URL", address("aws"))
                .env("OKTA_DAC", root.join("target/debug/okta-dac"))
                .env("OKTA_TOKEN", &seed.api_token.token)
                .env("PLACEHOLDER_CERTIFICATE", &seed.placeholder_key.x5c)
                .env("SAML_RESPONSE_FILE", &saml)
                .env("CREDENTIAL_FILE", &credential)
                .env("CHROMIUM", &tools.chromium)
                .output()
                .map_err(|error| format!("{}: {error}", program.display()))?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if !output.status.success() {
                let said = text(&output.stdout) + &text(&output.stderr);
                return Err(format!("{} {arguments:?} failed:\n{said}", client.package));
            }
            steps.extend(
                text(&output.stdout).lines().filter_map(|line| line.strip_prefix("ok ")).map(str::to_owned),
            );
        }
        let journal = control(&http, "GET", &format!("{okta}/_emulator/requests")).await?;
        let operations: BTreeSet<&str> = journal
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|call| call["operationId"].as_str())
            // A browser asks for the picture when it likes, not when the client does.
            .filter(|operation| *operation != "favicon")
            .collect();
        let version = version(root, client)?;
        report.push(format!(
            "{} {version}: {} steps, {} operations",
            client.package,
            steps.len(),
            operations.len()
        ));
        exercised.push(json!({
            "client": client.package, "version": version, "steps": steps, "operations": operations,
        }));
    }
    // They may be missing if the run ended before.
    let _ = (std::fs::remove_file(saml), std::fs::remove_file(credential));
    let text = serde_json::to_string_pretty(&exercised).map_err(|error| error.to_string())? + "\n";
    let path = root.join(EXERCISED);
    if tools.write {
        std::fs::write(&path, text).map_err(|error| format!("{EXERCISED}: {error}"))?;
    } else if std::fs::read_to_string(&path).ok() != Some(text) {
        return Err(format!(
            "{EXERCISED} is not what was exercised: run `make conformance ARGS=--write`, then `make generate`"
        ));
    }
    Ok(report.join("\n"))
}

/// Makes a service app, and stores its credential.
async fn connect(root: &Path, http: &reqwest::Client, okta: &str, file: &Path) -> Result<(), String> {
    let _ = std::fs::remove_file(file);
    let owner = json!({ "owner": "superuser@demo.test" });
    let request = http.post(format!("{okta}/_emulator/api-tokens")).json(&owner).send().await;
    let answer = async { request?.error_for_status()?.json::<Value>().await };
    let token =
        answer.await.map_err(|error| error.to_string())?["token"].as_str().unwrap_or_default().to_owned();
    let to = format!("file:{}", file.display());
    let mut child = Command::new(root.join("target/debug/okta-dac"))
        // Both SDKs read RSA keys.
        .args([
            "connect",
            "service-app",
            "--org",
            okta,
            "--to",
            &to,
            "--preset",
            "dac-read",
            "--key",
            "rsa-2048",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(token.as_bytes()).map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("okta-dac connect failed: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// What the product does by itself when Okta tells of an event is no call of a client.
async fn hold_events(http: &reqwest::Client, okta: &str) -> Result<(), String> {
    let hold = json!({ "holdEvents": true });
    let answer = http.put(format!("{okta}/_emulator/settings")).json(&hold).send().await;
    answer.and_then(reqwest::Response::error_for_status).map(drop).map_err(|error| error.to_string())
}

async fn control(http: &reqwest::Client, method: &str, url: &str) -> Result<Value, String> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let answer = http.request(method, url).send().await.map_err(|error| error.to_string())?;
    let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The version that is pinned.
fn version(root: &Path, client: &Client) -> Result<String, String> {
    let text = std::fs::read_to_string(root.join(client.pinned_in))
        .map_err(|error| format!("{}: {error}", client.pinned_in))?;
    let in_requirements = || {
        let line = text.lines().find_map(|line| line.strip_prefix(client.package)?.strip_prefix("=="));
        line.map(str::to_owned)
    };
    let in_package = || {
        let package: Value = serde_json::from_str(&text).ok()?;
        Some(package["dependencies"][client.package].as_str()?.to_owned())
    };
    in_requirements().or_else(in_package).ok_or_else(|| format!("{} is not pinned", client.package))
}

/// What the clients exercised, for `docs/emulator.md`.
pub(crate) fn exercised(root: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(root.join(EXERCISED)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
