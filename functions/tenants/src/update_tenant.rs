//! Renames, suspends or resumes a tenant.
//!
//! # Okta calls
//!
//! Reading: `listGroups`, `getGroup` and `getApplicationGroupAssignment` as in
//! `get-tenant`, with `getIdentityProvider`; at the same time `listPolicies`; then
//! `getPolicyRule` for each rule that leads to the tenant's IdP, whose ids the index of domains
//! knows, or, until the index is complete, `listPolicyRules` at the same time as the rest; then at the same time `getIdentityProvider`, under the lock,
//! `listGroupAssignedRoles` and `listGroupTargetsForGroupRole`; at last
//! `getGroup` once more, because another request may have changed the record.
//!
//! | change | call | undo |
//! |---|---|---|
//! | rename | `replaceGroup` `ADMINS_`: the new name, and `renamedFrom` | the old profile |
//! | | `replaceGroup` of each app group, `replaceIdentityProvider`, `replacePolicyRule` of its rules, `assignGroupToApplication`, at the same time | the old object |
//! | | `replaceGroup` `USERS_` | the old profile |
//! | | `replaceGroup` `ADMINS_` without `renamedFrom` | none, it is the last |
//! | suspend | `replaceGroup` `ADMINS_`: `SUSPENDED`, and what to resume | the old profile |
//! | | `deactivateIdentityProvider`, `deactivatePolicyRule`; `addGroup` `NOBODY_`, `assignGroupTargetToGroupAdminRole` and `assignGroupToApplication` (the okta-dac app) for it, `unassignGroupTargetFromGroupAdminRole` for the others; at the same time | the opposite |
//! | | `getIdentityProvider`, `getPolicyRule` of each rule once more | none |
//! | resume | `activateIdentityProvider`, `activatePolicyRule`; `listAssignedApplicationsForGroup` and `assignGroupTargetToGroupAdminRole` for each target, `unassignGroupTargetFromGroupAdminRole` for `NOBODY_`; at the same time | the opposite |
//! | | `replaceGroup` `ADMINS_` without `SUSPENDED` | the old profile |
//! | | `listGroupUsers` and `deleteGroup` of `NOBODY_` | none, it is the last |
//!
//! Without app groups and rules: a rename 16 calls, eight in a row; suspending 18,
//! seven in a row; resuming 17, eight in a row.
//!
//! While the item `tenant#<id>` is in the state table, no token of the tenant's admins
//! counts: it is written before a suspension, and deleted after a resumption.
//!
//! # Why this order
//!
//! - Renaming `ADMINS_` first takes the new name: group names are unique. A
//!   rename that was killed is found under the new name by `renamedFrom`, and
//!   the same request completes it. `USERS_` keeps the old name until everything
//!   else has moved, so that nobody can take it before.
//! - Suspending records first and acts then, resuming acts first and records
//!   then: a tenant that is not wholly resumed still counts as suspended, and
//!   repeating either request does what is missing.
//! - Objects are read and written whole: members that we do not know survive.
//!   Okta has no conditional writes for them.
//! - The record is read again just before the first write, and a change by
//!   somebody else ends the request: Okta has no conditional writes for groups.
//!   Therefore the time between is made short.

use std::sync::OnceLock;

use domain::{NewTenantName, Revoked, TenantName, TenantStatus};
use futures::FutureExt;
use guard::DomainIndex;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Incomplete, Object, Run, Stopped};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use state::{Change, LockError, Locks, Revocation, State, StateError, Suspension, holding};
use tenancy::{Depth, Tenants, Want};

use crate::get_tenant::Output;
use crate::rename::RenameError;
use crate::tenant_change::{Cause, FoundTenant, Unchangeable};

/// The operation `update-tenant`.
pub struct UpdateTenant {
    index: DomainIndex,
    state: State,
    tenants: Tenants,
}

/// What to change.
#[derive(Debug)]
pub struct Input {
    name: TenantName,
    new_name: Option<NewTenantName>,
    status: Option<TenantStatus>,
}

/// Request body: at least one member.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "UpdateTenantRequest")]
pub struct Body {
    /// New name: `^[a-z0-9](-?[a-z0-9])*$`, 2 to 50 characters.
    name: Option<String>,
    /// `SUSPENDED` refuses the admins, switches the IdP and the routing rules off, and
    /// limits the admins' role to nobody; `ACTIVE` restores them.
    status: Option<Status>,
}

/// State of a tenant.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Active,
    Suspended,
}

/// Why the tenant is not as it should be.
#[derive(Debug)]
pub enum UpdateTenantError {
    /// It cannot be changed; nothing was.
    Unchangeable(Unchangeable),
    /// It cannot have the new name.
    Rename(RenameError),
    /// The state table did not answer; nothing was changed.
    State(StateError),
    /// A step failed.
    Stopped(Stopped<Cause>),
    /// The tenant is resumed, but its admins' tokens do not count yet.
    Tokens {
        /// Id of the tenant.
        id: String,
        /// Why.
        source: StateError,
    },
    /// The tenant is not suspended, and its admins may be refused all the same.
    Refused {
        /// Id of the tenant.
        id: String,
        /// Why.
        source: StateError,
    },
}

impl From<LockError> for UpdateTenantError {
    fn from(error: LockError) -> Self {
        Unchangeable::Lock(error).into()
    }
}

impl From<Unchangeable> for UpdateTenantError {
    fn from(error: Unchangeable) -> Self {
        UpdateTenantError::Unchangeable(error)
    }
}

impl From<UpdateTenantError> for Failure {
    fn from(error: UpdateTenantError) -> Self {
        match error {
            UpdateTenantError::Unchangeable(error) => error.into(),
            UpdateTenantError::Rename(error) => error.into(),
            UpdateTenantError::State(error) => error.into(),
            UpdateTenantError::Stopped(stopped) => stopped.into(),
            UpdateTenantError::Tokens { id, source } => {
                let left = Object::new("suspension", "the admins' tokens do not count yet", id);
                Failure::from(Incomplete::after(&["resume the tenant"], vec![left]))
                    .log("end the suspension", &source)
            }
            UpdateTenantError::Refused { id, source } => {
                let left = Object::new("suspension", "the admins' tokens may not count", id);
                Failure::from(Incomplete::after(&[], vec![left])).log("begin the suspension", &source)
            }
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let name = request.tenant()?;
        let body: Body = request.body()?;
        if body.name.is_none() && body.status.is_none() {
            let detail = "send `name`, `status` or both".to_owned();
            return Err(Failure::violation("", detail));
        }
        let new_name = body.name.map(|name| NewTenantName::parse(&name)).transpose();
        let new_name = new_name.map_err(|error| Failure::violation("/name", error.to_string()))?;
        let status = body.status.map(|status| match status {
            Status::Active => TenantStatus::Active,
            Status::Suspended => TenantStatus::Suspended,
        });
        Ok(Self { name, new_name, status })
    }
}

impl Endpoint for UpdateTenant {
    const OPERATION: &'static Operation = operations::get("update-tenant");
    type Input = Input;
    type Output = Output;
    type Error = UpdateTenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            state: State::prepare(environment)?,
            tenants: Tenants::prepare(environment)?,
            index: DomainIndex::prepare(environment)?,
        })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, UpdateTenantError> {
        holding(&self.state, &context.run, |locks| self.update(context, input, locks)).await
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex",
            body: Some(json!({ "status": "SUSPENDED" })),
            answer: Some(json!({
                "id": "0oa00000000000000014", "name": "globex", "ADMINS_groupId": "00g00000000000000015",
                "USERS_groupId": "00g00000000000000013", "created": "2026-01-31T12:00:00.000Z", "status": "SUSPENDED",
            })),
        }
    }
}

impl UpdateTenant {
    async fn update(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<Output>, UpdateTenantError> {
        let new_name = input.new_name.as_deref().filter(|name| **name != input.name);
        let mut names: Vec<&TenantName> = [Some(&input.name), new_name].into_iter().flatten().collect();
        names.sort();
        let run = &context.run;
        let suspends = input.status == Some(TenantStatus::Suspended);
        let ended = OnceLock::new();
        let updated = async {
            for name in names {
                let change = Change::Tenant(name);
                match suspends {
                    true => locks.take_before_others(change, self.end_rights(run, name, &ended)).await?,
                    false => locks.take(change).await.map_err(Unchangeable::Lock)?,
                }
            }
            self.update_locked(run, &input, &locks).await
        };
        // Boxed: the changes are deep.
        let updated = updated.boxed().await;
        if let Some(revocation) = ended.into_inner()
            && updated.as_ref().is_err_and(UpdateTenantError::is_clean)
        {
            self.state.take_back(revocation).await;
        }
        updated.map(Success::new)
    }

    /// Ends what the tokens of the tenant's admins give, while others hold its lock.
    async fn end_rights(
        &self,
        run: &Run,
        name: &TenantName,
        ended: &OnceLock<Revocation>,
    ) -> Result<(), UpdateTenantError> {
        let okta = run.okta.forward();
        let found = self.tenants.find(okta, name, Want::Tenant, Depth::Read, run.deadline).await;
        // Why there is none is said under the lock.
        let Ok(tenant) = found else { return Ok(()) };
        let revocation = self.state.revoke(run, Revoked::Tenant(&tenant.id)).await;
        let _ = ended.set(revocation.map_err(UpdateTenantError::State)?);
        Ok(())
    }

    async fn update_locked(
        &self,
        run: &Run,
        input: &Input,
        locks: &Locks,
    ) -> Result<Output, UpdateTenantError> {
        let new_name = input.new_name.as_deref().filter(|name| **name != input.name);
        let found = FoundTenant::read(&self.tenants, &self.index, run, &input.name, new_name).await?;
        let id = found.tenant.id.clone();
        run.record.concerns(&id);
        let kept = self.state.suspension(&id).await.map_err(UpdateTenantError::State)?;
        let begins = input.status == Some(TenantStatus::Suspended) && kept.is_none();
        if begins {
            // Before the IdP's lock: who waits for the lock then asks once more.
            let begun = self.state.suspend(run, &id, &Suspension::default()).await;
            if let Err(source) = begun {
                // Its answer may be lost.
                return Err(match self.state.withdraw_suspension(run, &id).await {
                    Ok(()) => UpdateTenantError::State(source),
                    Err(_) => UpdateTenantError::Refused { id, source },
                });
            }
        }
        let updated = self.change(run, input, found, kept, locks).await;
        if begins && updated.as_ref().is_err_and(UpdateTenantError::is_clean) {
            let withdrawn = self.state.withdraw_suspension(run, &id).await;
            withdrawn.map_err(|source| UpdateTenantError::Refused { id, source })?;
        }
        updated
    }

    async fn change(
        &self,
        run: &Run,
        input: &Input,
        found: FoundTenant,
        kept: Option<Suspension>,
        locks: &Locks,
    ) -> Result<Output, UpdateTenantError> {
        let mut change = found.change(&self.tenants, run, locks).await?;
        let target: TenantName = match &input.new_name {
            Some(name) => TenantName::clone(name),
            None => change.tenant.name.clone(),
        };
        let is_named = target == change.tenant.name && change.tenant.description.renamed_from.is_none();
        change.check_record().await?;
        if !is_named && target != change.tenant.name && change.tenant.description.renamed_from.is_some() {
            return Err(Unchangeable::HalfRenamed(change.tenant.name.clone()).into());
        }
        if !is_named && let Err(failure) = change.rename(&target, kept.as_ref()).boxed().await {
            return Err(UpdateTenantError::Rename(change.unwind_rename(failure, &target).await));
        }
        let done = match input.status {
            Some(TenantStatus::Suspended) => {
                change.suspend(&self.state, kept.unwrap_or_default()).boxed().await
            }
            Some(TenantStatus::Active) => change.resume(&self.state, kept).boxed().await,
            None => Ok(()),
        };
        if let Err(cause) = done {
            return Err(UpdateTenantError::Stopped(change.unwind(cause).await));
        }
        if input.status == Some(TenantStatus::Active) {
            let reinstated = self.state.reinstate(run, &change.tenant.id).await;
            reinstated
                .map_err(|source| UpdateTenantError::Tokens { id: change.tenant.id.clone(), source })?;
        }
        Output::try_from(change.tenant).map_err(|error| Unchangeable::Tenant(error).into())
    }
}

impl UpdateTenantError {
    /// Whether nothing was changed in the org, or all was taken back.
    fn is_clean(&self) -> bool {
        match self {
            UpdateTenantError::Unchangeable(_) | UpdateTenantError::State(_) => true,
            UpdateTenantError::Rename(RenameError::Stopped(stopped)) => {
                !matches!(stopped, Stopped::Incomplete(_))
            }
            UpdateTenantError::Rename(_) => true,
            UpdateTenantError::Stopped(stopped) => !matches!(stopped, Stopped::Incomplete(_)),
            UpdateTenantError::Tokens { .. } | UpdateTenantError::Refused { .. } => false,
        }
    }
}
