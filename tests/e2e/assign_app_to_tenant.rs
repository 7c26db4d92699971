//! `PUT /apps/{appId}/tenants/{tenant}`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

const TO_ACME: &str = "/apps/0oa1spyder0000000001/tenants/acme";

async fn entitled() -> TestStack {
    let stack = TestStack::start().await;
    let path = "/tenants/acme/apps/0oa1spyder0000000001";
    assert_eq!(stack.put(path, Superuser, Value::Null).await.status, 200);
    stack
}

#[tokio::test]
async fn succeeds() {
    let stack = entitled().await;
    let answer = stack.put(TO_ACME, TenantAdmin("acme"), Value::Null).await;
    assert_eq!((answer.status, &answer.body["tenant"]), (200, &json!("acme")), "{answer}");
    let apps = stack.get("/tenants/acme/apps", TenantAdmin("acme")).await;
    assert_eq!(apps.body[0]["settings"], json!({ "allUsers": true }), "{apps}");
    assert_eq!(stack.put(TO_ACME, TenantAdmin("globex"), Value::Null).await.status, 403);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/apps/0oa1spyder0000000001/tenants/nobody", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_app_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put(TO_ACME, TenantAdmin("acme"), Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-app-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.put(TO_ACME, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = entitled().await;
    stack.okta().catch_up();
    stack.break_call(11, 1, dropped(Drop::After));
    stack.break_call(12, u64::MAX, status(500));
    let answer = stack.put(TO_ACME, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.put(TO_ACME, Superuser, Value::Null).await.status, 200);
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#globex").await;
    let answer = stack
        .put("/apps/0oa1umbrella00000001/tenants/globex", tests::Superuser, serde_json::Value::Null)
        .await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}
