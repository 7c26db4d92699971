//! API tokens, service integrations, custom roles.

use secrecy::SecretString;
use serde::Deserialize;

use super::{AppId, CustomRoleId, ResourceSetId, UserId};

/// An API token, without the token itself (schema `ApiToken`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// Its id, `00T…`.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// Whose it is.
    pub user_id: UserId,
    /// When it ends if nobody uses it, RFC 3339, UTC.
    pub expires_at: Option<String>,
    /// Where it may be used from.
    pub network: Option<ApiTokenNetwork>,
}

/// Where an API token may be used from (schema `ApiTokenNetwork`).
#[derive(Clone, Debug, Deserialize)]
pub struct ApiTokenNetwork {
    /// `ANYWHERE` or `ZONE`.
    pub connection: String,
}

/// A service integration (schema `APIServiceIntegrationInstance`). Printing it shows no
/// secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceIntegration {
    /// Its id, which is its client id.
    pub id: AppId,
    /// Its kind in Okta's catalogue.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its scopes.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub granted_scopes: Vec<String>,
    /// In the answer of its creation alone.
    pub client_secret: Option<SecretString>,
}

/// A custom admin role (schema `IamRole`).
#[derive(Clone, Debug, Deserialize)]
pub struct CustomRole {
    /// Its id, `cr0…`.
    pub id: CustomRoleId,
    /// Its name, unique in the org.
    pub label: String,
}

/// A set of resources that custom roles are for (schema `ResourceSet`).
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceSet {
    /// Its id, `iam…`.
    pub id: ResourceSetId,
    /// Its name, unique in the org.
    pub label: String,
}
