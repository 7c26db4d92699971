//! `POST /tenants/{tenant}/domains`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

const DOMAINS: &str = "/tenants/acme/domains";

fn acme() -> Value {
    json!({ "domain": "Acme.test" })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.post(DOMAINS, TenantAdmin("acme"), acme()).await;
    assert_eq!((answer.status, &answer.body["domain"]), (201, &json!("acme.test")), "{answer}");
    assert_eq!(answer.body["dnsName"], "_oktadac.verification.acme.test");
    let again = stack.post(DOMAINS, TenantAdmin("acme"), acme()).await;
    assert_eq!((again.status, &again.body), (200, &answer.body), "{again}");
    assert_eq!(stack.post(DOMAINS, TenantAdmin("globex"), acme()).await.status, 403);
    let verified = json!({ "domain": "acme-2.test", "verified": true });
    assert_eq!(stack.post(DOMAINS, TenantAdmin("acme"), verified.clone()).await.status, 403);
    let done = stack.post(DOMAINS, Superuser, verified).await;
    assert_eq!((done.status, done.body), (201, json!({ "domain": "acme-2.test" })));
    let bad = stack.post(DOMAINS, TenantAdmin("acme"), json!({ "domain": "co.uk" })).await;
    assert_eq!(bad.body["errors"][0]["pointer"], "/domain", "{bad}");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.post("/tenants/nobody/domains", Superuser, acme()).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.post(DOMAINS, Superuser, acme()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn domain_already_verified() {
    let stack = TestStack::start().await;
    let body = json!({ "domain": "globex.test" });
    let answer = stack.post("/tenants/globex/domains", TenantAdmin("globex"), body).await;
    assert_eq!((answer.status, answer.code()), (409, "domain-already-verified"), "{answer}");
    // P3: where clients of the predecessor look.
    assert_eq!(answer.body["error"], answer.body["detail"], "{answer}");
    // P6: one of the predecessor's, whose identity provider signs in anybody, is completed first.
    let verified = json!({ "domain": "globex.test", "verified": true });
    let completed = stack.post("/tenants/globex/domains", Superuser, verified.clone()).await;
    assert_eq!(completed.status, 200, "{completed}");
    let again = stack.post("/tenants/globex/domains", Superuser, verified).await;
    assert_eq!((again.status, again.code()), (409, "domain-already-verified"), "{again}");
}

#[tokio::test]
async fn domain_taken() {
    let stack = TestStack::start().await;
    let answer = stack.post(DOMAINS, TenantAdmin("acme"), json!({ "domain": "eu.globex.test" })).await;
    assert_eq!((answer.status, answer.code()), (409, "domain-taken"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post(DOMAINS, Superuser, json!({ "domain": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("POST", DOMAINS, &headers, acme().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(8, 1, dropped(Drop::After));
    stack.break_call(9, u64::MAX, status(500));
    let answer = stack.post(DOMAINS, Superuser, acme()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert!(matches!(stack.post(DOMAINS, Superuser, acme()).await.status, 200 | 201));
}

/// Another request holds the lock all the time.
#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#acme").await;
    let answer = stack.post(DOMAINS, Superuser, acme()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.post(DOMAINS, Superuser, acme()).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn idempotency_key_reused() {
    let stack = TestStack::start().await;
    let first = crate::idempotency::post(&stack, DOMAINS, "superuser@demo.test", "key", &acme()).await;
    assert_eq!(first.status, 201, "{first}");
    let answer = crate::idempotency::post(
        &stack,
        DOMAINS,
        "superuser@demo.test",
        "key",
        &json!({ "domain": "acme-2.test" }),
    )
    .await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency-key-reused"), "{answer}");
}

/// The same request runs for longer than anybody waits.
#[tokio::test]
async fn request_in_progress() {
    let stack = TestStack::start().await;
    let user = stack.user("superuser@demo.test").await;
    stack.hold(&format!("replay#{user}#add-tenant-domain#key")).await;
    let answer = crate::idempotency::post(&stack, DOMAINS, "superuser@demo.test", "key", &acme()).await;
    assert_eq!((answer.status, answer.code()), (409, "request-in-progress"), "{answer}");
}
