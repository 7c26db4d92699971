//! Makes a user of a tenant its admin.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`;
//!    `getUser`; `listUserGroups`, page after page, because Okta has no call that
//!    asks for one membership.
//! 2. `assignUserToGroup`, unless the user is an admin. Undo: `unassignUserFromGroup`.
//!
//! Eight calls, three in a row.
//!
//! All of it under the tenant's lock, which `unassign-tenant-admin` takes, too: an
//! admin who is being removed cannot make themselves an admin again with a request that
//! was begun before.
//!
//! Only a member of exactly this tenant's `USERS_` group, by its id, can become
//! an admin. An id of nobody is answered like the id of another tenant's
//! user: nobody learns which ids exist.

use domain::TenantName;
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::{Group, GroupId, UserId};
use okta_client::{Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Object, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Change, LockError, Locks, State, holding};
use tenancy::{Depth, TenantError, Tenants, if_present};

/// The operation `assign-tenant-admin`.
pub struct AssignTenantAdmin {
    state: State,
    tenants: Tenants,
}

/// Who becomes an admin of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    user: UserId,
}

/// The new admin.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantAdminAssignment")]
pub struct Output {
    /// Name of the tenant.
    pub tenant: String,
    /// Id of the user.
    pub user_id: String,
    /// When the user became, or was found to be, an admin, RFC 3339, UTC.
    pub assigned: String,
}

/// Why the user is not an admin.
#[derive(Debug)]
pub enum AssignTenantAdminError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The user is not the tenant's, or is not there.
    NotAMember {
        /// The user.
        user: UserId,
        /// The tenant.
        tenant: TenantName,
    },
    /// The user cannot sign in.
    NotWorking {
        /// The user.
        user: UserId,
        /// Their state.
        status: String,
    },
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// Others are changing the tenant.
    Lock(LockError),
    /// The step failed.
    Stopped(Stopped),
}

impl From<AssignTenantAdminError> for Failure {
    fn from(error: AssignTenantAdminError) -> Self {
        match error {
            AssignTenantAdminError::Tenant(error) => error.into(),
            AssignTenantAdminError::NotAMember { user, tenant } => Failure::new(
                ProblemCode::NotAMember,
                format!(
                    "`{user}` is no user of `{tenant}`; only a member of `USERS_{tenant}` can become its admin"
                ),
            ),
            AssignTenantAdminError::NotWorking { user, status } => Failure::new(
                ProblemCode::UserNotActive,
                format!("`{user}` is {status}; {} the user first", remedy(&status)),
            ),
            AssignTenantAdminError::Okta(error) => Failure::okta("read the user", &error),
            AssignTenantAdminError::Lock(error) => error.into(),
            AssignTenantAdminError::Stopped(stopped) => stopped.into(),
        }
    }
}

/// What an administrator does about a user who cannot sign in.
fn remedy(status: &str) -> &'static str {
    match status {
        "LOCKED_OUT" => "unlock",
        "SUSPENDED" => "unsuspend",
        _ => "activate",
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { tenant: request.tenant()?, user: request.id("userId")? })
    }
}

impl Endpoint for AssignTenantAdmin {
    const OPERATION: &'static Operation = operations::get("assign-tenant-admin");
    type Input = Input;
    type Output = Output;
    type Error = AssignTenantAdminError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, AssignTenantAdminError> {
        holding(&self.state, &context.run, |locks| self.assign(context, input, locks)).await
    }

    fn example() -> Example {
        Example {
            target: "/tenants/acme/admins/00u00000000000000005",
            body: None,
            answer: Some(json!({
                "tenant": "acme", "userId": "00u00000000000000005", "assigned": "2026-01-31T12:00:00.000Z",
            })),
        }
    }
}

impl AssignTenantAdmin {
    async fn assign(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<Output>, AssignTenantAdminError> {
        locks.take(Change::Tenant(&input.tenant)).await.map_err(AssignTenantAdminError::Lock)?;
        let okta = context.run.okta.forward();
        let user = async {
            futures::try_join!(
                if_present(okta.get_user(input.user.as_str())),
                if_present(okta.list_user_groups(&input.user).try_collect::<Vec<Group>>()),
            )
        };
        let (run, caller) = (&context.run, &context.caller);
        let tenant = self.tenants.of_caller(run, caller, &input.tenant, Depth::Change);
        let (tenant, user) = futures::join!(tenant, user);
        let tenant = tenant.map_err(AssignTenantAdminError::Tenant)?;
        let users = &tenant.require_users().map_err(AssignTenantAdminError::Tenant)?.id;
        let (user, groups) = user.map_err(AssignTenantAdminError::Okta)?;
        let groups = groups.unwrap_or_default();
        let is_in = |group: &GroupId| groups.iter().any(|of| of.id == *group);
        let Some(user) = user.filter(|_| is_in(users)) else {
            return Err(AssignTenantAdminError::NotAMember { user: input.user, tenant: input.tenant });
        };
        if !crate::is_working(&user) {
            return Err(AssignTenantAdminError::NotWorking { user: input.user, status: user.status });
        }
        let admins = &tenant.admins.id;
        if !is_in(admins) {
            let (group, id) = (admins.clone(), user.id.clone());
            let undo = Undo::new(Object::new("admin", input.tenant.as_str(), &id), |okta| async move {
                okta.unassign_user_from_group(&group, &id).await.ok_if_absent()?;
                Ok(Undone::Entirely)
            });
            let steps = Steps::of(&context.run);
            let assigned =
                steps.change("assign the admin", okta.assign_user_to_group(admins, &user.id), undo);
            if let Err(failure) = assigned.await {
                return Err(AssignTenantAdminError::Stopped(steps.unwind(failure).await));
            }
        }
        Ok(Success::new(Output {
            tenant: input.tenant.to_string(),
            user_id: user.id.to_string(),
            assigned: okta.time(),
        }))
    }
}
