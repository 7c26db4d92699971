//! `PUT /tenants/{tenant}/admins/{userId}`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

async fn assign(stack: &TestStack, login: &str, who: impl tests::Principal) -> tests::Answer {
    let id = stack.user(login).await;
    stack.put(&format!("/tenants/acme/admins/{id}"), who, Value::Null).await
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let id = stack.user("user@acme.test").await;
    let answer = assign(&stack, "user@acme.test", TenantAdmin("acme")).await;
    assert_eq!((answer.status, &answer.body["userId"]), (200, &json!(id)), "{answer}");
    let admins = stack.get("/tenants/acme/admins", TenantAdmin("acme")).await;
    assert_eq!(admins.body.as_array().map(Vec::len), Some(2), "{admins}");
    // Their next token lets them in.
    assert_eq!(stack.get("/tenants/acme", tests::Member("acme")).await.status, 200);
    assert_eq!(assign(&stack, "user@acme.test", TenantAdmin("globex")).await.status, 403);
}

#[tokio::test]
async fn not_a_member() {
    let stack = TestStack::start().await;
    let answer = assign(&stack, "user@globex.test", TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.code()), (403, "not-a-member"), "{answer}");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/nobody/admins/00u1", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = assign(&stack, "user@acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn user_not_active() {
    let stack = TestStack::start().await;
    let id = stack.user("user@acme.test").await;
    stack.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), json!({})).await;
    let answer = assign(&stack, "user@acme.test", TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.code()), (409, "user-not-active"), "{answer}");
}

/// The answer of the assignment is lost, and Okta is gone when it is to be
/// taken back.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    let id = stack.user("user@acme.test").await;
    stack.break_call(8, 1, dropped(Drop::After));
    stack.break_call(9, u64::MAX, status(500));
    let path = format!("/tenants/acme/admins/{id}");
    let answer = stack.put(&path, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.put(&path, Superuser, Value::Null).await.status, 200);
}

#[tokio::test]
async fn an_id_that_is_none() {
    let stack = TestStack::start().await;
    let before = stack.okta().arrivals();
    for id in ["user@acme.test", "..%2F..%2Fapps", "%2A"] {
        let answer = stack.put(&format!("/tenants/acme/admins/{id}"), Superuser, Value::Null).await;
        assert!(matches!(answer.status, 400 | 403), "{id}: {answer}");
    }
    assert!(stack.okta().arrivals() - before <= 1, "only the keys are fetched");
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let path = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    stack.hold_lock("tenant#acme").await;
    let answer = stack.put(&path, Superuser, serde_json::Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}
