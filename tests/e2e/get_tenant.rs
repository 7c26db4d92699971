//! `GET /tenants/{tenant}`

use serde_json::{Value, json};
use tests::{Anonymous, Bearer, Member, Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/acme", TenantAdmin("acme")).await;
    assert_eq!(answer.status, 200, "{answer}");
    let members: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "name", "ADMINS_groupId", "USERS_groupId", "created", "status"]);
    assert_eq!((&answer.body["name"], &answer.body["status"]), (&json!("acme"), &json!("ACTIVE")));
    assert_eq!(stack.get("/tenants/acme", Superuser).await.body, answer.body);
}

#[tokio::test]
async fn strangers_are_refused() {
    let stack = TestStack::start().await;
    assert_eq!(stack.get("/tenants/acme", Anonymous).await.status, 401);
    assert_eq!(stack.get("/tenants/acme", TenantAdmin("globex")).await.status, 403);
    assert_eq!(stack.get("/tenants/acme", Member("acme")).await.status, 403);
    assert_eq!(stack.get("/tenants/nobody", TenantAdmin("globex")).await.status, 403);
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants/nobody", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("acme").await;
    let answer = stack.get("/tenants/acme", Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn ten_01_names_that_begin_alike() {
    let stack = TestStack::start().await;
    for name in ["acme2", "acme-3"] {
        assert_eq!(stack.post("/tenants", Superuser, json!({ "name": name })).await.status, 201);
    }
    for name in ["acme", "acme2", "acme-3"] {
        assert_eq!(stack.get(&format!("/tenants/{name}"), Superuser).await.body["name"], name);
    }
    assert_eq!(stack.get("/tenants/acme2", TenantAdmin("acme")).await.status, 403);
}

/// A tenant that the predecessor made, whose name breaks today's rules.
#[tokio::test]
async fn auz_02_admins_of_old_names_keep_working() {
    let mut seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    seed.tenants[0].name = "Acme Corp_ä".to_owned();
    let stack = TestStack::start_with(seed, None).await;
    let answer = stack.get("/tenants/Acme%20Corp_%C3%A4", TenantAdmin("acme")).await;
    assert_eq!((answer.status, &answer.body["name"]), (200, &json!("Acme Corp_ä")), "{answer}");
    assert_eq!(stack.get("/tenants/Acme%20Corp_%C3%A4", TenantAdmin("globex")).await.status, 403);
}

/// The policy of one path says nothing about another, or about what the
/// caller may not do on the same path, whatever is kept.
#[tokio::test]
async fn a_kept_policy_opens_nothing_else() {
    let stack = TestStack::start().await;
    let admin = stack.token("admin@acme.test");
    let as_admin = || Bearer(admin.clone());
    for _ in 0..2 {
        assert_eq!(stack.get("/tenants/acme", as_admin()).await.status, 200);
        assert_eq!(stack.delete("/tenants/acme", as_admin()).await.status, 403);
        assert_eq!(stack.get("/tenants/globex", as_admin()).await.status, 403);
        assert_eq!(stack.get("/tenants", as_admin()).await.status, 403);
    }
    let asked: Vec<Value> = stack.log("authorizer");
    assert_eq!(asked.len(), 3, "{asked:?}");
}
