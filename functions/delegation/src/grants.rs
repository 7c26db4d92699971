//! Who may act for a user.
//!
//! The state table says whom the user let act. The user's profile says so, too, for other
//! software: `delegatedAgents` is an array with the ids of the agents, as orgs of the
//! predecessor have it; `delegationGrants` is an array of JSON objects as text,
//! `{"agent": id, "until": RFC 3339, "reason": text}`, for those agents that have an
//! end or a reason; a type of users that lacks it can still have agents without.
//!
//! A grant counts while both have it: what an administrator writes into a profile is
//! nobody's consent, and what other software takes out of a profile has ended. Where
//! `DELEGATION_GRANTS` is `profile`, those of the profile count as well.

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
    /// Names the grant in the table; empty for one that the profile alone has.
    #[serde(skip)]
    pub(crate) id: String,
}

impl From<state::Grant> for Grant {
    fn from(state::Grant { id, agent, until, reason }: state::Grant) -> Self {
        Self { agent, until, reason, id }
    }
}

impl From<Grant> for state::Grant {
    fn from(Grant { agent, until, reason, id }: Grant) -> Self {
        Self { id, agent, until, reason }
    }
}

impl Grant {
    /// Whether it says the same, whenever it was made.
    pub(crate) fn says(&self, other: &Grant) -> bool {
        (&self.agent, &self.until, &self.reason) == (&other.agent, &other.until, &other.reason)
    }

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
            note.unwrap_or_else(|| Grant {
                agent: agent.to_owned(),
                until: damaged,
                reason: None,
                id: String::new(),
            })
        };
        let mut grants: Vec<Grant> = Vec::new();
        for agent in user.attributes(AGENTS) {
            if !grants.iter().any(|grant| grant.agent == agent) {
                grants.push(grant(agent));
            }
        }
        Self(grants)
    }

    /// The grants that count: those that the table and the profile have, as the table has
    /// them; with `profile`, also those that the profile alone has.
    pub(crate) fn counted(user: &User, kept: &[state::Grant], profile: bool) -> Self {
        let counts = |said: Grant| match kept.iter().find(|grant| grant.agent == said.agent) {
            Some(grant) => Some(grant.clone().into()),
            None => profile.then_some(said),
        };
        Self(Self::of(user).0.into_iter().filter_map(counts).collect())
    }

    /// The grant by which `agent` may act at `now`, seconds since 1970.
    pub(crate) fn of_agent(&self, agent: &str, now: i64) -> Option<&Grant> {
        self.0.iter().find(|grant| grant.agent == agent && grant.is_valid(now))
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

    fn grant(agent: &str) -> Grant {
        Grant { agent: agent.to_owned(), until: None, reason: None, id: "request".to_owned() }
    }

    fn allows(grants: &Grants, agent: &str, now: i64) -> bool {
        grants.of_agent(agent, now).is_some()
    }

    /// What one of both lacks is no grant, and the table says until when.
    #[test]
    fn the_table_and_the_profile_have_a_grant() {
        let kept: [state::Grant; 2] = {
            [
                grant("00u2").into(),
                Grant { until: Some("1970-01-01T00:01:40Z".to_owned()), ..grant("00u4") }.into(),
            ]
        };
        let user = user(json!({ "delegatedAgents": ["00u3", "00u4", "00u2"] }));
        let counted = Grants::counted(&user, &kept, false);
        assert!(allows(&counted, "00u2", 0) && !allows(&counted, "00u3", 0));
        assert!(allows(&counted, "00u4", 99) && !allows(&counted, "00u4", 100));
        let counted = Grants::counted(&user, &kept, true);
        assert!(allows(&counted, "00u3", 0) && !allows(&counted, "00u4", 100));
        let nobody = Grants::counted(&super::tests::user(json!({})), &kept, true);
        assert!(nobody.0.is_empty());
    }

    #[test]
    fn man_14_agents_are_a_set() {
        let grants = Grants::of(&user(json!({ "delegatedAgents": ["00u2", "00u3", "00u2"] })));
        assert_eq!(grants.0.iter().map(|grant| grant.agent.as_str()).collect::<Vec<_>>(), ["00u2", "00u3"]);
        let again = Grant { reason: Some("holiday".to_owned()), ..grant("00u3") };
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
        assert!(allows(&grants(&note), "00u2", 99) && !allows(&grants(&note), "00u2", 100));
        assert!(allows(&grants(&note), "00u3", i64::MAX) && !allows(&grants(&note), "00u4", 0));
        // What is damaged has ended.
        for damaged in [r#"{"agent":"00u2","until":"soon"}"#, r#"{"agent":"00u2""#] {
            assert!(!allows(&grants(damaged), "00u2", 0) && allows(&grants(damaged), "00u3", 0), "{damaged}");
        }
        assert_eq!(grants(&note).with(grant("00u4"), 100).0.len(), 2);
    }

    /// What is said of one agent says nothing of another whom it names.
    #[test]
    fn a_reason_is_not_read() {
        let note = r#"{"agent":"00u2","reason":"covers 00u3"}"#;
        let user = user(json!({ "delegatedAgents": ["00u2", "00u3"], "delegationGrants": [note] }));
        assert!(allows(&Grants::of(&user), "00u3", 0));
    }

    #[test]
    fn orgs_without_the_second_attribute_can_have_agents() {
        let plain = user(json!({ "delegatedAgents": ["00u2"] }));
        let grant = |reason: Option<&str>| Grant { reason: reason.map(str::to_owned), ..grant("00u3") };
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
