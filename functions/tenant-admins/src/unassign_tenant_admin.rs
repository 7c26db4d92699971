//! Takes an admin's rights away; the user stays a user of the tenant.
//!
//! # Okta calls
//!
//! 1. `listGroups` and `getGroup`, as in `get-tenant`, and at the same time as
//!    the latter `listGroupUsers`: the admins that there are.
//! 2. `unassignUserFromGroup`. Undo: `assignUserToGroup`.
//! 3. `listGroupUsers` once more, unless `force=true`: two requests may have
//!    taken one of the last two admins each. Then this one puts its own back.
//!
//! Six calls, four in a row.
//!
//! At last a revocation: tokens that still name the user an admin no longer
//! count. It comes after the membership is gone, since a token that is issued in
//! between would escape it. A user who is no admin also gets a revocation: the
//! same request sent again completes one that stopped half-way.

use domain::TenantName;
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, QueryParameter, Request, Success, Values};
use okta_client::models::{GroupId, User, UserId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use run_kit::{
    ConfigError, Environment, Failure, Incomplete, Object, StepFailure, Steps, Stopped, Undo, Undone,
};
use state::{AuthorizerCache, State, StateError};
use tenancy::{TenantError, Want, tenant_for_with};

/// The operation `unassign-tenant-admin`.
pub struct UnassignTenantAdmin {
    state: State,
}

/// Who is no longer to be an admin of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    user: UserId,
    /// Even the last one.
    force: bool,
}

/// Why the user is an admin still.
#[derive(Debug)]
pub enum UnassignTenantAdminError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// Nobody would be left.
    Last {
        /// The user.
        user: UserId,
        /// The tenant.
        tenant: TenantName,
    },
    /// A step failed.
    Stopped(Stopped),
    /// Nothing was changed: there was no admin, and the revocation failed.
    State(StateError),
    /// The user is no admin any more, but their tokens count.
    NotRevoked {
        /// The user.
        user: UserId,
        /// Why.
        source: StateError,
    },
}

impl From<UnassignTenantAdminError> for Failure {
    fn from(error: UnassignTenantAdminError) -> Self {
        match error {
            UnassignTenantAdminError::Tenant(error) => error.into(),
            UnassignTenantAdminError::Last { user, tenant } => Failure::new(
                ProblemCode::LastAdmin,
                format!(
                    "`{user}` is the last admin of `{tenant}` who can sign in; assign another one first, or let a superuser send `?force=true`"
                ),
            ),
            UnassignTenantAdminError::Stopped(stopped) => stopped.into(),
            UnassignTenantAdminError::State(error) => error.into(),
            UnassignTenantAdminError::NotRevoked { user, source } => {
                let left = Object::new("token", "access tokens of the user", user);
                Failure::from(Incomplete::after(&["unassign the admin"], vec![left]))
                    .log("revoke tokens", &source)
            }
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[QueryParameter {
        name: "force",
        description: "`true`: even if nobody is left; superusers only.",
        values: Values::OneOf(&["true", "false"]),
    }];

    fn decode(request: &Request) -> Result<Self, Failure> {
        let input =
            Self { tenant: request.tenant()?, user: request.id("userId")?, force: request.flag("force")? };
        if input.force && !request.caller.superuser {
            return Err(Failure::new(ProblemCode::Forbidden, "only a superuser may send `force=true`"));
        }
        Ok(input)
    }
}

impl Endpoint for UnassignTenantAdmin {
    const OPERATION: &'static Operation = operations::get("unassign-tenant-admin");
    type Input = Input;
    type Output = ();
    type Error = UnassignTenantAdminError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<()>, UnassignTenantAdminError> {
        let okta = context.run.okta.forward();
        let (admins, user) =
            (|groups: tenancy::Ids| async move { admins(okta, &groups.admins).await }, &input.user);
        let (tenant, admins) =
            tenant_for_with(&context.run, &context.caller, &input.tenant, Want::Tenant, admins)
                .await
                .map_err(UnassignTenantAdminError::Tenant)?;
        let cache = AuthorizerCache { api_id: &context.api.id, stage: &context.api.stage };
        let revoke = || self.state.revoke(&context.run, cache, &tenant.id, Some(user.as_str()));
        if !admins.iter().any(|admin| admin.id == *user) {
            revoke().await.map_err(UnassignTenantAdminError::State)?;
            return Ok(Success::empty());
        }
        let last = || UnassignTenantAdminError::Last { user: user.clone(), tenant: input.tenant.clone() };
        if !input.force && !is_left(&admins, user) {
            return Err(last());
        }
        let group = &tenant.admins.id;
        let steps = Steps::of(&context.run);
        let removed = remove(okta, &steps, group, &input);
        match removed.await {
            Ok(true) => match revoke().await {
                Ok(()) => Ok(Success::empty()),
                Err(source) => Err(UnassignTenantAdminError::NotRevoked { user: user.clone(), source }),
            },
            Ok(false) => Err(last()),
            Err(failure) => Err(UnassignTenantAdminError::Stopped(steps.unwind(failure).await)),
        }
    }

    fn example() -> Example {
        Example { target: "/tenants/acme/admins/00u00000000000000005", body: None, answer: None }
    }
}

/// Removes the admin; `false` if it had to be put back.
async fn remove(okta: &Client, steps: &Steps, group: &GroupId, input: &Input) -> Result<bool, StepFailure> {
    let user = &input.user;
    let undo = || {
        let (group, user) = (group.clone(), user.clone());
        Undo::new(Object::new("admin", input.tenant.as_str(), &user), |okta| async move {
            okta.assign_user_to_group(&group, &user).await?;
            Ok(Undone::Entirely)
        })
    };
    let removal = async { okta.unassign_user_from_group(group, user).await.ok_if_absent() };
    steps.change("unassign the admin", removal, undo()).await?;
    if input.force {
        return Ok(true);
    }
    let left = steps.run("count the admins that are left", admins(okta, group)).await?;
    if is_left(&left, user) {
        return Ok(true);
    }
    steps.run("put the last admin back", okta.assign_user_to_group(group, user)).await?;
    Ok(false)
}

/// The members of the group.
async fn admins(okta: &Client, group: &GroupId) -> Result<Vec<User>, Error> {
    okta.list_group_users(group).try_collect().await
}

/// Whether somebody other than `user` can work as an admin.
fn is_left(admins: &[User], user: &UserId) -> bool {
    admins.iter().any(|admin| admin.id != *user && crate::is_working(admin))
}
