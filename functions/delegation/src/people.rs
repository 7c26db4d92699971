//! What several operations ask of the users.

use domain::{SUPERUSERS, is_okta_id};
use futures::TryStreamExt;
use lambda_kit::Context;
use okta_client::models::{ACTIVE, Group, User, UserId};
use okta_client::{Client, Error};
use operations::ProblemCode;
use run_kit::{ConfigError, Environment, Failure, Object, Run, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use state::{Event, KeptGrants, Record, State, StateError};
use tenancy::if_present;

use crate::grants::{Grant, Grants, former};
use crate::settings::Settings;

/// Groups whose members are users of one tenant.
const USERS: &str = "USERS_";

/// Groups whose members administer a tenant.
const ADMINS: &str = "ADMINS_";

/// Whether this can be a user's id or login.
pub(crate) fn is_user(text: &str) -> bool {
    (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Whether this is a user's id, also of one who is gone.
pub(crate) fn is_id(text: &str) -> bool {
    text.starts_with("00u") && is_okta_id(text)
}

/// Whether this is the user whom a text names: by id or login. Okta also finds users by
/// short names and by `me`, and those may name another user for another caller.
pub(crate) fn is_named(user: &User, text: &str) -> bool {
    user.id.as_str() == text || user.login().eq_ignore_ascii_case(text)
}

/// Whether the user can sign in now.
pub(crate) fn is_active(user: &User) -> bool {
    user.status == ACTIVE
}

/// The groups of a user by id or login; none of somebody who is not there.
pub(crate) async fn groups(okta: &Client, user: &str) -> Result<Vec<Group>, Error> {
    let user = UserId::from(user);
    let groups = if_present(okta.list_user_groups(&user).try_collect::<Vec<Group>>()).await?;
    Ok(groups.unwrap_or_default())
}

/// Whether one of two users may be the other's agent: they share a tenant, or
/// neither has one.
pub(crate) fn share_a_tenant(one: &[Group], other: &[Group]) -> bool {
    let tenants = |groups: &[Group]| -> Vec<String> {
        let users = groups.iter().filter(|group| group.profile.name.starts_with(USERS));
        users.map(|group| group.id.to_string()).collect()
    };
    let (one, other) = (tenants(one), tenants(other));
    one.iter().any(|tenant| other.contains(tenant)) || (one.is_empty() && other.is_empty())
}

/// Whether a member of these groups administers the platform or a tenant.
pub(crate) fn administers(groups: &[Group]) -> bool {
    groups.iter().any(|group| group.profile.name == SUPERUSERS || group.profile.name.starts_with(ADMINS))
}

/// An agent of the caller.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DelegationAgent")]
pub struct Nomination {
    /// Id of the user.
    pub id: String,
    /// When the nomination ends, RFC 3339; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<Grant> for Nomination {
    fn from(grant: Grant) -> Self {
        Self { id: grant.agent, until: grant.until, reason: grant.reason }
    }
}

/// What the operations about one's own delegation work with.
#[derive(Clone, Debug)]
pub(crate) struct Delegating {
    pub(crate) settings: Settings,
    pub(crate) state: State,
}

/// Why a change of the caller's own user was not made.
#[derive(Debug)]
pub enum ChangeError {
    /// Okta's step failed.
    Stopped(Stopped),
    /// The caller's type of users lacks the attributes.
    Off(Stopped<LacksAttributes>),
    /// The change could not be recorded.
    NotRecorded(Stopped<StateError>),
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Stopped(stopped) => stopped.into(),
            ChangeError::Off(stopped) => stopped.into(),
            ChangeError::NotRecorded(stopped) => stopped.into(),
        }
    }
}

impl Delegating {
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { settings: Settings::prepare(environment)?, state: State::prepare(environment)? })
    }

    /// The caller's own record, before it is known how it ends.
    pub(crate) fn record<'r>(&'r self, context: &'r Context, event: Event, agent: &'r str) -> Record<'r> {
        Record {
            table: &self.settings.records,
            delegator: &context.caller.uid,
            event,
            agent,
            client: &context.caller.client,
            request_id: &context.run.id,
            refused: None,
            delegation: "",
        }
    }

    /// Records a refusal; that the table is away changes nothing about it.
    pub(crate) async fn refuse(&self, run: &Run, record: &Record<'_>, why: &'static str) {
        let record = Record { refused: Some(why), ..record.clone() };
        if let Err(error) = self.state.record(run, &record).await {
            tracing::warn!(error = %error, "a refusal is not in the table");
        }
    }

    /// The grants of a user that count; `kept`: those that the table has.
    pub(crate) fn counted(&self, user: &User, kept: &KeptGrants) -> Grants {
        Grants::counted(user, &kept.current, self.settings.profile_grants)
    }

    /// Changes the caller's grants, in the profile and in the table, and records the
    /// change.
    ///
    /// # Errors
    ///
    /// [`ChangeError`].
    pub(crate) async fn write_grants(
        &self,
        run: &Run,
        user: &User,
        (kept, grants): (&KeptGrants, &Grants),
        record: &Record<'_>,
    ) -> Result<(), ChangeError> {
        let replaced = Some((kept, grants));
        self.write_profile(run, user, grants.profile(user), replaced, record).await
    }

    /// Changes attributes of the caller, and records the change: a change that cannot
    /// be recorded is taken back.
    ///
    /// # Errors
    ///
    /// [`ChangeError`].
    pub(crate) async fn write_profile(
        &self,
        run: &Run,
        user: &User,
        profile: Map<String, Value>,
        grants: Option<(&KeptGrants, &Grants)>,
        record: &Record<'_>,
    ) -> Result<(), ChangeError> {
        let (id, before) = (user.id.clone(), former(user, &profile));
        let undo = Undo::new(Object::new("user", user.login(), &user.id), |okta| async move {
            okta.update_user(&id, &before).await.map(|_| Undone::Entirely)
        });
        let written = run.okta.forward().update_user(&user.id, &profile);
        self.recorded(run, written, undo, grants, record).await
    }

    /// A write to the caller's own user, and its record; with `grants`, those that the
    /// table has are replaced, too. Okta is first: a grant that one of both lacks does not count.
    ///
    /// # Errors
    ///
    /// [`ChangeError`].
    pub(crate) async fn recorded(
        &self,
        run: &Run,
        write: impl Future<Output = Result<User, Error>>,
        undo: Undo,
        grants: Option<(&KeptGrants, &Grants)>,
        record: &Record<'_>,
    ) -> Result<(), ChangeError> {
        let steps = Steps::of(run);
        if let Err(failure) = steps.change("change the user", write, undo).await {
            // Okta's validation: all that we send is right but for the type's attributes.
            return Err(match &failure.source {
                Error::Api(error) if error.code == "E0000001" => {
                    ChangeError::Off(steps.unwind_after(LacksAttributes).await)
                }
                _ => ChangeError::Stopped(steps.unwind(failure).await),
            });
        }
        let recorded = match grants {
            Some((kept, grants)) => {
                // What the profile alone has is nobody's consent, and does not become one.
                let own = grants.0.iter().filter(|grant| !grant.id.is_empty());
                let current = own.cloned().map(Into::into).collect();
                self.state.record_grants(run, record, &kept.replaced_by(current)).await
            }
            None => self.state.record(run, record).await,
        };
        match recorded {
            Ok(()) => Ok(()),
            Err(error) => Err(ChangeError::NotRecorded(steps.unwind_after(error).await)),
        }
    }
}

/// The caller's type of users has no attributes for delegation.
#[derive(Clone, Copy, Debug)]
pub struct LacksAttributes;

impl From<LacksAttributes> for Failure {
    fn from(_: LacksAttributes) -> Self {
        let detail = "your type of users lacks the attributes `delegatedAgents` and `delegationGrants`; switch delegation on, or report it to an administrator of the org";
        Failure::new(ProblemCode::DelegationNotActive, detail)
    }
}

/// The caller of an accepted token is not there any more, or cannot sign in.
pub(crate) fn not_active() -> Failure {
    Failure::new(ProblemCode::UserNotActive, "your user is not active; sign in again when it is")
}
