//! The keys that the org signs with.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::Object;

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
