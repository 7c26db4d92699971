//! `GET /tenants`

use okta_client::models::GroupProfile;
use serde_json::json;
use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants", Superuser).await;
    assert_eq!(answer.status, 200, "{answer}");
    let names: Vec<_> = answer.body.as_array().unwrap().iter().map(|tenant| &tenant["name"]).collect();
    assert_eq!(names, ["acme", "globex"]);
    let members: Vec<&String> = answer.body[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "name", "ADMINS_groupId", "created", "status"]);
    assert_eq!(answer.header("link"), format!("<{}/tenants?limit=30>; rel=\"self\"", stack.stack.api_url()));
    assert_eq!(stack.get("/tenants", TenantAdmin("acme")).await.status, 403);
}

#[tokio::test]
async fn ten_09_a_thousand_tenants_each_exactly_once() {
    let stack = TestStack::start().await;
    let okta = stack.okta_client();
    let mut expected = vec!["acme".to_owned(), "globex".to_owned()];
    for n in 0..998 {
        let name = format!("tenant-{n}");
        let record = json!({ "tenantId": format!("0oa{n:017}") }).to_string();
        let group = okta.add_group(&GroupProfile::new(format!("ADMINS_{name}"), record)).await.unwrap();
        // The role is what tells a tenant's admins from others of this name.
        okta.assign_role_to_group(&group.id, "USER_ADMIN").await.unwrap();
        expected.push(name);
    }
    stack.okta().catch_up();
    let base = stack.stack.api_url();
    let (mut path, mut names) = ("/tenants?limit=170".to_owned(), Vec::new());
    loop {
        let page = stack.get(&path, Superuser).await;
        assert_eq!(page.status, 200, "{page}");
        let page_names = page.body.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned());
        names.extend(page_names);
        let next = page.header("link").lines().find_map(|link| link.strip_suffix("; rel=\"next\""));
        let Some(next) = next else { break };
        path = next.trim_matches(['<', '>']).strip_prefix(&base).expect("this API's own URL").to_owned();
    }
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
