//! An org that is prepared: once, twice, broken and killed at every call, beside another run,
//! and beside objects of somebody else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connections::stop::{Code, Stop};
use okta_client::models::GroupProfile;
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use org_setup::plan::Wanted;
use org_setup::setup::{Report, plan, setup};
use serde_json::{Value, json};

/// An org that nobody prepared.
async fn org() -> (Emulator, Client) {
    let seed = Seed::parse(DEMO_ORG).unwrap().unprepared();
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    emulator.catch_up();
    emulator.clear_journal();
    (emulator, client)
}

fn wanted() -> Wanted {
    Wanted {
        origins: vec!["https://app.example.test".to_owned()],
        superusers: Vec::new(),
        audience: "api://okta-dac".to_owned(),
        delegation: true,
        user_type: None,
        adopt: false,
    }
}

async fn run(client: &Client) -> Result<Report, Stop> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    setup(&client.for_request(deadline), &wanted()).await
}

/// Without what differs from run to run: ids, times, and the placeholder's bytes.
fn shape(emulator: &Emulator) -> Value {
    let snapshot = emulator.stable_snapshot();
    let count = |name: &str| snapshot[name].as_object().map_or(0, serde_json::Map::len);
    json!({
        "groups": count("groups"), "apps": count("apps"), "servers": count("authorization_servers"),
        "origins": count("trusted_origins"), "keys": count("idp_keys"), "types": count("user_types"),
    })
}

#[tokio::test]
async fn an_org_is_prepared_once() {
    let (emulator, client) = org().await;
    let before = emulator.snapshot();
    let planned = plan(&client, &wanted()).await.unwrap();
    assert_eq!(emulator.snapshot(), before, "a plan changes nothing");
    let report = run(&client).await.unwrap();
    assert_eq!(report.made, planned);
    assert!(report.made.len() > 10, "{report:?}");
    emulator.catch_up();
    // Twice: nothing changes.
    let prepared = emulator.snapshot();
    let again = run(&client).await.unwrap();
    assert_eq!((again.made.len(), &again.app_id, &again.issuer), (0, &report.app_id, &report.issuer));
    assert_eq!(emulator.snapshot(), prepared);
    // A web app is added later.
    let more = Wanted { origins: vec!["https://other.example.test".to_owned()], ..wanted() };
    let added = setup(&client, &more).await.unwrap();
    assert_eq!(
        added.made,
        ["let the app lead to https://other.example.test/", "trust https://other.example.test"]
    );
    // What was made is what okta-dac needs: a superuser's token has the claim.
    let id = client.get_user("superuser@demo.test").await.unwrap().id.to_string();
    let with = Wanted { superusers: vec![id.clone()], ..wanted() };
    assert_eq!(setup(&client, &with).await.unwrap().made, [format!("make {id} a superuser")]);
}

/// An org that another program made already has objects of these names.
#[tokio::test]
async fn objects_of_somebody_else_stop_the_run_before_its_first_change() {
    let (emulator, client) = org().await;
    let post = async |path: &[&str], body: Value| {
        client.probe(http::Method::POST, path, &[], Some(&body)).await.unwrap();
    };
    post(&["api", "v1", "groups"], json!({ "profile": { "name": "SUPERUSERS", "description": "ours" } }))
        .await;
    let server = json!({ "name": "okta-dac", "description": "ours", "audiences": ["api://okta-dac"] });
    post(&["api", "v1", "authorizationServers"], server).await;
    emulator.catch_up();
    let before = emulator.snapshot();
    let refused = run(&client).await.unwrap_err();
    assert_eq!(refused.code, Code::Ambiguous, "{refused}");
    for name in ["the group SUPERUSERS", "the authorization server okta-dac", "--adopt"] {
        assert!(refused.sentence.contains(name), "{refused}");
    }
    assert_eq!(emulator.snapshot(), before);
    let adopted = setup(&client, &Wanted { adopt: true, ..wanted() }).await.unwrap();
    assert!(!adopted.made.iter().any(|text| text.contains("group SUPERUSERS")), "{adopted:?}");
    // A token that is no super admin's changes nothing.
    let token = emulator.api_token("user@acme.test").unwrap();
    let other = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), ApiToken::from(token)).unwrap();
    assert_eq!(run(&other).await.unwrap_err().code, Code::NotPermitted);
}

/// Broken at every call by every fault, which is what a kill leaves, too: the same command again
/// completes, and nothing is there twice.
#[tokio::test]
async fn a_run_that_breaks_anywhere_is_completed_by_the_next() {
    let (emulator, client) = org().await;
    run(&client).await.unwrap();
    emulator.catch_up();
    let (whole, calls) = (shape(&emulator), emulator.journal().len() as u64);
    let mut broken = 0;
    for fault in [
        Action { status: Some(500), ..Action::default() },
        Action { drop: Some(Drop::Before), ..Action::default() },
        Action { drop: Some(Drop::After), ..Action::default() },
    ] {
        for nth in 1..=calls {
            let (emulator, client) = org().await;
            // Each try of a call fails.
            emulator.order(Fault::on_call(nth, 4, fault.clone()));
            broken += usize::from(run(&client).await.is_err());
            emulator.clear_faults();
            emulator.catch_up();
            run(&client).await.unwrap_or_else(|stop| panic!("{fault:?} at {nth}: {stop}"));
            emulator.catch_up();
            assert_eq!(shape(&emulator), whole, "{fault:?} at {nth}");
            assert!(run(&client).await.unwrap().made.is_empty(), "{fault:?} at {nth}");
        }
    }
    assert!(broken > 20, "{broken} runs broke");
}

/// Two at once: both end with the same objects, and nothing is there twice.
#[tokio::test]
async fn two_at_once_make_one_of_each() {
    let (emulator, client) = org().await;
    run(&client).await.unwrap();
    emulator.catch_up();
    let whole = shape(&emulator);
    for _ in 0..5 {
        let (emulator, client) = org().await;
        let (one, other) = futures::join!(run(&client), run(&client));
        emulator.catch_up();
        // One of them may have found what the other takes back: the same command goes on.
        let (one, other) = match (one, other) {
            (Ok(one), Ok(other)) => (one, other),
            _ => (run(&client).await.unwrap(), run(&client).await.unwrap()),
        };
        assert_eq!((&one.app_id, &one.issuer), (&other.app_id, &other.issuer));
        let found = shape(&emulator);
        for name in ["groups", "apps", "servers", "origins"] {
            assert_eq!(found[name], whole[name], "{name}");
        }
    }
}

/// What has our name and would not work, or would give somebody rights, is said.
#[tokio::test]
async fn what_is_not_as_it_has_to_be_stops_the_run() {
    let (emulator, client) = org().await;
    let prepared = run(&client).await.unwrap();
    emulator.catch_up();
    let refused = async |wanted: Wanted, names: &str| {
        let before = emulator.snapshot();
        let stop = setup(&client, &wanted).await.unwrap_err();
        assert!(stop.code == Code::Ambiguous && stop.sentence.contains(names), "{stop}");
        assert_eq!(emulator.snapshot(), before);
    };
    refused(Wanted { audience: "api://other".to_owned(), ..wanted() }, "audiences").await;
    // Users who could name their agents themselves: the attribute is theirs to write.
    let kinds = client.list_user_types().await.unwrap();
    let kind = kinds.iter().find(|kind| kind.name == "oktaDacDelegator").unwrap();
    let agents = async |action: &str| {
        let attribute = json!({
            "title": "Agents", "type": "array", "items": { "type": "string" },
            "permissions": [{ "principal": "SELF", "action": action }],
        });
        let custom = json!({ "properties": { "delegatedAgents": attribute } });
        let schema = json!({ "definitions": { "custom": custom } });
        client.update_user_profile(kind, &schema).await.unwrap();
    };
    agents("READ_WRITE").await;
    refused(wanted(), "delegatedAgents").await;
    agents("READ_ONLY").await;
    // A certificate with the placeholder's name, and a private key that somebody has.
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut certificate = rcgen::CertificateParams::default();
    certificate.distinguished_name.push(rcgen::DnType::CommonName, domain::PLACEHOLDER);
    let x5c = BASE64_STANDARD.encode(certificate.self_signed(&pair).unwrap().der());
    let key = client.create_identity_provider_key(&x5c).await.unwrap().kid;
    refused(wanted(), "a second certificate").await;
    client.delete_identity_provider_key(&key).await.unwrap();
    // The app was deleted: its policy is no other app's.
    let app = prepared.app_id.as_str().into();
    client.deactivate_application(&app).await.unwrap();
    client.delete_application(&app).await.unwrap();
    emulator.catch_up();
    refused(wanted(), "the access policy okta-dac").await;
}

/// Whoever administers a group can give it our name and mark. With members the group stops the
/// run; empty the group goes, and with it every role that is limited to it.
#[tokio::test]
async fn a_group_with_a_forged_mark_becomes_nobodys_right() {
    for has_member in [true, false] {
        let (emulator, client) = org().await;
        let forged = GroupProfile::new("RESPONDERS".to_owned(), "okta-dac org v1".to_owned());
        let forged = client.add_group(&forged).await.unwrap().id;
        if has_member {
            let user = client.get_user("user@acme.test").await.unwrap().id;
            client.assign_user_to_group(&forged, &user).await.unwrap();
        }
        emulator.catch_up();
        let before = emulator.snapshot();
        match run(&client).await {
            Err(stop) => {
                assert!(has_member && stop.sentence.contains("the group RESPONDERS"), "{stop}");
                assert_eq!(emulator.snapshot(), before);
            }
            Ok(report) => {
                assert!(!has_member && report.responders_group_id != forged.to_string(), "{report:?}");
                assert!(client.get_group(&forged).await.unwrap_err().is_not_found());
            }
        }
    }
}
