//! An org and an account on this machine.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_emulator::AwsEmulator;
use aws_sdk_secretsmanager::Client as Secrets;
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{DEMO_ORG, Emulator, Options as Start, Seed};
use rotation::end::Code;
use rotation::facts::Options;
use rotation::okta::Org;
use rotation::password::Recipe;
use rotation::ports::{Attempts, Trouble};
use rotation::secrets_manager::SecretsManager;
use rotation::steps::{Plan, Proven, Step, StepError, Stepped, Target, Tools, take};
use rotation::vault::Vault;
use serde_json::{Value, json};

pub(crate) const LOGIN: &str = "user@acme.test";
pub(crate) const FIRST: &str = "Demo-Passw0rd";
pub(crate) const NAME: &str = "okta/user";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:rotate-user-secret";

/// Failed sign-ins across runs, as the table of the functions has them.
#[derive(Clone, Default)]
pub(crate) struct Remembered(pub(crate) Arc<AtomicU8>, Arc<Mutex<Option<String>>>);

impl Attempts for Remembered {
    async fn left(&self) -> Result<u8, Trouble> {
        Ok(2_u8.saturating_sub(self.0.load(Ordering::SeqCst)))
    }

    async fn failed(&self) -> Result<(), Trouble> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn proven(&self) -> Result<(), Trouble> {
        self.0.store(0, Ordering::SeqCst);
        Ok(())
    }

    async fn note_set(&self, version: &str) -> Result<(), Trouble> {
        *self.1.lock().unwrap() = Some(version.to_owned());
        Ok(())
    }

    async fn is_set(&self, version: &str) -> Result<bool, Trouble> {
        Ok(self.1.lock().unwrap().as_deref() == Some(version))
    }
}

/// An org, an account, and what the functions remember.
pub(crate) struct World {
    pub(crate) okta: Emulator,
    pub(crate) aws: AwsEmulator,
    pub(crate) url: OrgUrl,
    pub(crate) org: Org,
    pub(crate) secrets: Secrets,
    pub(crate) attempts: Remembered,
    pub(crate) options: Options,
    /// Of this process; a step alone has none.
    proven: RefCell<Arc<Proven>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let token = ApiToken::from(seed.api_token.token.clone());
        let okta = Emulator::start(Start { port: 0, seed, state_file: None }).await.unwrap();
        let url = OrgUrl::parse(&okta.url()).unwrap();
        let client = Client::new(url.clone(), token).unwrap();
        let seed = aws_emulator::Seed::parse(aws_emulator::DEMO_ACCOUNT).unwrap();
        let options = aws_emulator::Options { port: 0, seed, okta_url: okta.url() };
        let aws = AwsEmulator::start(options).await.unwrap();
        let credentials = Credentials::new("local", "local", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(aws.url())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        let world = Self {
            okta,
            aws,
            url,
            org: Org { client, strict: false, revoke_sessions: true },
            secrets: Secrets::new(&config),
            attempts: Remembered::default(),
            options: Options::default(),
            proven: RefCell::default(),
        };
        world.begin_anew(FIRST);
        world
    }

    /// Org, account and counters as in the beginning.
    pub(crate) fn begin_anew(&self, password: &str) {
        self.okta.reset();
        self.aws.reset();
        self.attempts.0.store(0, Ordering::SeqCst);
        *self.attempts.1.lock().unwrap() = None;
        *self.proven.borrow_mut() = Arc::default();
        let secret = json!({ "username": LOGIN, "password": password, "note": "kept" });
        self.aws.vault().plant_secret(NAME, &secret.to_string());
    }

    /// `RotateSecret`; there is no Lambda, so that nothing follows by itself.
    pub(crate) async fn begin(&self, token: &str) {
        let rotate = self.secrets.rotate_secret().secret_id(NAME).rotation_lambda_arn(FUNCTION);
        rotate.client_request_token(token).send().await.unwrap();
    }

    /// A step alone, in a process that has proven nothing.
    pub(crate) async fn alone(&self, step: Step, token: &str) -> Result<Stepped, StepError> {
        self.take(step, token, &Proven::default()).await
    }

    pub(crate) async fn step(&self, step: Step, token: &str) -> Result<Stepped, StepError> {
        let proven = Arc::clone(&self.proven.borrow());
        self.take(step, token, &proven).await
    }

    pub(crate) async fn take(&self, step: Step, token: &str, proven: &Proven) -> Result<Stepped, StepError> {
        let plan = Plan { org: &self.url, recipe: Recipe::default(), options: self.options, by_hand: false };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(8);
        let org = Org { client: self.org.client.for_request(deadline), ..self.org.clone() };
        let target = Target { secret: NAME, version: token };
        let vault = SecretsManager(self.secrets.clone());
        take(step, target, &plan, &Tools { vault: &vault, okta: &org, attempts: &self.attempts, proven })
            .await
    }

    /// All four, until one fails: what Secrets Manager does. It does so three times.
    pub(crate) async fn sequence(&self, token: &str) -> Result<(), StepError> {
        let mut last = Ok(());
        for _ in 0..3 {
            last = self.once(token).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    pub(crate) async fn once(&self, token: &str) -> Result<(), StepError> {
        for step in Step::ALL {
            self.step(step, token).await?;
        }
        Ok(())
    }

    pub(crate) async fn labels(&self) -> Vec<(String, Vec<String>)> {
        let described = SecretsManager(self.secrets.clone()).describe(NAME).await.unwrap();
        let labels = described.labels.into_iter();
        labels.map(|(id, labels)| (id, labels.into_iter().collect())).collect()
    }

    pub(crate) async fn value(&self, label: &str) -> Option<Value> {
        let value = SecretsManager(self.secrets.clone()).value(NAME, None, label).await.unwrap();
        value.map(|value| serde_json::from_str(&value.text).unwrap())
    }

    /// The password of a label.
    pub(crate) async fn password(&self, label: &str) -> Option<String> {
        self.value(label).await.map(|value| value["password"].as_str().unwrap().to_owned())
    }

    pub(crate) fn works(&self, password: &str) -> bool {
        self.okta.is_password(LOGIN, password)
    }

    pub(crate) fn status(&self) -> String {
        let users = self.okta.snapshot()["users"].clone();
        let user = users.as_object().unwrap().values().find(|user| user["profile"]["login"] == LOGIN);
        user.unwrap()["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn failed_sign_ins(&self) -> usize {
        let journal = self.okta.journal();
        let failed = journal.iter().filter(|call| {
            (call.operation_id == Some("authn") && call.status == 401)
                || (call.operation_id == Some("changePassword") && call.status == 403)
        });
        failed.count()
    }

    pub(crate) async fn set_policy(&self, part: &str, name: &str, value: Value) {
        let policies = self.okta.snapshot()["policies"].clone();
        let mut policies = policies.as_object().unwrap().values();
        let mut policy = policies.find(|policy| policy["type"] == "PASSWORD").unwrap().clone();
        policy["settings"]["password"][part][name] = value;
        let id = policy["id"].as_str().unwrap().to_owned();
        let path = ["api", "v1", "policies", &id];
        self.org.client.probe(http::Method::PUT, &path, &[], Some(&policy)).await.unwrap();
        self.okta.clear_journal();
    }
}

/// A token as Secrets Manager makes them.
pub(crate) fn token(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(crate) fn code(result: Result<impl Sized, StepError>) -> Option<Code> {
    match result {
        Err(StepError::Rotation(rotation)) => Some(rotation.end.code),
        _ => None,
    }
}
