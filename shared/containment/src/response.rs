//! A response, as it is kept and shown.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Plan, Will};
use crate::{Action, OnLift};

/// Length of what stands after the user's id in the id of a response.
const OWN: usize = 20;

/// Characters of the time, in milliseconds since 1970 to the base 36: enough until 5188.
const TIME: usize = 9;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// An id: the user's, and then what tells the user's responses apart, in the order of their
/// times. `random` makes it unique.
pub fn new_id(user: &str, now_ms: i64, random: [u8; OWN - TIME]) -> String {
    let mut time = [b'0'; TIME];
    let mut rest = u64::try_from(now_ms).unwrap_or(0);
    for digit in time.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 36).unwrap_or(0)];
        rest /= 36;
    }
    let random = random.map(|byte| DIGITS[usize::from(byte) % 36]);
    let text = time.iter().chain(&random).map(|byte| char::from(*byte));
    user.chars().chain(text).collect()
}

/// The user's id, and the rest of an id of a response; [`None`] if it cannot be one.
pub fn parse_id(id: &str) -> Option<(&str, &str)> {
    let is_id = (OWN + 1..=40 + OWN).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    is_id.then(|| id.split_at(id.len() - OWN))
}

/// Where a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ResponseStatus")]
pub enum State {
    /// Nothing was done: a dry run, or `RESPONSE_MODE=observe`.
    Planned,
    /// It is being done; or its run died, and the next minute judges what was done.
    Running,
    /// It is done.
    Active,
    /// Some of it is done, and some failed.
    Partial,
    /// None of it is done.
    Failed,
    /// Somebody ended it.
    Lifted,
    /// Its time ended it.
    Expired,
}

impl State {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Planned => "planned",
            State::Running => "running",
            State::Active => "active",
            State::Partial => "partial",
            State::Failed => "failed",
            State::Lifted => "lifted",
            State::Expired => "expired",
        }
    }

    /// Every state.
    pub const ALL: [State; 7] = [
        State::Planned,
        State::Running,
        State::Active,
        State::Partial,
        State::Failed,
        State::Lifted,
        State::Expired,
    ];

    /// Whether something of it may still have to be taken back.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Running | State::Active | State::Partial)
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ResponseOutcome")]
pub enum Outcome {
    /// Not done yet.
    Planned,
    /// Done by this response.
    Done,
    /// The user was so before.
    Already,
    /// It could not be done.
    Skipped,
    /// Okta refused, or did not answer.
    Failed,
    /// Done, and taken back.
    Undone,
    /// Done, and nothing can take it back.
    NotUndoable,
    /// Done, and somebody changed it since; or another response keeps it.
    Superseded,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ResponseAction")]
pub struct Taken {
    /// The action.
    pub action: Action,
    /// Id of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Kind of the admin role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether it belongs to the end of the response.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_lift: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When, RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Id of the role's assignment.
    #[serde(rename = "roleId", skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
}

/// Who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ResponseActor")]
pub struct Actor {
    /// Id of the user; absent for a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Id of the client that the user's token was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// Id of the request, or of the event.
    pub request_id: String,
    /// Name of the rule, for a job with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// How the user was, or was left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ResponseBefore")]
pub struct Before {
    /// `status` of the user in Okta.
    pub status: String,
    /// When it had become so, as Okta says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_changed: Option<String>,
    /// Ids of the user's groups, where the response changes memberships.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ResponseEnd")]
pub struct Lift {
    /// When the end began, RFC 3339, UTC.
    pub at: String,
    /// Id of the user; absent where the time ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Response")]
pub struct Response {
    /// Its id; absent for a dry run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Id of the user.
    pub user: String,
    /// Where it stands.
    pub status: State,
    /// Its steps, in the order in which they were taken.
    pub actions: Vec<Taken>,
    /// Actions about everything that the user has of a kind: `remove-admin-roles`, and
    /// `remove-from-groups` without `groups`. While it is open, no other response's end gives
    /// a role or group back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub about_all: BTreeSet<Action>,
    /// Why.
    pub reason: String,
    /// The case that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Who asked for it.
    pub actor: Actor,
    /// Whether the user administered the org or okta-dac before: then a superuser alone ends
    /// the response.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administered: bool,
    /// Whether the user cannot sign in, as far as this response did it or found it. If not,
    /// think of `quarantine`.
    pub contained: bool,
    /// When it was asked for, RFC 3339, UTC.
    pub created: String,
    /// When it ends by itself, RFC 3339, UTC; absent if somebody must lift it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// How the user was.
    pub before: Before,
    /// How the user was left, where the response changed the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Before>,
    /// What is done after the user was unsuspended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_lift: Vec<OnLift>,
    /// How it ended, or began to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lift>,
}

impl Response {
    /// Its steps as a plan has them.
    pub fn steps(plan: &Plan) -> Vec<Taken> {
        let taken = |step: &crate::Step| {
            let (outcome, detail) = match &step.will {
                Will::Do => (Outcome::Planned, None),
                Will::Already => (Outcome::Already, None),
                Will::Skip(why) => (Outcome::Skipped, Some(why.clone())),
            };
            let (role_id, role) = step.role.clone().unzip();
            Taken {
                action: step.action,
                group: step.group.clone(),
                role,
                role_id,
                on_lift: false,
                outcome,
                detail,
                at: None,
            }
        };
        plan.steps.iter().map(taken).collect()
    }

    /// Whether its end may take something back, or it keeps another's from doing so.
    pub fn holds(&self) -> bool {
        let holds = |taken: &Taken| {
            taken.action.has_undo()
                && matches!(taken.outcome, Outcome::Planned | Outcome::Done | Outcome::Already)
        };
        self.status.is_open() && (!self.about_all.is_empty() || self.actions.iter().any(holds))
    }

    /// Plans what is done after the user is unsuspended.
    pub fn plan_on_lift(&mut self) {
        for action in self.on_lift.iter().map(|on_lift| Action::from(*on_lift)) {
            if self.actions.iter().all(|taken| !taken.on_lift || taken.action != action) {
                self.actions.push(Taken {
                    action,
                    group: None,
                    role: None,
                    on_lift: true,
                    outcome: Outcome::Planned,
                    detail: None,
                    at: None,
                    role_id: None,
                });
            }
        }
    }

    /// Takes over what another response did, whose end came first.
    pub fn take_over(&mut self, other: &Response, given: &Taken) {
        let detail = Some(format!("taken over from the response `{}`", other.id));
        // Who may not end the other may not end what is left of it.
        self.administered |= other.administered;
        let same = |own: &&mut Taken| {
            !own.on_lift && (own.action, &own.group, &own.role) == (given.action, &given.group, &given.role)
        };
        match self.actions.iter_mut().find(same) {
            Some(own) => (own.outcome, own.detail) = (Outcome::Done, detail),
            None => self.actions.push(Taken { detail, ..given.clone() }),
        }
        if given.action == Action::Suspend {
            self.after.clone_from(&other.after);
            // What was to follow the unsuspending follows it still.
            let more: Vec<OnLift> =
                other.on_lift.iter().filter(|more| !self.on_lift.contains(more)).copied().collect();
            self.on_lift.extend(more);
            if self.lifted.is_some() {
                self.plan_on_lift();
            }
        }
    }

    /// Where a response stands whose steps were all taken, and whether the user is contained.
    pub fn judge(&mut self) {
        let own = || self.actions.iter().filter(|taken| !taken.on_lift);
        let is_done = |taken: &Taken| matches!(taken.outcome, Outcome::Done | Outcome::Already);
        let failed = own().any(|taken| taken.outcome == Outcome::Failed);
        // Who has none of them is so already.
        let done = own().any(is_done) || (!failed && !self.about_all.is_empty());
        self.contained = own().any(|taken| taken.action.contains() && is_done(taken));
        self.status = match (done, failed) {
            (true, false) => State::Active,
            (true, true) => State::Partial,
            (false, _) => State::Failed,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_whose_and_stand_in_the_order_of_their_times() {
        let of = |ms| new_id("00u00000000000000004", ms, [7; 11]);
        let early = of(1_790_000_000_000);
        assert_eq!(parse_id(&early), Some(("00u00000000000000004", &early[20..])));
        assert!(early < of(1_790_000_000_001) && early.len() == 40);
        for bad in ["", "00u1", "00u0000000000000000400000/00000000000000"] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }
}
