//! `GET /tenants/{tenant}/events`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

const EVENTS: &str = "/tenants/acme/events";

/// Operation, actor and outcome of each record, newest first.
fn summary(list: &Value) -> Vec<(String, String, String)> {
    let text = |item: &Value, member: &str| item[member].as_str().unwrap_or_default().to_owned();
    let items = list.as_array().expect("a list");
    items.iter().map(|item| (text(item, "operation"), text(item, "actor"), text(item, "outcome"))).collect()
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let (root, admin) = (stack.user("superuser@demo.test").await, stack.user("admin@acme.test").await);
    let user = stack.user("user@acme.test").await;
    let path = format!("/tenants/acme/admins/{user}");
    assert_eq!(stack.put(&path, TenantAdmin("acme"), Value::Null).await.status, 200);
    let suspend = json!({ "status": "SUSPENDED" });
    assert_eq!(stack.put("/tenants/acme", Superuser, suspend).await.status, 200);
    assert_eq!(stack.put("/tenants/acme", Superuser, json!({ "status": "ACTIVE" })).await.status, 200);
    // What changes nothing is no change: a read, and a refusal.
    assert_eq!(stack.delete("/tenants/acme/admins/00unobody", Superuser).await.status, 404);
    let list = stack.get(EVENTS, Superuser).await;
    let event = |operation: &str, actor: &str| (operation.to_owned(), actor.to_owned(), "done".to_owned());
    assert_eq!(
        summary(&list.body),
        [event("update-tenant", &root), event("update-tenant", &root), event("assign-tenant-admin", &admin)],
        "{list}"
    );
    let first = &list.body[2];
    assert_eq!(first["objects"], json!({ "userId": user }));
    assert!(first["ended"].as_str() > first["time"].as_str(), "{list}");
    // Ids, and no names: the tenant's admins read it, and whoever reads the table.
    let text = list.body.to_string();
    assert!(!text.contains("acme") && !text.contains("@"), "{text}");
    assert_eq!(stack.get(EVENTS, TenantAdmin("acme")).await.body, list.body);
    assert_eq!(stack.get(EVENTS, TenantAdmin("globex")).await.status, 403);
    // Page by page.
    let page = stack.get(&format!("{EVENTS}?limit=2"), Superuser).await;
    assert_eq!(page.body.as_array().map(Vec::len), Some(2));
    assert!(page.header("link").contains("rel=\"next\""), "{page}");
}

/// A tenant's records begin with the run that made it.
#[tokio::test]
async fn a_new_tenant_has_a_record() {
    let stack = TestStack::start().await;
    assert_eq!(stack.post("/tenants", Superuser, json!({ "name": "initech" })).await.status, 201);
    stack.okta().catch_up();
    let list = stack.get("/tenants/initech/events", Superuser).await;
    let root = stack.user("superuser@demo.test").await;
    assert_eq!(summary(&list.body), [("add-tenant".to_owned(), root, "done".to_owned())], "{list}");
}

/// What was left behind is named by id, and the record of a run that was refused half-way
/// says so.
#[tokio::test]
async fn what_became_of_a_change() {
    let stack = TestStack::start().await;
    let path = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    stack.put(&path, Superuser, Value::Null).await;
    stack.break_call(8, 1, dropped(Drop::After));
    stack.break_call(9, u64::MAX, status(500));
    assert_eq!(stack.delete(&path, Superuser).await.code(), "operation-incomplete");
    stack.okta().clear_faults();
    let list = stack.get(EVENTS, Superuser).await;
    assert_eq!(list.body[0]["outcome"], "incomplete", "{list}");
    assert!(list.body[0]["leftBehind"][0].as_str().unwrap().starts_with("admin:00u"), "{list}");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody/events", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get(EVENTS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let answer = stack.get(EVENTS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
