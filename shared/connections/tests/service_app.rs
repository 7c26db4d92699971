//! `connect service-app` against an Okta org on this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use connections::key::KeyKind;
use connections::plan::{Step, Wanted};
use connections::preset::{PRESETS, Preset};
use connections::probes::Got;
use connections::service_app::{self, Report, Run};
use connections::sink::Sink;
use connections::stop::{Code, Stop};
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use serde_json::Value;

struct World {
    emulator: Emulator,
    org: OrgUrl,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        let org = OrgUrl::parse(&emulator.url()).unwrap();
        Self { emulator, org, folder: tempfile::tempdir().unwrap() }
    }

    fn sink(&self) -> Sink {
        Sink::File(self.folder.path().join("credential.json"))
    }

    fn client(&self, token: &str) -> Client {
        Client::new(self.org.clone(), ApiToken::from(token.to_owned())).unwrap()
    }

    /// A bootstrap token of a super admin.
    fn token(&self) -> String {
        self.emulator.api_token("superuser@demo.test").unwrap()
    }

    fn wanted(&self, preset: &str) -> Wanted {
        Wanted {
            label: "A tool".to_owned(),
            preset: Preset::parse(preset).unwrap(),
            key: KeyKind::P256,
            adopt: false,
            resources: vec![
                format!("{}/api/v1/users", self.org.as_str()),
                format!("{}/api/v1/groups", self.org.as_str()),
            ],
        }
    }

    async fn connect(&self, wanted: &Wanted, token: &str) -> Result<Report, Stop> {
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
    fn parts(&self) -> Value {
        let all = self.emulator.stable_snapshot();
        let of = ["apps", "grants", "client_roles", "custom_roles", "resource_sets", "app_groups"];
        of.into_iter()
            .map(|name| (name.to_owned(), all[name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Apps of ours, and how many keys each has.
    fn apps(&self) -> Vec<usize> {
        let snapshot = self.emulator.snapshot();
        let apps = snapshot["apps"].as_object().unwrap().values();
        let ours = apps.filter(|app| app["label"] == "A tool");
        ours.map(|app| app["settings"]["oauthClient"]["jwks"]["keys"].as_array().unwrap().len()).collect()
    }

    /// Calls with what the sink holds.
    async fn works(&self) {
        let credential = self.sink().read().unwrap().unwrap().credential().unwrap();
        let client = Client::new(self.org.clone(), credential).unwrap();
        client.probe(http::Method::GET, &["api", "v1", "users"], &[("limit", "1")], None).await.unwrap();
    }
}

#[tokio::test]
async fn every_preset_is_connected_proven_and_the_token_dead() {
    for preset in &PRESETS {
        let world = World::start().await;
        let token = world.token();
        let report = world.connect(&world.wanted(preset.name), &token).await.unwrap();
        assert_eq!((report.bootstrap_token, report.dpop), ("revoked", true), "{}", preset.name);
        for scope in preset.scopes {
            assert!(report.scopes.granted.iter().any(|granted| granted == scope), "{scope}");
        }
        assert!(world.client(&token).get_user("me").await.unwrap_err().is_rejected_credential());
        let refused = report.probes.iter().filter(|probe| probe.expected == "refused");
        assert!(refused.clone().all(|probe| probe.got != Got::Allowed), "{:?}", report.probes);
        assert_eq!(refused.count(), 6 - preset.may.len());
        if preset.name != "logs" {
            world.works().await;
        }
        let text = serde_json::to_string(&report).unwrap();
        assert!(!text.contains("PRIVATE") && !text.contains(&token));
        // OPEN 598: the first request already has a proof.
        let asked = world.emulator.journal().iter().filter(|call| call.operation_id == Some("token")).count();
        assert!(asked <= 4, "{asked} token requests");
    }
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    for preset in ["read-only", "response"] {
        let world = World::start().await;
        world.connect(&world.wanted(preset), &world.token()).await.unwrap();
        let (before, stored) = (world.parts(), world.sink().read().unwrap());
        let report = world.connect(&world.wanted(preset), &world.token()).await.unwrap();
        assert_eq!((world.parts(), world.sink().read().unwrap()), (before, stored));
        assert_eq!(report.bootstrap_token, "revoked");
    }
}

/// Broken at every call by every fault: the org is as before, or what is left is named; the
/// same command then ends with one app and one key.
#[tokio::test]
async fn a_run_that_breaks_anywhere_is_taken_back_or_named() {
    let world = World::start().await;
    let before = world.parts();
    let faults: [fn() -> Action; 3] = [
        || Action { status: Some(500), ..Action::default() },
        || Action { drop: Some(Drop::Before), ..Action::default() },
        || Action { drop: Some(Drop::After), ..Action::default() },
    ];
    let (mut broken, mut named) = (0, 0);
    for fault in faults {
        for call in 1.. {
            world.emulator.order(Fault::on_call(call, 1, fault()));
            let token = world.token();
            let result = world.connect(&world.wanted("rotation"), &token).await;
            world.emulator.clear_faults();
            let done = match result {
                Ok(_) => true,
                Err(stop) if stop.code == Code::TokenLives => true,
                Err(stop) => {
                    broken += 1;
                    named += usize::from(!stop.left.is_empty());
                    assert!(!stop.left.is_empty() || world.parts() == before, "call {call}: {stop}");
                    assert!(
                        world.sink().read().unwrap().is_none() || !stop.left.is_empty(),
                        "call {call}: {stop}"
                    );
                    let report = world.connect(&world.wanted("rotation"), &world.token()).await;
                    report.unwrap_or_else(|stop| panic!("call {call}: {stop} {:?}", stop.left));
                    false
                }
            };
            assert_eq!(world.apps(), [1], "call {call}");
            world.works().await;
            world.remove().await;
            assert_eq!(world.parts(), before);
            if done && call > 60 {
                break;
            }
        }
    }
    assert!(broken > 40 && named < broken / 4, "{broken} broken, of {named} something was left");
}

impl World {
    /// Takes everything out by hand.
    async fn remove(&self) {
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
        self.sink().remove().unwrap();
    }
}

/// An org that makes every client a super admin by itself.
#[tokio::test]
async fn a_role_that_nobody_wanted_is_taken_away() {
    let world = World::start().await;
    world.emulator.configure(|settings| settings.clients_become_super_admins = true);
    let report = world.connect(&world.wanted("read-only"), &world.token()).await.unwrap();
    assert_eq!(report.roles_removed, ["SUPER_ADMIN"]);
}

/// A preset whose role allows more than it says is refused, and nothing is left.
#[tokio::test]
async fn too_strong_and_too_weak_are_told_apart() {
    static STRONG: Preset = Preset { may: &[], ..PRESETS[4] };
    static WEAK: Preset = Preset { role: connections::preset::Role::Standard("REPORT_ADMIN"), ..PRESETS[5] };
    let world = World::start().await;
    let before = world.parts();
    let strong = Wanted { preset: &STRONG, ..world.wanted("dac") };
    let stop = world.connect(&strong, &world.token()).await.unwrap_err();
    assert_eq!(stop.code, Code::TooStrong);
    assert!(stop.sentence.contains("make a group") && stop.left.is_empty(), "{stop}");
    let stop = world
        .connect(&Wanted { preset: &WEAK, ..world.wanted("dac-read") }, &world.token())
        .await
        .unwrap_err();
    assert_eq!(stop.code, Code::TooWeak);
    assert!(stop.sentence.contains("okta.groups.read"), "{stop}");
    assert_eq!(world.parts(), before);
    assert_eq!(world.sink().read().unwrap(), None);
}

/// Everything that is not allowed is found before the first change.
#[tokio::test]
async fn a_token_that_may_not_is_refused_before_anything_is_changed() {
    let world = World::start().await;
    let token = world.emulator.api_token("admin@acme.test").unwrap();
    world.emulator.clear_journal();
    let stop = world.connect(&world.wanted("read-only"), &token).await.unwrap_err();
    assert_eq!(stop.code, Code::NotPermitted);
    let stop = world.connect(&world.wanted("read-only"), "00nothing").await.unwrap_err();
    assert_eq!(stop.code, Code::NotPermitted);
    assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
}

/// terraform-provider-okta 2379: a scope that was granted by hand.
#[tokio::test]
async fn open_int_5_a_granted_scope_is_kept() {
    let world = World::start().await;
    world.emulator.configure(|settings| settings.repeated_grant_is_refused = true);
    world.connect(&world.wanted("logs"), &world.token()).await.unwrap();
    let client = world.client(&world.token());
    let run = Run {
        client: &client,
        org: &world.org,
        sink: &world.sink(),
        wanted: &world.wanted("logs"),
        keep_token: true,
        patience: Duration::ZERO,
    };
    let (_, steps) = service_app::plan(&run).await.unwrap();
    assert!(steps.contains(&Step::Keep { scopes: vec!["okta.logs.read".to_owned()] }), "{steps:?}");
    assert!(!steps.iter().any(|step| matches!(step, Step::Grant { .. })), "{steps:?}");
    let report = service_app::connect(&run).await.unwrap();
    assert_eq!((report.scopes.granted, report.bootstrap_token), (vec!["okta.logs.read".to_owned()], "kept"));
}
