//! `GET /idps`

use serde_json::json;
use tests::{Anonymous, Member, Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let all = stack.get("/idps", Superuser).await;
    assert_eq!((all.status, all.body.as_array().map(Vec::len)), (200, Some(2)), "{all}");
    let own = stack.get("/idps", TenantAdmin("acme")).await;
    assert_eq!((own.body.as_array().map(Vec::len), &own.body[0]["name"]), (Some(1), &json!("acme")), "{own}");
    assert_eq!(stack.get("/idps", Member("acme")).await.body, json!([]), "idp_06");
    assert_eq!(stack.get("/idps", Anonymous).await.status, 401);
}
