//! A saved state is the same org: its objects and the tokens that it issued.

#![allow(clippy::unwrap_used, reason = "tests")]

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use okta_emulator::{DEMO_ORG, Emulator, Options, Seed, TokenRequest};

#[tokio::test]
async fn a_restart_keeps_objects_and_signing_key() {
    let path = std::env::temp_dir().join(format!("okta-emulator-{}.json", std::process::id()));
    let options =
        || Options { port: 0, seed: Seed::parse(DEMO_ORG).unwrap(), state_file: Some(path.clone()) };
    let first = Emulator::start(options()).await.unwrap();
    let request = TokenRequest { login: "admin@acme.test".to_owned(), ..TokenRequest::default() };
    let token = first.access_token(&request).unwrap();
    first.insert_rule("DAC_acme", "0oa1", true, &[]);
    let before = first.snapshot();
    first.save().unwrap();
    drop(first);

    let second = Emulator::start(options()).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(second.snapshot(), before);
    let keys = format!("{}/v1/keys", second.issuer());
    let keys: JwkSet =
        reqwest::Client::builder().build().unwrap().get(keys).send().await.unwrap().json().await.unwrap();
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    for token in [token, second.access_token(&request).unwrap()] {
        decode::<serde_json::Value>(&token, &key, &validation).unwrap();
    }
}
