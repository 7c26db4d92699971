//! The objects that have types of their own; see [`super::Org`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::Properties;
use crate::json::{Object, text, texts};

/// A user; what Okta prints is made in `api/user_object.rs`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) created: String,
    pub(crate) activated: Option<String>,
    pub(crate) status_changed: Option<String>,
    pub(crate) last_login: Option<String>,
    pub(crate) last_updated: String,
    pub(crate) password_changed: Option<String>,
    /// Id of the user type.
    pub(crate) kind: String,
    pub(crate) profile: Object,
    /// Digests, the present one last.
    pub(crate) passwords: Vec<String>,
    pub(crate) recovery_question: Option<(String, String)>,
    /// `OKTA`, `FEDERATION`, …
    pub(crate) provider: String,
    pub(crate) failed_attempts: u32,
}

impl User {
    pub(crate) fn login(&self) -> &str {
        text(&self.profile, "login")
    }

    /// Changes the status, at this time.
    pub(crate) fn set_status(&mut self, status: &str, time: &str) {
        status.clone_into(&mut self.status);
        self.status_changed = Some(time.to_owned());
        time.clone_into(&mut self.last_updated);
    }
}

impl Properties for User {
    fn property(&self, path: &str) -> Option<Cow<'_, Value>> {
        if let Some(name) = path.strip_prefix("profile.") {
            return self.profile.get(name).map(Cow::Borrowed);
        }
        let text = match path {
            "id" => Some(&self.id),
            "status" => Some(&self.status),
            "created" => Some(&self.created),
            "activated" => self.activated.as_ref(),
            "statusChanged" => self.status_changed.as_ref(),
            "lastLogin" => self.last_login.as_ref(),
            "lastUpdated" => Some(&self.last_updated),
            "passwordChanged" => self.password_changed.as_ref(),
            "type.id" => Some(&self.kind),
            _ => None,
        };
        text.map(|text| Cow::Owned(text.as_str().into()))
    }
}

/// A second factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Factor {
    /// As Okta prints it, without `_links` and `_embedded`.
    pub(crate) object: Object,
    /// The shared secret, in base32.
    pub(crate) secret: String,
    /// The time step of the newest code that was accepted: none is taken twice.
    pub(crate) last_step: Option<u64>,
    pub(crate) failed_attempts: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN`.
    pub(crate) kind: String,
    pub(crate) profile: Object,
    pub(crate) created: String,
    pub(crate) last_updated: String,
    pub(crate) last_membership_updated: String,
    pub(crate) members: BTreeSet<String>,
}

impl Group {
    pub(crate) fn name(&self) -> &str {
        text(&self.profile, "name")
    }
}

impl Properties for Group {
    fn property(&self, path: &str) -> Option<Cow<'_, Value>> {
        if let Some(name) = path.strip_prefix("profile.") {
            return self.profile.get(name).map(Cow::Borrowed);
        }
        let text = match path {
            "id" => &self.id,
            "type" => &self.kind,
            "created" => &self.created,
            "lastUpdated" => &self.last_updated,
            "lastMembershipUpdated" => &self.last_membership_updated,
            _ => return None,
        };
        Some(Cow::Owned(text.as_str().into()))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created: String,
    pub(crate) last_updated: String,
    /// Ids of the target groups; none means every group of the org.
    pub(crate) targets: BTreeSet<String>,
    /// Of a custom role its id, and the id of the resource set.
    #[serde(default)]
    pub(crate) custom: Option<(String, String)>,
}

/// An API token, without the token itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ApiToken {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Id of the user with whose roles it acts.
    pub(crate) owner: String,
    pub(crate) created: Timestamp,
    /// When it was used last.
    pub(crate) used: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppGroup {
    pub(crate) priority: u64,
    pub(crate) profile: Object,
    pub(crate) last_updated: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AuthorizationServer {
    /// As Okta prints it, without `_links`.
    pub(crate) object: Object,
    pub(crate) claims: BTreeMap<String, Object>,
    pub(crate) scopes: BTreeMap<String, Object>,
    pub(crate) policies: BTreeMap<String, Object>,
    /// By policy id, then rule id.
    pub(crate) rules: BTreeMap<String, BTreeMap<String, Object>>,
    /// Ids of its keys: the one that signs, the next one, former ones.
    pub(crate) keys: Vec<String>,
}

impl AuthorizationServer {
    pub(crate) fn audience(&self) -> &str {
        texts(&self.object, "/audiences").first().copied().unwrap_or_default()
    }
}
