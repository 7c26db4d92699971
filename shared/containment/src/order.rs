//! What is wanted: a request, and an order that breaks no rule.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Action, OnLift};

/// Seconds until a response ends.
const SECONDS: RangeInclusive<u32> = 60..=30 * 86_400;

/// Seconds until a response ends that nobody gave a time and that must have one.
const DEFAULT_SECONDS: u32 = 86_400;

/// Longest reason, in characters.
const REASON: usize = 500;

/// Longest name of an incident, in characters.
const INCIDENT: usize = 200;

/// Most groups of one request.
const GROUPS: usize = 100;

/// Longest login, in characters (Okta's schema of users).
const LOGIN: usize = 100;

/// What shall be done to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "AddResponseRequest")]
pub struct Request {
    /// Id or login of the user.
    pub user: String,
    /// What to do: at least one action, each once. Their order does not matter.
    pub actions: Vec<Action>,
    /// Why, for the record: 1 to 500 characters.
    pub reason: String,
    /// Name of the case that it belongs to, as another system has it.
    pub incident: Option<String>,
    /// Seconds until the response ends by itself, 60 to 2,592,000; without it the response
    /// stays until somebody lifts it.
    pub expires_in: Option<u32>,
    /// What to do after the user was unsuspended; only with `suspend`.
    pub on_lift: Option<Vec<OnLift>>,
    /// Ids of the groups to take the user out of; all, unless given. Only with
    /// `remove-from-groups`.
    pub groups: Option<Vec<String>>,
    /// Says what would be done, and does nothing.
    pub dry_run: Option<bool>,
    /// Login of the user, once more: `deactivate` cannot be taken back.
    pub confirm: Option<String>,
}

/// A rule that a request breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` {rule}")]
pub struct Broken {
    /// JSON pointer (RFC 6901) of the member.
    pub pointer: String,
    /// The rule, as a fragment of a sentence.
    pub rule: String,
}

impl Broken {
    pub(crate) fn new(pointer: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), rule: rule.into() }
    }
}

/// What whoever asks may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Superusers and responders.
    None,
    /// Admins of a tenant, about their users.
    Tenant,
    /// What nobody looks at before it is done: always with an end, never for good.
    Job,
}

/// A request that breaks no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id or login.
    pub user: String,
    /// In their order, each once.
    pub actions: BTreeSet<Action>,
    /// Why.
    pub reason: String,
    /// The case.
    pub incident: Option<String>,
    /// Seconds until it ends.
    pub expires_in: Option<u32>,
    /// After unsuspending.
    pub on_lift: BTreeSet<OnLift>,
    /// Ids of groups; all, if none.
    pub groups: Vec<String>,
    /// Nothing is done.
    pub dry_run: bool,
    /// The login once more.
    pub confirm: Option<String>,
}

impl Request {
    /// The order, or every rule that the request breaks.
    ///
    /// # Errors
    ///
    /// The rules that are broken; there is one.
    pub fn check(self, limits: Limits) -> Result<Order, Vec<Broken>> {
        let mut broken = Vec::new();
        let mut refuse = |pointer: &str, rule: &str| broken.push(Broken::new(pointer, rule));
        let is_text = |text: &str, most: usize| {
            (1..=most).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
        };
        if !is_text(&self.user, LOGIN) || self.user.contains('/') || self.user == "me" {
            refuse("/user", "must be the id or the login of a user");
        }
        if !is_text(&self.reason, REASON) {
            refuse("/reason", "must have 1 to 500 characters, and no control characters");
        }
        if self.incident.as_deref().is_some_and(|incident| !is_text(incident, INCIDENT)) {
            refuse("/incident", "must have 1 to 200 characters, and no control characters");
        }
        if self.expires_in.is_some_and(|seconds| !SECONDS.contains(&seconds)) {
            refuse("/expiresIn", "must be a number of seconds from 60 to 2592000");
        }
        let actions: BTreeSet<Action> = self.actions.iter().copied().collect();
        let has = |action| actions.contains(&action);
        if actions.is_empty() || actions.len() != self.actions.len() {
            refuse("/actions", "must name at least one action, each once");
        }
        let ends_active = [Action::ExpirePassword, Action::ResetPassword, Action::Deactivate];
        if let Some(other) = ends_active.into_iter().find(|other| has(Action::Suspend) && has(*other)) {
            refuse(
                "/actions",
                &format!(
                    "cannot have both `suspend` and `{other}`: Okta suspends active users only; send `suspend` with `\"onLift\": [\"expire-password\"]`, or one of the two"
                ),
            );
        }
        let beside = [Action::Suspend, Action::ExpirePassword, Action::ResetPassword, Action::Deactivate];
        if has(Action::ResetFactors) && !beside.into_iter().any(has) {
            refuse(
                "/actions",
                "cannot have `reset-factors` alone: whoever knows the password could enrol a factor of their own; add `suspend`, `expire-password` or `reset-password`",
            );
        }
        let on_lift: BTreeSet<OnLift> = self.on_lift.iter().flatten().copied().collect();
        if self.on_lift.is_some() && (on_lift.is_empty() || !has(Action::Suspend)) {
            refuse("/onLift", "must name at least one action, and goes with `suspend` alone");
        }
        let groups = self.groups.clone().unwrap_or_default();
        let is_id =
            |id: &String| (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if self.groups.is_some()
            && (!has(Action::RemoveFromGroups)
                || !(1..=GROUPS).contains(&groups.len())
                || !groups.iter().all(is_id)
                || groups.iter().collect::<BTreeSet<_>>().len() != groups.len())
        {
            refuse(
                "/groups",
                "must be 1 to 100 ids of groups, each once, and goes with `remove-from-groups` alone",
            );
        }
        if has(Action::Deactivate) && self.confirm.is_none() {
            refuse("/confirm", "must be the user's login: `deactivate` cannot be taken back");
        }
        if self.confirm.is_some() && !has(Action::Deactivate) {
            refuse("/confirm", "goes with `deactivate` alone");
        }
        match limits {
            Limits::None => {}
            Limits::Tenant => {
                let own = [Action::Suspend, Action::ExpirePassword, Action::ClearSessions];
                if !actions.iter().all(|action| own.contains(action)) {
                    refuse(
                        "/actions",
                        "may have `suspend`, `expire-password` and `clear-sessions`; the others are for responders",
                    );
                }
                if on_lift.contains(&OnLift::ResetPassword) {
                    refuse("/onLift", "may have `expire-password`; `reset-password` is for responders");
                }
            }
            Limits::Job => {
                for action in [Action::Deactivate, Action::RemoveAdminRoles].into_iter().filter(|a| has(*a)) {
                    refuse("/actions", &format!("cannot have `{action}`: a person decides about that"));
                }
            }
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        let must_end = limits == Limits::Job && actions.iter().any(|action| action.has_undo());
        let expires_in = self.expires_in.or(must_end.then_some(DEFAULT_SECONDS));
        Ok(Order {
            user: self.user,
            actions,
            reason: self.reason,
            incident: self.incident,
            expires_in,
            on_lift,
            groups,
            dry_run: self.dry_run == Some(true),
            confirm: self.confirm,
        })
    }
}

impl Order {
    /// Whether the order can leave its user without a way to sign in, or to administer.
    pub fn may_lock_out(&self) -> bool {
        self.actions.iter().any(|action| action.may_lock_out())
    }

    /// The actions about everything that the user has of a kind.
    pub fn about_all(&self) -> BTreeSet<Action> {
        let is_about_all = |action: &&Action| match action {
            Action::RemoveFromGroups => self.groups.is_empty(),
            Action::RemoveAdminRoles => true,
            _ => false,
        };
        self.actions.iter().filter(is_about_all).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(actions: &[Action]) -> Request {
        Request {
            user: "user@acme.test".to_owned(),
            actions: actions.to_vec(),
            reason: "seen twice".to_owned(),
            ..Request::default()
        }
    }

    fn pointers(request: Request, limits: Limits) -> Vec<String> {
        let broken = request.check(limits).expect_err("it breaks a rule");
        broken.into_iter().map(|broken| broken.pointer).collect()
    }

    #[test]
    fn every_rule_that_is_broken_is_named() {
        let all_wrong = Request {
            user: "a/b".to_owned(),
            reason: String::new(),
            incident: Some("x".repeat(201)),
            expires_in: Some(59),
            on_lift: Some(vec![]),
            groups: Some(vec!["a/b".to_owned()]),
            confirm: Some("x".to_owned()),
            ..request(&[])
        };
        let expected =
            ["/user", "/reason", "/incident", "/expiresIn", "/actions", "/onLift", "/groups", "/confirm"];
        assert_eq!(pointers(all_wrong, Limits::None), expected);
    }

    #[test]
    fn what_does_not_go_together() {
        use Action::{ClearSessions, Deactivate, ExpirePassword, ResetFactors, ResetPassword, Suspend};
        for actions in [
            vec![Suspend, ExpirePassword],
            vec![Suspend, ResetPassword],
            vec![ResetFactors],
            vec![ResetFactors, ClearSessions],
            vec![Suspend, Suspend],
        ] {
            assert_eq!(pointers(request(&actions), Limits::None), ["/actions"], "{actions:?}");
        }
        for actions in [vec![Suspend, ResetFactors], vec![ExpirePassword, ResetFactors, ClearSessions]] {
            assert!(request(&actions).check(Limits::None).is_ok(), "{actions:?}");
        }
        assert_eq!(pointers(request(&[Deactivate]), Limits::None), ["/confirm"]);
    }

    #[test]
    fn a_job_ends_what_can_be_taken_back() {
        let order = |actions: &[Action], limits| request(actions).check(limits).unwrap().expires_in;
        assert_eq!(order(&[Action::Suspend], Limits::Job), Some(86_400));
        assert_eq!(order(&[Action::ClearSessions], Limits::Job), None);
        assert_eq!(order(&[Action::Suspend], Limits::None), None);
        assert_eq!(pointers(request(&[Action::RemoveAdminRoles]), Limits::Job), ["/actions"]);
        assert_eq!(pointers(request(&[Action::Quarantine]), Limits::Tenant), ["/actions"]);
        let later = |on_lift| Request { on_lift: Some(vec![on_lift]), ..request(&[Action::Suspend]) };
        assert_eq!(pointers(later(OnLift::ResetPassword), Limits::Tenant), ["/onLift"]);
        assert!(later(OnLift::ExpirePassword).check(Limits::Tenant).is_ok());
    }
}
