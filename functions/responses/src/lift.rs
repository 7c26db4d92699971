//! The end of a response: what it changed and what is still as it left it is taken back.
//!
//! # Okta calls
//!
//! 1. Under the lock of the user, at the same time: `getUser`; `listUserGroups`,
//!    `listAssignedRolesForUser`, `getUserRisk`, where a step is about them.
//! 2. What takes the steps back, the last one first: `unsuspendUser` and then what the
//!    response has for its end, `assignUserToGroup`, `unassignUserFromGroup`,
//!    `assignRoleToUser`, `upsertUserRisk`.
//!
//! The record says that the end began before the first of them: a run that is killed is
//! completed by the next one, also between `unsuspendUser` and what follows it.

use std::collections::BTreeSet;

use containment::{Action, Current, Lift, Outcome, Response, State as Stand, Taken, Undo, Word, take_back};
use okta_client::models::{GroupId, RiskLevel, User, UserId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::{Failure, Incomplete, Object, Run};
use state::{Change, KeptResponse, LockError, StateError, holding};

use crate::due::{AGAIN, due, time};
use crate::facts;
use crate::settings::Responding;
use crate::step;

/// Seconds after which what Okta refuses is tried again: somebody has to give the right.
const LATER: i64 = 15 * 60;

/// Who ends a response, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By<'b> {
    /// A superuser.
    Superuser(&'b str, &'b str),
    /// A responder.
    Responder(&'b str, &'b str),
    /// Its time.
    Time,
}

/// Why a response is not ended.
#[derive(Debug)]
pub enum LiftError {
    /// There is no such response.
    NotFound(String),
    /// A superuser decides about administrators, and nobody about themselves.
    Protected(&'static str),
    /// Another request is changing the user.
    Lock(LockError),
    /// Okta did not say how the user is.
    Okta(Error),
    /// The record could not be read or written.
    State(StateError),
    /// Some of it was taken back; the next minute goes on.
    Incomplete {
        /// Id of the response.
        id: String,
        /// What is not taken back.
        source: Error,
    },
}

impl From<LiftError> for Failure {
    fn from(error: LiftError) -> Self {
        match error {
            LiftError::NotFound(id) => {
                Failure::new(ProblemCode::ResponseNotFound, format!("there is no response `{id}`"))
            }
            LiftError::Protected(why) => Failure::new(ProblemCode::UserProtected, why),
            LiftError::Lock(error) => error.into(),
            LiftError::Okta(error) => Failure::okta("read the user", &error),
            LiftError::State(error) => error.into(),
            LiftError::Incomplete { id, source } => {
                let left = Object::new("response", "what it changed and is not taken back yet", id);
                Incomplete::after(&["begin the end of the response"], vec![left])
                    .because("take a step back", source)
                    .into()
            }
        }
    }
}

impl Responding {
    /// Ends a response; one that has ended stays as it is.
    pub(crate) async fn lift(&self, run: &Run, id: &str, by: By<'_>) -> Result<Response, LiftError> {
        let not_found = || LiftError::NotFound(id.to_owned());
        let (user, _) = containment::parse_id(id).ok_or_else(not_found)?;
        holding(&self.responses.state, run, |locks| async move {
            locks.take(Change::User(user)).await.map_err(LiftError::Lock)?;
            self.lift_locked(run, id, by).await
        })
        .await
    }

    async fn lift_locked(&self, run: &Run, id: &str, by: By<'_>) -> Result<Response, LiftError> {
        let (state, table) = (&self.responses.state, &self.responses.table);
        let kept = state.response(table, id).await.map_err(LiftError::State)?;
        let mut kept = kept.ok_or_else(|| LiftError::NotFound(id.to_owned()))?;
        let user = UserId::from(kept.response.user.as_str());
        let okta = run.okta.forward();
        if let By::Superuser(uid, _) | By::Responder(uid, _) = by {
            if uid == user.as_str() {
                return Err(LiftError::Protected("nobody ends a response to themselves"));
            }
            if matches!(by, By::Responder(..))
                && (kept.response.administered
                    || facts::administers(okta, self, &user).await.map_err(LiftError::Okta)?)
            {
                return Err(LiftError::Protected("the user is an administrator: a superuser decides"));
            }
        }
        let has_ended = matches!(kept.response.status, Stand::Lifted | Stand::Expired);
        // An end that began is completed, whatever its run saw.
        if has_ended || (!kept.response.status.is_open() && kept.response.lifted.is_none()) {
            return Ok(kept.response);
        }
        let actions: BTreeSet<Action> = kept.response.actions.iter().map(|taken| taken.action).collect();
        let current = facts::current(okta, &user, &actions).await.map_err(LiftError::Okta)?;
        let Some(now) = current else {
            gone(&mut kept.response);
            return self.end(run, kept, by).await;
        };
        if kept.response.status == Stand::Running {
            // The lock says that its run has ended.
            kept.response.settle(&now);
        }
        let resumed = kept.response.lifted.is_some();
        begin(run, &mut kept.response, by);
        self.keep(run, &mut kept, Some(&time(run, AGAIN))).await.map_err(LiftError::State)?;
        self.take_back(run, &mut kept, &user, &now, resumed).await?;
        self.end(run, kept, by).await
    }

    /// Takes the steps back, the last one first.
    async fn take_back(
        &self,
        run: &Run,
        kept: &mut KeptResponse,
        user: &UserId,
        now: &Current,
        resumed: bool,
    ) -> Result<(), LiftError> {
        let (state, table) = (&self.responses.state, &self.responses.table);
        let mut others = state.open_responses(table, user.as_str()).await.map_err(LiftError::State)?;
        let responses: Vec<Response> = others.iter().map(|other| other.response.clone()).collect();
        let mut failed = self.after_unsuspending(run, &mut kept.response, user).await;
        for undo in take_back(&kept.response, now, &responses).into_iter().rev() {
            let taken = &kept.response.actions[undo.at];
            let (outcome, detail) = match undo.word {
                Word::Stays(..) if taken.action == Action::Suspend && resumed && is_active(now) => {
                    (Outcome::Undone, None)
                }
                Word::Stays(outcome, why) => (outcome, Some(why)),
                Word::HandOver(id) => {
                    self.hand_over(run, &mut others, &id, kept, undo.at).await?;
                    (Outcome::Superseded, Some(format!("the response `{id}` keeps it until its own end")))
                }
                Word::Undo(change) => match apply(run.okta.forward(), user, &change).await {
                    Ok(()) => (Outcome::Undone, note(&change)),
                    Err(error) if step::is_final(&error) => {
                        tracing::error!(error = %run_kit::chain(&error), "a step cannot be taken back");
                        (Outcome::NotUndoable, Some("Okta refuses to take it back: do it in Okta".to_owned()))
                    }
                    Err(error) => {
                        tracing::warn!(error = %run_kit::chain(&error), "a step is not taken back yet");
                        failed = Some(error);
                        continue;
                    }
                },
            };
            let taken = &mut kept.response.actions[undo.at];
            (taken.outcome, taken.detail, taken.at) = (outcome, detail, Some(time(run, 0)));
            if taken.action == Action::Suspend {
                failed = self.after_unsuspending(run, &mut kept.response, user).await.or(failed);
            }
        }
        let Some(source) = failed else { return Ok(()) };
        let again = if source.is_retryable() || source.may_have_happened() { AGAIN } else { LATER };
        self.keep(run, kept, Some(&time(run, again))).await.map_err(LiftError::State)?;
        Err(LiftError::Incomplete { id: kept.response.id.clone(), source })
    }

    /// What the response has for its end: nothing, if the user was not unsuspended by it. Says
    /// why it is not done, where another try may do it.
    async fn after_unsuspending(&self, run: &Run, response: &mut Response, user: &UserId) -> Option<Error> {
        let of = |taken: &Taken| (taken.action == Action::Suspend && !taken.on_lift).then_some(taken.outcome);
        let suspension = response.actions.iter().find_map(of);
        let mut again = None;
        let planned = |taken: &&mut Taken| taken.on_lift && taken.outcome == Outcome::Planned;
        for taken in response.actions.iter_mut().filter(planned) {
            match suspension {
                // Not taken back yet.
                Some(Outcome::Done | Outcome::Planned) => continue,
                Some(Outcome::Undone) => {
                    let done = step::take(run.okta.forward(), user, taken).await;
                    (taken.outcome, taken.detail) = match done.again {
                        None => (done.outcome, done.detail),
                        Some(error) => {
                            again = Some(error);
                            (Outcome::Planned, Some("Okta did not do it yet; it is tried again".to_owned()))
                        }
                    };
                }
                _ => {
                    taken.outcome = Outcome::Skipped;
                    taken.detail = Some("this response did not unsuspend the user".to_owned());
                }
            }
            taken.at = Some(time(run, 0));
        }
        again
    }

    /// Another open response of the user wants the same: from now on it is that response's,
    /// whose end takes it back. The other's record is written first.
    async fn hand_over(
        &self,
        run: &Run,
        others: &mut [KeptResponse],
        id: &str,
        from: &KeptResponse,
        at: usize,
    ) -> Result<(), LiftError> {
        let Some(other) = others.iter_mut().find(|other| other.response.id == id) else {
            return Ok(());
        };
        other.response.take_over(&from.response, &from.response.actions[at]);
        let due = due(run, &other.response);
        self.keep(run, other, due.as_deref()).await.map_err(LiftError::State)
    }

    /// Says that the response has ended.
    async fn end(&self, run: &Run, mut kept: KeptResponse, by: By<'_>) -> Result<Response, LiftError> {
        begin(run, &mut kept.response, by);
        let by_hand = kept.response.lifted.as_ref().is_some_and(|lift| lift.actor.is_some());
        kept.response.status = if by_hand { Stand::Lifted } else { Stand::Expired };
        self.keep(run, &mut kept, None).await.map_err(LiftError::State)?;
        Ok(kept.response)
    }

    /// Judges a response whose run died.
    pub(crate) async fn judge(&self, run: &Run, id: &str) -> Result<(), LiftError> {
        let Some((user, _)) = containment::parse_id(id) else { return Ok(()) };
        holding(&self.responses.state, run, |locks| async move {
            locks.take(Change::User(user)).await.map_err(LiftError::Lock)?;
            let (state, table) = (&self.responses.state, &self.responses.table);
            let kept = state.response(table, id).await.map_err(LiftError::State)?;
            match kept.filter(|kept| kept.response.status == Stand::Running) {
                Some(kept) => self.judge_locked(run, kept, &UserId::from(user)).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// Judges every response of a user whose run died: whoever has the lock knows that it did.
    pub(crate) async fn judge_dead(&self, run: &Run, user: &UserId) -> Result<(), LiftError> {
        let (state, table) = (&self.responses.state, &self.responses.table);
        let open = state.open_responses(table, user.as_str()).await.map_err(LiftError::State)?;
        for kept in open.into_iter().filter(|kept| kept.response.status == Stand::Running) {
            self.judge_locked(run, kept, user).await?;
        }
        Ok(())
    }

    async fn judge_locked(&self, run: &Run, mut kept: KeptResponse, user: &UserId) -> Result<(), LiftError> {
        let actions: BTreeSet<Action> = kept.response.actions.iter().map(|taken| taken.action).collect();
        let current = facts::current(run.okta.forward(), user, &actions).await;
        match current.map_err(LiftError::Okta)? {
            Some(now) => kept.response.settle(&now),
            None => {
                gone(&mut kept.response);
                return self.end(run, kept, By::Time).await.map(drop);
            }
        }
        let due = due(run, &kept.response);
        self.keep(run, &mut kept, due.as_deref()).await.map_err(LiftError::State)
    }
}

/// What taking a step back does not restore.
fn note(change: &Undo) -> Option<String> {
    let text = match change {
        Undo::AddToGroup(_) => "added by hand: a group rule that had put the user there has an exception now",
        Undo::AssignRole(_) => "given for the whole org: targets that the role had are not restored",
        _ => return None,
    };
    Some(text.to_owned())
}

fn is_active(now: &Current) -> bool {
    now.user.status == "ACTIVE"
}

/// The end begins; an earlier one goes on.
fn begin(run: &Run, response: &mut Response, by: By<'_>) {
    if response.lifted.is_some() {
        return;
    }
    let (actor, reason) = match by {
        By::Superuser(uid, reason) | By::Responder(uid, reason) => {
            (Some(uid.to_owned()), Some(reason.to_owned()))
        }
        By::Time => (None, None),
    };
    response.lifted = Some(Lift { at: time(run, 0), actor, reason });
    let suspended = |taken: &Taken| taken.action == Action::Suspend && taken.outcome == Outcome::Done;
    if response.actions.iter().any(suspended) {
        response.plan_on_lift();
    }
}

/// The user is gone: nothing can be taken back.
fn gone(response: &mut Response) {
    for taken in &mut response.actions {
        if matches!(taken.outcome, Outcome::Done | Outcome::Planned) {
            taken.outcome = Outcome::Superseded;
            taken.detail = Some("the user is gone".to_owned());
        }
    }
}

pub(crate) async fn apply(okta: &Client, user: &UserId, undo: &Undo) -> Result<(), Error> {
    match undo {
        Undo::Unsuspend => match okta.unsuspend_user(user).await {
            Err(error) if error.may_have_happened() => {
                let now: User = okta.get_user(user.as_str()).await?;
                if now.status == "ACTIVE" { Ok(()) } else { Err(error) }
            }
            result => result,
        },
        Undo::AddToGroup(group) => okta.assign_user_to_group(&GroupId::from(group.as_str()), user).await,
        Undo::RemoveFromGroup(group) => {
            okta.unassign_user_from_group(&GroupId::from(group.as_str()), user).await.ok_if_absent()
        }
        Undo::AssignRole(kind) => match okta.assign_role_to_user(user, kind).await {
            Err(error) if error.is_duplicate() => Ok(()),
            result => result.map(drop),
        },
        Undo::LowerRisk => okta.upsert_user_risk(user, RiskLevel::Low).await,
    }
}
