//! Signing keys, and the verification of what others have signed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{Object, object};

/// An RSA key pair. Made anew with each emulator, so that no private key is
/// part of the repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    pem: String,
}

impl SigningKey {
    pub(crate) fn generate() -> Result<Self, String> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(|e| e.to_string())?;
        Ok(Self { pem: pair.serialize_pem() })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    fn encoding_key(&self) -> Result<EncodingKey, String> {
        EncodingKey::from_rsa_pem(self.pem.as_bytes()).map_err(|e| e.to_string())
    }

    /// The public half as Okta publishes it.
    pub(crate) fn jwk(&self, kid: &str) -> Result<Value, String> {
        let jwk =
            Jwk::from_encoding_key(&self.encoding_key()?, Algorithm::RS256).map_err(|e| e.to_string())?;
        let mut jwk = serde_json::to_value(jwk).map_err(|e| e.to_string())?;
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        Ok(jwk)
    }

    /// A JWT with these claims.
    pub(crate) fn sign(&self, kid: &str, claims: &Object) -> Result<String, String> {
        let header = Header { kid: Some(kid.to_owned()), typ: None, ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.encoding_key()?).map_err(|e| e.to_string())
    }
}

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
