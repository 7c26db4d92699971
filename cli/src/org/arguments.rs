//! The command line of `org`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use url::Url;

use crate::api::stop::Code;
use crate::arguments::exit_codes;
use crate::connections::arguments::AdminToken;

/// `okta-dac org`.
#[derive(Debug, Args)]
#[command(after_help = exit_codes(Code::ALL.map(|(code, meaning)| (code.number(), meaning))))]
pub struct OrgCommand {
    /// What is to be done.
    #[command(subcommand)]
    pub what: Org,
}

/// What is done with an org.
#[derive(Debug, Subcommand)]
pub enum Org {
    /// Make what okta-dac needs in an org: group, app, authorization server, credentials
    Setup(Box<Setup>),
    /// Find what is not as it has to be, in the org and its deployment
    Doctor(Box<Doctor>),
    /// Take out what `setup` made
    Remove(Box<Remove>),
    /// Take over an org of the predecessor
    Migrate(Box<Migrate>),
    /// Let the API ask its authorizer anew for every request
    Flush(Flush),
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
}

/// `org setup`.
#[derive(Clone, Debug, Args)]
pub struct Setup {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ORG", value_name = "URL")]
    pub org: String,
    /// Origin of a web app that signs users in, such as https://app.example.com; several are allowed
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin, required = true)]
    pub origins: Vec<String>,
    /// Login of a superuser; several are allowed
    #[arg(long = "superuser", value_name = "LOGIN")]
    pub superusers: Vec<String>,
    /// Audience of the access tokens
    #[arg(long, value_name = "AUDIENCE", default_value = "api://okta-dac")]
    pub audience: String,
    /// Make the credentials of the functions, and keep them in Secrets Manager under names that
    /// begin so; also the secret of the hooks
    #[arg(long, value_name = "PREFIX")]
    pub secrets: Option<String>,
    /// Also what delegation needs: a type of users, a claim, a credential, and with `--api` the token
    /// hook
    #[arg(long, requires = "secrets")]
    pub delegation: bool,
    /// A type of users that is there for delegation (okta-managedaccess), instead of a new one
    #[arg(long, value_name = "NAME")]
    pub user_type: Option<String>,
    /// Also a credential for responses
    #[arg(long, requires = "secrets")]
    pub responses: bool,
    /// Also a credential for the rotation of passwords
    #[arg(long, requires = "secrets")]
    pub rotation: bool,
    /// ARN of the AWS Parameters and Secrets Lambda extension, for the region and the architecture of
    /// the deployment
    #[arg(long, value_name = "ARN")]
    pub layer: Option<String>,
    /// The file that `make deploy` reads; parameters that are known are put into it
    #[arg(long, value_name = "FILE", default_value = "samconfig.toml")]
    pub samconfig: PathBuf,
    /// The API's address (output `ApiUrl` of the stack), once the API is deployed: the hooks are
    /// made, and Okta verifies the event hook
    #[arg(long, value_name = "URL", value_parser = api, requires = "secrets")]
    pub api: Option<Url>,
    /// Take over objects of our names that somebody else made
    #[arg(long)]
    pub adopt: bool,
    /// Print what would be made in the org, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The bootstrap token.
    #[command(flatten)]
    pub token: Token,
}

/// `org doctor`.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ORG", value_name = "URL")]
    pub org: String,
    /// Read with the credential that `setup --secrets PREFIX` made for the doctor, instead of a token
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["fix", "token_stdin", "token_file", "keep_token"])]
    pub secrets: Option<String>,
    /// Also examine this stack of CloudFormation: its parameters, its tables, its API
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Fix what is safe
    #[arg(long)]
    pub fix: bool,
    /// Objects of our names that somebody else made were taken over
    #[arg(long)]
    pub adopt: bool,
    /// The token.
    #[command(flatten)]
    pub token: Token,
}

/// `org remove`.
#[derive(Clone, Debug, Args)]
pub struct Remove {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ORG", value_name = "URL")]
    pub org: String,
    /// Also take out the credentials and the hook secret whose names in Secrets Manager begin so
    #[arg(long, value_name = "PREFIX")]
    pub secrets: Option<String>,
    /// Also delete every tenant; each is confirmed
    #[arg(long)]
    pub with_tenants: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print what would be taken out, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The bootstrap token.
    #[command(flatten)]
    pub token: Token,
}

/// The predecessors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Predecessor {
    /// Tenants, their admins, apps, domains and identity providers
    OktaDac,
    /// Delegation from user to user
    OktaManagedaccess,
}

/// `org migrate`.
#[derive(Clone, Debug, Args)]
pub struct Migrate {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ORG", value_name = "URL")]
    pub org: String,
    /// What made the org
    #[arg(long, value_enum, default_value = "okta-dac")]
    pub from: Predecessor,
    /// Id of its app [default: the app called okta-dac]
    #[arg(long, value_name = "ID")]
    pub app: Option<String>,
    /// Id of its authorization server [default: the one with the claim `tenants`]
    #[arg(long, value_name = "ID")]
    pub server: Option<String>,
    /// Name of its type of users [default: the one with `delegatedAgents`]
    #[arg(long, value_name = "NAME")]
    pub user_type: Option<String>,
    /// Also narrow the claims that only the predecessor reads: nobody calls it any more
    #[arg(long)]
    pub finish: bool,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The bootstrap token.
    #[command(flatten)]
    pub token: Token,
}

/// `org flush`.
#[derive(Clone, Debug, Args)]
pub struct Flush {
    /// The stack of CloudFormation
    #[arg(long, value_name = "NAME", default_value = "okta-dac")]
    pub stack: String,
    /// Id of the API instead of a stack
    #[arg(long, value_name = "ID", conflicts_with = "stack")]
    pub api: Option<String>,
    /// Its stage
    #[arg(long, value_name = "NAME", default_value = "v1", requires = "api")]
    pub stage: String,
}

/// What Okta can call: HTTPS, or this machine.
fn api(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match (url.scheme() == "https" || is_local) && url.query().is_none() && url.fragment().is_none() {
        true => Ok(url),
        false => Err("Okta calls an HTTPS address without a query: the stack's output `ApiUrl`".to_owned()),
    }
}

/// Scheme, host and port, and nothing else.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let origin = url.origin().ascii_serialization();
    match origin == text.trim_end_matches('/') && ["http", "https"].contains(&url.scheme()) {
        true => Ok(origin),
        false => Err("an origin is scheme, host and port: https://app.example.com".to_owned()),
    }
}
