//! A response: read, decide, write down, do.
//!
//! # Okta calls
//!
//! 1. `getUser`, if the user is named by login: the id, by which everything else goes.
//! 2. Under the lock of the user, at the same time: `getUser`, `listUserGroups`,
//!    `listAssignedRolesForUser`; with an API token `getUser` for its owner; with `set-risk`
//!    `getUserRisk`.
//! 3. For a super admin, under the lock `super-admins`: `listUsersWithRoleAssignments`, and
//!    `listAssignedRolesForUser`, `getUser` and, where there is a quarantine group,
//!    `listUserGroups` of others, until one is found who is left.
//! 4. The steps, one after the other; after `suspendUser` `getUser` once more, for the time
//!    at which the status changed.
//! 5. For a super admin 3 once more; if nobody is left, the steps are taken back.
//!
//! # Why this order
//!
//! The record is written before the first change: what cannot be written down is not done.
//! Each outcome is written before the next step. A run that is killed leaves a record that
//! says `running`; within three minutes `expire-responses` judges by the user's state what was
//! done, so that the end of the response takes it back. The same holds for a step whose answer
//! is lost.
//! A step that fails does not stop the later ones: containment comes first, and the answer
//! says what is missing.

use containment::{
    Action, Actor, Before, Broken, Lift, Mode, Order, Outcome, Plan, Refusal, Response, State as Stand,
    SuperAdmins, Taken, Undo, Who, decide, new_id,
};
use okta_client::Error;
use okta_client::models::UserId;
use operations::ProblemCode;
use run_kit::{Failure, Incomplete, Object, Run, Violation};
use state::{Change, KeptResponse, LockError, Locks, StateError, holding};

use crate::due::{JUDGED_AFTER, due, time};
use crate::facts::{self, Found};
use crate::lift::{LiftError, apply};
use crate::settings::{Disabled, Responding};
use crate::step;

/// Who asks, as the record names them, and what they may.
pub(crate) struct Asked<'a> {
    /// For the record.
    pub(crate) actor: Actor,
    /// For the guardrails.
    pub(crate) who: Who<'a>,
    /// How far to go: a rule may go less far than the deployment.
    pub(crate) mode: Mode,
    /// For an admin of a tenant: the group of the tenant's users.
    pub(crate) tenant: Option<&'a str>,
    /// Id that the response gets; a new one, unless an event has one already.
    pub(crate) id: Option<String>,
}

/// Why nothing was done, or not all of it written down.
#[derive(Debug)]
pub enum RespondError {
    /// Responses are switched off.
    Disabled(Disabled),
    /// There is no such user.
    NotFound(String),
    /// A guardrail.
    Refused(Refusal),
    /// Another request is changing the user.
    Lock(LockError),
    /// Okta did not say what is true of the user.
    Okta(Error),
    /// An earlier response of the user, whose run died, cannot be judged; nothing was done.
    Earlier(Box<LiftError>),
    /// The record could not be written; nothing was done.
    State(StateError),
    /// The response is done, and its record does not say so yet.
    NotRecorded(String),
    /// The last super admin is not put back yet.
    NotPutBack(String),
}

impl From<RespondError> for Failure {
    fn from(error: RespondError) -> Self {
        match error {
            RespondError::Disabled(disabled) => disabled.into(),
            RespondError::NotFound(user) => {
                Failure::new(ProblemCode::UserNotFound, format!("the org has no user `{user}`"))
            }
            RespondError::Refused(refusal) => {
                let code = match &refusal {
                    Refusal::Protected(_) => ProblemCode::UserProtected,
                    Refusal::LastSuperAdmin => ProblemCode::LastSuperAdmin,
                    Refusal::NotAMember => ProblemCode::NotAMember,
                    Refusal::NotPossible { .. } => ProblemCode::ActionNotPossible,
                    Refusal::NotConfirmed => {
                        return Failure::violation("/confirm", "must be the login of the user".to_owned());
                    }
                };
                Failure::new(code, refusal.to_string())
            }
            RespondError::Lock(error) => error.into(),
            RespondError::Okta(error) => Failure::okta("read the user", &error),
            RespondError::Earlier(error) => (*error).into(),
            RespondError::State(error) => error.into(),
            RespondError::NotRecorded(id) => {
                let left = Object::new("response", "record that says `running` for some minutes", id);
                Incomplete::after(&["take the steps of the response"], vec![left]).into()
            }
            RespondError::NotPutBack(id) => {
                let what = "response to the last super admin, which is not taken back yet";
                let left = Object::new("response", what, id);
                Incomplete::after(&["take the steps of the response"], vec![left]).into()
            }
        }
    }
}

/// The rules that a request breaks, as a failure.
pub(crate) fn invalid(broken: Vec<Broken>) -> Failure {
    let violation = |Broken { pointer, rule }| Violation { pointer, detail: rule };
    Failure::violations_of(broken.into_iter().map(violation).collect())
}

/// An id for a response about a user.
pub(crate) fn id_for(run: &Run, user: &str) -> Result<String, StateError> {
    let mut random = [0_u8; 11];
    let filled = aws_lc_rs::rand::fill(&mut random);
    filled.map_err(|_| StateError::without_randomness())?;
    Ok(new_id(user, run.clock.now_ms(), random))
}

impl Responding {
    /// Does what an order says, or says what would be done.
    pub(crate) async fn respond(
        &self,
        run: &Run,
        asked: Asked<'_>,
        order: &Order,
    ) -> Result<Response, RespondError> {
        let okta = run.okta.forward();
        let user = facts::user_id(okta, &order.user).await.map_err(RespondError::Okta)?;
        let user = user.ok_or_else(|| RespondError::NotFound(order.user.clone()))?;
        if order.dry_run || asked.mode == Mode::Observe {
            return self.look(run, asked, order, &user).await;
        }
        holding(&self.responses.state, run, |locks| self.act(run, asked, order, &user, locks)).await
    }

    /// What would be done; kept, unless the order is a dry run.
    async fn look(
        &self,
        run: &Run,
        asked: Asked<'_>,
        order: &Order,
        user: &UserId,
    ) -> Result<Response, RespondError> {
        let mut found = self.read(run, &asked, order, user).await?;
        if found.facts.is_super_admin() && order.may_lock_out() {
            found.facts.super_admins = facts::super_admins(run.okta.forward(), self, user).await;
        }
        let plan = self.decide(&asked, order, &found)?;
        let mut response = response(run, asked, order, &found, &plan);
        response.status = Stand::Planned;
        response.contained = plan.contains();
        if order.dry_run {
            response.id = String::new();
            return Ok(response);
        }
        if response.id.is_empty() {
            response.id = id_for(run, user.as_str()).map_err(RespondError::State)?;
        }
        let mut kept = KeptResponse { response, version: 0 };
        self.keep(run, &mut kept, None).await.map_err(RespondError::State)?;
        Ok(kept.response)
    }

    /// Does it, under the lock of the user.
    async fn act(
        &self,
        run: &Run,
        asked: Asked<'_>,
        order: &Order,
        user: &UserId,
        locks: Locks,
    ) -> Result<Response, RespondError> {
        locks.take(Change::User(user.as_str())).await.map_err(RespondError::Lock)?;
        let okta = run.okta.forward();
        let mut found = self.read(run, &asked, order, user).await?;
        let guarded = found.facts.is_super_admin() && order.may_lock_out();
        if guarded {
            locks.take(Change::SuperAdmins).await.map_err(RespondError::Lock)?;
            found.facts.super_admins = facts::super_admins(okta, self, user).await;
        }
        let plan = self.decide(&asked, order, &found)?;
        // What a dead run did is judged before this one changes the user.
        let judged = self.judge_dead(run, user).await;
        judged.map_err(|error| RespondError::Earlier(Box::new(error)))?;
        let mut response = response(run, asked, order, &found, &plan);
        if response.id.is_empty() {
            response.id = id_for(run, user.as_str()).map_err(RespondError::State)?;
        }
        let mut kept = KeptResponse { response, version: 0 };
        let judged = time(run, JUDGED_AFTER);
        self.keep(run, &mut kept, Some(&judged)).await.map_err(RespondError::State)?;
        let recorded = self.take_steps(run, &mut kept, user).await;
        // Somebody else may have taken the role from the others meanwhile.
        if guarded {
            let why = match facts::super_admins(okta, self, user).await {
                SuperAdmins::Others(1..) => None,
                SuperAdmins::Others(0) => Some(Refusal::LastSuperAdmin),
                SuperAdmins::Unknown => Some(UNKNOWN_SUPER_ADMINS),
            };
            if let Some(why) = why {
                self.put_back(run, &mut kept, user).await?;
                return Err(RespondError::Refused(why));
            }
        }
        recorded.map(|()| kept.response)
    }

    /// Takes the steps that are planned, and writes down each outcome.
    pub(crate) async fn take_steps(
        &self,
        run: &Run,
        kept: &mut KeptResponse,
        user: &UserId,
    ) -> Result<(), RespondError> {
        let judged = time(run, JUDGED_AFTER);
        let planned = kept.response.actions.iter().enumerate();
        let planned: Vec<usize> = planned
            .filter(|(_, taken)| !taken.on_lift && taken.outcome == Outcome::Planned)
            .map(|(at, _)| at)
            .collect();
        for (n, at) in planned.iter().enumerate() {
            let done = step::take(run.okta.forward(), user, &kept.response.actions[*at]).await;
            let taken = &mut kept.response.actions[*at];
            (taken.outcome, taken.detail, taken.at) = (done.outcome, done.detail, Some(time(run, 0)));
            if let Some(changed) = &done.user {
                kept.response.after = Some(facts::before(changed));
            }
            // The last outcome is written with the status.
            if n + 1 < planned.len()
                && let Err(error) = self.keep(run, kept, Some(&judged)).await
            {
                tracing::error!(error = %run_kit::chain(&error), "an outcome is not recorded yet");
            }
        }
        let due = match kept
            .response
            .actions
            .iter()
            .any(|taken| !taken.on_lift && taken.outcome == Outcome::Planned)
        {
            // Of some nobody knows yet.
            true => Some(judged),
            false => {
                kept.response.judge();
                due(run, &kept.response)
            }
        };
        let written = self.keep(run, kept, due.as_deref()).await;
        written.map_err(|error| {
            tracing::error!(error = %run_kit::chain(&error), "the end of a response is not recorded");
            RespondError::NotRecorded(kept.response.id.clone())
        })
    }

    /// Takes back a response that left the org without a super admin.
    pub(crate) async fn put_back(
        &self,
        run: &Run,
        kept: &mut KeptResponse,
        user: &UserId,
    ) -> Result<(), RespondError> {
        let undo = run.okta.undo();
        for at in (0..kept.response.actions.len()).rev() {
            let taken = &kept.response.actions[at];
            let group = taken.group.clone().unwrap_or_default();
            let change = match (taken.outcome, taken.action) {
                (Outcome::Done, Action::Suspend) => Undo::Unsuspend,
                (Outcome::Done, Action::RemoveFromGroups) => Undo::AddToGroup(group),
                (Outcome::Done, Action::Quarantine) => Undo::RemoveFromGroup(group),
                (Outcome::Done, Action::RemoveAdminRoles) => {
                    Undo::AssignRole(taken.role.clone().unwrap_or_default())
                }
                _ => continue,
            };
            match apply(undo, user, &change).await {
                Ok(()) => {
                    let taken = &mut kept.response.actions[at];
                    (taken.outcome, taken.detail) =
                        (Outcome::Undone, Some("nobody else was a super admin any more".to_owned()));
                }
                Err(error) => {
                    tracing::error!(error = %run_kit::chain(&error), "the last super admin is not put back yet");
                }
            }
        }
        let is_left = |taken: &Taken| {
            !taken.on_lift
                && taken.action.has_undo()
                && matches!(taken.outcome, Outcome::Done | Outcome::Planned)
        };
        if kept.response.actions.iter().any(is_left) {
            // The end has begun: every minute goes on with it.
            let reason = Some("nobody else was a super admin any more".to_owned());
            kept.response.lifted = Some(Lift { at: time(run, 0), actor: None, reason });
            kept.response.status = Stand::Running;
            let due = due(run, &kept.response);
            self.keep(run, kept, due.as_deref()).await.map_err(RespondError::State)?;
            return Err(RespondError::NotPutBack(kept.response.id.clone()));
        }
        (kept.response.status, kept.response.contained) = (Stand::Failed, false);
        self.keep(run, kept, None).await.map_err(RespondError::State)
    }

    async fn read(
        &self,
        run: &Run,
        asked: &Asked<'_>,
        order: &Order,
        user: &UserId,
    ) -> Result<Found, RespondError> {
        let found = facts::read(run.okta.forward(), self, order, user, asked.tenant).await;
        found.map_err(RespondError::Okta)?.ok_or_else(|| RespondError::NotFound(order.user.clone()))
    }

    fn decide(&self, asked: &Asked<'_>, order: &Order, found: &Found) -> Result<Plan, RespondError> {
        decide(order, asked.who, &found.facts, &self.settings).map_err(RespondError::Refused)
    }

    pub(crate) async fn keep(
        &self,
        run: &Run,
        kept: &mut KeptResponse,
        due: Option<&str>,
    ) -> Result<(), StateError> {
        let responses = &self.responses;
        responses.state.keep_response(run, &responses.table, kept, due).await
    }
}

const UNKNOWN_SUPER_ADMINS: Refusal = Refusal::Protected("Okta does not say who the other super admins are");

fn response(run: &Run, asked: Asked<'_>, order: &Order, found: &Found, plan: &Plan) -> Response {
    let mut before: Before = facts::before(&found.user);
    if plan.steps.iter().any(|step| step.group.is_some()) {
        before.groups = found.facts.groups.iter().map(|group| group.id.clone()).collect();
    }
    Response {
        id: asked.id.unwrap_or_default(),
        user: found.facts.user.clone(),
        status: Stand::Running,
        about_all: order.about_all(),
        actions: Response::steps(plan),
        reason: order.reason.clone(),
        incident: order.incident.clone(),
        actor: asked.actor,
        administered: found.facts.administers(),
        contained: false,
        created: time(run, 0),
        expires: order.expires_in.map(|seconds| time(run, seconds.into())),
        before,
        after: None,
        on_lift: order.on_lift.iter().copied().collect(),
        lifted: None,
    }
}
