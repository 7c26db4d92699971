//! `GET /responses`

use tests::{Superuser, TestStack};

use crate::add_response::{RESPONDER, SUPERUSER, body, respond};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    for login in ["user@acme.test", "user@globex.test", "agent@demo.test"] {
        respond(&stack, body(login, &["clear-sessions"])).await;
    }
    let answer = stack.get("/responses?limit=2", RESPONDER).await;
    assert_eq!((answer.status, answer.body.as_array().map(Vec::len)), (200, Some(2)), "{answer}");
    let next = answer.header("link").lines().find_map(|link| link.strip_suffix("; rel=\"next\"")).unwrap();
    let next = next.trim_matches(['<', '>']).strip_prefix(&stack.stack.api_url()).unwrap().to_owned();
    let rest = stack.get(&next, RESPONDER).await;
    assert_eq!((rest.status, rest.body.as_array().map(Vec::len)), (200, Some(2)), "{rest}");
    // The oldest is that of the demo org.
    let user = stack.user("user@acme.test").await;
    let own = stack.get(&format!("/responses?user={user}&status=active"), RESPONDER).await;
    assert_eq!(own.body.as_array().map(Vec::len), Some(1), "{own}");
    // The scope of administration is another one.
    assert_eq!(stack.get("/responses", Superuser).await.status, 403);
    let wrong = stack.get("/responses?status=x", SUPERUSER).await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid-request"), "{wrong}");
}

#[tokio::test]
async fn responses_disabled() {
    let stack = TestStack::start_configured(&[("ResponseMode", "off")]).await;
    let answer = stack.get("/responses", SUPERUSER).await;
    assert_eq!((answer.status, answer.code()), (403, "responses-disabled"), "{answer}");
}
