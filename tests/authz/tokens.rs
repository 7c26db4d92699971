//! Tokens that must be refused, and what happens while Okta is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authorizer::{Authorizer, Refusal, Rejection, Settings};
use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use axum::Json;
use axum::http::StatusCode;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// An issuer with an RSA and an EC key, and an authorizer that trusts it.
struct Issuer {
    url: String,
    rsa: EncodingKey,
    rsa_public_pem: String,
    ec: EncodingKey,
    other_rsa: EncodingKey,
    fetches: Arc<AtomicUsize>,
    down: Arc<AtomicBool>,
    authorizer: Authorizer,
}

fn rsa_key() -> rcgen::KeyPair {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap()
}

fn jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = kid.into();
    jwk["use"] = "sig".into();
    jwk
}

impl Issuer {
    async fn start() -> Self {
        let pair = rsa_key();
        let rsa = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        let other_rsa = EncodingKey::from_rsa_pem(rsa_key().serialize_pem().as_bytes()).unwrap();
        let ec_pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let ec = EncodingKey::from_ec_pem(ec_pair.serialize_pem().as_bytes()).unwrap();
        let mut encryption = jwk(&other_rsa, Algorithm::RS256, "encryption");
        encryption["use"] = "enc".into();
        let keys = json!({ "keys": [
            jwk(&rsa, Algorithm::RS256, "rsa"), jwk(&ec, Algorithm::ES256, "ec"), encryption,
            { "kty": "oct", "kid": "oct", "k": "c2VjcmV0" },
        ] });
        let (fetches, down) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, is_down) = (Arc::clone(&fetches), Arc::clone(&down));
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let result = if is_down.load(Ordering::SeqCst) {
                Err(StatusCode::BAD_GATEWAY)
            } else {
                Ok(Json(keys.clone()))
            };
            async move { result }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/oauth2/aus1", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/oauth2/aus1/v1/keys", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = Settings {
            issuer: url.clone(),
            audiences: vec!["api://okta-dac".to_owned()],
            client_ids: vec!["client".to_owned()],
        };
        let rsa_public_pem = pair.public_key_pem();
        let authorizer = Authorizer::new(settings).unwrap();
        Self { url, rsa, rsa_public_pem, ec, other_rsa, fetches, down, authorizer }
    }

    fn claims(&self) -> Value {
        let now = now();
        json!({
            "ver": 1, "jti": "AT.1", "iss": self.url, "aud": "api://okta-dac", "iat": now, "exp": now + 3600,
            "cid": "client", "uid": "00u1", "sub": "somebody@demo.test", "scp": ["openid", "dac.admin"],
            "groups": ["SUPERUSERS"],
        })
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &self.rsa).unwrap()
    }

    async fn ask(&self, authorization: &str) -> Result<(), Refusal> {
        let event: Event = serde_json::from_value(json!({
            "type": "REQUEST", "httpMethod": "GET", "path": "/tenants",
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/tenants",
            "headers": { "Authorization": authorization }, "requestContext": {},
        }))
        .unwrap();
        self.authorizer.handle(event, "id".to_owned()).await.map(|answer| {
            assert_eq!(answer.policy_document.effect(), "Allow");
        })
    }

    async fn ask_with(&self, token: &str) -> Result<(), Refusal> {
        self.ask(&format!("Bearer {token}")).await
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn base64(text: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |chunk: &[u8]| {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .map(move |n| char::from(ALPHABET[(bits >> (18 - 6 * n) & 63) as usize]))
            .collect::<String>()
    };
    text.chunks(3).map(digits).collect()
}

#[tokio::test]
async fn good_tokens_are_accepted() {
    let issuer = Issuer::start().await;
    issuer.ask_with(&issuer.sign("rsa", &issuer.claims())).await.unwrap();
    let header = Header { kid: Some("ec".to_owned()), ..Header::new(Algorithm::ES256) };
    issuer.ask_with(&encode(&header, &issuer.claims(), &issuer.ec).unwrap()).await.unwrap();
    for (name, value) in [
        ("aud", json!(["other", "api://okta-dac"])),
        ("exp", json!(now() - 50)), // within the skew
        ("iat", json!(now() + 50)),
        ("nbf", json!(now() + 50)),
        ("tenants", json!("not a list")),
    ] {
        let mut claims = issuer.claims();
        claims[name] = value;
        issuer.ask_with(&issuer.sign("rsa", &claims)).await.unwrap();
    }
}

/// AUZ-05, AUZ-14 and relatives: each of these is 401.
#[tokio::test]
async fn auz_05_auz_14_forged_and_damaged_tokens_are_refused() {
    let issuer = Issuer::start().await;
    let good = issuer.sign("rsa", &issuer.claims());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let claims_with = |name: &str, value: Value| {
        let mut claims = issuer.claims();
        claims[name] = value;
        issuer.sign("rsa", &claims)
    };
    let claims_without = |name: &str| {
        let mut claims = issuer.claims();
        claims.as_object_mut().unwrap().remove(name);
        issuer.sign("rsa", &claims)
    };
    let header_of = |value: Value| base64(value.to_string().as_bytes());
    let with_header = |value: Value| format!("{}.{payload}.{signature}", header_of(value));
    let with_payload =
        |value: Value| format!("{header}.{}.{signature}", base64(value.to_string().as_bytes()));
    let hmac = |secret: &[u8], kid: &str| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &issuer.claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let sign_as = |algorithm, key: &EncodingKey, kid: Option<&str>| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, &issuer.claims(), key).unwrap()
    };
    let critical = Header {
        kid: Some("rsa".to_owned()),
        crit: Some(vec!["x".to_owned()]),
        ..Header::new(Algorithm::RS256)
    };
    let mut raised = issuer.claims();
    raised["uid"] = "00u9".into();

    use Rejection::*;
    let bearer = |token: String| format!("Bearer {token}");
    let cases: Vec<(&str, String, Rejection)> = vec![
        // The header of the request.
        ("empty", String::new(), NoToken),
        ("no scheme", good.clone(), NoToken),
        ("only the scheme", "Bearer ".to_owned(), NoToken),
        ("other scheme", format!("Basic {good}"), NoToken),
        ("API token", format!("SSWS {good}"), NoToken),
        ("a tabulator", format!("Bearer\t{good}"), NoToken),
        ("two tokens", format!("Bearer {good} {good}"), NoToken),
        ("trailing space", format!("Bearer {good} "), NoToken),
        ("characters that A-z admits", "Bearer [\\].^_`.a".to_owned(), NoToken),
        ("two parts", format!("Bearer {header}.{payload}"), NoToken),
        ("four parts", format!("Bearer {good}.x"), NoToken),
        ("no signature", format!("Bearer {header}.{payload}."), NoToken),
        ("no payload", format!("Bearer {header}..{signature}"), NoToken),
        ("too long", format!("Bearer {good}{}", "A".repeat(10_240)), NoToken),
        // The header of the token.
        ("header is no base64", bearer(format!("!{good}")), NoToken),
        ("header is no JSON", bearer(format!("{}.{payload}.{signature}", base64(b"{"))), Malformed),
        ("alg none", bearer(with_header(json!({"alg": "none", "kid": "rsa"}))), Malformed),
        ("alg None", bearer(with_header(json!({"alg": "None", "kid": "rsa"}))), Malformed),
        ("no alg", bearer(with_header(json!({"kid": "rsa"}))), Malformed),
        ("unknown alg", bearer(with_header(json!({"alg": "XS256", "kid": "rsa"}))), Malformed),
        ("no kid", bearer(sign_as(Algorithm::RS256, &issuer.rsa, None)), NoKeyId),
        ("empty kid", bearer(sign_as(Algorithm::RS256, &issuer.rsa, Some(""))), NoKeyId),
        ("unknown kid", bearer(sign_as(Algorithm::RS256, &issuer.rsa, Some("nobody"))), UnknownKey),
        (
            "kid is a path",
            bearer(sign_as(Algorithm::RS256, &issuer.rsa, Some("../../etc/passwd"))),
            UnknownKey,
        ),
        (
            "kid of an encryption key",
            bearer(sign_as(Algorithm::RS256, &issuer.other_rsa, Some("encryption"))),
            UnknownKey,
        ),
        ("kid of a symmetric key", bearer(hmac(b"secret", "oct")), UnknownKey),
        ("critical extension", bearer(encode(&critical, &issuer.claims(), &issuer.rsa).unwrap()), Critical),
        // The algorithm follows from the key.
        ("HMAC with the public key", bearer(hmac(issuer.rsa_public_pem.as_bytes(), "rsa")), WrongAlgorithm),
        ("HMAC with nothing", bearer(hmac(b"", "rsa")), WrongAlgorithm),
        ("RS384", bearer(sign_as(Algorithm::RS384, &issuer.rsa, Some("rsa"))), WrongAlgorithm),
        ("PS256", bearer(sign_as(Algorithm::PS256, &issuer.rsa, Some("rsa"))), WrongAlgorithm),
        (
            "ES256 with the RSA kid",
            bearer(sign_as(Algorithm::ES256, &issuer.ec, Some("rsa"))),
            WrongAlgorithm,
        ),
        ("RS256 with the EC kid", bearer(sign_as(Algorithm::RS256, &issuer.rsa, Some("ec"))), WrongAlgorithm),
        // The signature.
        ("another key", bearer(sign_as(Algorithm::RS256, &issuer.other_rsa, Some("rsa"))), BadSignature),
        ("changed payload", bearer(with_payload(raised)), BadSignature),
        // 255 of 256 bytes.
        ("shortened signature", bearer(good[..good.len() - 2].to_owned()), BadSignature),
        (
            "signature of another token",
            bearer(format!("{header}.{payload}.{}", "A".repeat(342))),
            BadSignature,
        ),
        // The claims.
        ("payload is no object", bearer(issuer.sign("rsa", &json!("text"))), Malformed),
        ("other issuer", bearer(claims_with("iss", json!("https://evil.test/oauth2/aus1"))), WrongIssuer),
        ("issuer with a slash", bearer(claims_with("iss", json!(format!("{}/", issuer.url)))), WrongIssuer),
        ("no issuer", bearer(claims_without("iss")), MissingClaim),
        ("other audience", bearer(claims_with("aud", json!("api://other"))), WrongAudience),
        ("audience in a longer one", bearer(claims_with("aud", json!("api://okta-dac2"))), WrongAudience),
        ("no audience in the list", bearer(claims_with("aud", json!([]))), WrongAudience),
        ("no audience", bearer(claims_without("aud")), MissingClaim),
        ("expired", bearer(claims_with("exp", json!(now() - 61))), Expired),
        ("expired long ago", bearer(claims_with("exp", json!(0))), Expired),
        ("no expiry", bearer(claims_without("exp")), MissingClaim),
        ("expiry is text", bearer(claims_with("exp", json!("9999999999"))), MissingClaim),
        ("issued in the future", bearer(claims_with("iat", json!(now() + 120))), NotYetValid),
        ("not valid yet", bearer(claims_with("nbf", json!(now() + 120))), NotYetValid),
        ("no iat", bearer(claims_without("iat")), MissingClaim),
        ("other client", bearer(claims_with("cid", json!("another"))), WrongClient),
        ("no client", bearer(claims_without("cid")), MissingClaim),
        ("other scope", bearer(claims_with("scp", json!(["openid", "dac.admin2"]))), MissingScope),
        ("no scope", bearer(claims_with("scp", json!([]))), MissingScope),
        ("scope is text", bearer(claims_with("scp", json!("dac.admin"))), MissingClaim),
        ("no scp, as an ID token", bearer(claims_without("scp")), MissingClaim),
        ("no uid, as client credentials", bearer(claims_without("uid")), MissingClaim),
        ("bound to a key", bearer(claims_with("cnf", json!({ "jkt": "x" }))), Bound),
        ("empty uid", bearer(claims_with("uid", json!(""))), MissingClaim),
    ];
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, authorization, expected) in cases {
        match issuer.ask(&authorization).await {
            Err(Refusal::Unauthorized(rejection)) => assert_eq!(rejection, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// The scheme in any case, and one or more blanks (RFC 9110, 11.1 and 11.4).
#[tokio::test]
async fn auz_14_how_the_scheme_is_spelled() {
    let issuer = Issuer::start().await;
    let good = issuer.sign("rsa", &issuer.claims());
    for header in [format!("bearer {good}"), format!("BEARER   {good}"), format!("Bearer {good}")] {
        issuer.ask(&header).await.unwrap();
    }
}

#[tokio::test]
async fn several_authorizations_are_none() {
    let issuer = Issuer::start().await;
    let good = format!("Bearer {}", issuer.sign("rsa", &issuer.claims()));
    for (values, accepted) in
        [(json!([good]), true), (json!([good, good]), false), (json!(["x", good]), false)]
    {
        let event: Event = serde_json::from_value(json!({
            "type": "REQUEST", "httpMethod": "GET", "path": "/tenants",
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/tenants",
            "headers": { "Authorization": good }, "multiValueHeaders": { "Authorization": values },
            "requestContext": {},
        }))
        .unwrap();
        match issuer.authorizer.handle(event, "id".to_owned()).await {
            Ok(_) => assert!(accepted, "{values}"),
            Err(Refusal::Unauthorized(rejection)) => {
                assert_eq!((accepted, rejection), (false, Rejection::SeveralTokens), "{values}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// A token that is kept opens nothing for one that looks like it.
#[tokio::test]
async fn a_kept_token_is_no_other_token() {
    let issuer = Issuer::start().await;
    let good = issuer.sign("rsa", &issuer.claims());
    for _ in 0..3 {
        issuer.ask_with(&good).await.unwrap();
    }
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut more = issuer.claims();
    more["uid"] = "00u2".into();
    let forged = format!("{header}.{}.{signature}", base64(more.to_string().as_bytes()));
    let flipped = if good.ends_with('A') { "B" } else { "A" };
    for token in
        [forged, format!("{}{flipped}", &good[..good.len() - 1]), format!("{good}A"), signed.to_owned()]
    {
        assert!(matches!(issuer.ask_with(&token).await, Err(Refusal::Unauthorized(_))), "{token}");
    }
    // One whose time is nearly over is taken by the leeway only, and not kept.
    let mut claims = issuer.claims();
    claims["exp"] = (now() - 30).into();
    issuer.ask_with(&issuer.sign("rsa", &claims)).await.unwrap();
    claims["exp"] = (now() - 61).into();
    assert!(issuer.ask_with(&issuer.sign("rsa", &claims)).await.is_err());
}

#[tokio::test]
async fn what_api_gateway_is_told() {
    let message = |refusal: Refusal| lambda_runtime::Diagnostic::from(refusal).error_message;
    assert_eq!(message(Refusal::Unauthorized(Rejection::Expired)), "Unauthorized");
    assert_ne!(message(Refusal::Unavailable("Okta is down".to_owned())), "Unauthorized");
}

/// One fetch for all; an unknown key id causes another at most every ten
/// seconds; the keys outlive an outage.
#[tokio::test]
async fn keys_are_fetched_rarely() {
    let mut issuer = Issuer::start().await;
    // A token that is kept needs no key; these are about the keys.
    issuer.authorizer = issuer.authorizer.without_cache();
    let fetches = || issuer.fetches.load(Ordering::SeqCst);
    let good = issuer.sign("rsa", &issuer.claims());
    let unknown = issuer.sign("new", &issuer.claims());
    let advance = async |seconds| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
    };

    let all = futures::future::join_all((0..20).map(|_| issuer.ask_with(&good))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fetches(), 1);

    for _ in 0..5 {
        assert!(matches!(issuer.ask_with(&unknown).await, Err(Refusal::Unauthorized(Rejection::UnknownKey))));
    }
    assert_eq!(fetches(), 1, "the keys were fetched a moment ago");
    advance(11).await;
    for _ in 0..5 {
        assert!(issuer.ask_with(&unknown).await.is_err());
    }
    assert_eq!(fetches(), 2);

    issuer.down.store(true, Ordering::SeqCst);
    advance(2 * 3600).await;
    issuer.ask_with(&good).await.unwrap();
    assert_eq!(fetches(), 3, "old keys are tried to be replaced");
    issuer.ask_with(&good).await.unwrap();
    assert_eq!(fetches(), 3);
    advance(11).await;
    for _ in 0..3 {
        assert!(matches!(issuer.ask_with(&unknown).await, Err(Refusal::Unavailable(_))));
    }
    assert_eq!(fetches(), 4);
    // A key that may have been withdrawn since yesterday is not used any more.
    advance(24 * 3600).await;
    assert!(matches!(issuer.ask_with(&good).await, Err(Refusal::Unavailable(_))));
}

#[tokio::test]
async fn without_keys_nobody_is_blamed() {
    let issuer = Issuer::start().await;
    issuer.down.store(true, Ordering::SeqCst);
    let good = issuer.sign("rsa", &issuer.claims());
    for _ in 0..2 {
        assert!(matches!(issuer.ask_with(&good).await, Err(Refusal::Unavailable(_))));
    }
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
}
