//! `GET /idps/{idpId}/metadata.xml`

use tests::{Superuser, TenantAdmin, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let expected = stack.okta_client().get_identity_provider_metadata(&id.into()).await.unwrap();
    let path = format!("{path}/metadata.xml");
    let headers = [("authorization", format!("Bearer {}", stack.token("admin@acme.test")))];
    let (status, media_type, bytes) = stack.bytes("GET", &path, &headers, Vec::new()).await;
    assert_eq!((status, media_type.as_str()), (200, "application/samlmetadata+xml"));
    assert!(bytes == expected, "byte for byte");
    assert_eq!(stack.get(&path, TenantAdmin("globex")).await.status, 403);
}

#[tokio::test]
async fn idp_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/idps/0oanobody/metadata.xml", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "idp-not-found"), "{answer}");
}
