//! `PUT /tenants/{tenant}/domains/{domain}`

use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::status;

const LABS: &str = "/tenants/globex/domains/globex-labs.test";

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    // P1: as clients of the predecessor send it; what they send does not count.
    let body = json!({
        "domain": "globex-labs.test", "tenant": "globex", "idp": "0oa00000000000000014",
        "dnsVerificationString": "anything", "verified": 1,
    });
    let answer = stack.put(LABS, TenantAdmin("globex"), body).await;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({ "domain": "globex-labs.test", "verified": true })),
        "{answer}"
    );
    let list = stack.get("/tenants/globex/domains?verified=false", TenantAdmin("globex")).await;
    assert_eq!(list.body, json!([]));
    assert_eq!(stack.put(LABS, TenantAdmin("acme"), Value::Null).await.status, 403);
    assert_eq!(stack.put(LABS, TenantAdmin("globex"), json!(["x"])).await.status, 400);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/nobody/domains/acme.test", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn domain_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/acme/domains/acme.test", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "domain-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("globex").await;
    let answer = stack.put(LABS, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn domain_taken() {
    let stack = TestStack::start().await;
    let taken = json!({ "domain": "globex-labs.test", "verified": true });
    assert_eq!(stack.post("/tenants/acme/domains", Superuser, taken).await.status, 201);
    let answer = stack.put(LABS, TenantAdmin("globex"), Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "domain-taken"), "{answer}");
}

#[tokio::test]
async fn p1b_a_client_waits_until_the_dns_shows_it() {
    let stack = TestStack::start().await;
    stack
        .prepare("PUT", "/_emulator/dns/_oktadac.verification.globex-labs.test", json!({ "txt": ["other"] }))
        .await;
    let answer = stack.put(LABS, TenantAdmin("globex"), Value::Null).await;
    assert_eq!(
        (answer.status, &answer.body["verified"], &answer.body["domain"]),
        (200, &json!(false), &json!("globex-labs.test")),
        "{answer}"
    );
    assert!(
        answer.body["detail"].as_str().unwrap().contains("_oktadac.verification.globex-labs.test"),
        "{answer}"
    );
}

#[tokio::test]
async fn dns_unavailable() {
    let stack = TestStack::start().await;
    stack.okta().configure(|settings| settings.dns_down = true);
    let answer = stack.put(LABS, TenantAdmin("globex"), Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "dns-unavailable"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.put(LABS, Superuser, json!({ "dnsVerificationString": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("PUT", LABS, &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

/// The domain is verified, the token cannot be removed.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(9, u64::MAX, status(500));
    let answer = stack.put(LABS, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.put(LABS, Superuser, Value::Null).await.status, 200);
}

/// Another request holds the lock all the time.
#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#globex").await;
    let answer = stack.put(LABS, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.put(LABS, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}
