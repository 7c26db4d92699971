//! Tokens, integrations, rotation and the end of connections.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use connections::key::KeyKind;
use connections::preset::Preset;
use connections::probes::Got;
use connections::stop::Code;
use connections::stored::Stored;
use connections::{api_service, api_token, ending, rotate};
use okta_client::Client;
use okta_emulator::Fault;

use crate::world::{FAULTS, World};

async fn service(world: &World, token: &str) -> Result<api_service::Report, connections::stop::Stop> {
    let (client, sink) = (world.client(token), world.sink());
    let run = api_service::Run {
        client: &client,
        org: &world.org,
        sink: &sink,
        kind: "a_tool",
        preset: Preset::parse("dac-read").unwrap(),
        keep_token: false,
        patience: Duration::ZERO,
    };
    api_service::connect(&run).await
}

#[tokio::test]
async fn an_api_token_is_checked_and_kept() {
    let world = World::start().await;
    let report = api_token::connect(&world.org, world.token().as_str().into(), &world.sink()).await.unwrap();
    assert_eq!(report.owner, "superuser@demo.test");
    assert!(report.warnings.iter().any(|warning| warning.contains("super admin")), "{report:?}");
    assert!(report.probes.iter().all(|probe| probe.expected == "any"));
    assert!(report.probes.iter().any(|probe| probe.what == "make a group" && probe.got == Got::Allowed));
    world.works().await;
    // The journal has no change: what was tried was for nobody.
    let groups = world.emulator.snapshot()["groups"].as_object().unwrap().len();
    let admin = world.emulator.api_token("admin@acme.test").unwrap();
    let other = api_token::connect(&world.org, admin.as_str().into(), &world.sink()).await.unwrap_err();
    assert_eq!(other.code, Code::Ambiguous, "the place holds another one");
    world.sink().remove().await.unwrap();
    let report = api_token::connect(&world.org, admin.as_str().into(), &world.sink()).await.unwrap();
    let got = |what: &str| report.probes.iter().find(|probe| probe.what == what).unwrap().got.clone();
    assert_eq!((got("read users"), got("make an app")), (Got::Allowed, Got::RefusedByRole));
    assert_eq!(world.emulator.snapshot()["groups"].as_object().unwrap().len(), groups);
}

#[tokio::test]
async fn an_integration_is_installed_once_or_taken_back() {
    let world = World::start().await;
    let before = world.parts();
    for fault in FAULTS {
        for call in 1..=12 {
            world.emulator.order(Fault::on_call(call, 1, fault()));
            let result = service(&world, &world.token()).await;
            world.emulator.clear_faults();
            if let Err(stop) = result {
                assert!(!stop.left.is_empty() || world.parts() == before, "call {call}: {stop}");
                assert!(
                    world.sink().read().await.unwrap().is_none() || !stop.left.is_empty(),
                    "call {call}: {stop}"
                );
                assert_eq!(stop.left.is_empty(), stop.code != Code::Operator, "call {call}: {stop}");
            } else {
                world.works().await;
            }
            let client = world.client(&world.token());
            let all: Vec<_> = futures::TryStreamExt::try_collect(client.list_api_services()).await.unwrap();
            let all: Vec<okta_client::models::ServiceIntegration> = all;
            for own in all.iter().filter(|of| of.kind == "a_tool") {
                client.delete_api_service(&own.id).await.unwrap();
            }
            world.sink().remove().await.unwrap();
            assert_eq!(world.parts(), before);
        }
    }
    assert_eq!(service(&world, &world.token()).await.unwrap().outcome, "made");
    let stored = world.sink().read().await.unwrap();
    let again = service(&world, &world.token()).await.unwrap();
    assert_eq!((again.outcome, world.sink().read().await.unwrap()), ("exists", stored));
    // A secret that does not work any more is said before the token of this run ends.
    let working = world.sink().read().await.unwrap().unwrap();
    let broken = Stored { client_secret: Some("ended".into()), ..working };
    world.sink().write(&broken).await.unwrap();
    let token = world.token();
    let stop = service(&world, &token).await.unwrap_err();
    assert!(stop.code == Code::NotPermitted && stop.sentence.contains("rotate-secret"), "{stop}");
    world.client(&token).get_user("me").await.unwrap();
    assert_eq!(world.sink().read().await.unwrap(), Some(broken));
    // Killed before the secret was stored, or installed by hand: there is a way on.
    world.sink().remove().await.unwrap();
    let lost = service(&world, &world.token()).await.unwrap();
    assert_eq!((lost.outcome, lost.credential), ("exists", None));
    let (client, sink) = (world.client(&world.token()), world.sink());
    let report = rotate::secret(&run(&client, &world, &sink, false)).await.unwrap();
    assert_eq!(report.retired, None, "somebody may have the other one");
    world.works().await;
    ending::uninstall(&client, &world.org, &sink).await.unwrap();
    assert_eq!(world.parts(), before);
}

fn run<'a>(
    client: &'a Client,
    world: &'a World,
    sink: &'a connections::sink::Sink,
    resume: bool,
) -> rotate::Run<'a> {
    rotate::Run {
        client,
        org: &world.org,
        sink,
        key: KeyKind::P256,
        patience: Duration::from_millis(1_500),
        overlap: Duration::from_secs(2),
        resume,
        delete_old: false,
    }
}

/// Requests while something else is going on: each with the credential that the sink holds.
async fn meanwhile<T>(world: &World, what: impl Future<Output = T>) -> (T, usize) {
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let requests = async {
        while !over.load(Ordering::Relaxed) {
            // Read anew for each request, which takes less than the overlap on any machine.
            let credential = world.sink().read().await.unwrap().unwrap().credential().unwrap();
            let client = Client::new(world.org.clone(), credential).unwrap();
            client.token().await.unwrap();
            sent.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let what = async {
        let result = what.await;
        over.store(true, Ordering::Relaxed);
        result
    };
    let (result, ()) = futures::join!(what, requests);
    (result, sent.load(Ordering::Relaxed))
}

/// okta-sdk-python 289: two keys, and each assertion names its own.
#[tokio::test]
async fn open_int_6_a_key_is_rotated_without_a_failed_request() {
    let world = World::start().await;
    let token = world.token();
    let mut wanted = world.wanted("dac-read");
    wanted.key = KeyKind::P256;
    world.connect(&wanted, &world.token()).await.unwrap();
    let (client, sink) = (world.client(&token), world.sink());
    let first = sink.read().await.unwrap().unwrap();
    let (report, sent) = meanwhile(&world, rotate::key(&run(&client, &world, &sink, false))).await;
    let report = report.unwrap();
    let second = sink.read().await.unwrap().unwrap();
    assert_eq!((Some(&report.current), report.retired), (second.key_id.as_ref(), first.key_id.clone()));
    assert!(sent > 5 && first.credential().is_ok(), "{sent}");
    assert!(Client::new(world.org.clone(), first.credential().unwrap()).unwrap().token().await.is_err());
    // The second rotation deletes what the first left out of use.
    rotate::key(&run(&client, &world, &sink, false)).await.unwrap();
    assert_eq!(world.apps(), [2]);
    // Interrupted after the switch: said, and finished by `--resume`.
    let app = second.client_id.clone().unwrap().into();
    for key in client.list_jwk(&app).await.unwrap() {
        if key.status != "ACTIVE" {
            client.delete_jwk(&app, &key.id).await.unwrap();
        }
    }
    let stored = sink.read().await.unwrap().unwrap();
    let old = connections::key::KeyPair::generate(KeyKind::P256).unwrap();
    client.add_jwk(&app, &old.public).await.unwrap();
    let previous = connections::stored::Part { id: old.key_id.clone(), value: "x".into() };
    sink.write(&Stored { previous: Some(previous), ..stored }).await.unwrap();
    assert_eq!(rotate::key(&run(&client, &world, &sink, false)).await.unwrap_err().code, Code::State);
    let report = rotate::key(&run(&client, &world, &sink, true)).await.unwrap();
    assert_eq!(report.retired, Some(old.key_id));
    world.works().await;
}

/// terraform-provider-okta 1915: the old secret is known by its id, and one in use stays.
#[tokio::test]
async fn open_int_8_a_secret_is_rotated_without_a_failed_request() {
    let world = World::start().await;
    service(&world, &world.token()).await.unwrap();
    let (client, sink) = (world.client(&world.token()), world.sink());
    let first = sink.read().await.unwrap().unwrap();
    let (report, sent) = meanwhile(&world, rotate::secret(&run(&client, &world, &sink, false))).await;
    let report = report.unwrap();
    assert!(sent > 5 && report.retired.is_some(), "{sent}");
    assert!(Client::new(world.org.clone(), first.credential().unwrap()).unwrap().token().await.is_err());
    world.works().await;
    let second = rotate::secret(&run(&client, &world, &sink, false)).await.unwrap();
    assert_eq!(second.retired, Some(report.current));
    // Two in use: nothing is changed.
    let id = first.client_id.clone().unwrap().into();
    for secret in client.list_api_service_secrets(&id).await.unwrap() {
        if secret.status != "ACTIVE" {
            client.delete_api_service_secret(&id, &secret.id).await.unwrap();
        }
    }
    client.create_api_service_secret(&id).await.unwrap();
    let before = sink.read().await.unwrap();
    assert_eq!(rotate::secret(&run(&client, &world, &sink, false)).await.unwrap_err().code, Code::Operator);
    assert_eq!(sink.read().await.unwrap(), before);
    world.works().await;
}

#[tokio::test]
async fn a_connection_is_listed_stopped_and_taken_out() {
    let world = World::start().await;
    let before = world.parts();
    world.connect(&world.wanted("response"), &world.token()).await.unwrap();
    let (client, sink) = (world.client(&world.token()), world.sink());
    let all = ending::list(&client).await.unwrap();
    assert_eq!((all.len(), all[0].preset.as_str(), all[0].status.as_str()), (1, "response", "ACTIVE"));
    assert_eq!((all[0].roles.len(), all[0].keys.len(), all[0].scopes.len()), (1, 1, 6));
    ending::revoke(&client, &world.org, &sink).await.unwrap();
    assert_eq!(ending::list(&client).await.unwrap()[0].status, "INACTIVE", "everything is kept");
    // The same command connects it again.
    world.connect(&world.wanted("response"), &world.token()).await.unwrap();
    world.works().await;
    ending::uninstall(&client, &world.org, &sink).await.unwrap();
    assert_eq!((world.parts(), sink.read().await.unwrap()), (before.clone(), None));
    service(&world, &world.token()).await.unwrap();
    ending::revoke(&client, &world.org, &sink).await.unwrap();
    ending::uninstall(&client, &world.org, &sink).await.unwrap();
    assert_eq!(world.parts(), before);
}
