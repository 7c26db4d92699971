//! `DELETE /tenants/{tenant}/admins/{userId}`

use okta_emulator::Drop;
use serde_json::Value;
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

async fn both_are_admins(stack: &TestStack) -> String {
    let id = stack.user("user@acme.test").await;
    let path = format!("/tenants/acme/admins/{id}");
    assert_eq!(stack.put(&path, Superuser, Value::Null).await.status, 200);
    path
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let path = both_are_admins(&stack).await;
    let answer = stack.delete(&path, TenantAdmin("acme")).await;
    assert_eq!((answer.status, &answer.body), (204, &Value::Null), "{answer}");
    assert_eq!(stack.get("/tenants/acme", tests::Member("acme")).await.status, 403);
    assert_eq!(stack.delete(&path, TenantAdmin("acme")).await.status, 204, "sent again");
    assert_eq!(stack.delete(&path, TenantAdmin("globex")).await.status, 403);
}

/// The user is a member, and was no admin lately.
#[tokio::test]
async fn admin_not_found() {
    let stack = TestStack::start().await;
    let path = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    let answer = stack.delete(&path, TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.code()), (404, "admin-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let path = both_are_admins(&stack).await;
    stack.hold_lock("tenant#acme").await;
    let answer = stack.delete(&path, Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    // Nobody's rights have ended.
    assert_eq!(stack.get("/tenants/acme", tests::Member("acme")).await.status, 200);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/nobody/admins/00u1", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.delete("/tenants/acme/admins/00u1", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn last_admin() {
    let stack = TestStack::start().await;
    let path = format!("/tenants/acme/admins/{}", stack.user("admin@acme.test").await);
    let answer = stack.delete(&path, TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.code()), (409, "last-admin"), "{answer}");
    let forced = format!("{path}?force=true");
    assert_eq!(stack.delete(&forced, TenantAdmin("acme")).await.status, 403);
    assert_eq!(stack.delete(&forced, Superuser).await.status, 204);
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    let path = both_are_admins(&stack).await;
    stack.break_call(8, 1, dropped(Drop::After));
    stack.break_call(9, u64::MAX, status(500));
    let answer = stack.delete(&path, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.delete(&path, Superuser).await.status, 204);
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let path = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    stack.stack.stop_dynamodb();
    let answer = stack.delete(&path, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
