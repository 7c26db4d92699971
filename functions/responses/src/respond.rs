//! A response: read, decide, write down, do.
//!
//! # Okta calls
//!
//! 1. `getUser`, if the user is named by login: the id, by which everything else goes.
//! 2. Under the lock of the user, at the same time: `getUser`, `listUserGroups`,
//!    `listAssignedRolesForUser`; with an API token `getUser` for its owner; with `set-risk`
//!    `getUserRisk`.
//! 3. For a super admin, under the lock `super-admins`: `listUsersWithRoleAssignments`, and
//!    `listAssignedRolesForUser` and `getUser` of others, until one is found who is left.
//! 4. The steps, one after the other; after `suspendUser` `getUser` once more, for the time
//!    at which the status changed.
//! 5. For a super admin 3 once more; if nobody is left, the steps are taken back.
//!
//! # Why this order
//!
//! The record is written before the first change: what cannot be written down is not done.
//! Each outcome is written before the next step. A run that is killed leaves a record that
//! says `running`; within two minutes `expire-responses` judges by the user's state what was
//! done, so that the end of the response takes it back. The same holds for a step whose answer
//! is lost.
//! A step that fails does not stop the later ones: containment comes first, and the answer
//! says what is missing.

use containment::{
    Actor, Before, Broken, Mode, Order, Outcome, Plan, Refusal, Response, State as Stand, SuperAdmins, Who,
    decide, new_id,
};
use okta_client::Error;
use okta_client::models::UserId;
use operations::ProblemCode;
use run_kit::{Failure, Incomplete, Object, Run, Violation};
use state::{Change, KeptResponse, LockError, Locks, StateError, holding};

use crate::facts::{self, Found};
use crate::settings::{Disabled, Responding};
use crate::step;

/// Seconds after which a response whose run has not ended is judged.
const JUDGED_AFTER: i64 = 90;

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
    /// The record could not be written; nothing was done.
    State(StateError),
    /// The response is done, and its record does not say so yet.
    NotRecorded(String),
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
            RespondError::State(error) => error.into(),
            RespondError::NotRecorded(id) => {
                let left = Object::new("response", "record that says `running` for two minutes", id);
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

/// Now and so many seconds, as the record has times.
pub(crate) fn time(run: &Run, seconds: i64) -> String {
    let ms = run.clock.now_ms().saturating_add(seconds.saturating_mul(1_000));
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default())
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
            found.facts.super_admins = facts::super_admins(run.okta.forward(), user).await;
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
            found.facts.super_admins = facts::super_admins(okta, user).await;
        }
        let plan = self.decide(&asked, order, &found)?;
        let mut response = response(run, asked, order, &found, &plan);
        if response.id.is_empty() {
            response.id = id_for(run, user.as_str()).map_err(RespondError::State)?;
        }
        let mut kept = KeptResponse { response, version: 0 };
        let judged = time(run, JUDGED_AFTER);
        self.keep(run, &mut kept, Some(&judged)).await.map_err(RespondError::State)?;
        self.take_steps(run, &mut kept, user).await?;
        // Somebody else may have taken the role from the others meanwhile.
        if guarded && facts::super_admins(okta, user).await == SuperAdmins::Others(0) {
            self.put_back(run, &mut kept, user).await?;
            return Err(RespondError::Refused(Refusal::LastSuperAdmin));
        }
        Ok(kept.response)
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
                due(&kept.response)
            }
        };
        let written = self.keep(run, kept, due.as_deref()).await;
        written.map_err(|error| {
            tracing::error!(error = %run_kit::chain(&error), "the end of a response is not recorded");
            RespondError::NotRecorded(kept.response.id.clone())
        })
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

/// When something has to be looked at: the end of a response that takes something back.
pub(crate) fn due(response: &Response) -> Option<String> {
    response.status.is_open().then(|| response.expires.clone().unwrap_or_else(|| NEVER.to_owned()))
}

/// Stands for no end: the response stays open until somebody lifts it.
const NEVER: &str = "9999-12-31T23:59:59.999Z";

fn response(run: &Run, asked: Asked<'_>, order: &Order, found: &Found, plan: &Plan) -> Response {
    let mut before: Before = facts::before(&found.user);
    if plan.steps.iter().any(|step| step.group.is_some()) {
        before.groups = found.facts.groups.iter().map(|group| group.id.clone()).collect();
    }
    Response {
        id: asked.id.unwrap_or_default(),
        user: found.facts.user.clone(),
        status: Stand::Running,
        actions: Response::steps(plan),
        reason: order.reason.clone(),
        incident: order.incident.clone(),
        actor: asked.actor,
        contained: false,
        created: time(run, 0),
        expires: order.expires_in.map(|seconds| time(run, seconds.into())),
        before,
        after: None,
        on_lift: order.on_lift.iter().copied().collect(),
        lifted: None,
    }
}
