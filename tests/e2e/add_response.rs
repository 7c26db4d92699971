//! `POST /responses`

use okta_emulator::EMERGENCY;
use serde_json::{Value, json};
use tests::{Answer, Responding, TestStack};

/// A superuser of the demo org with the scope for responses.
pub(crate) const SUPERUSER: Responding = Responding("superuser@demo.test");

/// Somebody in the group of those who respond.
pub(crate) const RESPONDER: Responding = Responding("responder@demo.test");

/// A body about a user.
pub(crate) fn body(user: &str, actions: &[&str]) -> Value {
    json!({ "user": user, "actions": actions, "reason": "seen elsewhere" })
}

/// Sends a body; it succeeds.
pub(crate) async fn respond(stack: &TestStack, body: Value) -> Answer {
    let answer = stack.post("/responses", SUPERUSER, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer
}

async fn status(stack: &TestStack, login: &str) -> String {
    stack.okta_client().get_user(login).await.unwrap().status
}

/// A request with an `Idempotency-Key`.
pub(crate) async fn with_key(stack: &TestStack, path: &str, who: Responding, body: &Value) -> Answer {
    let headers = [
        ("authorization", stack.bearer(who)),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", "key".to_owned()),
    ];
    stack.raw("POST", path, &headers, body.to_string().into_bytes()).await
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    for who in [SUPERUSER, RESPONDER] {
        let answer =
            stack.post("/responses", who, body("user@acme.test", &["clear-sessions", "suspend"])).await;
        assert_eq!((answer.status, &answer.body["contained"]), (201, &json!(true)), "{answer}");
        assert_eq!(answer.body["actor"]["sourceIp"], "127.0.0.1", "{answer}");
        assert_eq!(status(&stack, "user@acme.test").await, "SUSPENDED");
        let path = answer.header("location").strip_prefix(&stack.stack.api_url()).unwrap().to_owned();
        assert_eq!(stack.get(&path, who).await.body, answer.body);
        let lifted = stack.post(&format!("{path}/lift"), who, json!({ "reason": "false alarm" })).await;
        assert_eq!((lifted.status, &lifted.body["status"]), (200, &json!("lifted")), "{lifted}");
        assert_eq!(status(&stack, "user@acme.test").await, "ACTIVE");
    }
    // Sent again with its key, it is one response.
    let once = body("user@globex.test", &["quarantine"]);
    let first = with_key(&stack, "/responses", SUPERUSER, &once).await;
    let again = with_key(&stack, "/responses", SUPERUSER, &once).await;
    assert_eq!((first.status, &first.body), (201, &again.body), "{again}");
}

#[tokio::test]
async fn a_session_and_its_tokens_end() {
    let stack = TestStack::start().await;
    let mut dry = body("user@acme.test", &["clear-sessions"]);
    dry["dryRun"] = true.into();
    let planned = stack.post("/responses", SUPERUSER, dry).await;
    assert_eq!((planned.status, planned.header("location")), (200, ""), "{planned}");
    respond(&stack, body("user@acme.test", &["clear-sessions"])).await;
    let calls = stack.okta().journal();
    let cleared = calls.iter().filter(|call| call.operation_id == Some("revokeUserSessions"));
    assert_eq!(cleared.count(), 1);
}

/// Every rule that the body breaks, and nothing is read of Okta but the key.
#[tokio::test]
async fn a_body_that_breaks_rules() {
    let stack = TestStack::start().await;
    let mut wrong = body("user@acme.test", &["suspend", "expire-password"]);
    wrong["expiresIn"] = 5.into();
    let answer = stack.post("/responses", SUPERUSER, wrong).await;
    assert_eq!((answer.status, answer.body["errors"].as_array().map(Vec::len)), (400, Some(2)), "{answer}");
    let unknown = stack.post("/responses", SUPERUSER, json!({ "force": true })).await;
    assert_eq!((unknown.status, unknown.code()), (400, "invalid-request"), "{unknown}");
}

#[tokio::test]
async fn responses_disabled() {
    let stack = TestStack::start_configured(&[("ResponseMode", "off")]).await;
    let answer = stack.post("/responses", SUPERUSER, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (403, "responses-disabled"), "{answer}");
}

#[tokio::test]
async fn user_protected() {
    let stack = TestStack::start().await;
    let user = stack.user("user@acme.test").await;
    stack.prepare("PUT", &format!("/api/v1/groups/{EMERGENCY}/users/{user}"), json!({})).await;
    for login in ["user@acme.test", "superuser@demo.test"] {
        let answer = stack.post("/responses", SUPERUSER, body(login, &["clear-sessions"])).await;
        assert_eq!((answer.status, answer.code()), (403, "user-protected"), "{answer}");
    }
    let answer = stack.post("/responses", RESPONDER, body("admin@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (403, "user-protected"), "{answer}");
}

#[tokio::test]
async fn user_not_found() {
    let stack = TestStack::start().await;
    for user in ["nobody@acme.test", "00u0nobody"] {
        let answer = stack.post("/responses", SUPERUSER, body(user, &["suspend"])).await;
        assert_eq!((answer.status, answer.code()), (404, "user-not-found"), "{answer}");
    }
}

#[tokio::test]
async fn last_super_admin() {
    let stack = TestStack::start().await;
    let agent = stack.user("agent@demo.test").await;
    stack.prepare("POST", &format!("/api/v1/users/{agent}/roles"), json!({ "type": "SUPER_ADMIN" })).await;
    // The other one is the owner of the API token: suspended here, and in the functions' way.
    let owner = stack.user("superuser@demo.test").await;
    stack.prepare("POST", &format!("/api/v1/users/{owner}/lifecycle/suspend"), json!({})).await;
    let answer = stack.post("/responses", SUPERUSER, body("agent@demo.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "last-super-admin"), "{answer}");
    assert_eq!(status(&stack, "agent@demo.test").await, "ACTIVE");
}

#[tokio::test]
async fn action_not_possible() {
    let stack = TestStack::start().await;
    let answer = stack.post("/responses", SUPERUSER, body("user@acme.test", &["revoke-grants"])).await;
    assert_eq!((answer.status, answer.code()), (409, "action-not-possible"), "{answer}");
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("RESPONSE_ACTIONS"), "{detail}");
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock(&format!("user#{}", stack.user("user@acme.test").await)).await;
    let answer = stack.post("/responses", SUPERUSER, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
    assert_eq!(status(&stack, "user@acme.test").await, "ACTIVE");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post("/responses", SUPERUSER, json!({ "reason": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(SUPERUSER))];
    let answer = stack.raw("POST", "/responses", &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn request_in_progress() {
    let stack = TestStack::start().await;
    let user = stack.user("superuser@demo.test").await;
    stack.hold(&format!("replay#{user}#add-response#key")).await;
    let answer = with_key(&stack, "/responses", SUPERUSER, &body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "request-in-progress"), "{answer}");
}

#[tokio::test]
async fn idempotency_key_reused() {
    let stack = TestStack::start().await;
    with_key(&stack, "/responses", SUPERUSER, &body("user@acme.test", &["suspend"])).await;
    let answer = with_key(&stack, "/responses", SUPERUSER, &body("user@globex.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency-key-reused"), "{answer}");
}

/// The user is contained, and the record does not say so yet: the next minute judges.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    // The lock, the audit's beginning and the record are written before.
    let broken =
        json!({ "service": "dynamodb", "operation": "PutItem", "nth": 4, "action": { "drop": "before" } });
    assert_eq!(stack.fault(Some(broken)).await, 204);
    let answer = stack.post("/responses", SUPERUSER, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    let id = answer.body["leftBehind"][0]["id"].as_str().unwrap().to_owned();
    stack.fault(None).await;
    assert_eq!(status(&stack, "user@acme.test").await, "SUSPENDED");
    let lift = format!("/responses/{id}/lift");
    let lifted = stack.post(&lift, SUPERUSER, json!({ "reason": "false alarm" })).await;
    assert_eq!(lifted.body["actions"][0]["outcome"], "undone", "{lifted}");
    assert_eq!(status(&stack, "user@acme.test").await, "ACTIVE");
}
