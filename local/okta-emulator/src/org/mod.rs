//! The state of the org. No behaviour of an endpoint lives here; see `api`.

pub(crate) mod live;
mod objects;
pub(crate) mod signing_key;

pub(crate) use objects::{ApiToken, AppGroup, AuthorizationServer, Factor, Group, Role, User};

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, object, text};
use crate::org::live::Live;
use crate::org::signing_key::SigningKey;

/// Everything that an org holds. Serialised as the state file.
///
/// Users and groups have types of their own, since searches walk all of them;
/// everything else is kept as Okta prints it, without `_links`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Org {
    /// Source of ids.
    pub(crate) serial: u64,
    /// `00o…`.
    pub(crate) id: String,
    pub(crate) users: BTreeMap<String, User>,
    /// By user id, then factor id.
    pub(crate) factors: BTreeMap<String, BTreeMap<String, Factor>>,
    pub(crate) user_types: BTreeMap<String, Object>,
    /// Schemas of users by `osc…`, of app users by app id.
    pub(crate) schemas: BTreeMap<String, Object>,
    /// By the name of the primary relationship.
    pub(crate) linked_objects: BTreeMap<String, Object>,
    /// Primary user, by associated user and name of the primary relationship.
    pub(crate) links: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// By group id.
    pub(crate) group_roles: BTreeMap<String, Vec<Role>>,
    /// By user id.
    pub(crate) user_roles: BTreeMap<String, Vec<Role>>,
    /// By client id.
    pub(crate) client_roles: BTreeMap<String, Vec<Role>>,
    pub(crate) apps: BTreeMap<String, Object>,
    /// By app id, then group id.
    pub(crate) app_groups: BTreeMap<String, BTreeMap<String, AppGroup>>,
    /// By app id, then secret id; with the secret itself.
    pub(crate) app_secrets: BTreeMap<String, BTreeMap<String, Object>>,
    /// By app id, then grant id.
    pub(crate) grants: BTreeMap<String, BTreeMap<String, Object>>,
    pub(crate) idps: BTreeMap<String, Object>,
    pub(crate) idp_keys: BTreeMap<String, Object>,
    pub(crate) policies: BTreeMap<String, Object>,
    /// By policy id, then rule id.
    pub(crate) rules: BTreeMap<String, BTreeMap<String, Object>>,
    pub(crate) authorization_servers: BTreeMap<String, AuthorizationServer>,
    /// By key id; those of the authorization servers and of the org itself.
    pub(crate) keys: BTreeMap<String, SigningKey>,
    /// Installed service integrations by client id: they get tokens of the org
    /// with a secret.
    pub(crate) service_integrations: BTreeMap<String, Object>,
    /// Key ids of the org itself: of its access tokens, of its ID tokens.
    pub(crate) own_keys: Vec<String>,
    /// With the secret of the hook, which is never printed.
    pub(crate) inline_hooks: BTreeMap<String, Object>,
    /// With the secret of the hook, which is never printed.
    #[serde(default)]
    pub(crate) event_hooks: BTreeMap<String, Object>,
    pub(crate) trusted_origins: BTreeMap<String, Object>,
    /// By the token itself.
    pub(crate) api_tokens: BTreeMap<String, ApiToken>,
    /// Custom admin roles, with their permissions.
    #[serde(default)]
    pub(crate) custom_roles: BTreeMap<String, Object>,
    /// With their resources.
    #[serde(default)]
    pub(crate) resource_sets: BTreeMap<String, Object>,
    /// Group rules, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) group_rules: BTreeMap<String, Object>,
    /// What somebody said of the risk of users, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) risks: BTreeMap<String, String>,
    /// The newest events of the system log.
    #[serde(skip)]
    pub(crate) log: VecDeque<Object>,
    /// Those of its events that event hooks were not told of yet.
    #[serde(skip)]
    pub(crate) unsent: Vec<Object>,
    /// Events so far.
    #[serde(skip)]
    events: u64,
    /// Sessions, codes, tokens: gone with the process.
    #[serde(skip)]
    pub(crate) live: Live,
    /// What searches may not see yet.
    #[serde(skip)]
    unindexed: Vec<Unindexed>,
    /// Folded login to user id.
    #[serde(skip)]
    logins: HashMap<String, String>,
}

/// A change that the search index has yet to learn of.
#[derive(Clone, Debug)]
struct Unindexed {
    at: Timestamp,
    id: String,
    before: Before,
}

#[derive(Clone, Debug)]
enum Before {
    User(Option<User>),
    Group(Option<Group>),
}

/// A login as Okta compares it: without case and without diacritics.
fn folded(login: &str) -> String {
    let bare = login.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    bare.flat_map(char::to_lowercase).collect()
}

impl Org {
    /// A new id: the prefix and 17 characters. The prefixes are those of
    /// recordings (`00u` user, `00g` group, `0oa` app and IdP, `0pr` rule).
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}{:0>17}", self.serial)
    }

    /// Makes what is derived from the rest; call after a state file was read.
    pub(crate) fn derive(&mut self) {
        self.logins = self.users.values().map(|u| (folded(u.login()), u.id.clone())).collect();
    }

    /// The search index knows everything from now on.
    pub(crate) fn settle(&mut self) {
        self.unindexed.clear();
    }

    /// A group that must exist.
    pub(crate) fn group(&self, id: &str) -> Result<&Group, OktaError> {
        self.groups.get(id).ok_or_else(|| OktaError::not_found(id, "UserGroup"))
    }

    /// The id of the `OKTA_GROUP` called `name`: names are unique among them.
    pub(crate) fn group_called(&self, name: &str) -> Option<&str> {
        self.groups.values().find(|g| g.kind == "OKTA_GROUP" && g.name() == name).map(|g| g.id.as_str())
    }

    /// The groups that a user is a member of.
    pub(crate) fn groups_of(&self, user: &str) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(move |group| group.members.contains(user))
    }

    /// A user by login.
    pub(crate) fn user_called(&self, login: &str) -> Option<&User> {
        self.logins.get(&folded(login)).and_then(|id| self.users.get(id))
    }

    /// A user by id, login, or what stands before the `@` of a login if that is
    /// unique (getUser).
    pub(crate) fn user(&self, key: &str) -> Result<&User, OktaError> {
        if let Some(user) = self.users.get(key).or_else(|| self.user_called(key)) {
            return Ok(user);
        }
        let short = |user: &&User| user.login().split_once('@').is_some_and(|(name, _)| name == key);
        let mut found = self.users.values().filter(short);
        match (found.next(), found.next()) {
            (Some(user), None) => Ok(user),
            _ => Err(OktaError::not_found(key, "User")),
        }
    }

    /// A user that is about to change: the search index may keep the old one.
    pub(crate) fn user_mut(&mut self, key: &str, now: Timestamp) -> Result<&mut User, OktaError> {
        let user = self.user(key)?.clone();
        let id = user.id.clone();
        self.note(Unindexed { at: now, id: id.clone(), before: Before::User(Some(user)) });
        self.users.get_mut(&id).ok_or_else(|| OktaError::not_found(key, "User"))
    }

    /// Puts a new user into the org.
    pub(crate) fn insert_user(&mut self, user: User, now: Timestamp) {
        self.note(Unindexed { at: now, id: user.id.clone(), before: Before::User(None) });
        self.logins.insert(folded(user.login()), user.id.clone());
        self.users.insert(user.id.clone(), user);
    }

    /// Removes a user with everything that refers to them.
    pub(crate) fn remove_user(&mut self, id: &str, now: Timestamp) {
        let Some(user) = self.users.remove(id) else { return };
        self.logins.remove(&folded(user.login()));
        self.note(Unindexed { at: now, id: id.to_owned(), before: Before::User(Some(user)) });
        for group in self.groups.values_mut() {
            group.members.remove(id);
        }
        self.factors.remove(id);
        self.user_roles.remove(id);
        self.risks.remove(id);
        self.links.remove(id);
        for links in self.links.values_mut() {
            links.retain(|_, primary| primary != id);
        }
        self.live.forget_user(id);
    }

    /// Keeps the index of logins right after a login changed.
    pub(crate) fn login_changed(&mut self, before: &str, id: &str) {
        self.logins.remove(&folded(before));
        if let Some(user) = self.users.get(id) {
            self.logins.insert(folded(user.login()), id.to_owned());
        }
    }

    /// Call before a group is created, changed or deleted.
    pub(crate) fn before_group_change(&mut self, id: &str, now: Timestamp) {
        let before = Before::Group(self.groups.get(id).cloned());
        self.note(Unindexed { at: now, id: id.to_owned(), before });
    }

    fn note(&mut self, change: Unindexed) {
        // No lag is longer than two minutes; looked through now and then.
        if self.unindexed.len().is_multiple_of(256) {
            self.unindexed.retain(|u| change.at.duration_since(u.at) < SignedDuration::from_secs(120));
        }
        self.unindexed.push(change);
    }

    /// The groups as a search sees them: as they were `lag_ms` ago.
    pub(crate) fn indexed_groups(&self, now: Timestamp, lag_ms: i64) -> Vec<&Group> {
        self.indexed(now, lag_ms, &self.groups, |before| match before {
            Before::Group(group) => Some(group.as_ref()),
            Before::User(_) => None,
        })
    }

    /// The users as a search sees them: as they were `lag_ms` ago.
    pub(crate) fn indexed_users(&self, now: Timestamp, lag_ms: i64) -> Vec<&User> {
        self.indexed(now, lag_ms, &self.users, |before| match before {
            Before::User(user) => Some(user.as_ref()),
            Before::Group(_) => None,
        })
    }

    /// Whether a search may be served from the users as they are: none has
    /// changed so lately that it must not see it.
    pub(crate) fn users_are_indexed(&self, now: Timestamp, lag_ms: i64) -> bool {
        let horizon = now - SignedDuration::from_millis(lag_ms);
        let mut recent = self.unindexed.iter().rev().take_while(|change| change.at > horizon);
        !recent.any(|change| matches!(change.before, Before::User(_)))
    }

    fn indexed<'o, T>(
        &'o self,
        now: Timestamp,
        lag_ms: i64,
        objects: &'o BTreeMap<String, T>,
        of_kind: impl Fn(&'o Before) -> Option<Option<&'o T>>,
    ) -> Vec<&'o T> {
        let horizon = now - SignedDuration::from_millis(lag_ms);
        let recent = self.unindexed.iter().rev().take_while(|change| change.at > horizon);
        // The oldest change after the horizon says what was there.
        let stale: BTreeMap<&str, Option<&T>> =
            recent.filter_map(|change| Some((change.id.as_str(), of_kind(&change.before)?))).collect();
        if stale.is_empty() {
            return objects.values().collect();
        }
        let fresh = objects.iter().filter(|(id, _)| !stale.contains_key(id.as_str()));
        let fresh = fresh.map(|(id, object)| (id.as_str(), object));
        let stale = stale.iter().filter_map(|(id, object)| Some((*id, (*object)?)));
        let all: BTreeMap<&str, &T> = fresh.chain(stale).collect();
        all.into_values().collect()
    }

    /// Puts an IDP_DISCOVERY rule into a policy, as an admin would in the
    /// console; gives its id.
    pub(crate) fn insert_rule(
        &mut self,
        policy: &str,
        name: &str,
        idp: &str,
        active: bool,
        domains: &[String],
        now: Timestamp,
    ) -> String {
        let (id, time) = (self.new_id("0pr"), okta_time(now));
        let pattern = |domain: &String| json!({ "matchType": "SUFFIX", "value": domain });
        let rule = object(json!({
            "id": id, "type": "IDP_DISCOVERY", "name": name, "status": if active { "ACTIVE" } else { "INACTIVE" },
            "created": time, "lastUpdated": time, "system": false, "priority": 1,
            "conditions": {
                "network": { "connection": "ANYWHERE" }, "app": { "include": [], "exclude": [] },
                "userIdentifier": {
                    "type": "IDENTIFIER", "patterns": domains.iter().map(pattern).collect::<Vec<_>>(),
                },
            },
            "actions": { "idp": { "providers": [{ "type": "SAML2", "id": idp }] } },
        }));
        self.rules.entry(policy.to_owned()).or_default().insert(id.clone(), rule);
        id
    }

    /// Creates a group; used by the seed, too.
    pub(crate) fn insert_group(&mut self, profile: Object, now: Timestamp) -> String {
        let id = self.new_id("00g");
        self.insert_group_with(&id, profile, now);
        id
    }

    /// The same with an id that is given.
    pub(crate) fn insert_group_with(&mut self, id: &str, profile: Object, now: Timestamp) {
        let time = okta_time(now);
        self.before_group_change(id, now);
        self.groups.insert(
            id.to_owned(),
            Group {
                id: id.to_owned(),
                kind: "OKTA_GROUP".to_owned(),
                profile,
                created: time.clone(),
                last_updated: time.clone(),
                last_membership_updated: time,
                members: BTreeSet::new(),
            },
        );
    }

    /// That one of the objects that a path names does not exist.
    pub(crate) fn absent(&self, parameters: &[(&'static str, String)]) -> Option<OktaError> {
        parameters.iter().find_map(|(name, id)| {
            let (known, kind) = match *name {
                "id" | "userId" | "userIdOrLogin" => (self.user(id).is_ok(), "User"),
                "groupId" => (self.groups.contains_key(id), "UserGroup"),
                "appId" | "clientId" => (self.apps.contains_key(id), "AppInstance"),
                "idpId" => (self.idps.contains_key(id), "IdentityProvider"),
                "roleIdOrLabel" => (self.custom_roles.contains_key(id), "Role"),
                _ => return None,
            };
            (!known).then(|| OktaError::not_found(id, kind))
        })
    }

    /// An app that must exist.
    pub(crate) fn app(&self, id: &str) -> Result<&Object, OktaError> {
        self.apps.get(id).ok_or_else(|| OktaError::not_found(id, "AppInstance"))
    }

    /// Whether a user is assigned to an app, through a group.
    pub(crate) fn is_assigned(&self, user: &str, app: &str) -> bool {
        let groups = self.app_groups.get(app);
        groups.is_some_and(|groups| {
            groups.keys().any(|id| self.groups.get(id).is_some_and(|g| g.members.contains(user)))
        })
    }

    /// The group of everybody.
    pub(crate) fn everyone(&self) -> Option<String> {
        self.groups.values().find(|g| g.kind == "BUILT_IN" && g.name() == "Everyone").map(|g| g.id.clone())
    }

    /// Notes an event in the system log (schema `LogEvent`); the oldest go.
    pub(crate) fn log_event(&mut self, event: LogEntry<'_>, now: Timestamp) {
        self.events += 1;
        let uuid = format!("00000000-0000-4000-8000-{:012x}", self.events);
        let names = |id: &str| {
            let user = self.users.get(id).map(|user| (user.login().to_owned(), "User"));
            let group = || self.groups.get(id).map(|group| (group.name().to_owned(), "UserGroup"));
            let app = || self.apps.get(id).map(|app| (text(app, "label").to_owned(), "AppInstance"));
            user.or_else(group).or_else(app).unwrap_or_else(|| ("unknown".to_owned(), "Unknown"))
        };
        let entity = |id: &str| {
            let (name, kind) = names(id);
            json!({ "id": id, "type": kind, "alternateId": name, "displayName": name })
        };
        let targets: Vec<Value> = event.targets.iter().map(|id| entity(id)).collect();
        // A reason is text where there is one: the schema knows no null.
        let outcome = match &event.reason {
            None => json!({ "result": "SUCCESS" }),
            Some(reason) => json!({ "result": "FAILURE", "reason": reason }),
        };
        let logged = json!({
            "actor": entity(event.actor), "client": {"ipAddress": "127.0.0.1"},
            "displayMessage": event.message, "eventType": event.kind,
            "outcome": outcome,
            "published": okta_time(now), "severity": if event.reason.is_none() { "INFO" } else { "WARN" },
            "target": targets, "transaction": {"type": "WEB", "id": format!("req{uuid}"), "detail": {}},
            "uuid": uuid, "version": "0",
        });
        let logged = object(logged);
        if !self.event_hooks.is_empty() {
            self.unsent.push(logged.clone());
        }
        self.log.push_back(logged);
        if self.log.len() > 10_000 {
            self.log.pop_front();
        }
    }
}

/// What is to be logged.
pub(crate) struct LogEntry<'e> {
    /// `user.lifecycle.create`, …
    pub(crate) kind: &'e str,
    pub(crate) message: &'e str,
    /// Id of who did it.
    pub(crate) actor: &'e str,
    /// Ids of what it was done to.
    pub(crate) targets: Vec<&'e str>,
    /// Why it failed, if it did.
    pub(crate) reason: Option<&'e str>,
}
