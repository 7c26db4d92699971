//! Security keys (WebAuthn), behind a trait: no library for them without a TLS stack and a
//! USB stack of its own was found, so people use a browser (`--mode device`).

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::json;

/// What a security key does.
pub trait Authenticator {
    /// Signs a challenge for an origin with one of its credentials.
    ///
    /// # Errors
    ///
    /// Why it does not.
    fn sign(&self, origin: &str, challenge: &str, credential: &str) -> Result<Signed, String>;
}

/// A signed challenge, each part as Okta takes it: base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `clientDataJSON`.
    pub client_data: String,
    /// `authenticatorData`.
    pub authenticator_data: String,
    /// The signature over both.
    pub signature: String,
}

/// `clientDataJSON` of a challenge (WebAuthn Level 2, 5.8.1).
pub fn client_data(origin: &str, challenge: &str) -> Vec<u8> {
    let challenge = challenge.trim_end_matches('=').replace('+', "-").replace('/', "_");
    json!({ "type": "webauthn.get", "challenge": challenge, "origin": origin, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

impl Signed {
    /// Encodes the parts: the client data in base64url, the others in base64, as
    /// gimme-aws-creds sends them.
    pub fn encode(client_data: &[u8], authenticator_data: &[u8], signature: &[u8]) -> Self {
        Self {
            client_data: BASE64_URL_SAFE_NO_PAD.encode(client_data),
            authenticator_data: BASE64_STANDARD.encode(authenticator_data),
            signature: BASE64_STANDARD.encode(signature),
        }
    }
}
