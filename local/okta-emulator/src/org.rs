//! The state of the org. No behaviour of an endpoint lives here; see `api`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::okta_time;
use crate::error::OktaError;

/// Knobs of the emulator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Every call takes at least this long.
    pub latency_ms: u64,
    /// Searches see the org as it was so long ago. Okta says "typically less
    /// than one second".
    pub search_lag_ms: i64,
    /// Upper bound for the size of a page.
    pub page_size: Option<usize>,
    /// Answer 429 when an endpoint class is used up; the headers are always sent.
    pub rate_limits: bool,
    /// Added to the machine's clock.
    pub clock_offset_ms: i64,
}

/// Everything that an org holds. Serialised as the state file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Org {
    /// Source of ids.
    pub(crate) serial: u64,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// By group id.
    pub(crate) group_roles: BTreeMap<String, Vec<Role>>,
    pub(crate) apps: BTreeMap<String, App>,
    /// By app id, then group id.
    pub(crate) app_groups: BTreeMap<String, BTreeMap<String, AppGroup>>,
    /// As Okta prints them, without `_links`.
    pub(crate) idps: BTreeMap<String, Map<String, Value>>,
    pub(crate) idp_keys: BTreeMap<String, Map<String, Value>>,
    pub(crate) policies: BTreeMap<String, Map<String, Value>>,
    /// By policy id, then rule id.
    pub(crate) rules: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    pub(crate) authorization_servers: BTreeMap<String, AuthorizationServer>,
    /// API token to id of its owner.
    pub(crate) api_tokens: BTreeMap<String, String>,
    /// What searches may not see yet.
    #[serde(skip)]
    unindexed: Vec<Unindexed>,
}

/// A change of a group that the search index has yet to learn of.
#[derive(Clone, Debug)]
struct Unindexed {
    at: Timestamp,
    id: String,
    before: Option<Group>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) created: String,
    pub(crate) last_updated: String,
    pub(crate) profile: Map<String, Value>,
}

impl User {
    pub(crate) fn login(&self) -> &str {
        self.profile.get("login").and_then(Value::as_str).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// `OKTA_GROUP` or `BUILT_IN`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created: String,
    pub(crate) last_updated: String,
    pub(crate) last_membership_updated: String,
    pub(crate) members: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created: String,
    pub(crate) last_updated: String,
    /// Ids of the target groups; none means every group of the org.
    pub(crate) targets: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct App {
    pub(crate) id: String,
    /// Key in Okta's catalogue, such as `oidc_client`.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) status: String,
    pub(crate) created: String,
    pub(crate) last_updated: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppGroup {
    pub(crate) priority: u64,
    pub(crate) profile: Map<String, Value>,
    pub(crate) last_updated: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuthorizationServer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) audience: String,
    pub(crate) scopes: Vec<String>,
}

impl Org {
    /// A new id: the prefix and 17 characters. The prefixes are those of
    /// recordings (`00u` user, `00g` group, `0oa` app and IdP, `0pr` rule).
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}{:0>17}", self.serial)
    }

    /// A group that must exist.
    pub(crate) fn group(&self, id: &str) -> Result<&Group, OktaError> {
        self.groups.get(id).ok_or_else(|| OktaError::not_found(id, "UserGroup"))
    }

    /// The id of the `OKTA_GROUP` called `name`: names are unique among them.
    pub(crate) fn group_called(&self, name: &str) -> Option<&str> {
        self.groups.values().find(|g| g.kind == "OKTA_GROUP" && g.name == name).map(|g| g.id.as_str())
    }

    /// A user by id or login.
    pub(crate) fn user(&self, id_or_login: &str) -> Result<&User, OktaError> {
        self.users
            .get(id_or_login)
            .or_else(|| self.users.values().find(|u| u.login().eq_ignore_ascii_case(id_or_login)))
            .ok_or_else(|| OktaError::not_found(id_or_login, "User"))
    }

    /// Call before a group is created, changed or deleted.
    pub(crate) fn before_group_change(&mut self, id: &str, now: Timestamp) {
        let before = self.groups.get(id).cloned();
        self.unindexed.retain(|u| now.duration_since(u.at) < SignedDuration::from_secs(120));
        self.unindexed.push(Unindexed { at: now, id: id.to_owned(), before });
    }

    /// The groups as a search sees them: as they were `lag_ms` ago.
    pub(crate) fn indexed_groups(&self, now: Timestamp, lag_ms: i64) -> BTreeMap<String, Group> {
        let mut groups = self.groups.clone();
        let horizon = now - SignedDuration::from_millis(lag_ms);
        for change in self.unindexed.iter().rev().filter(|change| change.at > horizon) {
            match &change.before {
                Some(before) => groups.insert(change.id.clone(), before.clone()),
                None => groups.remove(&change.id),
            };
        }
        groups
    }

    /// Creates a group; used by the seed, too.
    pub(crate) fn insert_group(&mut self, name: &str, description: &str, now: Timestamp) -> String {
        let id = self.new_id("00g");
        let time = okta_time(now);
        self.groups.insert(
            id.clone(),
            Group {
                id: id.clone(),
                kind: "OKTA_GROUP".to_owned(),
                name: name.to_owned(),
                description: description.to_owned(),
                created: time.clone(),
                last_updated: time.clone(),
                last_membership_updated: time,
                members: BTreeSet::new(),
            },
        );
        id
    }
}
