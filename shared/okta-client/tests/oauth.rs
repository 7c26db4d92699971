//! Clients that get access tokens: service integration, service app with an
//! RSA or EC key, tokens that are bound to a key.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, Engine};
use futures::TryStreamExt;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use okta_client::models::GroupProfile;
use okta_client::{Client, Credential, Error, ListGroups, OrgUrl, search};
use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};
use serde_json::{Value, json};

const SCOPES: &[&str] = &["okta.groups.manage", "okta.policies.manage"];

async fn emulator() -> Emulator {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap()
}

fn client(emulator: &Emulator, credential: &Value) -> Client {
    let credential = Credential::parse(&credential.to_string()).unwrap();
    Client::new(OrgUrl::parse(&emulator.url()).unwrap(), credential).unwrap()
}

fn integration(secret: &str) -> Value {
    json!({ "clientId": "0oa1integration00001", "clientSecret": secret, "scopes": SCOPES })
}

fn all() -> ListGroups {
    ListGroups::search(search::sw("profile.name", ""))
}

async fn groups(client: &Client) -> Result<usize, Error> {
    client.list_groups(&all()).try_collect::<Vec<_>>().await.map(|groups| groups.len())
}

/// How often a token was fetched.
fn token_calls(emulator: &Emulator) -> usize {
    emulator.journal().iter().filter(|call| call.operation_id == Some("token")).count()
}

/// A call of the emulator that the client has no method for.
async fn okta(emulator: &Emulator, method: &str, path: &str, body: Value) -> Value {
    let token = Seed::parse(DEMO_ORG).unwrap().api_token.token;
    let request = reqwest::Client::builder()
        .build()
        .unwrap()
        .request(method.parse().unwrap(), format!("{}{path}", emulator.url()));
    let request = request.header("authorization", format!("SSWS {token}")).json(&body);
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap_or_default()
}

/// A service app with this key, the scopes of the test and an admin role.
async fn service_app(emulator: &Emulator, public: Value, dpop: bool) -> String {
    let app = json!({
        "name": "oidc_client", "label": "service", "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "private_key_jwt" } },
        "settings": { "oauthClient": {
            "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
            "dpop_bound_access_tokens": dpop, "jwks": { "keys": [public] },
        } },
    });
    let app = okta(emulator, "POST", "/api/v1/apps", app).await;
    let id = app["id"].as_str().unwrap().to_owned();
    for scope in SCOPES {
        let grant = json!({ "scopeId": scope, "issuer": emulator.url() });
        okta(emulator, "POST", &format!("/api/v1/apps/{id}/grants"), grant).await;
    }
    okta(emulator, "POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({ "type": "SUPER_ADMIN" })).await;
    id
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

/// A private key in PEM form and its public JWK.
fn ec_key() -> (String, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    public(pem(der.as_ref()), &EncodingKey::from_ec_der(der.as_ref()), Algorithm::ES256)
}

fn rsa_key() -> (String, Value) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let pem = pair.serialize_pem();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    public(pem, &key, Algorithm::RS256)
}

fn public(pem: String, key: &EncodingKey, algorithm: Algorithm) -> (String, Value) {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = "key-1".into();
    (pem, jwk)
}

#[tokio::test]
async fn a_service_integration_with_its_secret() {
    let emulator = emulator().await;
    let secret = Seed::parse(DEMO_ORG).unwrap().apps.into_iter().find_map(|app| app.secret).unwrap();
    let good = client(&emulator, &integration(&secret));
    assert!(groups(&good).await.unwrap() > 5);
    good.add_group(&GroupProfile::new("made by the integration", "")).await.unwrap();
    assert_eq!(token_calls(&emulator), 1);

    let wrong = client(&emulator, &integration("wrong-secret-of-the-test"));
    let error = groups(&wrong).await.unwrap_err();
    assert!(matches!(&error, Error::Token { status: 401, code, .. } if code == "invalid_client"), "{error}");
    assert!(!error.is_retryable() && !error.may_have_happened());
    assert!(!format!("{error} {error:?} {wrong:?}").contains("wrong-secret-of-the-test"));
}

#[tokio::test]
async fn a_service_app_with_each_kind_of_key() {
    for (pem, jwk) in [rsa_key(), ec_key()] {
        let emulator = emulator().await;
        let id = service_app(&emulator, jwk, false).await;
        let credential = json!({ "clientId": id, "privateKey": pem, "keyId": "key-1", "scopes": SCOPES });
        let own = client(&emulator, &credential);
        assert!(groups(&own).await.unwrap() > 5);
        // A scope that the token lacks is refused by Okta, not by us.
        let error = own.get_identity_provider(&"0oa1".into()).await.unwrap_err();
        assert!(matches!(&error, Error::Api(error) if error.code == "E0000006"), "{error}");
        assert!(!format!("{own:?}").contains("PRIVATE"));
    }
}

/// The app asks for a proof, then for its nonce; after that one call is one call.
#[tokio::test]
async fn tokens_that_are_bound_to_a_key() {
    let emulator = emulator().await;
    let (pem, jwk) = ec_key();
    let id = service_app(&emulator, jwk, true).await;
    let credential = json!({ "clientId": id, "privateKey": pem, "keyId": "key-1", "scopes": SCOPES });
    let own = client(&emulator, &credential);
    emulator.clear_journal();
    assert!(groups(&own).await.unwrap() > 5);
    let statuses: Vec<u16> = emulator.journal().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [400, 400, 200, 200]);
    own.add_group(&GroupProfile::new("with a proof", "")).await.unwrap();
    assert_eq!(emulator.journal().len(), 5);
}

#[tokio::test]
async fn callers_share_one_request_for_a_token() {
    let emulator = emulator().await;
    let secret = Seed::parse(DEMO_ORG).unwrap().apps.into_iter().find_map(|app| app.secret).unwrap();
    let own = client(&emulator, &integration(&secret));
    emulator.configure(|settings| settings.latency_ms = 20);
    let calls = (0..8).map(|_| groups(&own));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(token_calls(&emulator), 1);
}

/// A token that Okta does not take any more is replaced once per call.
#[tokio::test]
async fn a_rejected_token_is_fetched_again_once() {
    let emulator = emulator().await;
    let secret = Seed::parse(DEMO_ORG).unwrap().apps.into_iter().find_map(|app| app.secret).unwrap();
    let own = client(&emulator, &integration(&secret));
    groups(&own).await.unwrap();
    // Okta's clock is two hours ahead now: the token has expired there.
    emulator.configure(|settings| settings.clock_offset_ms = 7_200_000);
    groups(&own).await.unwrap();
    assert_eq!(token_calls(&emulator), 2);
    // A server that rejects every token is asked once more, and no more.
    emulator.order(
        serde_json::from_value(json!({
            "operationId": "listGroups", "times": 1_000, "action": { "status": 401 },
        }))
        .unwrap(),
    );
    emulator.clear_journal();
    let error = groups(&own).await.unwrap_err();
    assert!(matches!(&error, Error::Api(error) if error.status == 401), "{error}");
    assert_eq!((token_calls(&emulator), emulator.journal().len()), (1, 3));
}

/// A token is replaced before it expires.
#[tokio::test]
async fn a_token_that_is_about_to_expire_is_not_used() {
    let emulator = emulator().await;
    let secret = Seed::parse(DEMO_ORG).unwrap().apps.into_iter().find_map(|app| app.secret).unwrap();
    let own = client(&emulator, &integration(&secret));
    groups(&own).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(3_600 - 61)).await;
    tokio::time::resume();
    groups(&own).await.unwrap();
    assert_eq!(token_calls(&emulator), 1);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    tokio::time::resume();
    groups(&own).await.unwrap();
    assert_eq!(token_calls(&emulator), 2);
}
