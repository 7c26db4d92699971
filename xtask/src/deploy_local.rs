//! `make deploy-local`: deploys the template to MiniStack, an emulator of AWS,
//! on this machine, and calls the deployment.
//!
//! The functions reach the emulator's Okta and the local stack's secrets
//! extension on the loopback address. What MiniStack does differently from AWS
//! is listed in docs/deploying.md.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::local_stack::{self, Running};

/// The tools to deploy with.
#[derive(Clone, Debug, Args)]
pub struct DeployLocal {
    /// The SAM CLI.
    #[arg(long)]
    pub sam: PathBuf,
    /// MiniStack.
    #[arg(long)]
    pub ministack: PathBuf,
}

/// Deploys, calls, and stops everything; gives what was answered.
///
/// # Errors
///
/// A sentence.
pub fn deploy_local(root: &Path, tools: &DeployLocal) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(run(root, tools))
}

async fn run(root: &Path, tools: &DeployLocal) -> Result<String, String> {
    let (_stack, addresses) = local_stack::start(root)?;
    let address = |name: &str| addresses[name].as_str().unwrap_or_default().to_owned();
    let okta = address("okta");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.map_err(|error| error.to_string())?.port();
    let aws = format!("http://127.0.0.1:{port}");
    let http = run_kit::http_client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    let _ministack = start_ministack(
        tools,
        port,
        addresses["runtimeEnvironment"]["AWS_SESSION_TOKEN"].as_str().unwrap_or_default(),
    )?;
    wait_for(&http, &format!("{aws}/_ministack/health")).await?;
    deploy(root, tools, &aws, &parameters(&addresses))?;
    let api = adapt(&http, &aws).await?;

    let token = async |login: &str| {
        let body = json!({ "login": login }).to_string();
        let answer = call(&http, "POST", &format!("{okta}/_emulator/token"), None, Some(body)).await?.1;
        Ok::<_, String>(answer["access_token"].as_str().unwrap_or_default().to_owned())
    };
    let base = format!("{aws}/_aws/execute-api/{api}/v1");
    let mut report = Vec::new();
    for (login, method, path, body, expected) in [
        ("admin@acme.test", "GET", "/tenants/acme", None, 200),
        ("admin@globex.test", "GET", "/tenants/acme", None, 403),
        ("superuser@demo.test", "POST", "/tenants", Some(json!({ "name": "initech" })), 201),
        ("superuser@demo.test", "POST", "/tenants", Some(json!({ "name": "in/itech" })), 400),
        // MiniStack cannot flush the authorizer's cache.
        ("superuser@demo.test", "DELETE", "/tenants/initech", None, 503),
    ] {
        let token = token(login).await?;
        let body = body.map(|body| body.to_string());
        let (status, answer) = call(&http, method, &format!("{base}{path}"), Some(&token), body).await?;
        let line = format!("{status} {method} {path} as {login}: {answer}");
        if status != expected {
            return Err(format!("expected {expected}, got {line}"));
        }
        report.push(line);
    }
    Ok(report.join("\n"))
}

fn start_ministack(tools: &DeployLocal, port: u16, session_token: &str) -> Result<Running, String> {
    let child = Command::new(&tools.ministack)
        // Without these two it listens on all interfaces.
        .env("BIND_HOST", "127.0.0.1")
        .env("IOT_MTLS_ENABLED", "0")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        // It hands this to the functions, who show it to the secrets extension.
        .env("AWS_SESSION_TOKEN", session_token)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.map(Running).map_err(|error| format!("{} does not start: {error}", tools.ministack.display()))
}

async fn wait_for(http: &reqwest::Client, url: &str) -> Result<(), String> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("MiniStack does not answer within 30 s".to_owned())
}

/// The parameters that the local stack runs with, for this machine's functions.
fn parameters(stack: &Value) -> Vec<String> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let values = stack["parameters"].as_object().into_iter().flatten();
    let values = values.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    values.chain([format!("Architecture={architecture}")]).collect()
}

fn deploy(root: &Path, tools: &DeployLocal, aws: &str, parameters: &[String]) -> Result<(), String> {
    let status = Command::new(&tools.sam)
        .current_dir(root)
        .env("AWS_ENDPOINT_URL", aws)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SAM_CLI_TELEMETRY", "0")
        .args(["deploy", "--stack-name", "okta-dac", "--resolve-s3", "--no-confirm-changeset"])
        .args(["--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--parameter-overrides"])
        .args(parameters)
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("sam deploy failed: {status}")),
        Err(error) => Err(format!("{} does not start: {error}", tools.sam.display())),
    }
}

/// MiniStack knows no identity source `context.path`, and counts it as missing:
/// here the authorizer is asked for every request instead. Gives the API's id.
async fn adapt(http: &reqwest::Client, aws: &str) -> Result<String, String> {
    let apis = call(http, "GET", &format!("{aws}/restapis"), None, None).await?.1;
    let api = apis["item"][0]["id"].as_str().ok_or("there is no API after the deployment")?.to_owned();
    let url = format!("{aws}/restapis/{api}/authorizers");
    let authorizers = call(http, "GET", &url, None, None).await?.1;
    let authorizer =
        authorizers["item"][0]["id"].as_str().ok_or("there is no authorizer after the deployment")?;
    let change = json!({ "patchOperations": [
        { "op": "replace", "path": "/identitySource", "value": "method.request.header.Authorization" },
        { "op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0" },
    ] });
    call(http, "PATCH", &format!("{url}/{authorizer}"), None, Some(change.to_string())).await?;
    Ok(api)
}

async fn call(
    http: &reqwest::Client,
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<String>,
) -> Result<(u16, Value), String> {
    let method = method.parse().map_err(|_| format!("{method} is no method"))?;
    let mut request = http.request(method, url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = request.body(body.unwrap_or_default()).send().await.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
