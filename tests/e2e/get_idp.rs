//! `GET /idps/{idpId}`

use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let answer = stack.get(&path, TenantAdmin("acme")).await;
    assert_eq!((answer.status, answer.body["name"].as_str()), (200, Some("acme")), "{answer}");
    assert_eq!(stack.get(&path, Superuser).await.body, answer.body, "auz_06");
    assert_eq!(stack.get(&path, TenantAdmin("globex")).await.status, 403);
}

#[tokio::test]
async fn idp_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/idps/0oanobody", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "idp-not-found"), "{answer}");
}
