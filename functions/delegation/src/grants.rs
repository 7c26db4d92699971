//! Who may act for a user: what the user's profile says.
//!
//! `delegatedAgents` is an array with the ids of the agents, as orgs of the
//! predecessor have it. `delegationGrants` is an array of JSON objects as text,
//! `{"agent": id, "until": RFC 3339, "reason": text}`, for those agents that have an
//! end or a reason; a type of users that lacks it can still have agents without.

use jiff::Timestamp;
use okta_client::models::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The ids.
pub(crate) const AGENTS: &str = "delegatedAgents";

/// What is said of some of them.
pub(crate) const GRANTS: &str = "delegationGrants";

/// Most agents of one user.
pub(crate) const MAX_AGENTS: usize = 50;

/// One agent of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// Id of the agent.
    pub(crate) agent: String,
    /// When it ends, RFC 3339; never, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// Why, in the delegator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Grant {
    /// Whether it counts at `now`, seconds since 1970. An end that cannot be read
    /// has come.
    pub(crate) fn is_valid(&self, now: i64) -> bool {
        let end = |until: &String| until.parse::<Timestamp>().map_or(i64::MIN, Timestamp::as_second);
        self.until.as_ref().is_none_or(|until| now < end(until))
    }
}

/// The agents of a user, each once, in the order of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grants(pub(crate) Vec<Grant>);

impl Grants {
    pub(crate) fn of(user: &User) -> Self {
        let notes = user.attributes(GRANTS);
        let grant = |agent: &str| {
            let read = |note: &&str| serde_json::from_str::<Grant>(note).ok();
            let note = notes.iter().filter_map(&read).find(|note| note.agent == agent);
            // A note that somebody has damaged says something: that it is over.
            let is_damaged = |note: &&&str| read(note).is_none() && note.contains(agent);
            let damaged = notes.iter().find(is_damaged).map(|_| "damaged".to_owned());
            note.unwrap_or_else(|| Grant { agent: agent.to_owned(), until: damaged, reason: None })
        };
        let mut grants: Vec<Grant> = Vec::new();
        for agent in user.attributes(AGENTS) {
            if !grants.iter().any(|grant| grant.agent == agent) {
                grants.push(grant(agent));
            }
        }
        Self(grants)
    }

    /// Whether `agent` may act at `now`, seconds since 1970.
    pub(crate) fn allow(&self, agent: &str, now: i64) -> bool {
        self.0.iter().any(|grant| grant.agent == agent && grant.is_valid(now))
    }

    /// The same with this agent, and without those whose time is over.
    pub(crate) fn with(&self, new: Grant, now: i64) -> Self {
        let mut grants: Vec<Grant> =
            self.0.iter().filter(|old| old.agent != new.agent && old.is_valid(now)).cloned().collect();
        grants.push(new);
        Self(grants)
    }

    /// The same without this agent.
    pub(crate) fn without(&self, agent: &str) -> Self {
        Self(self.0.iter().filter(|grant| grant.agent != agent).cloned().collect())
    }

    /// The attributes to write. What is said of agents is written only if there is
    /// something to say, or was: not every org has the attribute.
    pub(crate) fn profile(&self, user: &User) -> Map<String, Value> {
        let ids: Vec<&str> = self.0.iter().map(|grant| grant.agent.as_str()).collect();
        let said = self.0.iter().filter(|grant| grant.until.is_some() || grant.reason.is_some());
        // INVARIANT: three texts can always be written as JSON.
        let notes: Vec<String> = said.map(|grant| json!(grant).to_string()).collect();
        let mut profile = Map::new();
        profile.insert(AGENTS.to_owned(), json!(ids));
        if !notes.is_empty() || !user.attributes(GRANTS).is_empty() {
            profile.insert(GRANTS.to_owned(), json!(notes));
        }
        profile
    }
}

/// The attributes of `profile` as they are in `user`: what takes a change back.
pub(crate) fn former(user: &User, profile: &Map<String, Value>) -> Map<String, Value> {
    let value = |name: &String| user.profile.get(name).cloned().unwrap_or_default();
    profile.keys().map(|name| (name.clone(), value(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(profile: Value) -> User {
        let user = json!({
            "id": "00u1", "status": "ACTIVE", "created": "", "lastUpdated": "", "type": { "id": "oty1" },
            "profile": profile,
        });
        serde_json::from_value(user).unwrap()
    }

    #[test]
    fn man_14_agents_are_a_set() {
        let grants = Grants::of(&user(json!({ "delegatedAgents": ["00u2", "00u3", "00u2"] })));
        assert_eq!(grants.0.iter().map(|grant| grant.agent.as_str()).collect::<Vec<_>>(), ["00u2", "00u3"]);
        let again = Grant { agent: "00u3".to_owned(), until: None, reason: Some("holiday".to_owned()) };
        assert_eq!(grants.with(again, 0).0.len(), 2);
        assert_eq!(grants.without("00u2").0.len(), 1);
        assert!(Grants::of(&user(json!({}))).0.is_empty());
        assert!(Grants::of(&user(json!({ "delegatedAgents": null }))).0.is_empty());
    }

    #[test]
    fn man_25_a_grant_ends() {
        let note = json!({ "agent": "00u2", "until": "1970-01-01T00:01:40Z" }).to_string();
        let grants = |note: &str| {
            Grants::of(&user(json!({ "delegatedAgents": ["00u2", "00u3"], "delegationGrants": [note] })))
        };
        assert!(grants(&note).allow("00u2", 99) && !grants(&note).allow("00u2", 100));
        assert!(grants(&note).allow("00u3", i64::MAX) && !grants(&note).allow("00u4", 0));
        // What is damaged has ended.
        for damaged in [r#"{"agent":"00u2","until":"soon"}"#, r#"{"agent":"00u2""#] {
            assert!(!grants(damaged).allow("00u2", 0) && grants(damaged).allow("00u3", 0), "{damaged}");
        }
        assert_eq!(
            grants(&note).with(Grant { agent: "00u4".to_owned(), until: None, reason: None }, 100).0.len(),
            2
        );
    }

    /// What is said of one agent says nothing of another whom it names.
    #[test]
    fn a_reason_is_not_read() {
        let note = r#"{"agent":"00u2","reason":"covers 00u3"}"#;
        let user = user(json!({ "delegatedAgents": ["00u2", "00u3"], "delegationGrants": [note] }));
        assert!(Grants::of(&user).allow("00u3", 0));
    }

    #[test]
    fn orgs_without_the_second_attribute_can_have_agents() {
        let plain = user(json!({ "delegatedAgents": ["00u2"] }));
        let grant = |reason: Option<&str>| Grant {
            agent: "00u3".to_owned(),
            until: None,
            reason: reason.map(str::to_owned),
        };
        let profile = |user: &User, reason| Grants::of(user).with(grant(reason), 0).profile(user);
        assert_eq!(json!(profile(&plain, None)), json!({ "delegatedAgents": ["00u2", "00u3"] }));
        let noted = profile(&plain, Some("holiday"));
        assert_eq!(noted["delegationGrants"], json!([r#"{"agent":"00u3","reason":"holiday"}"#]));
        let removed = Grants::of(&user(json!(noted))).without("00u3").profile(&user(json!(noted)));
        assert_eq!(json!(removed), json!({ "delegatedAgents": ["00u2"], "delegationGrants": [] }));
        assert_eq!(
            json!(former(&plain, &noted)),
            json!({ "delegatedAgents": ["00u2"], "delegationGrants": null })
        );
    }
}
