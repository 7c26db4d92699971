//! `GET /apps`

use serde_json::json;
use tests::{Anonymous, Member, Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let all = stack.get("/apps", Superuser).await;
    assert_eq!((all.status, all.body.as_array().map(Vec::len)), (200, Some(3)), "{all}");
    let own = stack.get("/apps", TenantAdmin("globex")).await;
    assert_eq!(
        (&own.body[0]["name"], own.body.as_array().map(Vec::len)),
        (&json!("Umbrella"), Some(1)),
        "{own}"
    );
    assert_eq!(own.body[0]["settings"], json!({ "allUsers": true }));
    assert_eq!(stack.get("/apps", Member("globex")).await.body, json!([]), "app_12");
    assert_eq!(stack.get("/apps", Anonymous).await.status, 401);
    let page = stack.get("/apps?limit=2", Superuser).await;
    assert!(page.header("link").contains("after="), "{page}");
    assert_eq!(stack.get("/apps?limit=0", Superuser).await.status, 400);
}
