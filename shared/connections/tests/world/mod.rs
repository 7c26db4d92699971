//! An Okta org on this machine, and a place for a credential.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_emulator::AwsEmulator;
use connections::key::KeyKind;
use connections::plan::Wanted;
use connections::preset::Preset;
use connections::service_app::{self, Report, Run};
use connections::sink::{Account, Sink};
use connections::stop::Stop;
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Options, Seed};
use serde_json::Value;

/// What can happen to a call.
pub(crate) const FAULTS: [fn() -> Action; 3] = [
    || Action { status: Some(500), ..Action::default() },
    || Action { drop: Some(Drop::Before), ..Action::default() },
    || Action { drop: Some(Drop::After), ..Action::default() },
];

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) org: OrgUrl,
    pub(crate) folder: tempfile::TempDir,
    /// Where the credential goes.
    pub(crate) place: Sink,
    /// The AWS account, where one is needed.
    pub(crate) aws: Option<AwsEmulator>,
    /// How it is reached.
    pub(crate) account: Option<aws_config::SdkConfig>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        let org = OrgUrl::parse(&emulator.url()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = Sink::File(folder.path().join("credential.json"));
        Self { emulator, org, folder, place, aws: None, account: None }
    }

    /// With a place of AWS's: `secretsmanager:NAME` or `ssm:/NAME`.
    pub(crate) async fn on_aws(place: &str) -> Self {
        let world = Self::start().await;
        let seed = aws_emulator::Seed::parse(aws_emulator::DEMO_ACCOUNT).unwrap();
        let options = aws_emulator::Options { port: 0, seed, okta_url: world.emulator.url() };
        let aws = AwsEmulator::start(options).await.unwrap();
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "local", "local", None, None, "test",
            )))
            .endpoint_url(aws.url())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        let account = std::sync::Arc::new(Account::from(config.clone()));
        let place = place.parse::<Sink>().unwrap().with_account(account);
        Self { place, aws: Some(aws), account: Some(config), ..world }
    }

    pub(crate) fn sink(&self) -> Sink {
        self.place.clone()
    }

    pub(crate) fn client(&self, token: &str) -> Client {
        Client::new(self.org.clone(), ApiToken::from(token.to_owned())).unwrap()
    }

    /// A bootstrap token of a super admin.
    pub(crate) fn token(&self) -> String {
        self.emulator.api_token("superuser@demo.test").unwrap()
    }

    pub(crate) fn wanted(&self, preset: &str) -> Wanted {
        Wanted {
            label: "A tool".to_owned(),
            preset: Preset::parse(preset).unwrap(),
            key: KeyKind::P256,
            adopt: false,
            jwks_uri: None,
            resources: vec![
                format!("{}/api/v1/users", self.org.as_str()),
                format!("{}/api/v1/groups", self.org.as_str()),
            ],
        }
    }

    pub(crate) async fn connect(&self, wanted: &Wanted, token: &str) -> Result<Report, Stop> {
        let (client, sink) = (self.client(token), self.sink());
        let run = Run {
            client: &client,
            org: &self.org,
            sink: &sink,
            wanted,
            keep_token: false,
            patience: Duration::from_millis(1_500),
        };
        service_app::connect(&run).await
    }

    /// What a connection is made of, without ids and times.
    pub(crate) fn parts(&self) -> Value {
        let all = self.emulator.stable_snapshot();
        let of = ["apps", "grants", "client_roles", "custom_roles", "resource_sets", "app_groups"];
        of.into_iter()
            .map(|name| (name.to_owned(), all[name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Apps of ours, and how many keys each has.
    pub(crate) fn apps(&self) -> Vec<usize> {
        let snapshot = self.emulator.snapshot();
        let apps = snapshot["apps"].as_object().unwrap().values();
        let ours = apps.filter(|app| app["label"] == "A tool");
        ours.map(|app| app["settings"]["oauthClient"]["jwks"]["keys"].as_array().map_or(0, Vec::len))
            .collect()
    }

    /// Reads the log with what the sink holds.
    pub(crate) async fn works_with_logs(&self) {
        let credential = self.sink().read().await.unwrap().unwrap().credential().unwrap();
        let client = Client::new(self.org.clone(), credential).unwrap();
        client.probe(http::Method::GET, &["api", "v1", "logs"], &[("limit", "1")], None).await.unwrap();
    }

    /// Calls with what the sink holds.
    pub(crate) async fn works(&self) {
        let credential = self.sink().read().await.unwrap().unwrap().credential().unwrap();
        let client = Client::new(self.org.clone(), credential).unwrap();
        client.probe(http::Method::GET, &["api", "v1", "users"], &[("limit", "1")], None).await.unwrap();
    }
}

impl World {
    /// Takes everything out by hand.
    pub(crate) async fn remove(&self) {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let client = self.client(&seed.api_token.token);
        let snapshot = self.emulator.snapshot();
        for (id, app) in snapshot["apps"].as_object().unwrap() {
            if app["label"] == "A tool" {
                client.deactivate_application(&id.as_str().into()).await.unwrap();
                client.delete_application(&id.as_str().into()).await.unwrap();
            }
        }
        for id in snapshot["custom_roles"].as_object().unwrap().keys() {
            client.delete_custom_role(&id.as_str().into()).await.unwrap();
        }
        for id in snapshot["resource_sets"].as_object().unwrap().keys() {
            client.delete_resource_set(&id.as_str().into()).await.unwrap();
        }
        self.sink().remove().await.unwrap();
    }
}
