//! `POST /delegator/delegation`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Managed, TestStack};

use crate::{dropped, status};

const SET: &str = "/delegator/delegation";
const AGENT: Managed = Managed("agent@demo.test");
const DELEGATOR: Managed = Managed("delegator@demo.test");

fn op(op: &str) -> Value {
    json!({ "op": op })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    for _ in 0..2 {
        let on = stack.post(SET, AGENT, op("ACTIVATE")).await;
        assert_eq!((on.status, &on.body), (200, &json!({ "active": true })), "{on}");
    }
    let nominated = json!({ "agentid": "superuser@demo.test" });
    assert_eq!(stack.post("/delegator/agents/add", AGENT, nominated).await.status, 200);
    let off = stack.post(SET, AGENT, op("DEACTIVATE")).await;
    assert_eq!((off.status, &off.body), (200, &json!({ "active": false })), "{off}");
    assert_eq!(stack.get("/delegator/agents", AGENT).await.body, json!({ "agents": [] }));
    // The password is what it was.
    let credentials = json!({ "username": "agent@demo.test", "password": "Demo-Passw0rd" });
    assert_eq!(stack.prepare("POST", "/api/v1/authn", credentials).await["status"], "SUCCESS");
    let other = stack.post(SET, AGENT, op("TOGGLE")).await;
    assert_eq!((other.status, other.code()), (400, "invalid-request"), "{other}");
}

#[tokio::test]
async fn delegation_not_active() {
    let stack = TestStack::start_configured(&[("DelegatedUserTypeId", "")]).await;
    let answer = stack.post(SET, AGENT, op("ACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (409, "delegation-not-active"), "{answer}");
}

#[tokio::test]
async fn attributes_would_be_lost() {
    let stack = TestStack::start().await;
    let kind = stack.prepare("GET", "/api/v1/meta/types/user/oty1delegator0000001", Value::Null).await;
    let schema = kind["_links"]["schema"]["href"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let room = json!({ "room": { "title": "Room", "type": "string" } });
    let change =
        json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": room } } });
    stack.prepare("POST", &format!("/api/v1/meta/schemas/user/{schema}"), change).await;
    let user = format!("/api/v1/users/{}", stack.user("delegator@demo.test").await);
    stack.prepare("POST", &user, json!({ "profile": { "room": "7" } })).await;
    let answer = stack.post(SET, DELEGATOR, op("DEACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (409, "attributes-would-be-lost"), "{answer}");
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("user#00u00000000000000008").await;
    let answer = stack.post(SET, AGENT, op("ACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
}

#[tokio::test]
async fn user_not_active() {
    let stack = TestStack::start().await;
    stack.get("/agent", AGENT).await;
    stack.prepare("POST", "/api/v1/users/00u00000000000000008/lifecycle/suspend", json!({})).await;
    let answer = stack.post(SET, AGENT, op("ACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (409, "user-not-active"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(SET, AGENT, op(&"a".repeat(2 << 20))).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(AGENT))];
    let answer = stack.raw("POST", SET, &headers, op("ACTIVATE").to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.post(SET, AGENT, op("ACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/agent", AGENT).await; // The keys are fetched.
    stack.break_call(4, 1, dropped(Drop::After));
    stack.break_call(5, u64::MAX, status(500));
    let answer = stack.post(SET, AGENT, op("ACTIVATE")).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.post(SET, AGENT, op("ACTIVATE")).await.status, 200);
}
