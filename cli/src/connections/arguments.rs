//! The command lines of `connect` and `connection`.

use std::path::PathBuf;

use ::connections::key::KeyKind;
use ::connections::sink::Sink;
use clap::{Args, Subcommand};

/// `okta-dac connect`.
#[derive(Debug, Args)]
pub struct ConnectCommand {
    /// What is to be made.
    #[command(subcommand)]
    pub what: Connect,
}

/// Ways to connect a tool.
#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Make an OAuth service app with least privilege, and prove it
    ServiceApp(Box<ServiceApp>),
}

/// `okta-dac connection`.
#[derive(Debug, Args)]
pub struct ConnectionCommand {
    /// What is to be done.
    #[command(subcommand)]
    pub what: Connection,
}

/// What is done with a connection.
#[derive(Debug, Subcommand)]
pub enum Connection {
    /// Try the stored credential, in what it may and may not do
    Verify(Verify),
}

/// Where the bootstrap token comes from, and where it goes. It is never an argument.
#[derive(Clone, Debug, Args)]
pub struct Token {
    /// Read the super admin's API token from stdin [default where stdin is no terminal]
    #[arg(long, conflicts_with = "token_file")]
    pub token_stdin: bool,
    /// Read it from a file that nobody else may read
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Do not revoke it in the end
    #[arg(long)]
    pub keep_token: bool,
    /// Revoke it also where the run fails
    #[arg(long, conflicts_with = "keep_token")]
    pub always_revoke: bool,
}

/// `connect service-app`.
#[derive(Clone, Debug, Args)]
pub struct ServiceApp {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_CONNECT_ORG", value_name = "URL")]
    pub org: String,
    /// Rights: read-only, logs, response, rotation, dac, dac-read, dac-delegation
    #[arg(long, env = "OKTA_DAC_CONNECT_PRESET", value_name = "NAME", default_value = "read-only")]
    pub preset: String,
    /// Label of the app [default: okta-dac PRESET]
    #[arg(long, env = "OKTA_DAC_CONNECT_NAME")]
    pub name: Option<String>,
    /// Where the credential goes: file:PATH
    #[arg(long, env = "OKTA_DAC_CONNECT_TO", value_name = "PLACE")]
    pub to: Sink,
    /// Kind of the key: rsa-3072, rsa-2048 or p-256
    #[arg(long, env = "OKTA_DAC_CONNECT_KEY", value_name = "KIND", default_value_t)]
    pub key: KeyKind,
    /// Whom a custom role is for: all, or group:ID
    #[arg(long, env = "OKTA_DAC_CONNECT_USERS", value_name = "WHOM", default_value = "all", value_parser = users)]
    pub users: String,
    /// Take over an app of this name that somebody else made
    #[arg(long)]
    pub adopt: bool,
    /// Print the plan, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The bootstrap token.
    #[command(flatten)]
    pub token: Token,
}

/// `connection verify`.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_CONNECT_ORG", value_name = "URL")]
    pub org: String,
    /// Where the credential is: file:PATH
    #[arg(long, env = "OKTA_DAC_CONNECT_TO", value_name = "PLACE")]
    pub to: Sink,
    /// What the connection is to be
    #[arg(long, env = "OKTA_DAC_CONNECT_PRESET", value_name = "NAME", default_value = "read-only")]
    pub preset: String,
}

fn users(text: &str) -> Result<String, String> {
    let id = text
        .strip_prefix("group:")
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if text == "all" || id.is_some() {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is neither all nor group:ID"))
    }
}
