//! Users and their types.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{UserId, UserTypeId};

/// A user (schema `User`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// `STAGED`, `PROVISIONED`, `ACTIVE`, `RECOVERY`, `PASSWORD_EXPIRED`,
    /// `LOCKED_OUT`, `SUSPENDED` or `DEPROVISIONED`.
    pub status: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// When it last changed, RFC 3339, UTC.
    pub last_updated: String,
    /// Which type it has.
    #[serde(rename = "type")]
    pub kind: UserTypeRef,
    /// Attributes, standard and custom ones side by side.
    pub profile: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// An attribute that is text; empty if it is unset.
    pub fn attribute(&self, name: &str) -> &str {
        self.profile.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// When `status` last changed, RFC 3339, UTC.
    pub fn status_changed(&self) -> Option<&str> {
        self.other.get("statusChanged").and_then(Value::as_str)
    }

    /// The name that the user signs in with.
    pub fn login(&self) -> &str {
        self.attribute("login")
    }

    /// The texts of an attribute that is an array; empty if it is unset.
    pub fn attributes(&self, name: &str) -> Vec<&str> {
        let array = self.profile.get(name).and_then(Value::as_array);
        array.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Which type a user has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserTypeRef {
    /// Id of the type.
    pub id: UserTypeId,
}

/// The risk that Identity Threat Protection sees in a user (schema `UserRiskLevelAll`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RiskLevel {
    /// Nothing was seen.
    None,
    /// Somebody said so.
    Low,
    /// Only Okta says so.
    Medium,
    /// Somebody is likely to use the account who is not its user.
    High,
}

/// A type of users (schema `UserType`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserType {
    /// Its id.
    pub id: UserTypeId,
    /// Its name; it cannot change.
    pub name: String,
    /// What an administrator wrote about it.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether users have it unless they are given another.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub default: bool,
    /// Where its schema is.
    #[serde(default, rename = "_links")]
    links: Value,
}

impl UserType {
    /// Id of its schema: the end of its link, which is all that Okta says of it.
    pub(crate) fn schema_id(&self) -> &str {
        let href = self.links.pointer("/schema/href").and_then(Value::as_str);
        href.and_then(|href| href.rsplit('/').next()).unwrap_or("default")
    }
}

/// The attributes of users (schema `UserSchema`).
#[derive(Clone, Debug, Deserialize)]
pub struct UserSchema {
    definitions: Value,
}

impl UserSchema {
    /// Whether users have this attribute.
    pub fn has(&self, attribute: &str) -> bool {
        self.attribute(attribute).is_some()
    }

    /// The description of an attribute, as JSON Schema has it.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        ["base", "custom"].into_iter().find_map(|part| self.definitions[part]["properties"].get(name))
    }
}

/// A change of a password (schema `ChangePasswordRequest`). Printing it shows
/// no password.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The present one.
    pub old: SecretString,
    /// The one to be.
    pub new: SecretString,
    /// Ends the user's sessions.
    pub revoke_sessions: bool,
    /// The policy's minimum age counts.
    pub strict: bool,
}

impl PasswordChange {
    pub(crate) fn body(&self) -> Value {
        json!({
            "oldPassword": { "value": self.old.expose_secret() },
            "newPassword": { "value": self.new.expose_secret() },
            "revokeSessions": self.revoke_sessions,
        })
    }
}
