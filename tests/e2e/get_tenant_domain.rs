//! `GET /tenants/{tenant}/domains/{domain}`

use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/globex/domains/Globex.test", TenantAdmin("globex")).await;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({ "domain": "globex.test", "verified": true })),
        "{answer}"
    );
    assert_eq!(stack.get("/tenants/globex/domains/globex.test", TenantAdmin("acme")).await.status, 403);
    assert_eq!(stack.get("/tenants/globex/domains/a%26b", Superuser).await.status, 400);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody/domains/acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn domain_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/acme/domains/acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "domain-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get("/tenants/acme/domains/acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}
