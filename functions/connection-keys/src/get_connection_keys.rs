//! Shows the public keys of a connection: the address (`jwks_uri`) at which Okta reads them.
//!
//! # Okta calls
//!
//! None: the function has no credential.
//!
//! The keys are those of the secret `okta-dac/connections/<connection>/jwks`, which
//! `okta-dac connect --to secretsmanager:okta-dac/connections/<connection>` writes beside the
//! credential. The function's role allows secrets of such names alone: none of them holds a
//! private key. A document that holds one all the same is not shown.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use lambda_kit::{Example, Forward, ForwardRequest, Forwarded};
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Secret, SecretError, Secrets};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

/// Members of a public key (RFC 7517, section 4; RFC 7518, section 6).
const PUBLIC: [&str; 9] = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"];

/// Members of a private or secret key (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The operation `get-connection-keys`.
pub struct GetConnectionKeys {
    /// The documents that are shown, by the names of their connections.
    documents: BTreeMap<String, Secret<String>>,
}

impl Forward for GetConnectionKeys {
    const OPERATION: &'static Operation = operations::get("get-connection-keys");

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let connections = environment.list(&EnvVar::CONNECTION_KEYS)?;
        let is_name = |name: &String| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if let Some(bad) = connections.iter().find(|name| !is_name(name)) {
            let rule = "must be names of letters, digits and hyphens";
            return Err(ConfigError::value(&EnvVar::CONNECTION_KEYS, rule, bad));
        }
        let seconds = environment.number(&EnvVar::SECRETS_MANAGER_TTL, 0..=300)?;
        let secrets = Secrets::prepare(environment)?;
        let document_of = |name: String| {
            let id = format!("okta-dac/connections/{name}/jwks");
            let parse = |text: &SecretString| document(text.expose_secret()).map(|keys| keys.to_string());
            (name, Secret::new(secrets.clone(), id, Duration::from_secs(seconds), parse))
        };
        Ok(Self { documents: connections.into_iter().map(document_of).collect() })
    }

    async fn call(&self, request: ForwardRequest) -> Result<Forwarded, Failure> {
        let absent =
            || Failure::new(ProblemCode::ConnectionNotFound, "no connection of this name has keys here");
        // Nobody's guess costs a read.
        let document = self.documents.get(&request.path).ok_or_else(absent)?;
        let body = document.get().await.map_err(|error| match error {
            // Secrets Manager has none: nobody connected yet.
            SecretError::Refused { status: 400 | 404, .. } => absent(),
            error => {
                Failure::new(ProblemCode::Internal, "the keys cannot be read").log("read the keys", &error)
            }
        })?;
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Forwarded { status: 200, headers, body: body.into_bytes() })
    }

    fn answer(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<KeySet>())
    }

    fn example() -> Example {
        Example { target: "/.well-known/okta-dac/demo/jwks.json", body: None, answer: None }
    }
}

/// The public keys of a connection (RFC 7517, section 5).
#[derive(JsonSchema)]
struct KeySet {
    /// The keys.
    #[expect(dead_code, reason = "a description")]
    keys: Vec<Map<String, Value>>,
}

/// Why a document is not shown. It never says what was found.
#[derive(Debug, thiserror::Error)]
enum DocumentError {
    #[error("the secret holds no set of keys (RFC 7517, section 5)")]
    Shape,
    #[error("the secret holds a private key; replace that key, and repeat `okta-dac connect`")]
    Private,
}

/// The public members of the keys of a document.
fn document(text: &str) -> Result<Value, DocumentError> {
    let found: Value = serde_json::from_str(text).map_err(|_| DocumentError::Shape)?;
    let keys = found["keys"].as_array().ok_or(DocumentError::Shape)?;
    let public = |key: &Value| {
        let key = key.as_object().ok_or(DocumentError::Shape)?;
        if PRIVATE.iter().any(|member| key.contains_key(*member)) {
            return Err(DocumentError::Private);
        }
        let members = key.iter().filter(|(name, _)| PUBLIC.contains(&name.as_str()));
        Ok(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
    };
    let keys = keys.iter().map(public).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "keys": keys }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "tests")]

    use super::*;

    #[test]
    fn a_private_key_is_never_shown() {
        let key = json!({ "kty": "EC", "kid": "1", "crv": "P-256", "x": "x", "y": "y", "use": "sig", "alg": "ES256" });
        let shown = document(&json!({ "keys": [key], "more": "x" }).to_string()).unwrap();
        assert_eq!(shown, json!({ "keys": [key] }));
        for member in PRIVATE {
            let mut private = key.clone();
            private[member] = "secret".into();
            let error = document(&json!({ "keys": [key, private] }).to_string()).unwrap_err();
            assert!(matches!(error, DocumentError::Private), "{member}");
        }
        let mut other = key.clone();
        other["note"] = "internal".into();
        assert_eq!(document(&json!({ "keys": [other] }).to_string()).unwrap(), json!({ "keys": [key] }));
        for bad in ["", "{}", "{\"privateKey\":\"x\"}", "{\"keys\":[1]}"] {
            assert!(matches!(document(bad), Err(DocumentError::Shape)), "{bad}");
        }
    }
}
