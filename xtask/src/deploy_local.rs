//! `make deploy-local`: deploys the template to MiniStack, an emulator of AWS,
//! on this machine, and calls the deployment.
//!
//! The functions reach the emulator's Okta and the local stack's secrets
//! extension on the loopback address. What MiniStack does differently from AWS
//! is listed in docs/deploying.md.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use operations::OPERATIONS;
use serde_json::{Value, json};

use crate::local_stack;
use crate::running::{Running, ministack_on};

/// What MiniStack prints, and the functions that it runs.
const MINISTACK_LOG: &str = "target/ministack.log";

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
    // The tools run in another folder.
    let tools = &DeployLocal { sam: root.join(&tools.sam), ministack: root.join(&tools.ministack) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|error| error.to_string())?.block_on(run(root, tools));
    result.map_err(|error| {
        let log = std::fs::read_to_string(root.join(MINISTACK_LOG)).unwrap_or_default();
        format!("{error}\nthe end of {MINISTACK_LOG}:\n{}", tail(&log))
    })
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
        root,
        tools,
        port,
        addresses["runtimeEnvironment"]["AWS_SESSION_TOKEN"].as_str().unwrap_or_default(),
    )?;
    wait_for(&http, &format!("{aws}/_ministack/health")).await?;
    deploy(&package(root)?, tools, &aws, &parameters(&addresses))?;
    let api = adapt(&http, &aws).await?;

    let token = async |login: &str| {
        let body = json!({ "login": login }).to_string();
        let answer = call(&http, "POST", &format!("{okta}/_emulator/token"), None, Some(body)).await?.1;
        Ok::<_, String>(answer["access_token"].as_str().unwrap_or_default().to_owned())
    };
    let base = format!("{aws}/_aws/execute-api/{api}/v1");
    let mut report = Vec::new();
    for Call { login, method, path, body, expected } in calls() {
        let token = token(login).await?;
        let body = body.map(|body| body.to_string());
        let (status, answer) = call(&http, method, &format!("{base}{path}"), Some(&token), body).await?;
        let line = format!("{status} {method} {path} as {login}: {answer}");
        let (expected, pointer, text) = expected;
        let told = answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if status != expected || !told.contains(text) {
            return Err(format!("expected {expected} with `{text}` in {pointer}, got {line}"));
        }
        report.push(line);
    }
    Ok(report.join("\n"))
}

/// A call of the deployment, and what it must answer: a status, and a text in a member
/// of the body. The status alone could be somebody else's.
struct Call {
    login: &'static str,
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    expected: (u16, &'static str, &'static str),
}

fn calls() -> [Call; 5] {
    let superuser = "superuser@demo.test";
    let get = |login, expected| Call { login, method: "GET", path: "/tenants/acme", body: None, expected };
    let add = |name: &str, expected| {
        let body = Some(json!({ "name": name }));
        Call { login: superuser, method: "POST", path: "/tenants", body, expected }
    };
    [
        get("admin@acme.test", (200, "/name", "acme")),
        get("admin@globex.test", (403, "/Message", "not authorized")),
        add("initech", (201, "/name", "initech")),
        add("in/itech", (400, "/code", "invalid-request")),
        Call {
            login: superuser,
            method: "DELETE",
            path: "/tenants/initech",
            body: None,
            expected: (204, "", ""),
        },
    ]
}

/// What is deployed: the template, and the functions as `cargo build` made them for the
/// local stack, without what is for debuggers. Not in `target/lambda`, where stands
/// what is deployed to AWS.
fn package(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/deploy-local");
    let failed = |error: &dyn std::fmt::Display| format!("target/deploy-local: {error}");
    for operation in OPERATIONS {
        let function = folder.join("functions").join(operation.name);
        std::fs::create_dir_all(&function).map_err(|error| failed(&error))?;
        let program = root.join("target/debug").join(operation.name);
        let strip = Command::new("strip").arg("-o").arg(function.join("bootstrap")).arg(&program).output();
        let strip = strip.map_err(|error| format!("strip does not start: {error}"))?;
        if !strip.status.success() {
            return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&strip.stderr)));
        }
    }
    let template = std::fs::read_to_string(root.join("template.yaml")).map_err(|error| failed(&error))?;
    let template = template.replace("CodeUri: target/lambda/", "CodeUri: functions/");
    let path = folder.join("template.yaml");
    std::fs::write(&path, template).map_err(|error| failed(&error))?;
    Ok(path)
}

fn start_ministack(
    root: &Path,
    tools: &DeployLocal,
    port: u16,
    session_token: &str,
) -> Result<Running, String> {
    let path = root.join(MINISTACK_LOG);
    let open = || std::fs::File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
    let (output, errors) = open().map_err(|error| format!("{MINISTACK_LOG}: {error}"))?;
    Running::guarded(&tools.ministack, &[], |command| {
        ministack_on(command, port)
            .env("MINISTACK_HOST", "127.0.0.1")
            // It hands these two to the functions, but only if it has them itself. The
            // first is shown to the secrets extension; without the second the functions
            // would ask the real DynamoDB.
            .env("AWS_SESSION_TOKEN", session_token)
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .stdout(output)
            .stderr(errors);
    })
}

/// The end of what a tool said.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
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

fn deploy(template: &Path, tools: &DeployLocal, aws: &str, parameters: &[String]) -> Result<(), String> {
    let output = Command::new(&tools.sam)
        .current_dir(template.parent().unwrap_or(template))
        .env("AWS_ENDPOINT_URL", aws)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SAM_CLI_TELEMETRY", "0")
        .args(["deploy", "--stack-name", "okta-dac", "--resolve-s3", "--no-confirm-changeset"])
        .args(["--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--parameter-overrides"])
        .args(parameters)
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Err(format!("sam deploy failed, {}:\n{}", output.status, tail(&String::from_utf8_lossy(&said))))
        }
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
