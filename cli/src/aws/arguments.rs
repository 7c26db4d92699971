//! The command line of `okta-dac aws`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Subcommand};
use url::Url;

use super::arn::RoleArn;
use super::format::Format;
use super::settings::Mode;
use super::vault::Store;

/// `okta-dac aws`.
#[derive(Debug, Args)]
pub struct AwsCommand {
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
    /// What is to be done.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every command. Each has a variable; a secret has neither.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder that stands for the home folder in every path
    #[arg(long, global = true, env = "OKTA_DAC_AWS_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// AWS's config file [default: AWS_CONFIG_FILE, ~/.aws/config]
    #[arg(long, global = true, env = "OKTA_DAC_AWS_AWS_CONFIG_FILE", value_name = "FILE")]
    pub aws_config_file: Option<PathBuf>,
    /// Write profiles into this credentials file instead, as `[name]`
    #[arg(long, global = true, env = "OKTA_DAC_AWS_AWS_CREDENTIALS_FILE_PATH", value_name = "FILE")]
    pub aws_credentials_file_path: Option<PathBuf>,
    /// Settings [default: ~/.config/okta-dac/aws.toml]
    #[arg(long, global = true, env = "OKTA_DAC_AWS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the org, where there are several
    #[arg(long, global = true, env = "OKTA_DAC_AWS_ORG", value_name = "NAME")]
    pub org: Option<String>,
    /// AWS region
    #[arg(long, global = true, env = "OKTA_DAC_AWS_REGION")]
    pub region: Option<String>,
    /// Factor to use: its type or its id, such as `push`
    #[arg(long, global = true, env = "OKTA_DAC_AWS_FACTOR")]
    pub factor: Option<String>,
    /// Id of the AWS app, where there are several
    #[arg(long, global = true, env = "OKTA_DAC_AWS_APP_ID", value_name = "ID")]
    pub app_id: Option<String>,
    /// Where the key of secrets is kept: `init` puts it there, other commands insist on it
    #[arg(long, global = true, env = "OKTA_DAC_AWS_STORE", value_enum)]
    pub store: Option<Store>,
    /// Ask nobody: fail with code 10 where a person is needed
    #[arg(long, global = true, env = "OKTA_DAC_AWS_NO_INPUT", value_parser = FalseyValueParser::new())]
    pub no_input: bool,
    /// Open a browser for the device flow
    #[arg(long, global = true, env = "OKTA_DAC_AWS_OPEN_BROWSER", value_parser = FalseyValueParser::new())]
    pub open_browser: bool,
    /// Seconds that the command may take: programs that call it give it 60
    #[arg(long, global = true, env = "OKTA_DAC_AWS_TIMEOUT", default_value_t = 50, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Say more on stderr: ids of requests
    #[arg(short, global = true, action = ArgAction::Count)]
    pub v: u8,
    /// The same by name: critical, error, warning, info or debug
    #[arg(
        long,
        global = true,
        env = "OKTA_DAC_AWS_VERBOSITY",
        ignore_case = true,
        value_enum,
        value_name = "LEVEL"
    )]
    pub verbosity: Option<Verbosity>,
}

impl Options {
    /// Whether details are wanted.
    pub fn verbose(&self) -> bool {
        self.v > 0 || matches!(self.verbosity, Some(Verbosity::Info | Verbosity::Debug))
    }
}

/// Levels of the predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Verbosity {
    /// Only what ends the command.
    Critical,
    /// The same.
    Error,
    /// Warnings.
    Warning,
    /// Details.
    Info,
    /// The same.
    Debug,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Set up an org: settings, secrets, a first sign-in
    Init(Box<Init>),
    /// Sign in, and write a profile for each role
    Refresh(Refresh),
    /// Print credentials of a role: for `credential_process`
    GetCred(GetCred),
    /// Print credentials of a role for a shell
    ExportCred(ExportCred),
    /// Print credentials of a role that is taken from another one
    AssumeRole(Box<AssumeRole>),
    /// Run a program with credentials in its environment
    Exec(Exec),
    /// Open AWS's console
    ///
    /// The browser gets the address as an argument: while it starts, whoever lists the
    /// processes of this machine sees a secret that is good for 15 minutes. `--link` prints
    /// the address instead.
    Console(ConsoleUrl),
    /// List roles, profiles and accounts
    List(List),
    /// Show session, credentials and where secrets are
    Status(Status),
    /// Forget sessions, tokens and credentials
    Logout(Logout),
}

/// `init`.
#[derive(Clone, Debug, Default, Args)]
pub struct Init {
    /// Address of the AWS app in Okta, or of the org
    #[arg(long, env = "OKTA_DAC_AWS_SSO_URL", value_name = "URL")]
    pub sso_url: Option<Url>,
    /// How to sign in [default: as the org says]
    #[arg(long, env = "OKTA_DAC_AWS_MODE", value_enum)]
    pub mode: Option<Mode>,
    /// OAuth client, for `device` and `m2m`
    #[arg(long, env = "OKTA_DAC_AWS_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Login
    #[arg(long, env = "OKTA_DAC_AWS_USERNAME")]
    pub username: Option<String>,
    /// Authorization server, for `m2m`
    #[arg(long, env = "OKTA_DAC_AWS_AUTHZ_ID", value_name = "ID")]
    pub authz_id: Option<String>,
    /// Scope, for `m2m`
    #[arg(long, env = "OKTA_DAC_AWS_SCOPE")]
    pub scope: Option<String>,
    /// Id of the private key, for `m2m`
    #[arg(long, env = "OKTA_DAC_AWS_KEY_ID", value_name = "ID")]
    pub key_id: Option<String>,
    /// File of the private key, for `m2m`
    #[arg(long, env = "OKTA_DAC_AWS_PRIVATE_KEY_FILE", value_name = "FILE")]
    pub private_key_file: Option<PathBuf>,
    /// Read settings and secrets as one JSON object from stdin
    #[arg(long)]
    pub stdin_json: bool,
    /// Take over the settings of okta-aws-cred-helper
    #[arg(long)]
    pub import_old: bool,
    /// Delete those settings afterwards: they have secrets in plain text
    #[arg(long, requires = "import_old")]
    pub delete_old: bool,
    /// Do not try the sign-in
    #[arg(long)]
    pub no_verify: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `refresh`.
#[derive(Clone, Debug, Args)]
pub struct Refresh {
    /// What names of profiles begin with
    #[arg(long, default_value = "okta-", conflicts_with = "profile_template")]
    pub prefix: String,
    /// What names of profiles are made of: {alias} {account} {idp} {path} {role} {org} {partition}
    #[arg(long, env = "OKTA_DAC_AWS_PROFILE_TEMPLATE", value_name = "TEMPLATE")]
    pub profile_template: Option<String>,
    /// Only these roles: ARNs or parts of them, with `*`
    #[arg(long, value_name = "GLOB")]
    pub role: Vec<String>,
    /// Leave profiles of withdrawn roles in the file
    #[arg(long)]
    pub no_prune: bool,
    /// Take profiles of withdrawn roles out of the file; this is the default
    #[arg(long, conflicts_with = "no_prune")]
    pub prune: bool,
    /// Write the credentials themselves instead of a credential_process
    #[arg(long)]
    pub write_static: bool,
    /// Take keys out of our profiles that are in the way
    #[arg(long)]
    pub replace_static: bool,
    /// Sign in, print the difference to the file, and leave the file as it is
    #[arg(long)]
    pub dry_run: bool,
    /// Seconds that credentials shall live
    #[arg(long, value_parser = clap::value_parser!(u32).range(900..=43_200))]
    pub duration: Option<u32>,
}

/// Which role.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// ARN of the role
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,
    /// Profile of ours in AWS's file
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `get-cred`.
#[derive(Clone, Debug, Args)]
pub struct GetCred {
    /// The role
    #[command(flatten)]
    pub which: Which,
    /// Format of stdout
    #[arg(long, value_enum, default_value_t = Format::Process)]
    pub format: Format,
    /// Add `AccountId` to JSON
    #[arg(long)]
    pub account_id: bool,
    /// Seconds that credentials shall live
    #[arg(long, value_parser = clap::value_parser!(u32).range(900..=43_200))]
    pub duration: Option<u32>,
    /// Fetch new credentials
    #[arg(long)]
    pub no_cache: bool,
    /// Print old credentials with so many seconds left where new ones cannot be had
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub max_stale: u32,
}

/// `export-cred`.
#[derive(Clone, Debug, Args)]
pub struct ExportCred {
    /// The role
    #[command(flatten)]
    pub which: Which,
    /// The shell [default: that of SHELL]
    #[arg(long, value_enum)]
    pub shell: Option<Format>,
    /// Add AWS_SECURITY_TOKEN
    #[arg(long)]
    pub legacy: bool,
}

/// Where a chain begins.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct From {
    /// ARN of the role that Okta grants
    #[arg(long, value_name = "ARN")]
    pub from_role_arn: Option<RoleArn>,
    /// Profile of that role
    #[arg(long, value_name = "NAME")]
    pub from_profile: Option<String>,
}

/// `assume-role`.
#[derive(Clone, Debug, Args)]
pub struct AssumeRole {
    /// The first role
    #[command(flatten)]
    pub from: From,
    /// The role to take; several are taken one after another
    #[arg(long, required = true, value_name = "ARN")]
    pub to_role_arn: Vec<RoleArn>,
    /// External id that the role's owner asked for
    #[arg(long)]
    pub external_id: Option<String>,
    /// Seconds that credentials shall live: an hour at most
    #[arg(long, value_parser = clap::value_parser!(u32).range(900..=43_200))]
    pub duration: Option<u32>,
    /// Name of the session [default: the user]
    #[arg(long)]
    pub session_name: Option<String>,
    /// Session tag, `Key=Value`
    #[arg(long, value_name = "K=V", value_parser = tag)]
    pub tag: Vec<(String, String)>,
    /// Key of a tag that goes on to further roles
    #[arg(long, value_name = "K")]
    pub transitive_tag: Vec<String>,
    /// Source identity
    #[arg(long)]
    pub source_identity: Option<String>,
    /// File with an inline policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// ARN of a managed policy
    #[arg(long, value_name = "ARN")]
    pub policy_arn: Vec<String>,
    /// Device whose code AWS wants; the code is asked for
    #[arg(long, value_name = "ARN")]
    pub mfa_serial: Option<String>,
    /// Format of stdout
    #[arg(long, value_enum, default_value_t = Format::Process)]
    pub format: Format,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or_else(|| format!("`{text}` is no tag: Key=Value"))?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

/// `exec`.
#[derive(Clone, Debug, Args)]
pub struct Exec {
    /// The role
    #[command(flatten)]
    pub which: Which,
    /// Roles that are taken with it, one after another
    #[arg(long, value_name = "ARN")]
    pub chain: Vec<RoleArn>,
    /// Leave AWS_PROFILE in the environment
    #[arg(long)]
    pub keep_profile: bool,
    /// Program and arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub program: Vec<std::ffi::OsString>,
}

/// `console`.
#[derive(Clone, Debug, Args)]
pub struct ConsoleUrl {
    /// The role
    #[command(flatten)]
    pub which: Which,
    /// Service to open, such as `s3`
    #[arg(long)]
    pub service: Option<String>,
    /// Path within the console, instead of a service
    #[arg(long, conflicts_with = "service")]
    pub path: Option<String>,
    /// Seconds that the console's session shall live
    #[arg(long, value_parser = clap::value_parser!(u32).range(900..=43_200))]
    pub session_duration: Option<u32>,
    /// Roles that are taken with it, one after another
    #[arg(long, value_name = "ARN")]
    pub chain: Vec<RoleArn>,
    /// Print the address instead of opening it: a secret for 15 minutes
    #[arg(long)]
    pub link: bool,
    /// Browser to open
    #[arg(long, value_name = "COMMAND")]
    pub browser: Option<String>,
}

/// `list`.
#[derive(Clone, Debug, Args)]
pub struct List {
    /// Ask Okta, instead of printing what the last sign-in had
    #[arg(long)]
    pub online: bool,
}

/// `status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// Only the exit code: 0, or 20 without credentials
    #[arg(long)]
    pub check: bool,
    /// Ask AWS whose the credentials are
    #[arg(long)]
    pub online: bool,
}

/// `logout`.
#[derive(Clone, Debug, Args)]
pub struct Logout {
    /// Forget password, seed and keys as well, of every org
    #[arg(long)]
    pub all: bool,
    /// With `--all`: do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print what would be forgotten, and forget nothing
    #[arg(long)]
    pub dry_run: bool,
}
