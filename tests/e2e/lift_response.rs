//! `POST /responses/{responseId}/lift`

use okta_emulator::Fault;
use serde_json::{Value, json};
use tests::{Answer, Responding, TestStack};

use crate::add_response::{RESPONDER, SUPERUSER, body, respond};
use crate::status;

async fn lift(stack: &TestStack, who: Responding, response: &Value) -> Answer {
    let path = format!("/responses/{}/lift", response["id"].as_str().unwrap());
    stack.post(&path, who, json!({ "reason": "false alarm" })).await
}

const UNKNOWN: &str = "/responses/00u000000000000000070mmmmmmmm99999999999/lift";

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let added = respond(&stack, body("user@acme.test", &["suspend", "clear-sessions"])).await;
    let answer = lift(&stack, RESPONDER, &added.body).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("lifted")), "{answer}");
    let outcomes: Vec<&str> = answer.body["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["undone", "not-undoable"]);
    assert_eq!(answer.body["lifted"]["reason"], "false alarm");
}

#[tokio::test]
async fn responses_disabled() {
    let stack = TestStack::start_configured(&[("ResponseMode", "off")]).await;
    let answer = stack.post(UNKNOWN, SUPERUSER, json!({ "reason": "x" })).await;
    assert_eq!((answer.status, answer.code()), (403, "responses-disabled"), "{answer}");
}

#[tokio::test]
async fn response_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.post(UNKNOWN, SUPERUSER, json!({ "reason": "x" })).await;
    assert_eq!((answer.status, answer.code()), (404, "response-not-found"), "{answer}");
}

#[tokio::test]
async fn user_protected() {
    let stack = TestStack::start().await;
    let added = respond(&stack, body("admin@acme.test", &["suspend"])).await;
    let answer = lift(&stack, RESPONDER, &added.body).await;
    assert_eq!((answer.status, answer.code()), (403, "user-protected"), "{answer}");
    assert_eq!(lift(&stack, SUPERUSER, &added.body).await.status, 200);
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    let added = respond(&stack, body("user@acme.test", &["suspend"])).await;
    stack.hold_lock(&format!("user#{}", added.body["user"].as_str().unwrap())).await;
    let answer = lift(&stack, SUPERUSER, &added.body).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(UNKNOWN, SUPERUSER, json!({ "reason": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(SUPERUSER))];
    let answer = stack.raw("POST", UNKNOWN, &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

/// Okta fails after the end began: the schedule completes it.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    let added = respond(&stack, body("user@acme.test", &["suspend", "quarantine"])).await;
    let mut fault = Fault::on_call(1, u64::MAX, status(500));
    fault.operation_id = Some("unsuspendUser".to_owned());
    stack.okta().order(fault);
    let answer = lift(&stack, SUPERUSER, &added.body).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    let answer = lift(&stack, SUPERUSER, &added.body).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("lifted")), "{answer}");
}
