//! `PUT /tenants/{tenant}`

use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::status;

fn rename() -> Value {
    json!({ "name": "umbrella" })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let acme = stack.get("/tenants/acme", Superuser).await;
    let renamed = stack.put("/tenants/acme", Superuser, rename()).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("umbrella")), "{renamed}");
    assert_eq!(renamed.body["id"], acme.body["id"]);
    assert_eq!(stack.get("/tenants/acme", Superuser).await.status, 404);
    // The admin's next token names the tenant by its new name.
    assert_eq!(stack.get("/tenants/umbrella", TenantAdmin("acme")).await.body["id"], acme.body["id"]);

    let suspended = stack.put("/tenants/umbrella", Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!((suspended.status, &suspended.body["status"]), (200, &json!("SUSPENDED")), "{suspended}");
    stack.okta().catch_up();
    let list = stack.get("/tenants?status=SUSPENDED", Superuser).await;
    assert_eq!(list.body[0]["name"], "umbrella", "{list}");
    let resumed = stack.put("/tenants/umbrella", Superuser, json!({ "status": "ACTIVE" })).await;
    assert_eq!((resumed.status, &resumed.body["status"]), (200, &json!("ACTIVE")), "{resumed}");
    assert_eq!(stack.put("/tenants/globex", TenantAdmin("globex"), rename()).await.status, 403);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/nobody", Superuser, rename()).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_already_exists() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    let answer = stack.put("/tenants/acme", Superuser, json!({ "name": "globex" })).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-already-exists"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn name_taken() {
    let stack = TestStack::start().await;
    let okta = stack.okta_client();
    okta.add_group(&okta_client::models::GroupProfile::new("USERS_umbrella", "made by hand")).await.unwrap();
    let before = stack.okta().stable_snapshot();
    let answer = stack.put("/tenants/acme", Superuser, rename()).await;
    assert_eq!((answer.status, answer.code()), (409, "name-taken"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    let id = stack.get("/tenants/acme", Superuser).await.body["id"].as_str().unwrap().to_owned();
    let okta = stack.okta_client();
    okta.delete_identity_provider(&id.into()).await.unwrap();
    let answer = stack.put("/tenants/acme", Superuser, rename()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.put("/tenants/acme", Superuser, json!({ "name": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("PUT", "/tenants/acme", &headers, rename().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(12, u64::MAX, status(500));
    let answer = stack.put("/tenants/acme", Superuser, rename()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    let again = stack.put("/tenants/acme", Superuser, rename()).await;
    assert_eq!((again.status, &again.body["name"]), (200, &json!("umbrella")), "{again}");
}

/// Another request changes the record between reading and writing.
#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let acme = stack.get("/tenants/acme", Superuser).await;
    let admins = acme.body["ADMINS_groupId"].as_str().unwrap().into();
    let okta = stack.okta_client();
    let profile = okta.get_group(&admins).await.unwrap().profile;
    let hold = json!({ "operationId": "listGroupTargetsForGroupRole", "action": { "delayMs": 1000 } });
    stack.okta().order(serde_json::from_value(hold).unwrap());
    let arrived = stack.okta().arrivals();
    let meddle = async {
        // Everything but the last look has been asked for.
        stack.okta().wait_for_arrivals(arrived + 9).await;
        let description = profile.description.replace('}', r#","note":1}"#);
        let noted = okta_client::models::GroupProfile { description, ..profile.clone() };
        okta.replace_group(&admins, &noted).await.unwrap();
    };
    let (answer, ()) = tokio::join!(stack.put("/tenants/acme", Superuser, rename()), meddle);
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}
