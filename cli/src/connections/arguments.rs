//! The command lines of `connect` and `connection`.

use std::path::PathBuf;

use ::connections::address::Address;
use ::connections::key::KeyKind;
use ::connections::sink::Sink;
use ::connections::stop::Code;
use clap::{Args, Subcommand};

use crate::arguments::exit_codes;

/// `okta-dac connect`.
#[derive(Debug, Args)]
#[command(after_help = exit_codes(Code::ALL.map(|(code, meaning)| (code.number(), meaning))))]
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
    /// Install an integration of Okta's catalogue, and keep its secret
    ApiService(ApiService),
    /// Check an API token, say what it may do, and keep it
    ApiToken(ApiToken),
}

/// `okta-dac connection`.
#[derive(Debug, Args)]
#[command(after_help = exit_codes(Code::ALL.map(|(code, meaning)| (code.number(), meaning))))]
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
    /// Replace the key of a service app, without a failed request
    RotateKey(Rotate),
    /// Replace the secret of a service integration, without a failed request
    RotateSecret(Rotate),
    /// Change scopes and role of a service app, without a failed request
    Upgrade(Upgrade),
    /// Stop a connection at once; everything is kept
    Revoke(End),
    /// Take a connection out, with its credential
    Uninstall(End),
    /// List the connections that okta-dac made in an org
    List(List),
}

/// Where the bootstrap token comes from, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct Token {
    /// Where it comes from.
    #[command(flatten)]
    pub given: AdminToken,
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
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Rights: read-only, read-only-custom, logs, response, rotation, dac, dac-read, dac-delegation
    #[arg(long, env = "OKTA_DAC_CONNECT_PRESET", value_name = "NAME", default_value = "read-only")]
    pub preset: String,
    /// For read-only: a custom role instead of Okta's read-only administrator
    #[arg(long)]
    pub custom_role: bool,
    /// Label of the app [default: okta-dac PRESET]
    #[arg(long, env = "OKTA_DAC_CONNECT_NAME")]
    pub name: Option<String>,
    /// Kind of the key: rsa-3072, rsa-2048 or p-256
    #[arg(long, env = "OKTA_DAC_CONNECT_KEY", value_name = "KIND", default_value_t)]
    pub key: KeyKind,
    /// Address at which Okta reads the public keys, instead of keeping them; they are written
    /// beside the credential
    #[arg(long, env = "OKTA_DAC_CONNECT_JWKS_URI", value_name = "URL")]
    pub jwks_uri: Option<Address>,
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

/// Where a connection is.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_CONNECT_ORG", value_name = "URL")]
    pub org: String,
    /// Where the credential is: file:PATH, secretsmanager:NAME or ssm:/NAME
    #[arg(long, env = "OKTA_DAC_CONNECT_TO", value_name = "PLACE")]
    pub to: Sink,
}

/// Where the token of a super admin comes from. It is never an argument.
#[derive(Clone, Debug, Args)]
pub struct AdminToken {
    /// Read the super admin's API token from stdin [default where stdin is no terminal]
    #[arg(long, conflicts_with = "token_file")]
    pub token_stdin: bool,
    /// Read it from a file that nobody else may read
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// `connect api-service`.
#[derive(Clone, Debug, Args)]
pub struct ApiService {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Kind of the integration in Okta's catalogue
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: String,
    /// Scopes, by preset
    #[arg(long, env = "OKTA_DAC_CONNECT_PRESET", value_name = "NAME", default_value = "read-only")]
    pub preset: String,
    /// Do not revoke the bootstrap token in the end
    #[arg(long)]
    pub keep_token: bool,
    /// Print the plan, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The bootstrap token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connect api-token`.
#[derive(Clone, Debug, Args)]
pub struct ApiToken {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// The token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connection rotate-key`, `connection rotate-secret`.
#[derive(Clone, Debug, Args)]
pub struct Rotate {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Kind of a new key: rsa-3072, rsa-2048 or p-256
    #[arg(long, env = "OKTA_DAC_CONNECT_KEY", value_name = "KIND", default_value_t)]
    pub key: KeyKind,
    /// Seconds for which both are good: readers keep a credential for five minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(300..=86_400))]
    pub overlap: u64,
    /// Finish a rotation that was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Delete the old one too, instead of at the next rotation
    #[arg(long)]
    pub delete_old: bool,
    /// Print the plan, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connection upgrade`.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true, args = ["preset", "add_scope", "drop_scope"])]
pub struct Upgrade {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// The scopes and the role of this preset, and no others
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// One more scope
    #[arg(long, value_name = "SCOPE")]
    pub add_scope: Vec<String>,
    /// A scope less
    #[arg(long, value_name = "SCOPE")]
    pub drop_scope: Vec<String>,
    /// Whom a custom role is for: all, or group:ID
    #[arg(long, value_name = "WHOM", default_value = "all", value_parser = users)]
    pub users: String,
    /// Seconds for which what is dropped is still good: readers keep a credential for five minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(300..=86_400))]
    pub overlap: u64,
    /// Print the plan, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connection revoke`, `connection uninstall`.
#[derive(Clone, Debug, Args)]
pub struct End {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print the plan, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connection list`.
#[derive(Clone, Debug, Args)]
pub struct List {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_CONNECT_ORG", value_name = "URL")]
    pub org: String,
    /// The token.
    #[command(flatten)]
    pub token: AdminToken,
}

/// `connection verify`.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// Where.
    #[command(flatten)]
    pub place: Place,
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
