//! Apps, their group assignments, and the credentials of OAuth clients.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AppId, ClientSecretId, GrantId, GroupId, JsonWebKeyId};

/// An app (schema `Application`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its id, and for an OAuth client its client id.
    #[serde(skip_serializing)]
    pub id: AppId,
    /// Key in Okta's catalogue, such as `oidc_client`.
    pub name: String,
    /// The name that people see.
    pub label: String,
    /// `ACTIVE` or `INACTIVE`; changed by the lifecycle calls only.
    #[serde(skip_serializing)]
    pub status: String,
    /// Sign-on mode, settings, credentials, links and everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An app's group (schema `ApplicationGroupAssignment`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationGroupAssignment {
    /// Id of the group.
    #[serde(skip_serializing)]
    pub id: GroupId,
    /// Attributes that the app gives to members of the group.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub profile: Map<String, Value>,
    /// Which group's attributes win; 0 is the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// When it last changed, RFC 3339, UTC.
    #[serde(rename = "lastUpdated", skip_serializing)]
    pub last_updated: Option<String>,
}

impl ApplicationGroupAssignment {
    /// An assignment without attributes, with the priority that Okta gives.
    pub fn of(group: GroupId) -> Self {
        Self { id: group, profile: Map::new(), priority: None, last_updated: None }
    }
}

/// A public key of an OAuth client (schema `OAuth2ClientJsonSigningKeyResponse`).
#[derive(Clone, Debug, Deserialize)]
pub struct JsonWebKey {
    /// Its id at Okta.
    pub id: JsonWebKeyId,
    /// The key id that assertions name.
    pub kid: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Type and parameters of the key.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A list of keys: the description's schema says an array, its example an
/// object.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum JsonWebKeys {
    Array(Vec<JsonWebKey>),
    Object { jwks: KeySet },
}

#[derive(Deserialize)]
pub(crate) struct KeySet {
    pub(crate) keys: Vec<JsonWebKey>,
}

impl From<JsonWebKeys> for Vec<JsonWebKey> {
    fn from(keys: JsonWebKeys) -> Self {
        match keys {
            JsonWebKeys::Array(keys) | JsonWebKeys::Object { jwks: KeySet { keys } } => keys,
        }
    }
}

/// A secret of an OAuth client (schema `OAuth2ClientSecret`). Printing it shows
/// no secret.
#[derive(Clone, Debug, Deserialize)]
pub struct ClientSecret {
    /// Its id.
    pub id: ClientSecretId,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The secret itself.
    pub client_secret: SecretString,
}

/// A scope that an app may ask for (schema `OAuth2ScopeConsentGrant`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeGrant {
    /// Its id.
    pub id: GrantId,
    /// `okta.users.read`, …
    pub scope_id: String,
}
