//! One step of a response, and the word for what became of it.

use containment::{Action, Outcome, Taken};
use okta_client::models::{GroupId, RiskLevel, RoleAssignmentId, User, UserId};
use okta_client::{Client, Error, OkIfAbsent};

/// Of a step whose answer is lost: the state of the user will say what was done.
const UNKNOWN: &str = "Okta's answer is lost; the next minutes say whether it was done";

/// What became of a step; [`Outcome::Planned`], if nobody knows.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) detail: Option<String>,
    /// The user after a change of the status.
    pub(crate) user: Option<User>,
    /// Why it is not done, where another try may do it.
    pub(crate) again: Option<Error>,
}

impl Done {
    fn new(outcome: Outcome, detail: Option<&str>) -> Self {
        Self { outcome, detail: detail.map(str::to_owned), user: None, again: None }
    }
}

/// Takes a step. Okta's answer decides the word. A call whose answer is lost is sent once
/// more; if that does not succeed, the first may still have, and nobody knows.
pub(crate) async fn take(okta: &Client, user: &UserId, taken: &Taken) -> Done {
    match taken.action {
        Action::Suspend => take_status(okta, user, taken, "SUSPENDED").await,
        Action::Deactivate => take_status(okta, user, taken, "DEPROVISIONED").await,
        action => {
            let first = call(okta, user, taken).await;
            if !is_lost(&first) {
                return word(action, first);
            }
            let second = call(okta, user, taken).await;
            if second.is_ok() { word(action, second) } else { word(action, first) }
        }
    }
}

/// Takes a step that changes the status, which a second call would refuse as done: the status
/// is looked at.
async fn take_status(okta: &Client, user: &UserId, taken: &Taken, status: &str) -> Done {
    let is_done = |now: &Option<User>| now.as_ref().is_some_and(|now| now.status == status);
    let first = call(okta, user, taken).await;
    if first.is_err() && !is_lost(&first) {
        return word(taken.action, first);
    }
    let mut now = okta.get_user(user.as_str()).await.ok();
    let mut result = first;
    if is_lost(&result) && now.is_some() && !is_done(&now) {
        let second = call(okta, user, taken).await;
        now = okta.get_user(user.as_str()).await.ok();
        if second.is_ok() {
            result = second;
        }
    }
    let done = if is_done(&now) { Done::new(Outcome::Done, None) } else { word(taken.action, result) };
    Done { user: now.filter(|now| now.status == status), ..done }
}

fn is_lost(result: &Result<(), Error>) -> bool {
    matches!(result, Err(error) if error.may_have_happened())
}

async fn call(okta: &Client, user: &UserId, taken: &Taken) -> Result<(), Error> {
    let group = || GroupId::from(taken.group.as_deref().unwrap_or_default());
    match taken.action {
        Action::Suspend => okta.suspend_user(user).await,
        Action::ExpirePassword => okta.expire_password(user).await.map(drop),
        Action::ResetPassword => okta.reset_password(user).await,
        Action::ResetFactors => okta.reset_factors(user).await,
        Action::RemoveFromGroups => okta.unassign_user_from_group(&group(), user).await.ok_if_absent(),
        Action::Quarantine => okta.assign_user_to_group(&group(), user).await,
        Action::RemoveAdminRoles => {
            let role = RoleAssignmentId::from(taken.role_id.as_deref().unwrap_or_default());
            okta.unassign_role_from_user(user, &role).await.ok_if_absent()
        }
        Action::RevokeGrants => okta.revoke_user_grants(user).await,
        Action::SetRisk => okta.upsert_user_risk(user, RiskLevel::High).await,
        Action::ClearSessions => okta.revoke_user_sessions(user, true, true).await,
        Action::Deactivate => okta.deactivate_user(user).await,
    }
}

fn word(action: Action, result: Result<(), Error>) -> Done {
    let error = match result {
        Ok(()) => return Done::new(Outcome::Done, None),
        Err(error) => error,
    };
    tracing::warn!(%action, error = %run_kit::chain(&error), "a step of a response is not done");
    if error.may_have_happened() {
        return Done { again: Some(error), ..Done::new(Outcome::Planned, Some(UNKNOWN)) };
    }
    let (outcome, detail) = match &error {
        Error::Api(api) if action == Action::SetRisk && api.code == "E0000015" => {
            (Outcome::Skipped, "the org has no Identity Threat Protection")
        }
        Error::Api(api) if api.status == 404 => (Outcome::Failed, "gone: Okta does not find it any more"),
        Error::Api(api) if api.insufficient_scope || api.code == "E0000006" => {
            (Outcome::Failed, "not permitted: the credential lacks the right")
        }
        Error::Api(api) if is_wrong_state(&api.code) => {
            (Outcome::Skipped, "the state of the user has no room for it")
        }
        Error::RateLimited { .. } => {
            (Outcome::Failed, "what okta-dac may use of Okta's rate limits is used up")
        }
        Error::Api(api) if api.status == 403 => (Outcome::Failed, "not permitted: Okta refuses it"),
        _ => (Outcome::Failed, "Okta did not do its part"),
    };
    let done = Done::new(outcome, Some(detail));
    Done { again: Some(error).filter(|error| !is_final(error)), ..done }
}

/// Whether no other try succeeds: the object is gone, or its state is another. What is not
/// permitted may be tomorrow.
pub(crate) fn is_final(error: &Error) -> bool {
    matches!(error, Error::Api(api) if matches!(api.status, 400 | 404) || is_wrong_state(&api.code))
}

/// E0000001 for what is not active, E0000017 and E0000038 for what has no password or is
/// ended (Okta's error codes).
fn is_wrong_state(code: &str) -> bool {
    matches!(code, "E0000001" | "E0000017" | "E0000038")
}
