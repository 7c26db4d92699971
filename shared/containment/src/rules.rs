//! Which events lead to which order.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{Action, Broken, Limits, LogEvent, OnLift, Order, Request};

/// Most rules.
const RULES: usize = 50;

/// How far a deployment, or a rule, goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing.
    Off,
    /// Says what would be done, and keeps it.
    Observe,
    /// Does it.
    Act,
}

/// The risk that Okta sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Risk {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

impl Risk {
    /// The level that a text names: as `level=HIGH` beside other members, among them the
    /// level before, or as its only word. [`None`] where nobody can say which it is.
    fn of(text: &str) -> Option<Self> {
        let members = text.split(|c: char| "{},;".contains(c)).filter_map(|part| part.split_once(['=', ':']));
        let trimmed = |text: &str| text.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
        let mut level = members.filter(|(name, _)| trimmed(name) == "level").map(|(_, value)| trimmed(value));
        let word = match (level.next(), level.next()) {
            (Some(one), None) => one,
            (None, _) => trimmed(text),
            (Some(_), Some(_)) => return None,
        };
        match word.as_str() {
            "HIGH" => Some(Risk::High),
            "MEDIUM" => Some(Risk::Medium),
            "LOW" => Some(Risk::Low),
            _ => None,
        }
    }
}

/// Which events a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Kinds of events, each whole.
    pub event_type: Vec<String>,
    /// `outcome.result`, if it matters.
    pub outcome: Option<String>,
    /// `severity`, if it matters.
    pub severity: Option<String>,
    /// The least risk, if it matters; an event that names none does not match then.
    pub min_risk: Option<Risk>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its name: 1 to 64 letters, digits and hyphens, unique.
    pub name: String,
    /// Which events.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What is done.
    pub actions: Vec<Action>,
    /// Seconds until it ends.
    pub expires_in: Option<u32>,
    /// What is done after the user was unsuspended.
    pub on_lift: Option<Vec<OnLift>>,
    /// `observe` or `act`; never further than the deployment goes.
    pub mode: Mode,
}

/// All rules, in their order: the first that matches counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// What is wrong with the rules: every place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct RulesError(pub Vec<Broken>);

impl Rule {
    /// What it orders about a user.
    ///
    /// # Errors
    ///
    /// The rules of requests that it breaks.
    pub fn order(&self, user: &str) -> Result<Order, Vec<Broken>> {
        let request = Request {
            user: user.to_owned(),
            actions: self.actions.clone(),
            reason: format!("rule {}", self.name),
            expires_in: self.expires_in,
            on_lift: self.on_lift.clone(),
            ..Request::default()
        };
        request.check(Limits::Job)
    }

    fn is_for(&self, event: &LogEvent) -> bool {
        let Match { event_type, outcome, severity, min_risk } = &self.matches;
        event_type.contains(&event.event_type)
            && outcome.as_ref().is_none_or(|outcome| outcome == event.result())
            && severity.as_ref().is_none_or(|severity| event.severity.as_ref() == Some(severity))
            && min_risk.is_none_or(|least| Risk::of(event.risk_text()).is_some_and(|risk| risk >= least))
    }
}

impl Rules {
    /// Reads rules: a JSON array; an empty text is none.
    ///
    /// # Errors
    ///
    /// [`RulesError`] with every rule that is broken.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let rules: Vec<Rule> = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let pointer = format!("/{}", error.path().to_string().replace(['.', '['], "/").replace(']', ""));
            let text = error.inner().to_string();
            let text = text.split(" at line ").next().unwrap_or_default().to_owned();
            RulesError(vec![Broken::new(pointer.replace("//", "/"), format!("cannot be read: {text}"))])
        })?;
        deserializer
            .end()
            .map_err(|_| RulesError(vec![Broken::new("", "has something after the list".to_owned())]))?;
        let mut broken = Vec::new();
        if rules.len() > RULES {
            broken.push(Broken::new("", format!("has more than {RULES} rules")));
        }
        let mut names = BTreeSet::new();
        for (at, rule) in rules.iter().enumerate() {
            let mut refuse =
                |member: &str, what: &str| broken.push(Broken::new(format!("/{at}{member}"), what));
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if !(1..=64).contains(&rule.name.len()) || !rule.name.chars().all(is_name) {
                refuse("/name", "must have 1 to 64 letters, digits and hyphens");
            }
            if !names.insert(&rule.name) {
                refuse("/name", "must be the name of one rule alone");
            }
            if rule.matches.event_type.is_empty()
                || rule.matches.event_type.iter().any(|kind| kind.trim().is_empty())
            {
                refuse("/match/eventType", "must name at least one kind of event");
            }
            if rule.mode == Mode::Off {
                refuse("/mode", "must be `observe` or `act`; leave the rule out to switch it off");
            }
            if let Err(rules) = rule.order("00u1") {
                broken.extend(
                    rules.into_iter().map(|own| Broken::new(format!("/{at}{}", own.pointer), own.rule)),
                );
            }
        }
        if broken.is_empty() { Ok(Self(rules)) } else { Err(RulesError(broken)) }
    }

    /// The first rule that is for an event.
    pub fn first(&self, event: &LogEvent) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.is_for(event))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Target;

    fn event(kind: &str, risk: &str) -> LogEvent {
        let event = json!({
            "uuid": "1", "eventType": kind, "published": "2026-01-31T12:00:00.000Z", "severity": "WARN",
            "outcome": { "result": "SUCCESS" }, "actor": { "id": "00uadmin", "type": "User" },
            "target": [{ "id": "00u1", "type": "User" }, { "id": "0oa1", "type": "AppInstance" }],
            "debugContext": { "debugData": { "risk": risk } },
        });
        serde_json::from_value(event).unwrap()
    }

    fn rules(changed: serde_json::Value) -> Result<Rules, Vec<String>> {
        let mut rule = json!({
            "name": "risky", "match": { "eventType": ["user.risk.detect"], "minRisk": "MEDIUM" },
            "actions": ["clear-sessions"], "mode": "act",
        });
        for (name, value) in changed.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let parsed = Rules::parse(&json!([rule]).to_string());
        parsed.map_err(|RulesError(broken)| broken.into_iter().map(|broken| broken.pointer).collect())
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = rules(json!({})).unwrap();
        let found = |kind, risk| rules.first(&event(kind, risk)).map(|rule| rule.name.as_str());
        assert_eq!(found("user.risk.detect", "{level=HIGH, reasons=x}"), Some("risky"));
        assert_eq!(found("user.risk.detect", "MEDIUM"), Some("risky"));
        assert_eq!(found("user.risk.detect", "{level=LOW}"), None);
        // The risk went down: what it was before does not count.
        assert_eq!(found("user.risk.detect", "{previousLevel=HIGH, level=LOW, reasons=HIGH volume}"), None);
        assert_eq!(found("user.risk.detect", "{reasons=x, level=HIGH, previousLevel=LOW}"), Some("risky"));
        assert_eq!(found("user.risk.detect", "from LOW to HIGH"), None, "nobody can say which");
        assert_eq!(found("user.risk.detect", ""), None, "an event that names no risk");
        assert_eq!(found("user.risk.detect.x", "HIGH"), None);
    }

    #[test]
    fn every_place_that_is_wrong_is_named() {
        let refused = |changed| rules(changed).unwrap_err();
        assert_eq!(refused(json!({ "name": "a b" })), ["/0/name"]);
        assert_eq!(refused(json!({ "mode": "off" })), ["/0/mode"]);
        assert_eq!(refused(json!({ "mode": "yes" })), ["/0/mode"]);
        assert_eq!(refused(json!({ "actions": ["deactivate"] })), ["/0/confirm", "/0/actions"]);
        assert_eq!(
            refused(json!({ "actions": ["reset-factors"], "expiresIn": 1 })),
            ["/0/expiresIn", "/0/actions"]
        );
        assert_eq!(refused(json!({ "match": { "eventType": [] } })), ["/0/match/eventType"]);
        assert_eq!(refused(json!({ "more": 1 })), ["/0/more"]);
        assert!(Rules::parse("").unwrap().iter().next().is_none());
    }

    #[test]
    fn an_event_about_two_users_is_about_nobody() {
        let mut two = event("user.risk.detect", "HIGH");
        assert_eq!(two.user(), Some("00u1"));
        two.target.as_mut().unwrap().push(Target { id: "00u2".to_owned(), kind: "User".to_owned() });
        assert_eq!(two.user(), None);
        two.target = None;
        assert_eq!(two.user(), Some("00uadmin"));
    }
}
