//! `POST /delegator/agents/add`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Managed, Superuser, TestStack};

use crate::{dropped, status};

const ADD: &str = "/delegator/agents/add";
const DELEGATOR: Managed = Managed("delegator@demo.test");

fn superuser() -> Value {
    json!({ "agentid": "superuser@demo.test" })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let until =
        json!({ "agentid": "superuser@demo.test", "until": "2099-12-31T23:59:59Z", "reason": "Leave" });
    let answer = stack.post(ADD, DELEGATOR, until).await;
    let expected =
        json!({ "id": "00u00000000000000003", "until": "2099-12-31T23:59:59Z", "reason": "Leave" });
    assert_eq!((answer.status, &answer.body), (200, &expected), "{answer}");
    // MAN-15: what a caller sends comes back as JSON, never as a page.
    let hostile = stack.post(ADD, DELEGATOR, json!({ "agentid": "<script>alert(1)</script>" })).await;
    assert_eq!(
        (hostile.status, hostile.header("content-type")),
        (404, "application/problem+json"),
        "{hostile}"
    );
    for bad in [json!({}), json!({ "agentid": 7 }), json!({ "agentid": "a@b.test", "until": "soon" })] {
        let answer = stack.post(ADD, DELEGATOR, bad).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
    }
    // MAN-21: another scope is not enough.
    assert_eq!(stack.post(ADD, Superuser, superuser()).await.status, 403);
}

#[tokio::test]
async fn agent_not_found() {
    let stack = TestStack::start().await;
    // Nobody, and somebody of a tenant that the delegator is not in.
    for agent in ["nobody@demo.test", "user@acme.test"] {
        let answer = stack.post(ADD, DELEGATOR, json!({ "agentid": agent })).await;
        assert_eq!((answer.status, answer.code()), (404, "agent-not-found"), "{answer}");
    }
}

#[tokio::test]
async fn delegation_not_active() {
    let stack = TestStack::start().await;
    let answer = stack.post(ADD, Managed("agent@demo.test"), superuser()).await;
    assert_eq!((answer.status, answer.code()), (409, "delegation-not-active"), "{answer}");
}

#[tokio::test]
async fn too_many_agents() {
    let stack = TestStack::start_configured(&[("DelegationGrants", "profile")]).await;
    let many: Vec<String> = (0..50).map(|n| format!("00uagent{n}")).collect();
    let user = format!("/api/v1/users/{}", stack.user("delegator@demo.test").await);
    stack.prepare("POST", &user, json!({ "profile": { "delegatedAgents": many } })).await;
    let answer = stack.post(ADD, DELEGATOR, superuser()).await;
    assert_eq!((answer.status, answer.code()), (409, "too-many-agents"), "{answer}");
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock(&format!("user#{}", stack.user("delegator@demo.test").await)).await;
    let answer = stack.post(ADD, DELEGATOR, superuser()).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn user_not_active() {
    let stack = TestStack::start().await;
    let user = stack.user("delegator@demo.test").await;
    stack.get("/delegator/agents", DELEGATOR).await;
    stack.prepare("POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), json!({})).await;
    let answer = stack.post(ADD, DELEGATOR, superuser()).await;
    assert_eq!((answer.status, answer.code()), (409, "user-not-active"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(ADD, DELEGATOR, json!({ "agentid": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(DELEGATOR))];
    let answer = stack.raw("POST", ADD, &headers, superuser().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.post(ADD, DELEGATOR, superuser()).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/delegator/agents", DELEGATOR).await; // The keys are fetched.
    stack.break_call(5, 1, dropped(Drop::After));
    stack.break_call(6, u64::MAX, status(500));
    let answer = stack.post(ADD, DELEGATOR, superuser()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    assert_eq!(answer.body["leftBehind"][0]["kind"], "user", "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.post(ADD, DELEGATOR, superuser()).await.status, 200);
}
