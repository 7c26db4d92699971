//! Ends a tenant's entitlement to an app: nobody of the tenant has it any more.
//!
//! # Okta calls
//!
//! 1. Those of [`tenancy::Entitlement`].
//! 2. `unassignApplicationFromGroup` of `USERS_<tenant>`, if all users have the app.
//! 3. `deleteGroup` of the app's group: its assignment and the target of the role go with
//!    it.
//!
//! Twelve calls, four in a row.
//!
//! All of it under the tenant's lock.
//!
//! There is no undo: a deleted group is gone with its memberships. The
//! entitlement is found by the group, which must be a target and assigned for that.
//! Therefore the group goes last and at once, and the same request sent again completes
//! what stopped half-way.
//!
//! A role without targets would be valid for the whole org: should the app's
//! group be its only target, `USERS_<tenant>` becomes one first.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::{AppId, RoleAssignmentId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Incomplete, Object};
use state::{Change, LockError, Locks, State, holding};
use tenancy::{Entitlement, EntitlementError, Tenants};

/// The operation `deactivate-tenant-app`.
pub struct DeactivateTenantApp {
    state: State,
    tenants: Tenants,
}

/// Which app of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    app: AppId,
}

/// Why the tenant is entitled still.
#[derive(Debug)]
pub enum DeactivateTenantAppError {
    /// There is no entitlement to end.
    Entitlement(EntitlementError),
    /// Others are changing the tenant.
    Lock(LockError),
    /// Nothing was changed.
    Okta(Error),
    /// Some of it is gone.
    Incomplete {
        /// The group.
        left: Object,
        /// Why.
        source: Error,
    },
}

impl From<DeactivateTenantAppError> for Failure {
    fn from(error: DeactivateTenantAppError) -> Self {
        match error {
            DeactivateTenantAppError::Entitlement(error) => error.into(),
            DeactivateTenantAppError::Lock(error) => error.into(),
            DeactivateTenantAppError::Okta(error) => Failure::okta("end the entitlement", &error),
            DeactivateTenantAppError::Incomplete { left, source } => {
                Incomplete::after(&[], vec![left]).because("end the entitlement", source).into()
            }
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { tenant: request.tenant()?, app: request.id("appId")? })
    }
}

impl Endpoint for DeactivateTenantApp {
    const OPERATION: &'static Operation = operations::get("deactivate-tenant-app");
    type Input = Input;
    type Output = ();
    type Error = DeactivateTenantAppError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<()>, DeactivateTenantAppError> {
        holding(&self.state, &context.run, |locks| self.end(context, input, locks)).await
    }

    fn example() -> Example {
        Example { target: "/tenants/globex/apps/0oa1umbrella00000001", body: None, answer: None }
    }
}

impl DeactivateTenantApp {
    async fn end(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<()>, DeactivateTenantAppError> {
        locks.take(Change::Tenant(&input.tenant)).await.map_err(DeactivateTenantAppError::Lock)?;
        let okta = context.run.okta.forward();
        let kept = |id: String| async move { Ok(self.state.kept_targets(&id).await?) };
        let entitlement =
            Entitlement::read(&self.tenants, &context.run, &context.caller, &input.tenant, &input.app, kept)
                .await;
        let entitlement = entitlement.map_err(DeactivateTenantAppError::Entitlement)?;
        let (unassigned, targeted) =
            futures::join!(unassign_all_users(okta, &entitlement), keep_a_target(okta, &entitlement));
        let changed = [&unassigned, &targeted].into_iter().any(|step| match step {
            Ok(changed) => *changed,
            Err(error) => error.may_have_happened(),
        });
        let group = &entitlement.group;
        let result = match unassigned.and(targeted) {
            Ok(_) => okta.delete_group(&group.id).await.ok_if_absent(),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => Ok(Success::empty()),
            Err(source) if !changed && !source.may_have_happened() => {
                Err(DeactivateTenantAppError::Okta(source))
            }
            Err(source) => {
                let left = Object::new("group", &group.profile.name, &group.id);
                Err(DeactivateTenantAppError::Incomplete { left, source })
            }
        }
    }
}

/// Takes the app from all users; `false` if they do not have it.
async fn unassign_all_users(okta: &Client, entitlement: &Entitlement) -> Result<bool, Error> {
    let Some(users) = &entitlement.all_users else { return Ok(false) };
    okta.unassign_application_from_group(&entitlement.app, &users.id).await.ok_if_absent()?;
    Ok(true)
}

/// Limits the admins' role to the tenant's users, too, where the app's group is its only
/// target; `false` if it is not.
async fn keep_a_target(okta: &Client, entitlement: &Entitlement) -> Result<bool, Error> {
    let (group, role) = (&entitlement.group.id, RoleAssignmentId::user_admin());
    let (tenant, targets) = (&entitlement.tenant, &entitlement.targets);
    if targets.iter().any(|target| target.id != *group) || targets.is_empty() {
        return Ok(false);
    }
    let Some(users) = &tenant.users else { return Ok(false) };
    okta.assign_group_target_to_group_admin_role(&tenant.admins.id, &role, &users.id).await?;
    Ok(true)
}
