//! `POST /tenants`

use std::time::Duration;

use okta_client::models::GroupProfile;
use okta_emulator::Action;
use serde_json::{Value, json};
use tests::{Member, Superuser, TenantAdmin, TestStack};

use crate::status;

fn initech() -> Value {
    json!({ "name": "initech" })
}

/// The main job: a new tenant, its admin, and a neighbour who is refused.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let tenant = stack.post("/tenants", Superuser, initech()).await;
    assert_eq!(tenant.status, 201, "{tenant}");
    assert_eq!(tenant.header("location"), format!("{}/tenants/initech", stack.stack.api_url()));
    for member in ["id", "ADMINS_groupId", "USERS_groupId", "ADMINS_roleId", "name", "created", "lastUpdated"]
    {
        assert!(tenant.body[member].is_string(), "{member}: {tenant}");
    }
    let read = stack.get("/tenants/initech", Superuser).await;
    assert_eq!(read.status, 200, "{read}");
    assert_eq!(read.body["id"], tenant.body["id"]);

    // agent@demo.test becomes its admin.
    let id = |member: &str| tenant.body[member].as_str().unwrap().to_owned();
    let users = stack.okta().snapshot()["users"].clone();
    let (uid, _) =
        users.as_object().unwrap().iter().find(|(_, u)| u["profile"]["login"] == "agent@demo.test").unwrap();
    for group in ["USERS_groupId", "ADMINS_groupId"] {
        stack.okta_client().assign_user_to_group(&id(group).into(), &uid.as_str().into()).await.unwrap();
    }
    let admin = || tests::Bearer(stack.token("agent@demo.test"));
    assert_eq!(stack.get("/tenants/initech", admin()).await.status, 200);
    assert_eq!(stack.get("/tenants/acme", admin()).await.status, 403);
    assert_eq!(stack.get("/tenants/initech", TenantAdmin("acme")).await.status, 403);
    assert_eq!(stack.get("/tenants/initech", Member("acme")).await.status, 403);
}

#[tokio::test]
async fn only_superusers_may() {
    let stack = TestStack::start().await;
    let before = stack.okta().snapshot();
    assert_eq!(stack.post("/tenants", TenantAdmin("acme"), initech()).await.status, 403);
    assert_eq!(stack.post("/tenants", Member("acme"), initech()).await.status, 403);
    assert_eq!(stack.okta().snapshot(), before);
}

#[tokio::test]
async fn tenant_already_exists() {
    let stack = TestStack::start().await;
    let acme = stack.get("/tenants/acme", Superuser).await;
    let answer = stack.post("/tenants", Superuser, json!({ "name": "acme" })).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-already-exists"), "{answer}");
    assert_eq!(answer.body["existingId"], acme.body["id"]);
}

#[tokio::test]
async fn name_taken() {
    let stack = TestStack::start().await;
    stack.okta_client().add_group(&GroupProfile::new("ADMINS_initech", "made by hand")).await.unwrap();
    let answer = stack.post("/tenants", Superuser, initech()).await;
    assert_eq!((answer.status, answer.code()), (409, "name-taken"), "{answer}");
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let marker = json!({ "creating": "another-request" }).to_string();
    // Made in the future, it never gets old enough to count as abandoned.
    stack.okta().configure(|settings| settings.clock_offset_ms = 60_000);
    stack.okta_client().add_group(&GroupProfile::new("ADMINS_initech", marker)).await.unwrap();
    stack.okta().configure(|settings| settings.clock_offset_ms = 0);
    let answer = stack.post("/tenants", Superuser, initech()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    assert!(!answer.header("retry-after").is_empty(), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post("/tenants", Superuser, json!({ "name": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
    assert!(stack.okta().journal().iter().all(|call| call.operation_id == Some("oauthKeysCustomAS")));
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let token = stack.token("superuser@demo.test");
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "text/plain".to_owned())];
    let answer = stack.raw("POST", "/tenants", &headers, initech().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    let before = stack.okta().stable_snapshot();
    stack.break_call(3, u64::MAX, status(500));
    let answer = stack.post("/tenants", Superuser, initech()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    assert!(answer.body["leftBehind"].as_array().is_some_and(|left| !left.is_empty()), "{answer}");
    stack.okta().clear_faults();
    stack.okta().configure(|settings| settings.clock_offset_ms = 60_000);
    assert_eq!(stack.post("/tenants", Superuser, initech()).await.status, 201);
    stack.delete("/tenants/initech", Superuser).await;
    assert_eq!(stack.okta().stable_snapshot(), before);
}

/// Killed while it creates the IdP: the same request again, at once, waits
/// until the dead run cannot be alive any more, and makes the tenant.
#[tokio::test]
async fn a_killed_function_leaves_nothing_that_the_next_request_cannot_mend() {
    let stack = TestStack::start().await;
    assert_eq!(stack.post("/tenants", Superuser, initech()).await.status, 201);
    let undisturbed = stack.okta().stable_snapshot();
    stack.okta().reset();

    stack.break_call(3, u64::MAX, Action { delay_ms: 60_000, ..Action::default() });
    let arrived = stack.okta().arrivals();
    let kill = async {
        stack.okta().wait_for_arrivals(arrived + 3).await;
        for process in stack.stack.processes("add-tenant") {
            let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
            assert!(killed.unwrap().success());
        }
    };
    let (answer, ()) = tokio::join!(stack.post("/tenants", Superuser, initech()), kill);
    assert_eq!(answer.status, 502, "{answer}");
    stack.okta().clear_faults();

    let started = std::time::Instant::now();
    let again = stack.post("/tenants", Superuser, initech()).await;
    assert_eq!(again.status, 201, "{again}");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(stack.okta().stable_snapshot(), undisturbed);
}

#[tokio::test]
async fn fifty_at_once_of_one_name_make_one_tenant() {
    let stack = TestStack::start().await;
    let calls = (0..50).map(|_| stack.post("/tenants", Superuser, initech()));
    let mut statuses: Vec<u16> =
        futures::future::join_all(calls).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 49][..]));
    let snapshot = stack.okta().stable_snapshot();
    let carries =
        |groups: &Value| groups.as_object().unwrap().keys().filter(|name| name.ends_with("_initech")).count();
    assert_eq!((carries(&snapshot["groups"]), carries(&snapshot["idps"])), (2, 1));
}

#[tokio::test]
async fn fifty_at_once_of_different_names_make_fifty_tenants() {
    let stack = TestStack::start().await;
    let calls = (0..50).map(|n| stack.post("/tenants", Superuser, json!({ "name": format!("tenant-{n}") })));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    stack.okta().catch_up();
    let list = stack.get("/tenants?limit=200", Superuser).await;
    assert_eq!(list.body.as_array().unwrap().len(), 52);
}

/// With Okta's limits, in windows of five seconds: whoever is refused asks
/// again when they are told to, everybody gets a tenant, and Okta itself never
/// has to refuse.
#[tokio::test]
async fn a_hundred_at_once_stay_below_oktas_limits_and_none_is_lost() {
    let stack = TestStack::start().await;
    stack.okta().configure(|settings| {
        settings.rate_limits = true;
        settings.rate_limit_window_seconds = 5;
    });
    let calls = (0..100).map(async |n| {
        let mut refusals = 0;
        loop {
            let answer = stack.post("/tenants", Superuser, json!({ "name": format!("tenant-{n}") })).await;
            match answer.status {
                201 => return refusals,
                429 => {
                    refusals += 1;
                    let wait = answer.header("retry-after").parse().unwrap();
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                }
                _ => panic!("{answer}"),
            }
        }
    });
    let refusals: u32 = futures::future::join_all(calls).await.iter().sum();
    let limited = stack.okta().journal().iter().filter(|call| call.status == 429).count();
    assert_eq!(limited, 0, "{refusals} requests were told to wait");
    stack.okta().configure(|settings| settings.rate_limits = false);
    stack.okta().catch_up();
    let list = stack.get("/tenants?limit=200", Superuser).await;
    assert_eq!(list.body.as_array().unwrap().len(), 102);
}

#[tokio::test]
async fn bad_input_is_refused_before_any_call() {
    let stack = TestStack::start().await;
    let token = stack.token("superuser@demo.test");
    let headers =
        [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    for (body, pointer) in [
        ("", ""),
        ("{", ""),
        ("null", ""),
        ("[]", ""),
        ("{}", "/name"),
        (r#"{"name": 7}"#, "/name"),
        (r#"{"name": null}"#, "/name"),
        (r#"{"name": "initech", "extra": 1}"#, "/extra"),
        (r#"{"name": ""}"#, "/name"),
        (r#"{"name": "a/b"}"#, "/name"),
        (r#"{"name": "*"}"#, "/name"),
        (r#"{"name": "a:b"}"#, "/name"),
        (r#"{"name": "Initech"}"#, "/name"),
        (r#"{"name": "initech_unverified"}"#, "/name"),
        (r#"{"name": " initech"}"#, "/name"),
        (r#"{"name": "superusers"}"#, "/name"),
        (r#"{"name": "in\u0000itech"}"#, "/name"),
    ] {
        let answer = stack.raw("POST", "/tenants", &headers, body.into()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{body}: {answer}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}: {answer}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let answer = stack.raw("POST", "/tenants", &headers, vec![0xff, 0xfe]).await;
    assert_eq!(answer.status, 400, "{answer}");
    assert!(stack.okta().journal().iter().all(|call| call.operation_id == Some("oauthKeysCustomAS")));
}

#[tokio::test]
async fn idempotency_key_reused() {
    let stack = TestStack::start().await;
    let first = crate::idempotency::post(
        &stack,
        "/tenants",
        "superuser@demo.test",
        "key",
        &json!({ "name": "initech" }),
    )
    .await;
    assert_eq!(first.status, 201, "{first}");
    let answer = crate::idempotency::post(
        &stack,
        "/tenants",
        "superuser@demo.test",
        "key",
        &json!({ "name": "hooli" }),
    )
    .await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency-key-reused"), "{answer}");
}

/// The same request runs for longer than anybody waits.
#[tokio::test]
async fn request_in_progress() {
    let stack = TestStack::start().await;
    let user = stack.user("superuser@demo.test").await;
    stack.hold(&format!("replay#{user}#add-tenant#key")).await;
    let answer = crate::idempotency::post(
        &stack,
        "/tenants",
        "superuser@demo.test",
        "key",
        &json!({ "name": "initech" }),
    )
    .await;
    assert_eq!((answer.status, answer.code()), (409, "request-in-progress"), "{answer}");
}

/// A key is asked for, and there is no table to keep it in.
#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let body = json!({ "name": "initech" });
    let answer = crate::idempotency::post(&stack, "/tenants", "superuser@demo.test", "key", &body).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
