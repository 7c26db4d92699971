//! What the end of a response restores.
//!
//! Only what the response itself changed, and only if it is still as the response left it.
//! What another open response of the same user also wants is handed over to that response:
//! its own end restores it.

use std::collections::BTreeSet;

use crate::response::{Before, Outcome, Response, Taken};
use crate::{Action, Status};

/// How the user is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// `status`, and since when.
    pub user: Before,
    /// Ids of the groups.
    pub groups: BTreeSet<String>,
    /// Kinds of the user's own admin roles.
    pub roles: BTreeSet<String>,
    /// Whether the risk is `HIGH`.
    pub is_risky: bool,
}

/// A change that takes one back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// `unsuspendUser`, and then what the response has for its end.
    Unsuspend,
    /// `assignUserToGroup`.
    AddToGroup(String),
    /// `unassignUserFromGroup`.
    RemoveFromGroup(String),
    /// `assignRoleToUser`.
    AssignRole(String),
    /// `upsertUserRisk` with `LOW`.
    LowerRisk,
}

/// What becomes of a step at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is taken back.
    Undo(Undo),
    /// It stays, and why.
    Stays(Outcome, String),
    /// The response with this id keeps it.
    HandOver(String),
}

/// A step, by its place in [`Response::actions`], and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoStep {
    /// Its place.
    pub at: usize,
    /// What becomes of it.
    pub word: Word,
}

impl Response {
    /// What a run that died did, by how the user is now. What nobody can say counts as not
    /// done. It must be asked before anybody else changes the user, or their changes count as
    /// this response's.
    pub fn settle(&mut self, now: &Current) {
        let changed = now.user.status_changed != self.before.status_changed;
        let before = &self.before;
        for taken in self.actions.iter_mut().filter(|taken| taken.outcome == Outcome::Planned) {
            let group = taken.group.clone().unwrap_or_default();
            let is_done = match taken.action {
                Action::Suspend => changed && Status::of(&now.user.status) == Status::Suspended,
                Action::Deactivate => changed && Status::of(&now.user.status) == Status::Deprovisioned,
                Action::RemoveFromGroups => before.groups.contains(&group) && !now.groups.contains(&group),
                Action::Quarantine => !before.groups.contains(&group) && now.groups.contains(&group),
                Action::RemoveAdminRoles => taken.role.as_ref().is_some_and(|role| !now.roles.contains(role)),
                Action::SetRisk => now.is_risky,
                _ => false,
            };
            if is_done && taken.action == Action::Suspend {
                self.after = Some(now.user.clone());
            }
            taken.outcome = if is_done { Outcome::Done } else { Outcome::Failed };
            let of = if is_done { "seen by the state of the user" } else { "the user is not so" };
            taken.detail = Some(format!("its run could not say it: {of}"));
        }
        self.judge();
    }
}

/// What becomes of each step at the end of a response: of those that were done.
pub fn take_back(response: &Response, now: &Current, others: &[Response]) -> Vec<UndoStep> {
    let keeps = |taken: &Taken| {
        let same = |other: &&Taken| {
            !other.on_lift
                && other.action == taken.action
                && other.group == taken.group
                && other.role == taken.role
                && matches!(other.outcome, Outcome::Done | Outcome::Already)
        };
        let open = others.iter().filter(|other| other.status.is_open() && other.id != response.id);
        let wants = |other: &&Response| {
            other.about_all.contains(&taken.action) || other.actions.iter().any(|other| same(&other))
        };
        open.into_iter().find(wants).map(|other| other.id.clone())
    };
    let done = |taken: &&Taken| !taken.on_lift && taken.outcome == Outcome::Done;
    let steps = response.actions.iter().enumerate().filter(|(_, taken)| done(taken));
    steps.map(|(at, taken)| UndoStep { at, word: word(response, taken, now, keeps) }).collect()
}

fn word(response: &Response, taken: &Taken, now: &Current, keeps: impl Fn(&Taken) -> Option<String>) -> Word {
    let superseded = |why: &str| Word::Stays(Outcome::Superseded, why.to_owned());
    if !taken.action.has_undo() {
        return Word::Stays(Outcome::NotUndoable, format!("nothing takes `{}` back", taken.action));
    }
    if let Some(changed) = changed_since(response, taken, now) {
        return superseded(changed);
    }
    if let Some(other) = keeps(taken) {
        return Word::HandOver(other);
    }
    let group = || taken.group.clone().unwrap_or_default();
    Word::Undo(match taken.action {
        Action::Suspend => Undo::Unsuspend,
        Action::RemoveFromGroups => Undo::AddToGroup(group()),
        Action::Quarantine => Undo::RemoveFromGroup(group()),
        Action::RemoveAdminRoles => Undo::AssignRole(taken.role.clone().unwrap_or_default()),
        _ => Undo::LowerRisk,
    })
}

/// Why a step is no longer as the response left it.
fn changed_since(response: &Response, taken: &Taken, now: &Current) -> Option<&'static str> {
    let group = taken.group.as_deref().unwrap_or_default();
    match taken.action {
        Action::Suspend => {
            let is_suspended = Status::of(&now.user.status) == Status::Suspended;
            // Where the read after the change failed, the status alone says it.
            let left = response.after.as_ref().and_then(|after| after.status_changed.as_ref());
            let same = left.is_none() || left == now.user.status_changed.as_ref();
            (!is_suspended || !same).then_some("somebody changed the status of the user since")
        }
        Action::RemoveFromGroups => now.groups.contains(group).then_some("the user is a member again"),
        Action::Quarantine => (!now.groups.contains(group)).then_some("the user is no member any more"),
        Action::RemoveAdminRoles => {
            let has = taken.role.as_ref().is_some_and(|role| now.roles.contains(role));
            has.then_some("the user has the role again")
        }
        _ => (!now.is_risky).then_some("somebody changed the risk of the user since"),
    }
}
