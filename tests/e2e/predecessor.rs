//! An org that the predecessor made is read and administered without an error:
//! names that break today's rules, a record that somebody edited, all-users
//! assignments, pending domains in an inactive rule.

use okta_emulator::{DEMO_ORG, PendingDomainSeed, Seed, TenantAppSeed};
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

const TOKEN: &str = "0b9d7c2e-1f7d-4d0a-8c55-2f6f4f0f9a10";

/// The org: `acme_corp`, whose record was edited by hand, and `Globex Corp`.
async fn org() -> TestStack {
    let mut seed = Seed::parse(DEMO_ORG).unwrap();
    let app = |id: &str| TenantAppSeed { id: id.to_owned(), all_users: true };
    seed.tenants[0].name = "acme_corp".to_owned();
    seed.tenants[0].apps = vec![app("0oa1spyder0000000001")];
    seed.tenants[0].domains = vec!["acme.test".to_owned(), "Shop.Acme.test".to_owned()];
    let pending = PendingDomainSeed { domain: "acme-labs.test".to_owned(), token: TOKEN.to_owned() };
    seed.tenants[0].pending_domains = vec![pending];
    seed.tenants[1].name = "Globex Corp".to_owned();
    seed.dns.insert("_oktadac.verification.acme-labs.test".to_owned(), vec![TOKEN.to_owned()]);
    let stack = TestStack::start_with(seed, None).await;
    let tenant = stack.get("/tenants/acme_corp", Superuser).await;
    let group = tenant.body["ADMINS_groupId"].as_str().unwrap_or_else(|| panic!("{tenant}")).to_owned();
    let profile = json!({ "name": "ADMINS_acme_corp", "description": "Admins of ACME - ask Bob" });
    stack.prepare("PUT", &format!("/api/v1/groups/{group}"), json!({ "profile": profile })).await;
    stack.okta().catch_up();
    stack
}

#[tokio::test]
async fn everything_of_it_is_read() {
    let stack = org().await;
    let list = stack.get("/tenants", Superuser).await;
    let names: Vec<&str> =
        list.body.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["acme_corp", "Globex Corp"], "{list}");
    let idp = format!("/idps/{}", list.body[0]["id"].as_str().unwrap());
    for path in [
        "/tenants/acme_corp",
        "/tenants/acme_corp/admins",
        "/tenants/acme_corp/apps",
        "/tenants/acme_corp/domains",
        "/tenants/acme_corp/domains/acme.test",
        "/tenants/acme_corp/domains/shop.acme.test",
        "/apps",
        "/idps",
        &idp,
        &format!("{idp}/metadata.xml"),
        "/apps/0oa1spyder0000000001",
    ] {
        let answer = stack.get(path, TenantAdmin("acme")).await;
        assert_eq!(answer.status, 200, "{path}: {answer}");
        assert_ne!(answer.body, json!([]), "{path}");
    }
    let domains = stack.get("/tenants/acme_corp/domains?verified=false", TenantAdmin("acme")).await;
    assert_eq!(domains.body[0]["dnsVerificationString"], TOKEN, "{domains}");
    assert_eq!(stack.get("/tenants/Globex%20Corp/apps", TenantAdmin("globex")).await.status, 200);
    assert_eq!(stack.get("/tenants/acme_corp/apps", TenantAdmin("globex")).await.status, 403);
}

#[tokio::test]
async fn everything_of_it_is_administered() {
    let stack = org().await;
    let admin = || TenantAdmin("acme");
    let user = stack.user("user@acme.test").await;
    let path = format!("/tenants/acme_corp/admins/{user}");
    assert_eq!(stack.put(&path, admin(), Value::Null).await.status, 200);
    assert_eq!(stack.delete(&path, admin()).await.status, 204);
    let labs = "/tenants/acme_corp/domains/acme-labs.test";
    assert_eq!(stack.put(labs, admin(), Value::Null).await.status, 200);
    assert_eq!(stack.delete("/tenants/acme_corp/domains/shop.acme.test", admin()).await.status, 204);
    let added = stack.post("/tenants/acme_corp/domains", admin(), json!({ "domain": "acme-3.test" })).await;
    assert_eq!(added.status, 201, "{added}");
    let app = "/tenants/acme_corp/apps/0oa1spyder0000000001";
    assert_eq!(stack.put(app, admin(), json!({ "allUsers": false })).await.status, 200);
    assert_eq!(stack.delete(app, Superuser).await.status, 204);
    let umbrella = "/tenants/acme_corp/apps/0oa1umbrella00000001";
    assert_eq!(stack.put(umbrella, Superuser, Value::Null).await.status, 200);
    let idp = stack.get("/idps", admin()).await.body[0]["id"].as_str().unwrap().to_owned();
    let change = json!({ "policy": { "maxClockSkew": 1000 } });
    assert_eq!(stack.put(&format!("/idps/{idp}"), admin(), change).await.status, 200);
    // A new name follows today's rules, and brings everything along.
    let renamed = stack.put("/tenants/acme_corp", Superuser, json!({ "name": "acme" })).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("acme")), "{renamed}");
    for status in ["SUSPENDED", "ACTIVE"] {
        let turned = stack.put("/tenants/acme", Superuser, json!({ "status": status })).await;
        assert_eq!((turned.status, &turned.body["status"]), (200, &json!(status)), "{turned}");
    }
    let domains = stack.get("/tenants/acme/domains", Superuser).await;
    assert_eq!(domains.body.as_array().map(Vec::len), Some(3), "{domains}");
    assert_eq!(stack.delete("/tenants/acme", Superuser).await.status, 204);
    let rules = stack.okta().snapshot()["rules"].to_string();
    assert!(!rules.contains("acme"), "{rules}");
}

/// Somebody gave every object of a tenant another name: the tenant is found by what the
/// objects are, and administered.
#[tokio::test]
async fn names_that_somebody_edited() {
    let stack = TestStack::start().await;
    let tenant = stack.get("/tenants/acme", Superuser).await.body;
    let text = |member: &str| tenant[member].as_str().unwrap_or_else(|| panic!("{tenant}")).to_owned();
    let app = "/tenants/acme/apps/0oa1dynamics00000001";
    let entitled = stack.put(app, Superuser, Value::Null).await;
    assert_eq!(entitled.status, 200, "{entitled}");
    stack.okta().catch_up();
    let apps = stack.get("/tenants/acme/apps", Superuser).await;
    let groups = apps.body.as_array().unwrap().iter().map(|app| app["APPUSERS_groupId"].as_str().unwrap());
    let groups: Vec<String> = groups.map(str::to_owned).chain([text("USERS_groupId")]).collect();
    for (number, group) in groups.iter().enumerate() {
        let profile = json!({ "name": format!("ACME {number}"), "description": "ask Bob" });
        stack.prepare("PUT", &format!("/api/v1/groups/{group}"), json!({ "profile": profile })).await;
    }
    let path = format!("/api/v1/idps/{}", text("id"));
    let mut idp = stack.prepare("GET", &path, Value::Null).await;
    idp["name"] = "ACME sign-in".into();
    stack.prepare("PUT", &path, idp).await;
    stack.okta().catch_up();

    assert_eq!(
        stack.get("/tenants/acme", TenantAdmin("acme")).await.body["USERS_groupId"],
        tenant["USERS_groupId"]
    );
    let listed = stack.get("/tenants", Superuser).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(2), "{listed}");
    let now = stack.get("/tenants/acme/apps", TenantAdmin("acme")).await;
    assert_eq!(now.body.as_array().map(Vec::len), apps.body.as_array().map(Vec::len), "{now}");
    let admin = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    assert_eq!(stack.put(&admin, TenantAdmin("acme"), Value::Null).await.status, 200);
    assert_eq!(stack.delete(&admin, TenantAdmin("acme")).await.status, 204);
    let added =
        stack.post("/tenants/acme/domains", TenantAdmin("acme"), json!({ "domain": "acme-3.test" })).await;
    assert_eq!(added.status, 201, "{added}");
    assert_eq!(stack.delete(app, Superuser).await.status, 204);
    for status in ["SUSPENDED", "ACTIVE"] {
        let turned = stack.put("/tenants/acme", Superuser, json!({ "status": status })).await;
        assert_eq!((turned.status, &turned.body["status"]), (200, &json!(status)), "{turned}");
    }
    let deleted = stack.delete("/tenants/acme", Superuser).await;
    assert_eq!(deleted.status, 204, "{deleted}");
    let left = stack.okta().snapshot().to_string();
    assert!(!left.contains("ACME sign-in") && !left.contains("\"ACME 0\""), "something is left");
}
