//! `POST /agent`

use okta_emulator::TokenRequest;
use serde_json::{Value, json};
use tests::{Bearer, Managed, TestStack};

const AGENT: Managed = Managed("agent@demo.test");

fn delegator() -> Value {
    json!({ "entityid": "00u00000000000000009" })
}

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.post("/agent", AGENT, delegator()).await;
    let id = answer.body["id"].as_str().unwrap_or_default();
    assert_eq!((answer.status, id.len()), (200, 47), "{answer}");
    stack.keep_out_of_logs(id);
    // MAN-24: 403, not 401: the token is good.
    let stranger = stack.post("/agent", Managed("user@acme.test"), delegator()).await;
    assert_eq!((stranger.status, stranger.code()), (403, "forbidden"), "{stranger}");
    let bad = stack.post("/agent", AGENT, json!({ "entityid": "delegator@demo.test" })).await;
    assert_eq!((bad.status, bad.code()), (400, "invalid-request"), "{bad}");
}

/// MAN-01: a hundred requests at once, through real processes; what others may do
/// says nothing of a stranger.
#[tokio::test]
async fn man_01_strangers_are_refused_among_a_hundred_requests_at_once() {
    let stack = TestStack::start().await;
    let stranger = Managed("user@acme.test");
    assert_eq!(stack.post("/agent", stranger, delegator()).await.status, 403);
    let requests =
        (0..100).map(|n| stack.post("/agent", if n % 2 == 0 { AGENT } else { stranger }, delegator()));
    let answers = futures::future::join_all(requests).await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.status, if n % 2 == 0 { 200 } else { 403 }, "{n}: {answer}");
    }
    assert_eq!(stack.post("/agent", stranger, delegator()).await.status, 403);
}

/// MAN-21, DLG-01: neither a delegated token nor one of a client alone begins.
#[tokio::test]
async fn man_21_dlg_01_only_users_in_their_own_name() {
    let stack = TestStack::start().await;
    let token = |claims: Value| {
        Bearer(stack.token_with(&TokenRequest {
            login: "agent@demo.test".to_owned(),
            scopes: Some(vec!["managed.access".to_owned()]),
            claims: claims.as_object().unwrap().clone(),
            ..TokenRequest::default()
        }))
    };
    for (claims, status) in [
        (json!({ "on_behalf": "True" }), 403),
        (json!({ "on_behalf": true }), 403),
        (json!({ "uid": null }), 401),
        (json!({ "scp": ["openid"] }), 401),
        (json!({ "scp": ["dac.admin"] }), 403),
        (json!({ "cid": "0oaother" }), 401),
    ] {
        for path in ["/agent", "/delegator/agents/add"] {
            let answer = stack.post(path, token(claims.clone()), delegator()).await;
            assert_eq!(answer.status, status, "{path} {claims}: {answer}");
        }
    }
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let answer = stack.post("/agent", AGENT, json!({ "entityid": "a".repeat(2 << 20) })).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", stack.bearer(AGENT))];
    let answer = stack.raw("POST", "/agent", &headers, delegator().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let answer = stack.post("/agent", AGENT, delegator()).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
