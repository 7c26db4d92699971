//! `GET /responses/{responseId}`

use tests::TestStack;

use crate::add_response::{RESPONDER, SUPERUSER, body, respond};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let added = respond(&stack, body("user@acme.test", &["suspend"])).await;
    let path = format!("/responses/{}", added.body["id"].as_str().unwrap());
    let answer = stack.get(&path, RESPONDER).await;
    assert_eq!((answer.status, &answer.body), (200, &added.body), "{answer}");
}

#[tokio::test]
async fn responses_disabled() {
    let stack = TestStack::start_configured(&[("ResponseMode", "off")]).await;
    let answer = stack.get("/responses/00u000000000000000070mmmmmmmm99999999999", SUPERUSER).await;
    assert_eq!((answer.status, answer.code()), (403, "responses-disabled"), "{answer}");
}

#[tokio::test]
async fn response_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.get("/responses/00u000000000000000070mmmmmmmm99999999999", SUPERUSER).await;
    assert_eq!((answer.status, answer.code()), (404, "response-not-found"), "{answer}");
    let answer = stack.get("/responses/00u1", SUPERUSER).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
}
