//! `PUT /tenants/{tenant}/apps/{appId}`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

const SPYDER: &str = "/tenants/acme/apps/0oa1spyder0000000001";
const UMBRELLA: &str = "/tenants/globex/apps/0oa1umbrella00000001";

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.put(SPYDER, Superuser, Value::Null).await;
    assert_eq!((answer.status, &answer.body["tenant"]), (200, &json!("acme")), "{answer}");
    // The admin decides who has it, a superuser that the tenant may have it.
    let all = stack.put(SPYDER, TenantAdmin("acme"), json!({ "allUsers": "true" })).await;
    assert_eq!((all.status, all.body["lastUpdated"].is_string()), (200, true), "{all}");
    let apps = stack.get("/tenants/acme/apps", TenantAdmin("acme")).await;
    assert_eq!(apps.body[0]["settings"], json!({ "allUsers": true }), "{apps}");
    let none = stack.put(SPYDER, TenantAdmin("acme"), json!({ "allUsers": false })).await;
    assert_eq!(none.body, json!({ "tenant": "acme", "appId": "0oa1spyder0000000001" }));
    assert_eq!(stack.put(SPYDER, TenantAdmin("acme"), Value::Null).await.status, 403);
    assert_eq!(stack.put(SPYDER, TenantAdmin("globex"), json!({ "allUsers": true })).await.status, 403);
    let bad = stack.put(SPYDER, TenantAdmin("acme"), json!({ "allUsers": "maybe" })).await;
    assert_eq!(
        bad.body["errors"][0],
        json!({ "pointer": "/allUsers", "detail": "must be `true` or `false`" })
    );
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/nobody/apps/0oa1spyder0000000001", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn app_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/acme/apps/0oa1payroll000000001", Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, "app-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_app_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put(SPYDER, TenantAdmin("acme"), json!({ "allUsers": true })).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-app-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.put(SPYDER, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.put(UMBRELLA, Superuser, json!({ "allUsers": "t".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("PUT", UMBRELLA, &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

/// The answer of the last call is lost, and Okta is gone when the others are to
/// be taken back.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(10, 1, dropped(Drop::After));
    stack.break_call(11, u64::MAX, status(500));
    let answer = stack.put(SPYDER, Superuser, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.put(SPYDER, Superuser, Value::Null).await.status, 200);
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#globex").await;
    let answer = stack
        .put(
            "/tenants/globex/apps/0oa1umbrella00000001",
            tests::Superuser,
            serde_json::json!({ "allUsers": true }),
        )
        .await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}

/// The tenant's users have the name that the app's group needs.
#[tokio::test]
async fn name_taken() {
    let stack = TestStack::start().await;
    let okta = stack.okta_client();
    let tenant = stack.get("/tenants/acme", Superuser).await;
    let users = tenant.body["USERS_groupId"].as_str().unwrap().into();
    let name = "APPUSERS_acme_0oa1spyder0000000001";
    okta.replace_group(&users, &okta_client::models::GroupProfile::new(name, "")).await.unwrap();
    stack.okta().catch_up();
    let answer =
        stack.put("/tenants/acme/apps/0oa1spyder0000000001", Superuser, serde_json::Value::Null).await;
    assert_eq!((answer.status, answer.code()), (409, "name-taken"), "{answer}");
}
