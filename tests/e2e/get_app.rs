//! `GET /apps/{appId}`

use tests::{Member, Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let list = stack.get("/apps", TenantAdmin("globex")).await;
    let app = stack.get("/apps/0oa1umbrella00000001", TenantAdmin("globex")).await;
    assert_eq!((app.status, &app.body), (200, &list.body[0]), "{app}");
    assert_eq!(stack.get("/apps/0oa1umbrella00000001", Superuser).await.body["name"], "Umbrella");
}

#[tokio::test]
async fn app_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/apps/0oa1umbrella00000001", TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.code()), (404, "app-not-found"), "{answer}");
    assert_eq!(stack.get("/apps/0oa1umbrella00000001", Member("globex")).await.status, 404);
    assert_eq!(stack.get("/apps/0oa1payroll000000001", Superuser).await.status, 404);
}
