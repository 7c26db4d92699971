//! One step of a response, and the word for what became of it.

use containment::{Action, Outcome, Taken};
use okta_client::models::{GroupId, RiskLevel, RoleAssignmentId, User, UserId};
use okta_client::{Client, Error, OkIfAbsent};

/// Of a step whose answer is lost: the state of the user will say what was done.
const UNKNOWN: &str = "Okta's answer is lost; the next minute says whether it was done";

/// What became of a step; [`Outcome::Planned`], if nobody knows.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) detail: Option<String>,
    /// The user after a change of the status.
    pub(crate) user: Option<User>,
}

impl Done {
    fn new(outcome: Outcome, detail: Option<&str>) -> Self {
        Self { outcome, detail: detail.map(str::to_owned), user: None }
    }
}

/// Takes a step. Okta's answer decides the word. A call whose answer is lost is sent once
/// more, or, where that would be refused as done, looked after.
pub(crate) async fn take(okta: &Client, user: &UserId, taken: &Taken) -> Done {
    let result = call(okta, user, taken).await;
    let lost = matches!(&result, Err(error) if error.may_have_happened());
    let status = match taken.action {
        Action::Suspend => Some("SUSPENDED"),
        Action::Deactivate => Some("DEPROVISIONED"),
        _ => None,
    };
    match (status, lost) {
        (None, false) => word(taken.action, result),
        (None, true) => word(taken.action, call(okta, user, taken).await),
        (Some(_), false) if result.is_err() => word(taken.action, result),
        (Some(status), lost) => {
            let now = okta.get_user(user.as_str()).await.ok();
            let is_done = now.as_ref().is_some_and(|now| now.status == status);
            let word = match (lost, is_done) {
                (true, true) => Done::new(Outcome::Done, None),
                (true, false) if now.is_some() => word(taken.action, call(okta, user, taken).await),
                _ => word(taken.action, result),
            };
            Done { user: now.filter(|_| is_done), ..word }
        }
    }
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
        Action::ClearSessions => okta.revoke_user_sessions(user).await,
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
        return Done::new(Outcome::Planned, Some(UNKNOWN));
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
    Done::new(outcome, Some(detail))
}

/// E0000001 for what is not active, E0000017 and E0000038 for what has no password or is
/// ended (Okta's error codes).
fn is_wrong_state(code: &str) -> bool {
    matches!(code, "E0000001" | "E0000017" | "E0000038")
}
