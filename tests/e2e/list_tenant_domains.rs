//! `GET /tenants/{tenant}/domains`

use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/globex/domains", TenantAdmin("globex")).await;
    assert_eq!((answer.status, answer.body.as_array().map(Vec::len)), (200, Some(2)), "{answer}");
    let verified = stack.get("/tenants/globex/domains?verified=true", TenantAdmin("globex")).await;
    assert_eq!(verified.body, json!([{ "domain": "globex.test", "verified": true }]));
    assert_eq!(stack.get("/tenants/globex/domains?verified=maybe", Superuser).await.status, 400);
    assert_eq!(stack.get("/tenants/globex/domains", TenantAdmin("acme")).await.status, 403);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody/domains", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get("/tenants/acme/domains", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}
