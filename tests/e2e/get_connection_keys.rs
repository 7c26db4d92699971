//! `GET /.well-known/okta-dac/{connection}/jwks.json`

use serde_json::Value;
use tests::{Answer, TestStack};

use crate::least_privilege::connect_with;

const SECRET: &str = "okta-dac/connections/reader";

/// Without any token.
async fn get(stack: &TestStack, connection: &str) -> Answer {
    stack.raw("GET", &format!("/.well-known/okta-dac/{connection}/jwks.json"), &[], Vec::new()).await
}

/// Okta reads the keys here, and gives the connection its tokens.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start_configured(&[("ConnectionKeys", "demo,reader")]).await;
    let address = format!("{}/.well-known/okta-dac/reader/jwks.json", stack.stack.api_url());
    connect_with(&stack, "logs", SECRET, &["--jwks-uri", &address]).await;
    let answer = get(&stack, "reader").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{answer}");
    let vault = stack.stack.aws.vault();
    let stored: Value = serde_json::from_str(&vault.secret(SECRET).unwrap()).unwrap();
    let keys = answer.body["keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[0]["kid"], keys[0].get("d")), (1, &stored["keyId"], None));
    assert_eq!(stored["jwksUri"], address);
}

#[tokio::test]
async fn connection_not_found() {
    let stack = TestStack::start().await;
    // Of another name, of none that was connected, and of what is no name.
    for connection in ["reader", "nobody", "..%2F..%2Fokta-dac", "demo%2Fjwks"] {
        let answer = get(&stack, connection).await;
        assert_eq!((answer.status, answer.code()), (404, "connection-not-found"), "{connection}: {answer}");
    }
    let stack = TestStack::start_configured(&[("ConnectionKeys", "reader")]).await;
    let answer = get(&stack, "reader").await;
    assert_eq!((answer.status, answer.code()), (404, "connection-not-found"), "{answer}");
    // A private key in the secret is not shown.
    let vault = stack.stack.aws.vault();
    vault.plant_secret("okta-dac/connections/reader/jwks", r#"{"keys":[{"kty":"EC","d":"not-for-you"}]}"#);
    let answer = get(&stack, "reader").await;
    assert_eq!((answer.status, answer.code()), (500, "internal"), "{answer}");
    assert!(!answer.to_string().contains("not-for-you"));
    stack.keep_out_of_logs("not-for-you");
}
