//! `POST /tenants/{tenant}/responses`

use okta_emulator::EMERGENCY;
use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

use crate::add_response::body;

const PATH: &str = "/tenants/acme/responses";
const ADMIN: TenantAdmin = TenantAdmin("acme");

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.post(PATH, ADMIN, body("user@acme.test", &["suspend", "clear-sessions"])).await;
    assert_eq!((answer.status, &answer.body["status"]), (201, &json!("active")), "{answer}");
    let neighbour =
        stack.post("/tenants/globex/responses", ADMIN, body("user@globex.test", &["suspend"])).await;
    assert_eq!(neighbour.status, 403, "{neighbour}");
}

#[tokio::test]
async fn responses_disabled() {
    let stack = TestStack::start_configured(&[("ResponseMode", "off")]).await;
    let answer = stack.post(PATH, ADMIN, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (403, "responses-disabled"), "{answer}");
}

#[tokio::test]
async fn user_protected() {
    let stack = TestStack::start().await;
    let user = stack.user("user@acme.test").await;
    stack.prepare("PUT", &format!("/api/v1/groups/{EMERGENCY}/users/{user}"), json!({})).await;
    for (who, login) in [("admin", "user@acme.test"), ("superuser", "admin@acme.test")] {
        let answer = match who {
            "admin" => stack.post(PATH, ADMIN, body(login, &["suspend"])).await,
            _ => stack.post(PATH, Superuser, body(login, &["suspend"])).await,
        };
        assert_eq!((answer.status, answer.code()), (403, "user-protected"), "{answer}");
    }
}

#[tokio::test]
async fn not_a_member() {
    let stack = TestStack::start().await;
    // Who exists elsewhere is not told.
    for login in ["user@globex.test", "agent@demo.test", "nobody@acme.test"] {
        let answer = stack.post(PATH, ADMIN, body(login, &["suspend"])).await;
        assert_eq!((answer.status, answer.code()), (403, "not-a-member"), "{answer}");
    }
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let path = "/tenants/initech/responses";
    let answer = stack.post(path, Superuser, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.post(PATH, Superuser, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn action_not_possible() {
    let stack = TestStack::start_configured(&[("ResponseActions", "clear-sessions")]).await;
    let answer = stack.post(PATH, ADMIN, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "action-not-possible"), "{answer}");
}

#[tokio::test]
async fn user_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock(&format!("user#{}", stack.user("user@acme.test").await)).await;
    let answer = stack.post(PATH, ADMIN, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (409, "user-busy"), "{answer}");
}

#[tokio::test]
async fn too_many_responses() {
    let stack = TestStack::start_configured(&[("ResponseMaxPerHour", "1")]).await;
    assert_eq!(stack.post(PATH, ADMIN, body("user@acme.test", &["suspend"])).await.status, 201);
    let answer = stack.post(PATH, ADMIN, body("admin@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (429, "too-many-responses"), "{answer}");
    assert!(!answer.header("retry-after").is_empty(), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(PATH, ADMIN, json!({ "reason": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(ADMIN))];
    let answer = stack.raw("POST", PATH, &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

async fn post(stack: &TestStack, user: &str) -> tests::Answer {
    let body = body(user, &["clear-sessions"]);
    crate::idempotency::post(stack, PATH, "admin@acme.test", "key", &body).await
}

#[tokio::test]
async fn request_in_progress() {
    let stack = TestStack::start().await;
    let user = stack.user("admin@acme.test").await;
    stack.hold(&format!("replay#{user}#add-tenant-response#key")).await;
    let answer = post(&stack, "user@acme.test").await;
    assert_eq!((answer.status, answer.code()), (409, "request-in-progress"), "{answer}");
}

#[tokio::test]
async fn idempotency_key_reused() {
    let stack = TestStack::start().await;
    assert_eq!(post(&stack, "user@acme.test").await.status, 201);
    let id = stack.user("user@acme.test").await;
    let answer = post(&stack, &id).await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency-key-reused"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    let broken =
        json!({ "service": "dynamodb", "operation": "PutItem", "nth": 4, "action": { "drop": "before" } });
    stack.fault(Some(broken)).await;
    let answer = stack.post(PATH, ADMIN, body("user@acme.test", &["suspend"])).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.fault(None).await;
}
