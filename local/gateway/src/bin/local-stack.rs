//! `make run`: the local stack in the terminal.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use gateway::{Stack, StackOptions};
use okta_emulator::{DEMO_ORG, Seed, TokenRequest};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// okta-dac on this machine: API, functions, DynamoDB, an Okta emulator. No Okta
/// org, no AWS account, no Docker.
#[derive(Parser)]
struct Arguments {
    /// Port of the API; 0 picks a free one.
    #[arg(long, env = "API_PORT", default_value_t = 3000)]
    api_port: u16,
    /// Port of Lambda's APIs.
    #[arg(long, env = "LAMBDA_PORT", default_value_t = 9001)]
    lambda_port: u16,
    /// Port of the Okta emulator.
    #[arg(long, env = "OKTA_PORT", default_value_t = 8700)]
    okta_port: u16,
    /// Port of DynamoDB.
    #[arg(long, env = "DYNAMODB_PORT", default_value_t = 8000)]
    dynamodb_port: u16,
    /// Port of the AWS emulator: STS, IAM and the sign-in host.
    #[arg(long, env = "AWS_PORT", default_value_t = 4600)]
    aws_port: u16,
    /// Keep DynamoDB's tables in this folder instead of in memory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Processes of one function at most.
    #[arg(long, default_value_t = 4)]
    concurrency: usize,
    /// Status of API Gateway's answer where a function's reserved concurrency is used up.
    #[arg(long, default_value_t = 500)]
    throttled_status: u16,
    /// Let schedules fire by themselves; without this only
    /// `POST /_local/schedules/{name}` fires one.
    #[arg(long)]
    schedules: bool,
    /// Seed of the org instead of the demo org.
    #[arg(long)]
    seed: Option<PathBuf>,
    /// An org that nobody prepared for okta-dac: users and apps, and nothing of ours.
    #[arg(long)]
    unprepared: bool,
    /// A parameter of the template, such as `DiscoveryBy=webfinger`; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// Seed of the AWS accounts instead of the demo accounts.
    #[arg(long)]
    accounts: Option<PathBuf>,
    /// Load the org's state from this file if it exists, and save it on exit.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The template.
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Folder with the functions' binaries.
    #[arg(long, default_value = "target/debug")]
    bin_dir: PathBuf,
    /// Print one JSON object with addresses and template parameters instead of
    /// the table.
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("make run: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let seed = |path: &Option<PathBuf>, demo: &str| match path {
        None => Ok(demo.to_owned()),
        Some(path) => {
            std::fs::read_to_string(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
        }
    };
    let org = seed(&arguments.seed, DEMO_ORG)?;
    let org = Seed::parse(&org).map_err(|e| e.to_string())?;
    let accounts = seed(&arguments.accounts, aws_emulator::DEMO_ACCOUNT)?;
    let cli = std::path::absolute(arguments.bin_dir.join("okta-dac")).map_err(|e| e.to_string())?;
    let options = StackOptions {
        api_port: arguments.api_port,
        lambda_port: arguments.lambda_port,
        okta_port: arguments.okta_port,
        dynamodb_port: arguments.dynamodb_port,
        aws_port: arguments.aws_port,
        data: arguments.data,
        template: arguments.template,
        bin_dir: arguments.bin_dir,
        concurrency: arguments.concurrency,
        throttled_status: arguments.throttled_status,
        schedules: arguments.schedules,
        seed: if arguments.unprepared { org.unprepared() } else { org },
        accounts: aws_emulator::Seed::parse(&accounts).map_err(|e| e.to_string())?,
        state_file: arguments.state,
        secret: None,
        hook_secret: None,
        secrets: Default::default(),
        response_rules: None,
        parameters: arguments.parameter.into_iter().collect(),
        log: Arc::new(|binary, line| eprintln!("{binary}: {line}")),
    };
    let stack = Stack::start(options).await.map_err(|e| e.to_string())?;
    if arguments.json {
        print_json(&stack, &cli);
    } else {
        print_table(&stack);
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.map_err(|e| e.to_string())?,
        _ = terminate.recv() => {}
    }
    stack.okta.save().map_err(|e| e.to_string())
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn print_json(stack: &Stack, cli: &Path) {
    let addresses = json!({
        "api": stack.api_url(), "lambda": stack.lambda_url(), "okta": stack.okta.url(),
        "dynamodb": stack.dynamodb_url(), "aws": stack.aws.url(), "cli": cli, "parameters": stack.parameters(),
        "runtimeEnvironment": stack.runtime_environment(), "hookSecret": gateway::HOOK_SECRET, "triggers": stack.triggers(),
    });
    println!("{addresses}");
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn print_table(stack: &Stack) {
    let (api, lambda, okta) = (stack.api_url(), stack.lambda_url(), stack.okta.url());
    println!("ready\n");
    let (dynamodb, aws) = (stack.dynamodb_url(), stack.aws.url());
    println!(
        "  API        {api}\n  Lambda     {lambda}\n  Okta       {okta}\n  DynamoDB   {dynamodb}\n  AWS        {aws}\n"
    );
    println!("  superuser@demo.test   may do everything");
    println!("  admin@acme.test       admin of the tenant acme");
    println!("  admin@globex.test     admin of the tenant globex\n");
    let login = TokenRequest { login: "admin@acme.test".to_owned(), ..TokenRequest::default() };
    if stack.okta.access_token(&login).is_err() {
        return; // Another seed: its users are its own.
    }
    println!(
        "  token() {{ curl -s {okta}/_emulator/token -d \"{{\\\"login\\\":\\\"$1\\\"}}\" | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'; }}"
    );
    let bearer = |login: &str| format!("-H \"Authorization: Bearer $(token {login})\"");
    println!("  curl -i {api}/tenants/acme {}", bearer("admin@acme.test"));
    println!("  curl -i {api}/tenants/acme {}", bearer("admin@globex.test"));
    let create = "-H 'Content-Type: application/json' -d '{\"name\":\"initech\"}'";
    println!("  curl -i {api}/tenants {} {create}\n", bearer("superuser@demo.test"));
    println!("  Ctrl-C stops everything.");
}
