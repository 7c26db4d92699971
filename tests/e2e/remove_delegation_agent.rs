//! `POST /delegator/agents/remove`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Managed, TestStack};

use crate::{dropped, status};

const REMOVE: &str = "/delegator/agents/remove";
const DELEGATOR: Managed = Managed("delegator@demo.test");

fn agent() -> Value {
    json!({ "agentid": "00u00000000000000008" })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    for body in [agent(), agent(), json!({ "agentid": "agent@demo.test" })] {
        let answer = stack.post(REMOVE, DELEGATOR, body).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "agents": [] })), "{answer}");
    }
    let start =
        stack.post("/agent", Managed("agent@demo.test"), json!({ "entityid": "00u00000000000000009" })).await;
    assert_eq!(start.status, 403, "at once: {start}");
}

#[tokio::test]
async fn agent_not_found() {
    let stack = TestStack::start().await;
    // A login that nobody has, and a short name, which Okta would find.
    for agent in ["nobody@demo.test", "agent"] {
        let answer = stack.post(REMOVE, DELEGATOR, json!({ "agentid": agent })).await;
        assert_eq!((answer.status, answer.code()), (404, "agent-not-found"), "{answer}");
    }
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("user#00u00000000000000009").await;
    let answer = stack.post(REMOVE, DELEGATOR, agent()).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(REMOVE, DELEGATOR, json!({ "agentid": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(DELEGATOR))];
    let answer = stack.raw("POST", REMOVE, &headers, agent().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.post(REMOVE, DELEGATOR, agent()).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/delegator/agents", DELEGATOR).await; // The keys are fetched.
    stack.break_call(2, 1, dropped(Drop::After));
    stack.break_call(3, u64::MAX, status(500));
    let answer = stack.post(REMOVE, DELEGATOR, agent()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.post(REMOVE, DELEGATOR, agent()).await.status, 200);
}
