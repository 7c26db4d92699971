//! `PUT /idps/{idpId}`

use okta_emulator::Drop;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

fn sso() -> Value {
    json!({ "protocol": { "endpoints": { "sso": { "url": "https://idp.acme.test/sso" } } } })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let answer = stack.put(&path, TenantAdmin("acme"), sso()).await;
    let url = &answer.body["protocol"]["endpoints"]["sso"]["url"];
    assert_eq!((answer.status, url), (200, &json!("https://idp.acme.test/sso")), "{answer}");
    // What is read can be sent back.
    let mut read = stack.get(&path, TenantAdmin("acme")).await.body;
    read["status"] = "ACTIVE".into();
    let active = stack.put(&path, TenantAdmin("acme"), read).await;
    assert_eq!((active.status, &active.body["status"]), (200, &json!("ACTIVE")), "{active}");
    assert_eq!(stack.put(&path, TenantAdmin("globex"), sso()).await.status, 403);
}

/// Metadata of the tenant's own identity provider, as it gives them.
#[tokio::test]
async fn metadata_are_taken_instead() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let pem = include_str!("../../functions/idps/src/fixtures/good.pem");
    let certificate: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let xml = format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.test"><IDPSSODescriptor>
        <KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.acme.test/sso"/>
        </IDPSSODescriptor></EntityDescriptor>"#
    );
    let headers = [
        ("authorization", format!("Bearer {}", stack.token("admin@acme.test"))),
        ("content-type", "application/samlmetadata+xml".to_owned()),
    ];
    let answer = stack.raw("PUT", &path, &headers, xml.into_bytes()).await;
    assert_eq!((answer.status, &answer.body["x5c"]), (200, &json!([certificate])), "{answer}");
    assert_eq!(answer.body["protocol"]["credentials"]["trust"]["issuer"], "https://idp.acme.test");
    let bad = stack.raw("PUT", &path, &headers, b"<x/>".to_vec()).await;
    assert_eq!((bad.status, bad.code()), (400, "invalid-request"), "{bad}");
}

#[tokio::test]
async fn member_not_editable() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let answer = stack.put(&path, TenantAdmin("acme"), json!({ "name": "zoo" })).await;
    assert_eq!((answer.status, answer.code()), (403, "member-not-editable"), "{answer}");
    assert_eq!(answer.body["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn idp_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.put("/idps/0oanobody", Superuser, sso()).await;
    assert_eq!((answer.status, answer.code()), (404, "idp-not-found"), "{answer}");
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let answer = stack.put(&path, Superuser, json!({ "x5c": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("PUT", &path, &headers, sso().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    stack.break_call(3, 1, dropped(Drop::After));
    stack.break_call(4, u64::MAX, status(500));
    let answer = stack.put(&path, Superuser, sso()).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.put(&path, Superuser, sso()).await.status, 200);
}

/// Whom it may sign in is not known without the group.
#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    stack.delete_users_group("acme").await;
    let answer = stack.put(&path, TenantAdmin("acme"), sso()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    stack.hold_lock(&path.replace("/idps/", "idp#")).await;
    let answer = stack.put(&path, TenantAdmin("acme"), sso()).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    // The authorizer reads the table, too, for all but superusers.
    let answer = stack.put(&path, Superuser, sso()).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}

/// Also for a superuser.
#[tokio::test]
async fn tenant_suspended() {
    let stack = TestStack::start().await;
    let path = stack.idp("acme").await;
    let suspended = stack.put("/tenants/acme", tests::Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!(suspended.status, 200, "{suspended}");
    let answer = stack.put(&path, tests::Superuser, json!({ "status": "ACTIVE" })).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-suspended"), "{answer}");
    assert_eq!(stack.put(&path, tests::Superuser, sso()).await.status, 200, "the rest may be changed");
}
