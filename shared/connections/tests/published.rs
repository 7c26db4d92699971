//! Keys at an address: made, replaced without a right in Okta, taken out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::path::PathBuf;
use std::time::Duration;

use connections::key::{KeyKind, KeyPair};
use connections::plan::Wanted;
use connections::stop::Code;
use connections::stored::Stored;
use connections::{ending, rotate, upgrade};
use okta_client::Client;
use okta_emulator::{Action, Fault};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::World;

/// A server that shows one file; its address.
async fn shown(path: PathBuf) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let (status, body) = match std::fs::read_to_string(&path) {
                Ok(text) => ("200 OK", text),
                Err(_) => ("404 Not Found", String::new()),
            };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    format!("http://127.0.0.1:{port}/jwks.json")
}

fn document(world: &World) -> PathBuf {
    world.folder.path().join("credential.json.jwks.json")
}

fn wanted(world: &World, address: &str) -> Wanted {
    Wanted { jwks_uri: Some(address.parse().unwrap()), ..world.wanted("dac-read") }
}

async fn stored(world: &World) -> Stored {
    world.sink().read().await.unwrap().unwrap()
}

fn kids(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(document(world)).unwrap();
    let keys = serde_json::from_str::<Value>(&text).unwrap()["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A rotation with the stored credential, which has no right to change an app.
async fn rotated(world: &World, resume: bool) -> Result<rotate::Report, connections::stop::Stop> {
    let client = Client::new(world.org.clone(), stored(world).await.credential().unwrap()).unwrap();
    let sink = world.sink();
    let run = rotate::Run {
        client: &client,
        org: &world.org,
        sink: &sink,
        key: KeyKind::P256,
        patience: Duration::from_millis(1_500),
        overlap: Duration::from_millis(100),
        resume,
        delete_old: false,
    };
    rotate::key(&run).await
}

#[tokio::test]
async fn a_key_is_replaced_without_a_right_in_okta() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    let wanted = wanted(&world, &address);
    world.connect(&wanted, &world.token()).await.unwrap();
    world.works().await;
    let first = stored(&world).await;
    assert_eq!(first.jwks_uri, wanted.jwks_uri);
    assert_eq!(kids(&world), [first.key_id.clone().unwrap()]);
    // Okta has the address and no key.
    let snapshot = world.emulator.snapshot();
    let app = &snapshot["apps"][first.client_id.as_deref().unwrap()]["settings"]["oauthClient"];
    assert!(app["jwks_uri"] == address && app.get("jwks").is_none(), "{app}");
    // Twice: nothing changes.
    world.connect(&wanted, &world.token()).await.unwrap();
    assert_eq!(stored(&world).await, first);

    let before = world.parts();
    let report = rotated(&world, false).await.unwrap();
    world.works().await;
    assert_eq!((report.retired, kids(&world)), (first.key_id.clone(), vec![report.current]));
    assert_eq!(world.parts(), before, "nothing in Okta is another");
    // The old key is worth nothing.
    let old = Client::new(world.org.clone(), first.credential().unwrap()).unwrap();
    assert!(old.token().await.unwrap_err().is_rejected_credential());

    let client = world.client(&world.token());
    ending::uninstall(&client, &world.org, &world.sink()).await.unwrap();
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_address_that_does_not_show_the_key_is_said_before_anything_is_made() {
    let world = World::start().await;
    let address = shown(world.folder.path().join("elsewhere.json")).await;
    let wanted = wanted(&world, &address);
    let stop = world.connect(&wanted, &world.token()).await.unwrap_err();
    assert!(stop.code == Code::State && stop.sentence.contains("404"), "{stop}");
    assert!(stop.sentence.contains("credential.json.jwks.json"), "{stop}");
    assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
    // Somebody lets the address show it: the same command goes on with the same key.
    let kid = stored(&world).await.pending.clone().unwrap().id;
    std::fs::copy(document(&world), world.folder.path().join("elsewhere.json")).unwrap();
    world.connect(&wanted, &world.token()).await.unwrap();
    assert_eq!(stored(&world).await.key_id, Some(kid));
    // An old document at the address: the key in use works on, and the next run goes on.
    let first = stored(&world).await;
    let stop = rotated(&world, false).await.unwrap_err();
    assert_eq!(stop.code, Code::State, "{stop}");
    world.works().await;
    assert_eq!(stored(&world).await.key_id, first.key_id);
    std::fs::copy(document(&world), world.folder.path().join("elsewhere.json")).unwrap();
    // The old key is out of use only when the address does not show it any more.
    let stop = rotated(&world, false).await.unwrap_err();
    assert!(stop.code == Code::State && stop.sentence.contains("--resume"), "{stop}");
    assert_eq!(stored(&world).await.previous.as_ref().map(|part| part.id.clone()), first.key_id);
    world.works().await;
    std::fs::copy(document(&world), world.folder.path().join("elsewhere.json")).unwrap();
    assert_eq!(rotated(&world, true).await.unwrap().retired, first.key_id);
    assert_eq!(stored(&world).await.previous, None);
    world.works().await;
}

/// Whoever can write at the address could be the client, too.
#[tokio::test]
async fn an_address_with_another_key_gets_no_scopes() {
    let world = World::start().await;
    let elsewhere = world.folder.path().join("elsewhere.json");
    let address = shown(elsewhere.clone()).await;
    let wanted = wanted(&world, &address);
    assert_eq!(world.connect(&wanted, &world.token()).await.unwrap_err().code, Code::State);
    let planted = KeyPair::generate(KeyKind::P256).unwrap().public;
    let own: Value = serde_json::from_str(&std::fs::read_to_string(document(&world)).unwrap()).unwrap();
    let mut forged = planted.clone();
    forged["kid"] = own["keys"][0]["kid"].clone();
    for keys in [vec![own["keys"][0].clone(), planted], vec![forged]] {
        std::fs::write(&elsewhere, serde_json::json!({ "keys": keys }).to_string()).unwrap();
        let stop = world.connect(&wanted, &world.token()).await.unwrap_err();
        assert_eq!(stop.code, Code::State, "{stop}");
        assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
    }
    std::fs::copy(document(&world), &elsewhere).unwrap();
    world.connect(&wanted, &world.token()).await.unwrap();
    // Nor a second run, of a connection that is in use.
    std::fs::write(
        &elsewhere,
        serde_json::json!({ "keys": [own["keys"][0], KeyPair::generate(KeyKind::P256).unwrap().public] })
            .to_string(),
    )
    .unwrap();
    assert_eq!(world.connect(&wanted, &world.token()).await.unwrap_err().code, Code::State);
}

/// What is beside the credential and not ours is neither read over nor taken away.
#[tokio::test]
async fn a_document_of_somebody_else_stays() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    std::fs::write(document(&world), "{\"keys\":[{\"kid\":\"theirs\"}]}").unwrap();
    let stop = world.connect(&wanted(&world, &address), &world.token()).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("jwks.json"), "{stop}");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1, "no key was made");
    // A failed run without an address does not look there.
    let mut fault = Fault::on_call(1, 9, Action { status: Some(403), ..Action::default() });
    fault.operation_id = Some("createApplication".to_owned());
    world.emulator.order(fault);
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap_err();
    world.emulator.clear_faults();
    assert!(std::fs::read_to_string(document(&world)).unwrap().contains("theirs"));
    for bad in ["file:tool.jwks.json", "ssm:/tool.pending", "ssm:/tool.jwks", "secretsmanager:tool/jwks"] {
        assert!(bad.parse::<connections::sink::Sink>().is_err(), "{bad}");
    }
}

/// An ARN has nothing beside it: that is said before anything is made.
#[tokio::test]
async fn keys_cannot_be_published_beside_an_arn() {
    let world =
        World::on_aws("secretsmanager:arn:aws:secretsmanager:us-east-1:000000000000:secret:tool-AbCdEf")
            .await;
    let stop =
        world.connect(&wanted(&world, "http://127.0.0.1:1/jwks.json"), &world.token()).await.unwrap_err();
    assert_eq!(stop.code, Code::Usage, "{stop}");
    assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
}

/// How long Okta keeps what it read is not documented.
#[tokio::test]
async fn a_document_that_okta_keeps_does_not_stop_the_key_in_use() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    world.connect(&wanted(&world, &address), &world.token()).await.unwrap();
    let first = stored(&world).await;
    world.emulator.configure(|settings| settings.jwks_uri_cached_ms = 3_600_000);
    let stop = rotated(&world, false).await.unwrap_err();
    assert_eq!(stop.code, Code::NotAvailable, "{stop}");
    world.works().await;
    assert_eq!((stored(&world).await.key_id, kids(&world).len()), (first.key_id.clone(), 2));
    world.emulator.configure(|settings| settings.jwks_uri_cached_ms = 0);
    assert_eq!(rotated(&world, false).await.unwrap().retired, first.key_id);
}

#[tokio::test]
async fn a_rotation_that_was_killed_after_its_switch_is_finished() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    world.connect(&wanted(&world, &address), &world.token()).await.unwrap();
    let first = stored(&world).await;
    // As a run leaves it that was killed while it waited.
    let pair = KeyPair::generate(KeyKind::P256).unwrap();
    let value = secrecy::ExposeSecret::expose_secret(&pair.private).into();
    let pending = connections::stored::Part { id: pair.key_id.clone(), value };
    let switched = Stored { pending: Some(pending), ..first.clone() }.switched();
    world.sink().publish(&switched).await.unwrap();
    world.sink().write(&switched).await.unwrap();
    assert_eq!(rotated(&world, false).await.unwrap_err().code, Code::State);
    let report = rotated(&world, true).await.unwrap();
    assert_eq!((report.retired, kids(&world)), (first.key_id.clone(), vec![pair.key_id]));
}

/// An app that has its keys in Okta does not lose them, and the other way round.
#[tokio::test]
async fn keys_do_not_move_unasked() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    let before = world.parts();
    let stop = world.connect(&wanted(&world, &address), &world.token()).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("in Okta"), "{stop}");
    assert_eq!(world.parts(), before);
    world.remove().await;
    world.connect(&wanted(&world, &address), &world.token()).await.unwrap();
    let before = world.parts();
    let stop = world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains(&address), "{stop}");
    assert_eq!(world.parts(), before);
    // Somebody moves them: the connection gets no more scopes.
    let client = world.client(&world.token());
    let id = stored(&world).await.client_id.clone().unwrap();
    let mut app = client.get_application(&id.as_str().into()).await.unwrap();
    app.other.get_mut("settings").unwrap()["oauthClient"]["jwks_uri"] = "https://evil.test/jwks.json".into();
    client.replace_application(&app).await.unwrap();
    let sink = world.sink();
    let run = upgrade::Run {
        client: &client,
        org: &world.org,
        sink: &sink,
        preset: None,
        add: &["okta.logs.read".to_owned()],
        drop: &[],
        resources: Vec::new(),
        patience: Duration::ZERO,
        overlap: Duration::ZERO,
    };
    let stop = upgrade::upgrade(&run).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("https://evil.test/jwks.json"), "{stop}");
}

/// Okta broken at every call: what a failed run made is taken back, the document too.
#[tokio::test]
async fn a_failed_run_leaves_no_document() {
    let world = World::start().await;
    let address = shown(document(&world)).await;
    let token = world.token();
    for operation in ["createApplication", "grantConsentToScope", "assignRoleToClient"] {
        let action = Action { status: Some(403), ..Action::default() };
        let mut fault = Fault::on_call(1, 9, action);
        fault.operation_id = Some(operation.to_owned());
        world.emulator.order(fault);
        let stop = world.connect(&wanted(&world, &address), &token).await.unwrap_err();
        assert!(stop.left.is_empty(), "{operation}: {stop:?}");
        assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0, "{operation}");
        assert_eq!(world.apps(), [0; 0]);
        world.emulator.clear_faults();
    }
    world.connect(&wanted(&world, &address), &token).await.unwrap();
    world.works().await;
}
