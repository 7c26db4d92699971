//! Places for a credential on AWS: the same life of a connection as in a file, and AWS broken
//! at every call.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::time::Duration;

use connections::key::{KeyKind, KeyPair};
use connections::stop::Code;
use connections::stored::{Part, Stored};
use connections::{ending, rotate};
use okta_client::Client;
use okta_emulator::{Action, Fault};
use serde_json::{Value, json};

use crate::world::World;

const PLACES: [&str; 2] = ["secretsmanager:okta-dac/tool", "ssm:/okta-dac/tool"];

fn rotation<'r>(client: &'r Client, world: &'r World, sink: &'r connections::sink::Sink) -> rotate::Run<'r> {
    rotate::Run {
        client,
        org: &world.org,
        sink,
        key: KeyKind::P256,
        patience: Duration::from_millis(1_500),
        overlap: Duration::from_millis(200),
        resume: false,
        delete_old: false,
    }
}

/// What the account holds: labels of the versions, names of parameters.
fn held(world: &World) -> Value {
    let snapshot = world.aws.as_ref().unwrap().snapshot();
    json!([snapshot["secrets"], snapshot["parameters"]])
}

#[tokio::test]
async fn a_connection_lives_and_ends_on_aws() {
    for place in PLACES {
        let world = World::on_aws(place).await;
        let vault = world.aws.as_ref().unwrap().vault();
        let value = || vault.secret("okta-dac/tool").or_else(|| vault.parameter("/okta-dac/tool"));
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        world.works().await;
        // What readers get is what `okta_client` reads, and nothing is pending.
        let first = value().unwrap();
        assert!(okta_client::Credential::parse(&first).is_ok() && !first.contains("pending"), "{place}");
        let once = held(&world);
        // Twice: nothing changes.
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        assert_eq!((value().unwrap() == first, held(&world)), (true, once), "{place}");
        let (client, sink) = (world.client(&world.token()), world.sink());
        rotate::key(&rotation(&client, &world, &sink)).await.unwrap();
        assert_ne!(value().unwrap(), first, "{place}");
        world.works().await;
        // What is published goes with the credential, if it is the connection's own.
        let at_address = Stored {
            jwks_uri: Some("https://keys.acme.test/jwks.json".parse().unwrap()),
            ..sink.read().await.unwrap().unwrap()
        };
        sink.write(&at_address).await.unwrap();
        sink.publish(&at_address).await.unwrap();
        let published = vault.secret("okta-dac/tool/jwks").or_else(|| vault.parameter("/okta-dac/tool.jwks"));
        let published: Value = serde_json::from_str(&published.unwrap()).unwrap();
        assert!(published["keys"].as_array().is_some_and(|keys| keys.len() == 2), "{place}");
        ending::uninstall(&client, &world.org, &sink).await.unwrap();
        assert_eq!(held(&world), json!([{}, []]), "{place}");
    }
}

/// The labels are Secrets Manager's own: what was in use before is `AWSPREVIOUS`.
#[tokio::test]
async fn versions_have_the_labels_of_secrets_manager() {
    let world = World::on_aws(PLACES[0]).await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let labels = || held(&world)[0]["okta-dac/tool"].clone();
    // The first version, with the key to come alone, was the current one for a moment.
    assert_eq!(labels(), json!([["AWSCURRENT"], ["AWSPREVIOUS"]]));
    let (client, sink) = (world.client(&world.token()), world.sink());
    rotate::key(&rotation(&client, &world, &sink)).await.unwrap();
    assert_eq!(labels(), json!([["AWSCURRENT"], ["AWSPREVIOUS"]]));
    // Somebody else's secret is not touched.
    world.aws.as_ref().unwrap().vault().plant_secret("okta-dac/other", "{\"password\":\"s3cret\"}");
    let sink: connections::sink::Sink = "secretsmanager:okta-dac/other".parse().unwrap();
    let connections::sink::Sink::SecretsManager { account, .. } = world.sink() else {
        panic!("another place")
    };
    let stop = sink.with_account(account).read().await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && !stop.sentence.contains("s3cret"), "{stop}");
}

/// A run that was killed when its key was stored leaves just that; the next one goes on with the
/// key, and if it fails at any call of Okta, the key is there for the one after.
#[tokio::test]
async fn a_key_that_a_killed_run_stored_is_used() {
    for place in [PLACES[0], PLACES[1], ""] {
        let world = if place.is_empty() { World::start().await } else { World::on_aws(place).await };
        let pair = KeyPair::generate(KeyKind::P256).unwrap();
        let value = secrecy::ExposeSecret::expose_secret(&pair.private).into();
        let pending = Part { id: pair.key_id.clone(), value };
        let killed = Stored { pending: Some(pending), ..Stored::default() };
        assert!(world.sink().write(&killed).await.unwrap(), "{place}: the place is made");
        let (parts, mut failed) = (world.parts(), 0);
        for call in 1.. {
            let mut fault = Fault::on_call(call, 1, Action { status: Some(403), ..Action::default() });
            fault.method = Some("POST".to_owned());
            world.emulator.order(fault);
            let result = world.connect(&world.wanted("dac-read"), &world.token()).await;
            world.emulator.clear_faults();
            let Err(stop) = result else { break };
            if !world.apps().is_empty() {
                // The undo was refused, too, or the connection is whole but for its token.
                assert!(!stop.left.is_empty() || stop.code == Code::TokenLives, "{place}, {call}: {stop}");
                break;
            }
            failed += 1;
            assert_eq!(world.sink().read().await.unwrap().as_ref(), Some(&killed), "{place}, {call}: {stop}");
            assert_eq!(world.parts(), parts, "{place}, {call}");
        }
        assert!(failed > 3, "{place}: {failed}");
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        assert_eq!(world.sink().read().await.unwrap().unwrap().key_id, Some(pair.key_id), "{place}");
        assert_eq!(world.apps(), [1], "{place}");
        world.works().await;
    }
}

/// A secret that somebody made beforehand, with its tags and its policy, is not deleted.
#[tokio::test]
async fn a_place_that_was_made_beforehand_stays() {
    for place in PLACES {
        let world = World::on_aws(place).await;
        let vault = world.aws.as_ref().unwrap().vault();
        if place.starts_with("ssm:") {
            vault.plant_parameter("/okta-dac/tool", "{}");
        } else {
            let secrets = aws_sdk_secretsmanager::Client::new(world.account.as_ref().unwrap());
            secrets.create_secret().name("okta-dac/tool").send().await.unwrap();
        }
        let mut fault = Fault::on_call(1, 9, Action { status: Some(403), ..Action::default() });
        fault.operation_id = Some("createApplication".to_owned());
        world.emulator.order(fault);
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap_err();
        world.emulator.clear_faults();
        let there = vault.secret("okta-dac/tool").or_else(|| vault.parameter("/okta-dac/tool"));
        assert_eq!(there.unwrap().trim(), "{}", "{place}");
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        world.works().await;
    }
}

/// Each call of AWS, each fault, once: the same command ends with one app and one key, and the
/// credential in the place works.
#[tokio::test]
async fn aws_broken_at_every_call() {
    let actions = [
        json!({ "drop": "before" }),
        json!({ "drop": "after" }),
        json!({ "error": { "status": 500, "code": "InternalServiceError", "message": "x" } }),
        json!({ "error": { "status": 400, "code": "AccessDeniedException", "message": "not authorized" } }),
    ];
    for place in PLACES {
        let world = World::on_aws(place).await;
        let aws = world.aws.as_ref().unwrap();
        let empty = (world.parts(), held(&world));
        world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        let calls = aws.journal().len() as u64;
        assert!((4..40).contains(&calls), "{calls}");
        for nth in 1..=calls {
            for action in &actions {
                let name = format!("{place}, call {nth}, {action}");
                world.remove().await;
                assert_eq!((world.parts(), held(&world)), empty, "{name}");
                let fault = json!({ "nth": nth, "times": 1, "action": action });
                aws.order(serde_json::from_value(fault).unwrap());
                let result = world.connect(&world.wanted("dac-read"), &world.token()).await;
                aws.clear_faults();
                if let Err(stop) = &result {
                    let clean = world.parts() == empty.0;
                    assert!(clean || !stop.left.is_empty() || stop.code == Code::Operator, "{name}: {stop}");
                    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
                }
                assert_eq!(world.apps(), [1], "{name}");
                world.works().await;
            }
        }
    }
}
