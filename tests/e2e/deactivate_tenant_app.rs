//! `DELETE /tenants/{tenant}/apps/{appId}`

use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

use crate::status;

const UMBRELLA: &str = "/tenants/globex/apps/0oa1umbrella00000001";

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    assert_eq!(stack.delete(UMBRELLA, TenantAdmin("globex")).await.status, 403);
    let answer = stack.delete(UMBRELLA, Superuser).await;
    assert_eq!(answer.status, 204, "{answer}");
    assert_eq!(stack.get("/tenants/globex/apps", TenantAdmin("globex")).await.body, json!([]));
    let snapshot = stack.okta().stable_snapshot();
    assert_eq!(snapshot["app_groups"].get("0oa1umbrella00000001"), None, "nobody has the app");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/nobody/apps/0oa1umbrella00000001", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_app_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/acme/apps/0oa1umbrella00000001", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-app-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("globex").await;
    let answer = stack.delete(UMBRELLA, Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(11, u64::MAX, status(500));
    let answer = stack.delete(UMBRELLA, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.delete(UMBRELLA, Superuser).await.status, 204);
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#globex").await;
    let answer = stack.delete("/tenants/globex/apps/0oa1umbrella00000001", tests::Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}
