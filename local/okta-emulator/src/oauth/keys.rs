//! The verification of what others have signed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::json::{Object, object};

/// Algorithms that a client may sign with.
const ALGORITHMS: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];

/// Claims of a JWT whose signature is good for one of `keys`. Times are for
/// the caller to check, against the emulator's clock.
pub(crate) fn verified(token: &str, keys: &[Value]) -> Option<Object> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if !ALGORITHMS.contains(&header.alg) {
        return None;
    }
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let named = |key: &&Value| header.kid.is_none() || key["kid"].as_str() == header.kid.as_deref();
    keys.iter().filter(named).find_map(|key| {
        let jwk: Jwk = serde_json::from_value(bare(key)).ok()?;
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        jsonwebtoken::decode::<Value>(token, &key, &validation).ok().map(|data| object(data.claims))
    })
}

/// A key without what Okta adds to it.
fn bare(key: &Value) -> Value {
    let members = ["kty", "n", "e", "crv", "x", "y", "kid"];
    let object = key.as_object().into_iter().flatten();
    Value::Object(
        object
            .filter(|(name, _)| members.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

/// Claims of a JWT, unverified.
pub(crate) fn unverified(token: &str) -> Option<Object> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Base64url of the SHA-256 of a text (RFC 7636 `S256`, RFC 9449 `ath`).
pub(crate) fn sha256(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// A DPoP proof (RFC 9449): its claims and the thumbprint of its key.
pub(crate) fn proof(token: &str) -> Option<(Object, String)> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return None;
    }
    let jwk = header.jwk?;
    let key = serde_json::to_value(&jwk).ok()?;
    // As it was sent: a private key would be one that everybody knows now.
    let raw = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let raw: Value = serde_json::from_slice(&raw).ok()?;
    if raw["jwk"].get("d").is_some() {
        return None;
    }
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
    verified(token, &[key]).map(|claims| (claims, thumbprint))
}
