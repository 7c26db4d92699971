//! Deletes a tenant: everything that carries its name. Its users stay.
//!
//! # Okta calls
//!
//! Reading: `listGroups` and `listPolicies` at the same time; then `getGroup` for each
//! group, `getApplicationGroupAssignment`, `getIdentityProvider` and `listPolicyRules`;
//! then `listGroupAssignedRoles` and `listGroupTargetsForGroupRole`: the app groups.
//!
//! Of a tenant whose admins group is gone there is the IdP of its name, by
//! `listIdentityProviders`, and the group that the IdP names. What only has the name is
//! deleted where nobody relies on it, by `listGroupUsers`, `listGroupAssignedRoles` and
//! `listAssignedApplicationsForGroup`.
//!
//! Then the admins' tokens are revoked: should the deletion stop half-way, they
//! need new ones, but afterwards nothing would lead to them.
//!
//! Deleting, in this order, the calls of a line at the same time:
//!
//! 1. `deletePolicyRule`: nobody is sent to the IdP any more.
//! 2. `deleteGroup` of the app groups.
//! 3. `unassignRoleFromGroup`: before its last targets go, or it would widen.
//! 4. `deleteGroup` of `NOBODY_<name>_…`, if the tenant is suspended.
//! 5. `deleteGroup` of `ADMINS_<name>`.
//! 6. `deleteGroup` of `USERS_<name>`.
//! 7. `deactivateIdentityProvider`, `deleteIdentityProvider`.
//! 8. `deleteIdentityProviderKey`, unless it is the placeholder; if it fails, the
//!    certificate stays.
//!
//! What the state table keeps of a suspended tenant goes last.
//!
//! Without app groups and rules: 14 calls, eight in a row.
//!
//! # Why this order
//!
//! Rights go first, names last. There is no undo: a deleted group is gone with
//! its memberships. Instead every object is found by what is left of the others.
//! Therefore the same request sent again completes a deletion that stopped half-way. Objects that a rename left under
//! the former name go with the tenant; under the former name alone, nothing does.

use std::sync::OnceLock;

use domain::{EmailDomain, Revoked, TenantName};
use futures::future::join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, QueryParameter, Request, Success, Values};
use okta_client::models::{Group, IdentityProvider, KeyId, PolicyId, PolicyRule, Role};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Incomplete, Object, Run, chain};
use schemars::JsonSchema;
use serde::Serialize;

use state::{Change, LockError, Locks, Revocation, State, StateError, holding};
use tenancy::{Depth, Tenants, Want, domains_of_rule, routing};

use crate::abandoned::ABANDONED;
use crate::lookup::{self, Remains, RemainsError};

/// The operation `delete-tenant`.
pub struct DeleteTenant {
    placeholder: KeyId,
    state: State,
    tenants: Tenants,
}

/// What to delete.
#[derive(Debug)]
pub struct Input {
    name: TenantName,
    dry_run: bool,
}

/// What would be deleted, in the order of the deletion (`dryRun=true`).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletionPlan")]
pub struct Plan {
    /// The objects.
    pub plan: Vec<Object>,
}

/// Why the tenant is not deleted.
#[derive(Debug)]
pub enum DeleteTenantError {
    /// There is none of this name.
    NotFound(TenantName),
    /// A request may be creating it.
    Busy(TenantName),
    /// What has the name is a part of a tenant that was not wholly renamed to this.
    Renamed {
        /// The name.
        name: TenantName,
        /// The tenant.
        renamed: String,
    },
    /// Nothing can be said about what is the tenant's; nothing was deleted.
    Remains(RemainsError),
    /// Okta did not answer; nothing was deleted.
    Okta(Error),
    /// Others are changing the tenant.
    Lock(LockError),
    /// The admins' tokens could not be revoked; nothing was deleted.
    State(StateError),
    /// Some of it is deleted, or at least its admins' tokens are revoked.
    Incomplete {
        /// Whether the admins' tokens are revoked.
        revoked: bool,
        /// What is deleted.
        deleted: Vec<Object>,
        /// What is not.
        left: Vec<Object>,
        /// Why.
        source: Error,
    },
}

impl From<LockError> for DeleteTenantError {
    fn from(error: LockError) -> Self {
        DeleteTenantError::Lock(error)
    }
}

impl From<DeleteTenantError> for Failure {
    fn from(error: DeleteTenantError) -> Self {
        match error {
            DeleteTenantError::NotFound(name) => {
                Failure::new(ProblemCode::TenantNotFound, format!("there is no tenant `{name}`"))
            }
            DeleteTenantError::Busy(name) => {
                Failure::new(ProblemCode::TenantBusy, format!("another request is creating `{name}`"))
                    .retry_after(std::time::Duration::from_secs(15))
            }
            DeleteTenantError::Renamed { name, renamed } => Failure::new(
                ProblemCode::TenantBroken,
                format!(
                    "`{name}` was not wholly renamed to `{renamed}`; complete that with `PUT /tenants/{renamed}` and `{{\"name\": \"{renamed}\"}}`, or send `DELETE /tenants/{renamed}`"
                ),
            ),
            DeleteTenantError::Lock(error) => error.into(),
            DeleteTenantError::State(error) => error.into(),
            DeleteTenantError::Remains(RemainsError::State(error)) => error.into(),
            DeleteTenantError::Remains(RemainsError::Tenant(error)) => error.into(),
            DeleteTenantError::Remains(RemainsError::Okta(error)) | DeleteTenantError::Okta(error) => {
                Failure::okta("read what belongs to the tenant", &error)
            }
            DeleteTenantError::Incomplete { revoked, deleted, left, source } => {
                let completed = if revoked { &["revoke the tokens of the tenant's admins"][..] } else { &[] };
                let deleted = serde_json::to_value(deleted).unwrap_or_default();
                let incomplete = Incomplete::after(completed, left).because("delete the tenant", source);
                Failure::from(incomplete).member("deleted", deleted)
            }
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[QueryParameter {
        name: "dryRun",
        description: "`true`: answer 200 with what would be deleted, and delete nothing.",
        values: Values::OneOf(&["true", "false"]),
    }];

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { name: request.tenant()?, dry_run: request.flag("dryRun")? })
    }
}

impl Endpoint for DeleteTenant {
    const OPERATION: &'static Operation = operations::get("delete-tenant");
    const OTHER_SUCCESS: Option<(u16, &'static str)> = Some((200, "The plan, for `dryRun=true`."));
    type Input = Input;
    type Output = Plan;
    type Error = DeleteTenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let placeholder = environment.text(&EnvVar::PLACEHOLDER_KEY_ID)?.into();
        Ok(Self { placeholder, state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Plan>, DeleteTenantError> {
        let ended = OnceLock::new();
        let deleted = holding(&self.state, &context.run, |locks| self.delete(context, input, locks, &ended));
        let deleted = deleted.await;
        if let Some(revocation) = ended.into_inner()
            && deleted.as_ref().is_err_and(|error| !matches!(error, DeleteTenantError::Incomplete { .. }))
        {
            self.state.take_back(revocation).await;
        }
        deleted
    }

    fn example() -> Example {
        Example { target: "/tenants/globex", body: None, answer: None }
    }
}

impl DeleteTenant {
    /// Ends what the tokens of the tenant's admins give, while others hold its lock.
    async fn end_rights(
        &self,
        run: &Run,
        name: &TenantName,
        ended: &OnceLock<Revocation>,
    ) -> Result<(), DeleteTenantError> {
        let okta = run.okta.forward();
        let found = self.tenants.find(okta, name, Want::Tenant, Depth::Read, run.deadline).await;
        // Why there is none is said under the lock.
        let Ok(tenant) = found else { return Ok(()) };
        let revoked = self.state.revoke(run, Revoked::Tenant(&tenant.id)).await;
        let _ = ended.set(revoked.map_err(DeleteTenantError::State)?);
        Ok(())
    }

    async fn delete(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
        ended: &OnceLock<Revocation>,
    ) -> Result<Success<Plan>, DeleteTenantError> {
        if !input.dry_run {
            let ended = self.end_rights(&context.run, &input.name, ended);
            locks.take_before_others(Change::Tenant(&input.name), ended).await?;
        }
        let parts = Parts::of(&context.run, self, &input.name).await.map_err(DeleteTenantError::Remains)?;
        if parts.is_empty() {
            return Err(DeleteTenantError::NotFound(input.name));
        }
        if let Some(id) = parts.tenant_id() {
            context.run.record.concerns(id);
        }
        if parts.is_being_created(context.run.okta.forward()) {
            return Err(DeleteTenantError::Busy(input.name));
        }
        if parts.remains.admins.is_none() {
            // What is left of a deletion, or of a rename: then it is another tenant's.
            let renamed = match parts.remains.moved_to.clone() {
                Some(renamed) => Some(renamed),
                None => lookup::renamed_from(context.run.okta.forward(), &self.tenants, &input.name)
                    .await
                    .map_err(DeleteTenantError::Okta)?,
            };
            if let Some(renamed) = renamed {
                return Err(DeleteTenantError::Renamed { name: input.name, renamed });
            }
        }
        if input.dry_run {
            let plan = parts.stages().iter().flatten().map(Part::object).collect();
            return Ok(Success::new(Plan { plan }).status(200));
        }
        let revoked = parts.tenant_id().is_some();
        if let Some(id) = parts.tenant_id() {
            let revoked = Revoked::Tenant(id);
            self.state.revoke(&context.run, revoked).await.map_err(DeleteTenantError::State)?;
        }
        let mut deleted = Vec::new();
        let mut stages = parts.stages().into_iter();
        while let Some(stage) = stages.next() {
            let results = join_all(stage.iter().map(|part| part.delete(context.run.okta.forward()))).await;
            let mut failure = None;
            let mut left = Vec::new();
            for (part, result) in stage.iter().zip(results) {
                match result {
                    Ok(()) => deleted.push(part.object()),
                    Err(error) => {
                        left.push(part.object());
                        // The one after which something may be gone says more.
                        failure = failure.filter(Error::may_have_happened).or(Some(error));
                    }
                }
            }
            if let Some(source) = failure {
                if !revoked && deleted.is_empty() && !source.may_have_happened() {
                    return Err(DeleteTenantError::Okta(source));
                }
                left.extend(stages.flatten().map(|part| part.object()));
                return Err(DeleteTenantError::Incomplete { revoked, deleted, left, source });
            }
        }
        // Nothing leads to the item any more, and no tenant will have this id.
        if let Some(id) = parts.tenant_id().filter(|_| parts.remains.is_suspended)
            && let Err(error) = self.state.reinstate(&context.run, id).await
        {
            tracing::warn!(error = %chain(&error), tenant = id, "the item of a deleted tenant stays");
        }
        let domains: Vec<EmailDomain> = parts.rules.iter().flat_map(domains_of_rule).collect();
        if let Some(id) = parts.tenant_id()
            && let Err(error) = self.state.forget_domains_of(&context.run, id, &domains).await
        {
            tracing::warn!(error = %chain(&error), tenant = id, "claims of a deleted tenant stay until somebody wants their domains");
        }
        Ok(Success::empty())
    }
}

/// Everything that is the tenant's.
struct Parts {
    remains: Remains,
    policy: Option<PolicyId>,
    rules: Vec<PolicyRule>,
    placeholder_key: KeyId,
}

impl Parts {
    async fn of(run: &Run, of: &DeleteTenant, name: &TenantName) -> Result<Self, RemainsError> {
        let okta = run.okta.forward();
        let rules = async { routing(okta).await.map_err(RemainsError::from) };
        let (remains, (policy, mut rules)) =
            futures::try_join!(lookup::remains(run, &of.tenants, &of.state, name), rules)?;
        // A rule is a tenant's only if it leads to the tenant's IdP.
        rules.retain(|rule| remains.id.as_ref().is_some_and(|id| rule.routes_to(id)));
        Ok(Self { remains, policy, rules, placeholder_key: of.placeholder.clone() })
    }

    /// Id of the tenant, if anything still tells it.
    fn tenant_id(&self) -> Option<&str> {
        self.remains.id.as_deref()
    }

    fn is_empty(&self) -> bool {
        self.stages().iter().all(Vec::is_empty)
    }

    /// A run that creates the tenant ends within seconds; see `add-tenant`.
    fn is_being_created(&self, okta: &Client) -> bool {
        let young = |group: &Group| okta.age(&group.created).is_none_or(|age| age < ABANDONED);
        self.remains.record.creating.is_some() && self.remains.admins.as_ref().is_some_and(young)
    }

    /// The parts, in the order of the deletion.
    fn stages(&self) -> Vec<Vec<Part<'_>>> {
        let policy = self.policy.as_ref();
        let rules = self.rules.iter().filter_map(|rule| Some(Part::Rule(policy?, rule))).collect();
        let (remains, idp) = (&self.remains, self.remains.idp.as_ref());
        let admins = remains.admins.as_ref();
        let roles = self.remains.roles.iter().filter_map(|role| Some(Part::Role(admins?, role))).collect();
        let key = idp.and_then(IdentityProvider::trusted_key);
        let key = key.filter(|key| *key != self.placeholder_key.as_str());
        let mut apps_and_roles = [remains.app_users.iter().map(Part::Group).collect(), roles];
        // The targets tell which groups are the tenant's, so that they go first; but never
        // the last of them before the role.
        if !remains.is_limited_to_the_end {
            apps_and_roles.reverse();
        }
        let [first, second] = apps_and_roles;
        vec![
            rules,
            first,
            second,
            remains.empty.iter().map(Part::Group).collect(),
            admins.map(Part::Group).into_iter().collect(),
            remains.users.as_ref().map(Part::Group).into_iter().collect(),
            idp.map(Part::Idp).into_iter().collect(),
            key.map(|key| Part::Key(key.into())).into_iter().collect(),
        ]
    }
}

/// One object of the tenant.
enum Part<'p> {
    Rule(&'p PolicyId, &'p PolicyRule),
    Group(&'p Group),
    Role(&'p Group, &'p Role),
    Idp(&'p IdentityProvider),
    Key(KeyId),
}

impl Part<'_> {
    fn object(&self) -> Object {
        match self {
            Part::Rule(_, rule) => Object::new("routingRule", &rule.name, &rule.id),
            Part::Group(group) => Object::new("group", &group.profile.name, &group.id),
            Part::Role(_, role) => Object::new("role", &role.kind, &role.id),
            Part::Idp(idp) => Object::new("identityProvider", &idp.name, &idp.id),
            Part::Key(key) => Object::new("certificate", "SAML certificate", key),
        }
    }

    /// Deletes it; what is gone already is a success.
    async fn delete(&self, okta: &Client) -> Result<(), Error> {
        match self {
            Part::Rule(policy, rule) => okta.delete_policy_rule(policy, &rule.id).await.ok_if_absent(),
            Part::Group(group) => okta.delete_group(&group.id).await.ok_if_absent(),
            Part::Role(group, role) => {
                okta.unassign_role_from_group(&group.id, &role.id).await.ok_if_absent()
            }
            Part::Idp(idp) => lookup::remove_idp(okta, &idp.id).await,
            Part::Key(key) => {
                // Okta refuses while another IdP trusts the same certificate;
                // and by now nothing leads back here, so that nothing could be
                // completed: a certificate that stays does no harm.
                if let Err(error) = okta.delete_identity_provider_key(key).await {
                    tracing::warn!(error = %error, "a certificate stays");
                }
                Ok(())
            }
        }
    }
}
