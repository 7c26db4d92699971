//! Hooks: once, twice, broken at every call, beside another run, and beside somebody else's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use axum::routing::get;
use axum::{Json, Router};
use connections::stop::{Code, Stop};
use futures::TryStreamExt;
use http::HeaderMap;
use okta_client::models::Named;
use okta_client::{ApiToken, Client, OrgUrl};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use org_setup::hooks::{Report, Wanted, finish};
use serde_json::{Value, json};
use zeroize::Zeroizing;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An API that answers the verification of a hook with the right secret.
async fn api() -> String {
    let verify = async |headers: HeaderMap| {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_okta = text("authorization") == SECRET;
        Json(if is_okta {
            json!({ "verification": text("x-okta-verification-challenge") })
        } else {
            json!({})
        })
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/events/okta", get(verify));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/v1")
}

async fn org() -> (Emulator, Client) {
    let seed = Seed::parse(DEMO_ORG).unwrap().unprepared();
    let token = ApiToken::from(seed.api_token.token.clone());
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
    let client = Client::new(OrgUrl::parse(&emulator.url()).unwrap(), token).unwrap();
    (emulator, client)
}

async fn run(client: &Client, api: &str, adopt: bool) -> Result<Report, Stop> {
    run_with(client, api, adopt, true).await
}

async fn run_with(client: &Client, api: &str, adopt: bool, delegation: bool) -> Result<Report, Stop> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let secret = Zeroizing::new(SECRET.to_owned());
    let wanted = Wanted { api: api.parse().unwrap(), secret, delegation, rewrite: false, adopt };
    finish(&client.for_request(deadline), &wanted).await
}

/// How many hooks of each kind there are, and whether the event hook is verified.
fn shape(emulator: &Emulator) -> Value {
    let snapshot = emulator.snapshot();
    let count = |kind: &str| snapshot[kind].as_object().map_or(0, serde_json::Map::len);
    let states: Vec<&Value> = match snapshot["event_hooks"].as_object() {
        Some(hooks) => hooks.values().map(|hook| &hook["verificationStatus"]).collect(),
        None => Vec::new(),
    };
    json!({ "event": count("event_hooks"), "inline": count("inline_hooks"), "states": states })
}

#[tokio::test]
async fn a_run_that_breaks_anywhere_is_completed_by_the_next() {
    let api = api().await;
    let (emulator, client) = org().await;
    let made = run(&client, &api, false).await.unwrap().made;
    assert_eq!(made, ["make the token hook", "make the event hook", "let Okta verify the event hook"]);
    let (whole, calls) = (shape(&emulator), emulator.journal().len() as u64);
    assert_eq!(whole, json!({ "event": 1, "inline": 1, "states": ["VERIFIED"] }));
    let mut broken = 0;
    for fault in [
        Action { status: Some(500), ..Action::default() },
        Action { drop: Some(Drop::Before), ..Action::default() },
        Action { drop: Some(Drop::After), ..Action::default() },
    ] {
        for nth in 1..=calls {
            let (emulator, client) = org().await;
            emulator.order(Fault::on_call(nth, 4, fault.clone()));
            broken += usize::from(run(&client, &api, false).await.is_err());
            emulator.clear_faults();
            run(&client, &api, false).await.unwrap_or_else(|stop| panic!("{fault:?} at {nth}: {stop}"));
            assert_eq!(shape(&emulator), whole, "{fault:?} at {nth}");
            let again = run(&client, &api, false).await.unwrap();
            assert_eq!(again.made, Vec::<String>::new(), "{fault:?} at {nth}");
        }
    }
    assert!(broken >= 12, "{broken} runs broke");
}

#[tokio::test]
async fn a_hook_of_somebody_else_stops_the_run_before_its_first_change() {
    let api = api().await;
    let (emulator, client) = org().await;
    let hook = json!({
        "name": "okta-dac", "events": { "type": "EVENT_TYPE", "items": ["user.lifecycle.create"] },
        "channel": { "type": "HTTP", "version": "1.0.0", "config": { "uri": "https://other.test/hook" } },
    });
    client.create_event_hook(&hook).await.unwrap();
    let before = emulator.snapshot();
    let refused = run(&client, &api, false).await.unwrap_err();
    assert_eq!(refused.code, Code::Ambiguous);
    assert!(
        refused.sentence.contains("leads elsewhere") && refused.sentence.contains("--adopt"),
        "{refused}"
    );
    assert_eq!(emulator.snapshot(), before);
    run(&client, &api, true).await.unwrap();
    // Another one of the name: nobody's choice to make.
    client.create_event_hook(&hook).await.unwrap();
    let several = run(&client, &api, true).await.unwrap_err();
    assert!(several.sentence.contains("several hooks"), "{several}");
}

#[tokio::test]
async fn two_at_once_make_one_of_each() {
    let api = api().await;
    for _ in 0..5 {
        let (emulator, client) = org().await;
        let both = futures::join!(run(&client, &api, false), run(&client, &api, false));
        if both.0.is_err() || both.1.is_err() {
            run(&client, &api, false).await.unwrap();
        }
        assert_eq!(shape(&emulator), json!({ "event": 1, "inline": 1, "states": ["VERIFIED"] }));
        let hooks = client.list_event_hooks().try_collect::<Vec<Named>>().await.unwrap();
        let found = run(&client, &api, false).await.unwrap();
        assert_eq!((found.made.len(), found.event_hook_id.as_str()), (0, hooks[0].id.as_str()));
    }
}

/// A run without delegation, whose look at the token hooks fails, must not repair the event hook
/// alone: nothing would show afterwards that the token hook sends an old secret.
#[tokio::test]
async fn a_token_hook_is_never_left_with_an_old_secret() {
    let api = api().await;
    let (emulator, client) = org().await;
    run(&client, &api, false).await.unwrap();
    let channel = |path: &str| {
        json!({ "type": "HTTP", "version": "1.0.0", "config": {
        "uri": format!("{api}{path}"), "method": "POST",
        "authScheme": { "type": "HEADER", "key": "Authorization", "value": "0".repeat(32) },
    } })
    };
    let kind = "com.okta.oauth2.tokens.transform";
    let token = json!({ "name": "okta-dac", "type": kind, "version": "1.0.0", "channel": channel("/tokenEnrichment/agent") });
    let events = json!({ "type": "EVENT_TYPE", "items": domain::ENDING_EVENTS });
    let event = json!({ "name": "okta-dac", "events": events, "channel": channel("/events/okta") });
    let (event_id, token_id) = {
        let report = run(&client, &api, false).await.unwrap();
        (report.event_hook_id, report.token_hook_id.unwrap())
    };
    client.replace_inline_hook(&token_id, &token).await.unwrap();
    client.replace_event_hook(&event_id, &event).await.unwrap();
    let mut fails = Fault::on_call(1, 4, Action { status: Some(500), ..Action::default() });
    fails.operation_id = Some("listInlineHooks".to_owned());
    emulator.order(fails);
    assert!(run_with(&client, &api, false, false).await.is_err());
    emulator.clear_faults();
    run_with(&client, &api, false, false).await.unwrap();
    for kind in ["event_hooks", "inline_hooks"] {
        let hooks = emulator.snapshot()[kind].clone();
        let mut secrets =
            hooks.as_object().unwrap().values().map(|hook| &hook["channel"]["config"]["authScheme"]["value"]);
        assert!(secrets.all(|secret| secret == SECRET), "{kind}");
    }
}

/// A hook that somebody switched off still answers the verification, and Okta delivers nothing.
#[tokio::test]
async fn hooks_that_are_off_are_switched_on() {
    let api = api().await;
    let (emulator, client) = org().await;
    let made = run(&client, &api, false).await.unwrap();
    for (kind, id) in
        [("eventHooks", &made.event_hook_id), ("inlineHooks", made.token_hook_id.as_ref().unwrap())]
    {
        let path = ["api", "v1", kind, id, "lifecycle", "deactivate"];
        client.probe(http::Method::POST, &path, &[], None).await.unwrap();
    }
    let again = run(&client, &api, false).await.unwrap();
    assert_eq!(again.made, ["switch the token hook on", "switch the event hook on"]);
    let snapshot = emulator.snapshot();
    for kind in ["event_hooks", "inline_hooks"] {
        assert!(
            snapshot[kind].as_object().unwrap().values().all(|hook| hook["status"] == "ACTIVE"),
            "{kind}"
        );
    }
    assert!(run(&client, &api, false).await.unwrap().made.is_empty());
}
