//! Other scopes and roles for a connection that is in use.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::time::Duration;

use connections::key::{KeyKind, KeyPair};
use connections::preset::Preset;
use connections::stop::{Code, Stop};
use connections::stored::Stored;
use connections::upgrade::{self, Report, Run};
use okta_client::Client;
use okta_emulator::Fault;

use crate::world::{FAULTS, World};

struct Change {
    preset: Option<&'static str>,
    add: Vec<String>,
    drop: Vec<String>,
}

fn to(preset: &'static str) -> Change {
    Change { preset: Some(preset), add: Vec::new(), drop: Vec::new() }
}

fn scopes(add: &[&str], drop: &[&str]) -> Change {
    let own = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Change { preset: None, add: own(add), drop: own(drop) }
}

async fn change(world: &World, change: &Change) -> Result<Report, Stop> {
    let (client, sink) = (world.client(&world.token()), world.sink());
    let run = Run {
        client: &client,
        org: &world.org,
        sink: &sink,
        preset: change.preset.map(|name| Preset::parse(name).unwrap()),
        add: &change.add,
        drop: &change.drop,
        resources: world.wanted("response").resources,
        overlap: Duration::from_millis(50),
        patience: Duration::from_millis(500),
    };
    let planned: Vec<String> = upgrade::plan(&run).await?.iter().map(ToString::to_string).collect();
    let report = upgrade::upgrade(&run).await?;
    assert_eq!(planned, report.steps, "the plan is what is done");
    Ok(report)
}

async fn connected(preset: &str) -> World {
    let world = World::start().await;
    world.connect(&world.wanted(preset), &world.token()).await.unwrap();
    world
}

/// Wider, narrower, and back: the same key, and what is dropped is gone.
#[tokio::test]
async fn a_connection_becomes_wider_and_narrower() {
    let world = connected("logs").await;
    let key = world.sink().read().await.unwrap().unwrap().key_id;
    for preset in ["response", "dac-read", "logs"] {
        let report = change(&world, &to(preset)).await.unwrap();
        let wanted: std::collections::BTreeSet<&str> = Preset::parse(preset).unwrap().all_scopes().collect();
        assert_eq!(
            report.scopes.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
            wanted
        );
        let stored = world.sink().read().await.unwrap().unwrap();
        assert_eq!((&stored.key_id, &stored.scopes), (&key, &report.scopes));
        assert!(report.probes.iter().all(|probe| probe.expected != "refused" || !probe.is_too_strong()));
        // Again: nothing is left to do.
        assert_eq!(change(&world, &to(preset)).await.unwrap().steps, ["verify"]);
        // `connect` takes it for what it is now.
        world.connect(&world.wanted(preset), &world.token()).await.unwrap();
        assert_eq!(world.apps(), [1]);
    }
}

#[tokio::test]
async fn single_scopes_come_and_go() {
    let world = connected("logs").await;
    let report = change(&world, &scopes(&["okta.users.read"], &[])).await.unwrap();
    assert_eq!(report.scopes, ["okta.logs.read", "okta.users.read"]);
    let report = change(&world, &scopes(&[], &["okta.users.read"])).await.unwrap();
    assert_eq!(report.scopes, ["okta.logs.read"]);
    let none = change(&world, &scopes(&[], &["okta.logs.read"])).await.unwrap_err();
    assert_eq!(none.code, Code::Usage);
    // One that a person names is never skipped.
    let unknown = change(&world, &scopes(&["okta.nothing.read"], &[])).await.unwrap_err();
    assert!(unknown.sentence.contains("okta.nothing.read"), "{unknown}");
    world.works_with_logs().await;
}

/// Whoever administers apps writes the app's note, and adds keys.
#[tokio::test]
async fn the_apps_note_and_its_keys_are_not_believed() {
    let world = connected("logs").await;
    let admin = world.client(&world.token());
    let stored = world.sink().read().await.unwrap().unwrap();
    let id: okta_client::models::AppId = stored.client_id.clone().unwrap().into();
    let mut app = admin.get_application(&id).await.unwrap();
    app.other.get_mut("settings").unwrap()["notes"]["admin"] = "okta-dac connection v1 dac 1".into();
    admin.replace_application(&app).await.unwrap();
    admin.assign_role_to_client(&id, "SUPER_ADMIN").await.unwrap();
    let stop = change(&world, &scopes(&["okta.groups.manage"], &[])).await.unwrap_err();
    assert!(stop.code == Code::TooStrong && stop.sentence.contains("make a group"), "{stop}");
    // Nor is there a guess where the place says nothing.
    world.sink().write(&Stored { preset: None, ..stored.clone() }).await.unwrap();
    let stop = change(&world, &scopes(&["okta.users.read"], &[])).await.unwrap_err();
    assert!(stop.code == Code::Usage && stop.sentence.contains("--preset"), "{stop}");
    world.sink().write(&stored).await.unwrap();
    admin.add_jwk(&id, &KeyPair::generate(KeyKind::P256).unwrap().public).await.unwrap();
    world.emulator.clear_journal();
    let stop = change(&world, &scopes(&["okta.users.read"], &[])).await.unwrap_err();
    assert!(stop.code == Code::Ambiguous && stop.sentence.contains("nobody here holds"), "{stop}");
    assert!(world.emulator.journal().iter().all(|call| call.method == "GET"));
}

/// Whoever reads the credential meanwhile fails at no request.
#[tokio::test]
async fn nobody_notices() {
    let world = connected("dac-read").await;
    let over = std::cell::Cell::new(false);
    let requests = async {
        let mut sent = 0;
        while !over.get() {
            let credential = world.sink().read().await.unwrap().unwrap().credential().unwrap();
            Client::new(world.org.clone(), credential).unwrap().token().await.unwrap();
            sent += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sent
    };
    let changing = async {
        let report = change(&world, &to("rotation")).await;
        over.set(true);
        report
    };
    let (report, sent) = futures::join!(changing, requests);
    report.unwrap();
    assert!(sent > 3, "{sent}");
}

/// Broken at every call: the credential works on, and the same command completes it.
#[tokio::test]
async fn an_upgrade_broken_at_every_call() {
    let world = connected("logs").await;
    let before = world.emulator.arrivals();
    change(&world, &to("rotation")).await.unwrap();
    let calls = world.emulator.arrivals() - before;
    for nth in 1..=calls {
        // Refused, and done with a lost answer, in turn.
        let fault = FAULTS[if nth % 2 == 0 { 0 } else { 2 }];
        world.remove().await;
        world.connect(&world.wanted("logs"), &world.token()).await.unwrap();
        world.emulator.order(Fault::on_call(nth, 1, fault()));
        let result = change(&world, &to("rotation")).await;
        world.emulator.clear_faults();
        let credential = world.sink().read().await.unwrap().unwrap().credential().unwrap();
        Client::new(world.org.clone(), credential).unwrap().token().await.unwrap();
        if let Err(stop) = result {
            change(&world, &to("rotation"))
                .await
                .unwrap_or_else(|again| panic!("call {nth}: {stop}; {again}"));
        }
        // Nothing is left to do, and nothing was made twice.
        assert_eq!(change(&world, &to("rotation")).await.unwrap().steps, ["verify"], "call {nth}");
        let parts = world.parts();
        let made = ["custom_roles", "resource_sets"].map(|name| parts[name].as_object().unwrap().len());
        assert_eq!((world.apps(), made), (vec![1], [1, 1]), "call {nth}");
    }
}
