//! `GET /tenants/{tenant}/admins`

use tests::{Member, Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/acme/admins", TenantAdmin("acme")).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.body[0]["profile"]["email"], "admin@acme.test", "{answer}");
    assert!(answer.header("link").contains("/tenants/acme/admins?limit=200>; rel=\"self\""), "{answer}");
    assert_eq!(stack.get("/tenants/acme/admins", Superuser).await.body, answer.body);
    assert_eq!(stack.get("/tenants/acme/admins", TenantAdmin("globex")).await.status, 403);
    assert_eq!(stack.get("/tenants/acme/admins", Member("acme")).await.status, 403);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody/admins", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get("/tenants/acme/admins", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}
