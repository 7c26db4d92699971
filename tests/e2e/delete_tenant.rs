//! `DELETE /tenants/{tenant}`

use okta_emulator::Drop;
use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

use crate::dropped;

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let plan = stack.delete("/tenants/acme?dryRun=true", Superuser).await;
    assert_eq!((plan.status, plan.body["plan"].as_array().map(Vec::len)), (200, Some(4)), "{plan}");
    assert_eq!(stack.delete("/tenants/acme", TenantAdmin("acme")).await.status, 403);
    let answer = stack.delete("/tenants/acme", Superuser).await;
    assert_eq!(answer.status, 204, "{answer}");
    assert_eq!(stack.get("/tenants/acme", Superuser).await.status, 404);
    let snapshot = stack.okta().stable_snapshot().to_string();
    for name in ["ADMINS_acme", "USERS_acme", "DAC_acme"] {
        assert!(!snapshot.contains(name), "{name}");
    }
    assert!(snapshot.contains("user@acme.test"), "users stay");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/nobody", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let okta = stack.okta_client();
    let marker = json!({ "creating": "another-request" }).to_string();
    okta.add_group(&okta_client::models::GroupProfile::new("ADMINS_initech", marker)).await.unwrap();
    stack.okta().catch_up();
    let answer = stack.delete("/tenants/initech", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(11, u64::MAX, dropped(Drop::Before));
    let answer = stack.delete("/tenants/acme", Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    assert!(answer.body["leftBehind"].as_array().is_some_and(|left| !left.is_empty()), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.delete("/tenants/acme", Superuser).await.status, 204);
    assert_eq!(stack.get("/tenants/acme", Superuser).await.status, 404);
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.delete("/tenants/acme", Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

/// A group that only has the name of a tenant's admins is named, and left.
#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    let group = json!({ "profile": { "name": "ADMINS_hooli", "description": "" } });
    let id = stack.prepare("POST", "/api/v1/groups", group).await["id"].as_str().unwrap().to_owned();
    stack.okta().catch_up();
    let answer = stack.delete("/tenants/hooli", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
    assert!(answer.body["detail"].as_str().unwrap().contains(&id), "{answer}");
}
