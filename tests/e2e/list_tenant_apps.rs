//! `GET /tenants/{tenant}/apps`

use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/globex/apps", TenantAdmin("globex")).await;
    let app = &answer.body[0];
    assert_eq!((answer.status, &app["name"]), (200, &json!("Umbrella")), "{answer}");
    let members: Vec<&String> = app.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "name", "created", "lastUpdated", "logo", "APPUSERS_groupId", "settings"]);
    assert_eq!(stack.get("/tenants/acme/apps", TenantAdmin("acme")).await.body, json!([]));
    assert_eq!(stack.get("/tenants/globex/apps", TenantAdmin("acme")).await.status, 403);
    // At once, although no search finds the new group yet.
    let path = "/tenants/acme/apps/0oa1spyder0000000001";
    assert_eq!(stack.put(path, Superuser, Value::Null).await.status, 200);
    assert_eq!(stack.get("/tenants/acme/apps", TenantAdmin("acme")).await.body[0]["name"], "Spyder");
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody/apps", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get("/tenants/acme/apps", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}
