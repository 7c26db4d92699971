//! Who calls: an API token, or an OAuth client of the org.

use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An Okta API token. Printing it shows that it is one, not which.
#[derive(Clone, Debug)]
pub struct ApiToken(pub(crate) SecretString);

impl From<String> for ApiToken {
    fn from(token: String) -> Self {
        Self(token.into())
    }
}

/// What a [`crate::Client`] authenticates with. Printing it shows no secret.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An API token: acts with its creator's admin role.
    ApiToken(ApiToken),
    /// An OAuth client: acts with its own admin role and scopes.
    OAuth(OAuthClient),
}

impl From<ApiToken> for Credential {
    fn from(token: ApiToken) -> Self {
        Self::ApiToken(token)
    }
}

/// An OAuth client that gets access tokens of the org by client credentials.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub(crate) client_id: String,
    /// Separated by spaces.
    pub(crate) scopes: String,
    pub(crate) authentication: Authentication,
    /// The app's tokens are bound to a key, which the first request shows at once.
    pub(crate) dpop: bool,
}

/// How an OAuth client shows who it is.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    /// A service integration: HTTP Basic.
    Secret(SecretString),
    /// A service app: an assertion signed with its private key (RFC 7523).
    PrivateKey(PrivateKey),
}

/// A key that signs assertions.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    pub(crate) key: EncodingKey,
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: String,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// A text that is no credential. Never says what was found instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not a JSON object with the members of one kind.
    #[error(
        "the credential is none of {{\"apiToken\"}}, {{\"clientId\", \"clientSecret\", \"scopes\"}}, \
         {{\"clientId\", \"privateKey\", \"keyId\", \"scopes\"}}"
    )]
    Shape,
    /// Not a private key in PEM form, RSA or EC with the curve P-256.
    #[error("`privateKey` is no private key in PEM form, RSA or EC with the curve P-256")]
    Key,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    api_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    private_key: Option<SecretString>,
    key_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    dpop: bool,
    /// Whose the client is, what it is for, where its keys are published, the key or secret that is to follow,
    /// and the one before: not for calls.
    #[serde(rename = "org")]
    _org: Option<IgnoredAny>,
    #[serde(rename = "preset")]
    _preset: Option<IgnoredAny>,
    #[serde(rename = "jwksUri")]
    _jwks_uri: Option<IgnoredAny>,
    #[serde(rename = "pending")]
    _pending: Option<IgnoredAny>,
    #[serde(rename = "previous")]
    _previous: Option<IgnoredAny>,
}

impl Credential {
    /// Reads a credential as it is kept in a secret store: a JSON object of one
    /// of the shapes
    ///
    /// - `{"apiToken": "…"}`
    /// - `{"clientId": "0oa…", "clientSecret": "…", "scopes": ["okta.groups.manage", …]}`,
    ///   a service integration
    /// - `{"clientId": "0oa…", "privateKey": "-----BEGIN…", "keyId": "…", "scopes": […]}`,
    ///   a service app; the key in PEM form
    ///
    /// `"dpop": true` says that the app's tokens are bound to a key (RFC 9449). `org`, `preset`,
    /// `jwksUri`, `pending` and `previous`, which `okta-dac connect` keeps beside them, are passed over.
    ///
    /// # Errors
    ///
    /// [`CredentialError`].
    pub fn parse(json: &str) -> Result<Self, CredentialError> {
        let written: Written = serde_json::from_str(json).map_err(|_| CredentialError::Shape)?;
        let scopes = written.scopes.join(" ");
        let client = |authentication, client_id| {
            let (scopes, dpop) = (scopes.clone(), written.dpop);
            Ok(Self::OAuth(OAuthClient { client_id, scopes, authentication, dpop }))
        };
        match written {
            Written {
                api_token: Some(token),
                client_id: None,
                client_secret: None,
                private_key: None,
                key_id: None,
                ..
            } if scopes.is_empty() => Ok(ApiToken::from(token).into()),
            Written {
                api_token: None,
                client_id: Some(id),
                client_secret: Some(secret),
                private_key: None,
                key_id: None,
                ..
            } if !scopes.is_empty() => client(Authentication::Secret(secret), id),
            Written {
                api_token: None,
                client_id: Some(id),
                client_secret: None,
                private_key: Some(pem),
                key_id: Some(key_id),
                ..
            } if !scopes.is_empty() => {
                client(Authentication::PrivateKey(PrivateKey::from_pem(&pem, key_id)?), id)
            }
            _ => Err(CredentialError::Shape),
        }
    }
}

impl PrivateKey {
    fn from_pem(pem: &SecretString, key_id: String) -> Result<Self, CredentialError> {
        let pem = pem.expose_secret().as_bytes();
        let rsa = EncodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::RS256));
        let (key, algorithm) = rsa
            .or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256)))
            .map_err(|_| CredentialError::Key)?;
        // A key of another curve is found out here, not at the first call.
        let claims = serde_json::Map::new();
        jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), &claims, &key)
            .map_err(|_| CredentialError::Key)?;
        Ok(Self { key, algorithm, key_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shape_or_a_sentence_without_the_secret() {
        assert!(matches!(Credential::parse(r#"{"apiToken":"t"}"#), Ok(Credential::ApiToken(_))));
        let secret = r#"{"clientId":"0oa1","clientSecret":"s3cret","scopes":["okta.users.read"],"dpop":true,"pending":{"keyId":"k"},"previous":{}}"#;
        let parsed = Credential::parse(secret).unwrap();
        assert!(!format!("{parsed:?}").contains("s3cret"));
        for bad in [
            "00token",
            "{}",
            r#"{"apiToken":"t","clientId":"0oa1"}"#,
            r#"{"clientId":"0oa1","clientSecret":"s3cret"}"#,
            r#"{"clientId":"0oa1","clientSecret":"s3cret","privateKey":"k","keyId":"1","scopes":["x"]}"#,
            r#"{"apiToken":"t","more":1}"#,
        ] {
            assert_eq!(Credential::parse(bad).unwrap_err(), CredentialError::Shape, "{bad}");
        }
        let key = r#"{"clientId":"0oa1","privateKey":"s3cret","keyId":"1","scopes":["x"]}"#;
        let error = Credential::parse(key).unwrap_err();
        assert_eq!(error, CredentialError::Key);
        assert!(!error.to_string().contains("s3cret"));
    }
}
