//! The whole stack: Okta emulator, Lambda, API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aws_emulator::AwsEmulator;
use okta_emulator::{Emulator, EventHookSeed, HookSeed, Seed};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::aws::{ACCOUNT, HOOK_SECRET, HOOK_SECRET_ARN, SECRET_ARN, USER_SECRET_ARN, runtime_environment};
use crate::deployment::Deployment;
use crate::dynamodb::{self, Front};
use crate::intrinsics::TemplateError;
use crate::lambda::{Lambda, LogSink};
use crate::rest;
use crate::tables::Tables;
use crate::template::Template;
use crate::triggers;

/// Where the keys of the connection `demo` are published, and a set of them: the key of
/// RFC 7515, appendix A.3.
const CONNECTION_KEYS: &str = "okta-dac/connections/demo/jwks";
const DEMO_KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"demo","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// The app whose tokens are asked about.
/// The value of the secret with a user's password.
const DEMO_USER: &str = r#"{"username":"user@acme.test","password":"Demo-Passw0rd"}"#;

/// Id of its version.
const DEMO_VERSION: &str = "00000000-0000-4000-8000-000000000001";

/// Name of the parameter with the rules for responses.
const RESPONSE_RULES: &str = "/okta-dac/response-rules";

const DELEGATION_DEMO: &str = "Delegation demo";

/// The events that the function `end-user-rights` is told of.
pub const EVENT_HOOK_EVENTS: [&str; 7] = [
    "group.application_assignment.remove",
    "group.lifecycle.delete",
    "group.privilege.revoke",
    "group.user_membership.remove",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "user.lifecycle.suspend",
];

/// How to start a stack. Ports are on the loopback address; 0 picks a free one.
#[derive(Clone)]
pub struct StackOptions {
    /// Port of the API.
    pub api_port: u16,
    /// Port of Lambda.
    pub lambda_port: u16,
    /// Port of the Okta emulator.
    pub okta_port: u16,
    /// Port of DynamoDB.
    pub dynamodb_port: u16,
    /// Port of the AWS emulator.
    pub aws_port: u16,
    /// Folder of DynamoDB's file; in memory without one.
    pub data: Option<PathBuf>,
    /// `template.yaml`.
    pub template: PathBuf,
    /// Folder with the functions' binaries.
    pub bin_dir: PathBuf,
    /// Processes of one function at most.
    pub concurrency: usize,
    /// Status of API Gateway's answer where a function's reserved concurrency is used up:
    /// not documented; 500 as far as is known.
    pub throttled_status: u16,
    /// Whether schedules fire by themselves.
    pub schedules: bool,
    /// The org.
    pub seed: Seed,
    /// The AWS accounts.
    pub accounts: aws_emulator::Seed,
    /// State file of the org.
    pub state_file: Option<PathBuf>,
    /// What Secrets Manager has instead of the seed's API token.
    pub secret: Option<String>,
    /// What it has of the hook's secrets, instead of [`HOOK_SECRET`] alone.
    pub hook_secret: Option<String>,
    /// What Secrets Manager has besides, by ARN.
    pub secrets: BTreeMap<String, String>,
    /// The rules for responses; none, unless given.
    pub response_rules: Option<String>,
    /// Parameters of the template that differ.
    pub parameters: BTreeMap<String, String>,
    /// Where the functions' log lines go.
    pub log: LogSink,
}

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port is taken.
    #[error(
        "port {port} on 127.0.0.1 is not available: stop what uses it, or set {variable} to another port"
    )]
    Port {
        /// The port.
        port: u16,
        /// The variable that changes it.
        variable: &'static str,
    },
    /// The org cannot be made.
    #[error(transparent)]
    Okta(okta_emulator::StartError),
    /// The AWS accounts cannot be made.
    #[error(transparent)]
    Aws(aws_emulator::StartError),
    /// The template cannot be run.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// DynamoDB does not start.
    #[error("DynamoDB does not start: {0}")]
    DynamoDb(String),
    /// Functions are not built.
    #[error("the binary {0} is missing: build it with `cargo build --workspace --bins`")]
    MissingBinary(PathBuf),
}

/// A running stack. It stops, with every process it started, when dropped.
pub struct Stack {
    /// The Okta emulator.
    pub okta: Emulator,
    /// The AWS emulator.
    pub aws: AwsEmulator,
    api: SocketAddr,
    lambda_address: SocketAddr,
    dynamodb_address: SocketAddr,
    runtime: BTreeMap<String, String>,
    gateway: Arc<Deployment>,
    parameters: BTreeMap<String, String>,
    servers: Vec<JoinHandle<()>>,
}

impl Stack {
    /// Starts a stack; all parts answer when this returns.
    ///
    /// # Errors
    ///
    /// [`StackError`].
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let port = |port, variable| move |_: std::io::Error| StackError::Port { port, variable };
        let (api_listener, api) =
            rest::bind(options.api_port).await.map_err(port(options.api_port, "API_PORT"))?;
        let (lambda_listener, lambda_address) =
            rest::bind(options.lambda_port).await.map_err(port(options.lambda_port, "LAMBDA_PORT"))?;
        let (dynamodb_listener, dynamodb_address) =
            rest::bind(options.dynamodb_port).await.map_err(port(options.dynamodb_port, "DYNAMODB_PORT"))?;
        let mut seed = options.seed;
        let demo = seed.apps.iter().find(|app| app.label == DELEGATION_DEMO && !seed.is_unprepared);
        if let Some(client) = demo {
            seed.token_hook = Some(HookSeed {
                client: client.id.clone(),
                uri: format!("http://{api}/tokenEnrichment/agent"),
                secret: HOOK_SECRET.to_owned(),
            });
        }
        seed.event_hook = (!seed.is_unprepared).then(|| EventHookSeed {
            uri: format!("http://{api}/events/okta"),
            secret: HOOK_SECRET.to_owned(),
            events: EVENT_HOOK_EVENTS.map(str::to_owned).into(),
        });
        let emulator_options = okta_emulator::Options {
            port: options.okta_port,
            seed: seed.clone(),
            state_file: options.state_file,
        };
        let okta = Emulator::start(emulator_options).await.map_err(|error| match error {
            okta_emulator::StartError::Port { port, .. } => StackError::Port { port, variable: "OKTA_PORT" },
            error => StackError::Okta(error),
        })?;
        let accounts =
            aws_emulator::Options { port: options.aws_port, seed: options.accounts, okta_url: okta.url() };
        let aws = AwsEmulator::start(accounts).await.map_err(|error| match error {
            aws_emulator::StartError::Port { port, .. } => StackError::Port { port, variable: "AWS_PORT" },
            error => StackError::Aws(error),
        })?;
        let mut parameters = parameters(&okta, &seed, lambda_address);
        parameters.extend(options.parameters);
        let template = Template::read(&options.template, &parameters)?;
        for binary in template.functions.keys() {
            let path = options.bin_dir.join(binary);
            if !path.exists() {
                return Err(StackError::MissingBinary(path));
            }
        }
        let functions = template.functions.values();
        aws.set_functions(ACCOUNT, functions.map(|of| (of.logical_id.clone(), of.secrets.clone())).collect());
        let tables = Tables::open(&template, options.data.as_deref(), okta.delegations());
        let tables = tables.map_err(StackError::DynamoDb)?;
        let database = tables.database.clone();
        let runtime = runtime_environment(&format!("http://{dynamodb_address}"), &aws.url());
        let lambda = Lambda::new(
            &template.functions,
            &options.bin_dir,
            &lambda_address.to_string(),
            &runtime,
            options.concurrency,
            &options.log,
        );
        let secret =
            options.secret.unwrap_or_else(|| json!({ "apiToken": seed.api_token.token }).to_string());
        let hook_secret =
            options.hook_secret.unwrap_or_else(|| json!({ "current": HOOK_SECRET }).to_string());
        let vault = aws.vault();
        vault.plant_parameter(RESPONSE_RULES, options.response_rules.as_deref().unwrap_or("[]"));
        vault.plant_secret(CONNECTION_KEYS, DEMO_KEYS);
        for (id, value) in &options.secrets {
            vault.plant_secret(id, value);
        }
        // Whoever prepares the org makes them.
        if !seed.is_unprepared {
            vault.plant_secret(SECRET_ARN, &secret);
            vault.plant_secret(HOOK_SECRET_ARN, &hook_secret);
        }
        if let Some(function) = triggers::rotating(&template) {
            vault.plant_rotated(USER_SECRET_ARN, DEMO_USER, DEMO_VERSION, &function);
        }
        aws.set_lambda(&format!("http://{lambda_address}"));
        let gateway = Arc::new(Deployment::new(template, lambda, vault, tables, options.throttled_status));
        let failed = |error: &dyn std::fmt::Display| StackError::DynamoDb(error.to_string());
        let (own_listener, own_address) = rest::bind(0).await.map_err(|error| failed(&error))?;
        let rights = gateway.template.functions.values();
        let front = Front {
            faults: Arc::clone(&gateway.faults),
            rights: rights.map(|of| (of.logical_id.clone(), of.rights.clone())).collect(),
            http: reqwest::Client::builder().build().map_err(|error| failed(&error))?,
            url: format!("http://{own_address}"),
        };
        let mut servers = vec![
            serve(api_listener, rest::api(Arc::clone(&gateway))),
            serve(lambda_listener, rest::lambda(Arc::clone(&gateway))),
            serve(dynamodb_listener, dynamodb::front(front)),
            tokio::spawn(dynoxide::server::serve_on(own_listener, database)),
        ];
        if options.schedules {
            servers.extend(triggers::schedules(&gateway).into_iter().map(|(function, every)| {
                tokio::spawn(triggers::keep_firing(Arc::clone(&gateway), function, every))
            }));
        }
        Ok(Self { okta, aws, api, lambda_address, dynamodb_address, runtime, gateway, parameters, servers })
    }

    /// Where the API is, without a trailing slash.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Where Lambda is, without a trailing slash.
    pub fn lambda_url(&self) -> String {
        format!("http://{}", self.lambda_address)
    }

    /// Where DynamoDB is, without a trailing slash.
    pub fn dynamodb_url(&self) -> String {
        format!("http://{}", self.dynamodb_address)
    }

    /// Ends DynamoDB: no call reaches it any more. Its port stays taken, or another stack could
    /// get the port and answer.
    pub fn stop_dynamodb(&self) {
        let fault = json!({ "service": "dynamodb", "action": { "drop": "before" } });
        if let Ok(fault) = serde_json::from_value(fault) {
            self.gateway.faults.order(fault);
        }
    }

    /// The environment that Lambda itself gives to functions.
    pub fn runtime_environment(&self) -> &BTreeMap<String, String> {
        &self.runtime
    }

    /// The template's parameters, for this machine.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// Ids of the running processes of a function.
    pub fn processes(&self, binary: &str) -> Vec<u32> {
        self.gateway.lambda.processes(binary)
    }

    /// Kills the processes that are working on a call, as a machine does that fails.
    pub fn kill_running(&self) {
        self.gateway.lambda.kill_running();
    }

    /// What starts which function, as JSON.
    pub fn triggers(&self) -> serde_json::Value {
        triggers::list(&self.gateway)
    }

    /// Forgets what the authorizer said.
    pub fn flush_authorizer_cache(&self) {
        self.gateway.policies.flush();
    }

    /// The template that runs.
    pub fn template(&self) -> &Template {
        &self.gateway.template
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.gateway.lambda.stop();
        for server in &self.servers {
            server.abort();
        }
    }
}

fn serve(listener: tokio::net::TcpListener, router: axum::Router) -> JoinHandle<()> {
    use axum::serve::ListenerExt;
    // Without it, small answers wait for a delayed acknowledgement: 40 ms.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    })
}

/// The template's parameters, for this machine.
fn parameters(okta: &Emulator, seed: &Seed, lambda: SocketAddr) -> BTreeMap<String, String> {
    let app = seed.apps.iter().find(|app| app.label == "okta-dac").map(|app| app.id.clone());
    let app = app.unwrap_or_default();
    let demo = seed.apps.iter().find(|app| app.label == DELEGATION_DEMO).map(|app| app.id.as_str());
    let clients: Vec<&str> = [app.as_str()].into_iter().chain(demo).collect();
    let delegators = seed.user_types.first().map(|kind| kind.id.clone()).unwrap_or_default();
    let pairs = [
        ("OktaOrgUrl", okta.url()),
        ("OktaCredentialSecretArn", SECRET_ARN.to_owned()),
        ("OktaDacAppId", app.clone()),
        ("PlaceholderKeyId", seed.placeholder_key.kid.clone()),
        ("TokenIssuer", okta.issuer()),
        ("TokenAudiences", seed.authorization_server.audience.clone()),
        ("TokenClientIds", clients.join(",")),
        ("DelegatedUserTypeId", delegators),
        ("HookSecretArn", HOOK_SECRET_ARN.to_owned()),
        ("DnsResolvers", format!("{0}/dns-query,{0}/dns-query", okta.url())),
        ("CorsAllowOrigin", "http://127.0.0.1:8080".to_owned()),
        ("SecretsExtensionPort", lambda.port().to_string()),
        ("ConnectionKeys", "demo".to_owned()),
        ("ResponseMode", "act".to_owned()),
        ("ResponseRules", RESPONSE_RULES.to_owned()),
        ("RespondersGroupId", okta_emulator::RESPONDERS.to_owned()),
        ("ResponseQuarantineGroup", okta_emulator::QUARANTINE.to_owned()),
        ("ResponseProtectedGroup", okta_emulator::EMERGENCY.to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
