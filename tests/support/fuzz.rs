//! What is fuzzed: everything that reads text of others.
//!
//! Each target takes any bytes and panics where a promise is broken. `tests/fuzz` gives each one a
//! bounded number of generated inputs in every test run; `fuzz/` has the same targets for
//! `cargo fuzz run`.

#![allow(clippy::unwrap_used, reason = "a target panics")]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use domain::Caller;
use jsonwebtoken::jwk::Jwk;
use lambda_kit::{Request, RequestParts};
use okta_dac::aws::ini::{Document, Put};
use serde_json::{Value, json};

/// A target: its name, what it is given, an input that passes, if there is one.
pub struct Target {
    /// The name, also of its file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
#[rustfmt::skip] // A table.
pub const TARGETS: &[Target] = &[
    Target { name: "authorizer_event", run: authorizer_event, seeds: || vec![json_bytes(&json!({ "type": "REQUEST", "headers": { "authorization": "Bearer a.b.c" }, "multiValueHeaders": { "authorization": ["Bearer a.b.c"] }, "methodArn": "arn", "path": "/tenants" }))] },
    Target { name: "authorizer_token", run: authorizer_token, seeds: || vec![signed().0.clone().into_bytes()] },
    Target { name: "saml_metadata", run: saml_metadata, seeds: || vec![METADATA.as_bytes().to_vec()] },
    Target { name: "certificate", run: certificate, seeds: || vec![certificate_seed()] },
    Target { name: "hook_payload", run: hook_payload, seeds: || vec![json_bytes(&json!({ "eventType": "com.okta.oauth2.tokens.transform", "data": { "context": { "user": { "id": "00u1" }, "protocol": { "client": { "id": "0oa1" }, "request": { "state": "s" } }, "request": { "url": { "value": "https://o.test/authorize?delegation_id=x" } } }, "access": { "claims": { "uid": "00u1", "cid": "0oa1" } } } }))] },
    Target { name: "keeper_stdin", run: keeper_stdin, seeds: keeper_seeds },
    Target { name: "aws_config", run: aws_config, seeds: || vec![b"[default]\nregion = us-east-1\n\n[profile acme]\ns3 =\n  max = 1\n# end\n".to_vec()] },
    Target { name: "dns_answer", run: dns_answer, seeds: || vec![json_bytes(&json!({ "Status": 0, "Answer": [{ "type": 16, "data": "\"one\" \"two\"" }] }))] },
    Target { name: "cursor", run: cursor, seeds: || vec![b"limit=2&after=00g1".to_vec()] },
    Target { name: "operation_body", run: operation_body, seeds: body_seeds },
];

/// Feeds the target of this name.
///
/// # Panics
///
/// If there is none, or a promise is broken.
pub fn run(name: &str, data: &[u8]) {
    (TARGETS.iter().find(|target| target.name == name).unwrap().run)(data);
}

fn json_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The event is read or refused.
fn authorizer_event(data: &[u8]) {
    let event = serde_json::from_slice::<
        aws_lambda_events::event::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest,
    >(data);
    if let Ok(event) = event {
        let header = event.headers.get("authorization").and_then(|value| value.to_str().ok());
        assert!(!accepted(header.unwrap_or_default()) || header == Some(&format!("Bearer {}", signed().0)));
    }
}

/// Nothing is accepted but the one token that the key has signed.
fn authorizer_token(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let (good, _) = signed();
    // The signature of ECDSA could be written in another way; of the rest nothing may change.
    let of =
        |token: &str| token.trim_start_matches(' ').rsplit_once('.').map(|(signed, _)| signed.to_owned());
    assert!(!accepted(&format!("Bearer {token}")) || of(token) == of(good), "{token}");
}

fn accepted(header: &str) -> bool {
    let settings = authorizer::Settings {
        issuer: "https://o.test/oauth2/aus1".to_owned(),
        audiences: vec!["api://okta-dac".to_owned()],
        client_ids: Vec::new(),
    };
    authorizer::fuzzing::is_accepted(header, &signed().1, &settings, NOW)
}

const NOW: i64 = 1_800_000_000;

/// A token that is good, and the key that it is good with.
fn signed() -> &'static (String, Jwk) {
    static SIGNED: OnceLock<(String, Jwk)> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let point = key.public_key().as_ref();
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256", "x": encode(&point[1..33]),
            "y": encode(&point[33..]),
        });
        let header = json!({ "alg": "ES256", "kid": "k" });
        let claims = json!({
            "iss": "https://o.test/oauth2/aus1", "aud": "api://okta-dac", "exp": NOW + 60, "iat": NOW, "cid": "0oa1",
            "uid": "00u1", "sub": "a@acme.test", "scp": ["dac.admin"],
        });
        let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        (format!("{text}.{}", encode(signature.as_ref())), serde_json::from_value(jwk).unwrap())
    })
}

const METADATA: &str = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.test"><IDPSSODescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.acme.test/sso"/></IDPSSODescriptor></EntityDescriptor>"#;

/// The metadata are read or refused.
fn saml_metadata(data: &[u8]) {
    read("update-idp", "application/samlmetadata+xml", data.to_vec(), BTreeMap::new());
}

fn certificate_seed() -> Vec<u8> {
    rcgen::generate_simple_self_signed(["idp.acme.test".to_owned()]).unwrap().cert.pem().into_bytes()
}

/// The certificate is read or refused, in every form in which people paste one.
fn certificate(data: &[u8]) {
    let body = json!({ "x5c": String::from_utf8_lossy(data) });
    read("update-idp", "application/json", json_bytes(&body), BTreeMap::new());
}

/// Of two people in a payload neither is taken: the one is in the text, as a value of its own.
fn hook_payload(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(data) else { return };
    if let Some((user, client)) = delegation::fuzzing::people(&payload) {
        let text = payload.to_string();
        for id in [user, client] {
            assert!(text.contains(&json!(id).to_string()), "{id} is not in {text}");
        }
    }
}

fn keeper_seeds() -> Vec<Vec<u8>> {
    use base64::prelude::BASE64_STANDARD;
    let records = json!([{ "uid": "r1", "url": "https://o.test", "password": CANARY }]).to_string();
    let payload =
        json!({ "user": "a@acme.test", "newPassword": CANARY, "records": BASE64_STANDARD.encode(records) });
    vec![BASE64_STANDARD.encode(payload.to_string()).into_bytes(), json_bytes(&payload)]
}

const CANARY: &str = "Canary-Passw0rd";

/// A refusal repeats nothing of what was handed over.
fn keeper_stdin(data: &[u8]) {
    if let Err(sentence) = okta_dac::fuzzing::keeper(data) {
        assert!(!sentence.contains(CANARY), "{sentence}");
    }
}

/// A file keeps every byte that nobody asked to change.
fn aws_config(data: &[u8]) {
    let mut document = Document::new(data.to_vec());
    assert_eq!(document.bytes(), data);
    let names: Vec<String> = document.sections().iter().map(|section| section.name.clone()).collect();
    for name in &names {
        let section = document.section(name).unwrap();
        let _ = (document.value(section, "region"), document.comment(section, "# "));
    }
    if document.check().is_err() {
        return;
    }
    let put = Put {
        name: "profile parity".to_owned(),
        comment: "# by okta-dac".to_owned(),
        keys: vec![("region", Some("us-east-1"))],
        once: Vec::new(),
    };
    document.apply(&[], &[put]);
    // Once more changes nothing.
    let once = document.bytes().to_vec();
    assert!(
        Document::new(once.clone()).section("profile parity").is_some(),
        "{:?}",
        String::from_utf8_lossy(&once)
    );
    for name in names {
        assert!(Document::new(once.clone()).section(&name).is_some(), "{name} is gone");
    }
}

/// The answer is read or refused; a text has no quote that only marks it.
fn dns_answer(data: &[u8]) {
    let _ = tenant_domains::fuzzing::texts(data);
}

/// A cursor is taken as it is, or refused.
fn cursor(data: &[u8]) {
    let query: BTreeMap<String, String> = url::form_urlencoded::parse(data).into_owned().collect();
    let is_plain = query.get("after").is_none_or(|after| after.bytes().all(|byte| byte.is_ascii_graphic()));
    let is_read = read("list-tenants", "application/json", Vec::new(), query);
    assert!(is_plain || !is_read, "a cursor with a control character is taken");
}

fn body_seeds() -> Vec<Vec<u8>> {
    let examples = xtask::endpoints().into_iter().enumerate();
    let body = |(n, endpoint): (usize, &lambda_kit::Description)| {
        let body = (endpoint.example)().body?;
        Some([vec![u8::try_from(n).ok()?], json_bytes(&body)].concat())
    };
    examples.filter_map(body).collect()
}

/// The body of an operation, which the first byte chooses, is read or refused.
fn operation_body(data: &[u8]) {
    let endpoints = xtask::endpoints();
    let Some((first, body)) = data.split_first() else { return };
    let endpoint = endpoints[usize::from(*first) % endpoints.len()];
    read(endpoint.operation.name, "application/json", body.to_vec(), BTreeMap::new());
}

/// Reads a request as the function of the operation does.
fn read(operation: &str, media_type: &str, body: Vec<u8>, query: BTreeMap<String, String>) -> bool {
    let endpoints = xtask::endpoints();
    let endpoint = endpoints.iter().find(|endpoint| endpoint.operation.name == operation).unwrap();
    let names = ["tenant", "idpId", "appId", "userId", "domain", "id", "agentId", "responseId", "groupId"];
    let parts = RequestParts {
        path: names.map(|name| (name.to_owned(), "acme.test".to_owned())).into(),
        query,
        content_type: Some(media_type.to_owned()),
        body,
        ..RequestParts::default()
    };
    (endpoint.reads)(&Request { parts, caller: Caller::new("00u1", &[], &["SUPERUSERS".to_owned()], false) })
}
