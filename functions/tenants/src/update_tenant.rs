//! Renames, suspends or resumes a tenant.
//!
//! # Okta calls
//!
//! Reading: `listGroups` and `getGroup` as in `get-tenant`, at the same time
//! `listPolicies` and `listPolicyRules`; then at the same time
//! `getIdentityProvider`, `getApplicationGroupAssignment`,
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
//! | | `deactivateIdentityProvider`, `deactivatePolicyRule`, `unassignRoleFromGroup`, at the same time | the opposite |
//! | resume | `assignRoleToGroup`, then `assignGroupTargetToGroupAdminRole` for each target; `activateIdentityProvider`, `activatePolicyRule`, at the same time | the opposite |
//! | | `replaceGroup` `ADMINS_` without `SUSPENDED` | none, it is the last |
//!
//! Without app groups and rules: a rename 15 calls, nine in a row; suspending 12,
//! seven in a row; resuming 13, eight in a row.
//!
//! Last come the admins' tokens: while a tenant is suspended, none counts, also
//! none that is issued meanwhile.
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
//! - Objects are read and written whole, so that members that we do not know
//!   survive; Okta has no conditional writes for them.
//! - When a tenant is resumed, its role applies to the whole org between two
//!   calls, because Okta has no call that makes a limited role. If the second
//!   call fails, the role is taken away at once.
//! - The record is read again just before the first write, and a change by
//!   somebody else ends the request: Okta has no conditional writes for groups,
//!   so that the time between is made short.

use std::time::Duration;

use domain::{
    AdminsDescription, NewTenantName, Resume, TenantClaim, TenantName, TenantStatus, admins_group,
    app_of_appusers_group, appusers_prefix, idp_name, pending_rule_name, rule_name, users_group,
};
use futures::future::{BoxFuture, join_all, try_join_all};
use futures::{FutureExt, TryStreamExt};
use lambda_kit::{
    Context, Decode, Endpoint, Example, Failure, Object, Problem, Request, Steps, Success, Undo, Undone,
};
use okta_client::models::{
    ACTIVE, ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, IdpId, PolicyId,
    PolicyRule, Role,
};
use okta_client::{Client, Error, OkIfAbsent};
use operations::{Operation, ProblemCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use state::{Change, LockError, Locks, StateError};
use tenancy::{ROLE, Tenant, TenantError, Want, if_present, is_active, is_pending_rule, is_rule_of, routing};

use crate::get_tenant::Output;
use crate::lookup::{already_exists, remove_roles};

/// Time kept for taking the steps back.
const UNDO: Duration = Duration::from_secs(5);

/// The operation `update-tenant`.
pub struct UpdateTenant;

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
    /// `SUSPENDED` switches the IdP and the routing rule off and takes the
    /// admins' role; `ACTIVE` restores them.
    status: Option<Status>,
}

/// State of a tenant.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Active,
    Suspended,
}

/// Why the tenant is as it was.
#[derive(Debug)]
pub enum UpdateTenantError {
    /// It cannot be read.
    Get(TenantError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The new name is a tenant's.
    AlreadyExists {
        /// The new name.
        name: TenantName,
        /// Id of that tenant.
        id: String,
    },
    /// The new name is taken by something that is no tenant.
    NameTaken(TenantName),
    /// Another request changed the tenant meanwhile.
    Busy(TenantName),
    /// Others are changing the tenant.
    Lock(LockError),
    /// A step failed; the problem says what is left.
    Stopped(Problem),
    /// The tenant is changed, but not yet what its admins' tokens are worth.
    Tokens {
        /// Id of the tenant.
        id: String,
        /// Why.
        source: StateError,
    },
}

impl From<UpdateTenantError> for Problem {
    fn from(error: UpdateTenantError) -> Self {
        match error {
            UpdateTenantError::Get(error) => error.into(),
            UpdateTenantError::Okta(error) => Problem::okta("read the tenant", &error),
            UpdateTenantError::AlreadyExists { name, id } => already_exists(&name, id),
            UpdateTenantError::NameTaken(name) => Problem::new(
                ProblemCode::NameTaken,
                format!(
                    "an Okta object has a name that the tenant `{name}` needs; choose another name, or rename it in Okta"
                ),
            ),
            UpdateTenantError::Busy(name) => {
                Problem::new(ProblemCode::TenantBusy, format!("another request is changing `{name}`"))
                    .retry_after(Duration::from_secs(1))
            }
            UpdateTenantError::Lock(error) => error.into(),
            UpdateTenantError::Stopped(problem) => problem,
            UpdateTenantError::Tokens { id, source } => {
                let left = Object::new("token", "access tokens of the tenant's admins", id);
                Problem::incomplete(&["change the tenant"], &[], &[left]).log("revoke tokens", &source)
            }
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Problem> {
        let name = request.tenant()?;
        let body: Body = request.body()?;
        if body.name.is_none() && body.status.is_none() {
            let detail = "send `name`, `status` or both".to_owned();
            return Err(Problem::violation("", detail));
        }
        let new_name = body.name.map(|name| NewTenantName::parse(&name)).transpose();
        let new_name = new_name.map_err(|error| Problem::violation("/name", error.to_string()))?;
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

    async fn call(context: &Context, input: Input) -> Result<Success<Output>, UpdateTenantError> {
        let locks = Locks::default();
        let result = update(context, &input, &locks).await;
        locks.release().await;
        result
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

async fn update(
    context: &Context,
    input: &Input,
    locks: &Locks,
) -> Result<Success<Output>, UpdateTenantError> {
    let new_name = input.new_name.as_deref().filter(|name| **name != input.name);
    let mut names: Vec<&TenantName> = [Some(&input.name), new_name].into_iter().flatten().collect();
    names.sort();
    for name in names {
        locks.take(context, Change::Tenant(name)).await.map_err(UpdateTenantError::Lock)?;
    }
    let mut run = Run::read(context, input, locks).await?;
    let target: TenantName = match &input.new_name {
        Some(name) => TenantName::clone(name),
        None => run.tenant.name.clone(),
    };
    let is_named = target == run.tenant.name && run.tenant.description.renamed_from.is_none();
    run.check_record().await?;
    if !is_named && let Err(failure) = run.rename(&target).await {
        return Err(run.unwind_rename(failure, &target).await);
    }
    let done = match input.status {
        Some(TenantStatus::Suspended) => run.suspend().await,
        Some(TenantStatus::Active) => run.resume().await,
        None => Ok(()),
    };
    if let Err(failure) = done {
        return Err(UpdateTenantError::Stopped(run.steps.unwind(failure).await));
    }
    let tokens = match input.status {
        Some(TenantStatus::Suspended) => state::suspend(context, &run.tenant.id).await,
        Some(TenantStatus::Active) => state::reinstate(context, &run.tenant.id).await,
        None => Ok(()),
    };
    tokens.map_err(|source| UpdateTenantError::Tokens { id: run.tenant.id.clone(), source })?;
    let tenant = Output::try_from(run.tenant).map_err(UpdateTenantError::Get)?;
    Ok(Success::new(tenant))
}

/// The tenant as it is, and the steps that change it.
struct Run<'r> {
    context: &'r Context,
    okta: Client,
    undo: Client,
    steps: Steps,
    tenant: Tenant,
    idp: IdentityProvider,
    policy: Option<PolicyId>,
    /// The names that its objects had when they were read: its own, and the
    /// former one if a rename stopped half-way.
    names: Vec<TenantName>,
    /// The routing rules that lead to the tenant's IdP.
    rules: Vec<PolicyRule>,
    assignment: Option<ApplicationGroupAssignment>,
    role: Option<Role>,
    role_targets: Vec<GroupId>,
}

impl<'r> Run<'r> {
    async fn read(context: &'r Context, input: &Input, locks: &Locks) -> Result<Self, UpdateTenantError> {
        let okta = context.okta.until(context.deadline.checked_sub(UNDO).unwrap_or(context.deadline));
        let tenant = async {
            let found = tenancy::tenant(&okta, &input.name, Want::AppGroups, context.deadline).await;
            if let (Err(TenantError::Absent(_)), Some(new_name)) = (&found, &input.new_name) {
                // A rename to this name may have stopped half-way.
                let moved = tenancy::tenant(&okta, new_name, Want::AppGroups, context.deadline).await;
                let from_here =
                    |tenant: &Tenant| tenant.description.renamed_from.as_deref() == Some(input.name.as_str());
                if moved.as_ref().is_ok_and(from_here) {
                    return moved;
                }
            }
            found
        };
        let (tenant, routing) = tokio::join!(tenant, routing(&okta));
        let mut tenant = tenant.map_err(UpdateTenantError::Get)?;
        // A record that was edited by hand is written anew, with the id.
        tenant.description.tenant_id = Some(tenant.id.clone());
        if tenant.users.is_none() {
            let missing = format!("the group `{}`", users_group(&tenant.name));
            return Err(UpdateTenantError::Get(TenantError::Broken { missing }));
        }
        let (policy, mut rules) = routing.map_err(UpdateTenantError::Okta)?;
        rules.retain(|rule| is_rule_of(rule, Some(&tenant.id), &tenant.description, &tenant.name));
        let idp_id = IdpId::from(tenant.id.as_str());
        locks.take(context, Change::Idp(&tenant.id)).await.map_err(UpdateTenantError::Lock)?;
        let admins = &tenant.admins.id;
        let role = async {
            let roles = okta.list_group_assigned_roles(admins).await?;
            let Some(role) = roles.into_iter().find(|role| role.kind == ROLE) else {
                return Ok((None, Vec::new()));
            };
            let targets: Vec<Group> =
                okta.list_group_targets_for_group_role(admins, &role.id).try_collect().await?;
            Ok((Some(role), targets.into_iter().map(|group| group.id).collect()))
        };
        let read = futures::try_join!(
            if_present(okta.get_identity_provider(&idp_id)),
            if_present(okta.get_application_group_assignment(&context.app_id, admins)),
            role,
        );
        let (idp, assignment, (role, role_targets)) = read.map_err(UpdateTenantError::Okta)?;
        let missing = || TenantError::Broken { missing: format!("its identity provider `{idp_id}`") };
        let idp = idp.ok_or_else(missing).map_err(UpdateTenantError::Get)?;
        let (undo, steps) = (context.okta.clone(), Steps::default());
        let names =
            [Some(tenant.name.clone()), tenant.description.former_name()].into_iter().flatten().collect();
        Ok(Self {
            context,
            okta,
            undo,
            steps,
            tenant,
            idp,
            policy,
            names,
            rules,
            assignment,
            role,
            role_targets,
        })
    }

    /// Ends the request if somebody else changed the tenant since it was read.
    async fn check_record(&self) -> Result<(), UpdateTenantError> {
        let now = if_present(self.okta.get_group(&self.tenant.admins.id)).await;
        match now.map_err(UpdateTenantError::Okta)? {
            Some(now) if now.profile == self.tenant.admins.profile => Ok(()),
            _ => Err(UpdateTenantError::Busy(self.tenant.name.clone())),
        }
    }

    async fn unwind_rename(&self, failure: Failure, target: &TenantName) -> UpdateTenantError {
        let taken = failure.source.is_duplicate();
        let problem = self.steps.unwind(failure).await;
        if !taken || problem.code() == ProblemCode::OperationIncomplete {
            return UpdateTenantError::Stopped(problem);
        }
        match tenancy::tenant(&self.undo, target, Want::Tenant, self.context.deadline).await {
            Ok(tenant) => UpdateTenantError::AlreadyExists { name: target.clone(), id: tenant.id },
            Err(_) => UpdateTenantError::NameTaken(target.clone()),
        }
    }

    /// Writes the record of the tenant, under this name.
    async fn record(
        &mut self,
        step: &'static str,
        name: &TenantName,
        record: AdminsDescription,
    ) -> Result<(), Failure> {
        let profile = GroupProfile {
            name: admins_group(name),
            description: record.to_text(),
            other: self.tenant.admins.profile.other.clone(),
        };
        self.tenant.admins = self.replace_group(step, &self.tenant.admins, profile).await?;
        self.tenant.description = record;
        Ok(())
    }

    async fn replace_group(
        &self,
        step: &'static str,
        group: &Group,
        profile: GroupProfile,
    ) -> Result<Group, Failure> {
        let (okta, id, old) = (self.undo.clone(), group.id.clone(), group.profile.clone());
        let undo = Undo::new(Object::new("group", &old.name, &id), async move {
            okta.replace_group(&id, &old).await.map(|_| Undone::Entirely)
        });
        self.steps.change(step, self.okta.replace_group(&group.id, &profile), undo).await
    }

    async fn rename(&mut self, target: &TenantName) -> Result<(), Failure> {
        // The first of the names it had, if an earlier rename stopped half-way.
        let former = self.tenant.description.renamed_from.clone();
        let former = former.unwrap_or_else(|| self.tenant.name.to_string());
        let moving =
            AdminsDescription { renamed_from: Some(former.clone()), ..self.tenant.description.clone() };
        self.record("take the new name", target, moving).await?;

        let renamed = |group: &Group, name: String| GroupProfile { name, ..group.profile.clone() };
        let mut row: Vec<BoxFuture<'_, Result<(), Failure>>> = Vec::new();
        for group in &self.tenant.app_users {
            let app = self.names.iter().find_map(|name| app_of_appusers_group(name, &group.profile.name));
            let Some(app) = app else { continue };
            let profile = renamed(group, format!("{}{app}", appusers_prefix(target)));
            row.push(self.replace_group("rename an app group", group, profile).map(|r| r.map(drop)).boxed());
        }
        row.push(self.rename_idp(target).boxed());
        for rule in &self.rules {
            if is_pending_rule(rule, &self.tenant.description, &self.names) {
                row.push(self.rename_rule(rule, pending_rule_name(target)).boxed());
            } else if self.names.iter().any(|name| rule.name == rule_name(name)) {
                row.push(self.rename_rule(rule, rule_name(target)).boxed());
            }
        }
        if let Some(assignment) = &self.assignment {
            row.push(self.rename_claim(assignment, target).boxed());
        }
        join_all(row).await.into_iter().collect::<Result<(), _>>()?;
        if let Some(users) = &self.tenant.users {
            let profile = renamed(users, users_group(target));
            self.replace_group("rename the users group", users, profile).await?;
        }

        let done = AdminsDescription { renamed_from: None, ..self.tenant.description.clone() };
        self.record("complete the rename", target, done).await?;
        self.tenant.name = target.clone();
        Ok(())
    }

    async fn rename_idp(&self, target: &TenantName) -> Result<(), Failure> {
        let new = IdentityProvider { name: idp_name(target), ..self.idp.clone() };
        let (okta, old) = (self.undo.clone(), self.idp.clone());
        let undo = Undo::new(Object::new("identityProvider", &old.name, &old.id), async move {
            okta.replace_identity_provider(&old).await.map(|_| Undone::Entirely)
        });
        let step = self.okta.replace_identity_provider(&new);
        self.steps.change("rename the identity provider", step, undo).await.map(drop)
    }

    async fn rename_rule(&self, rule: &PolicyRule, name: String) -> Result<(), Failure> {
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let new = PolicyRule { name, ..rule.clone() };
        let (okta, old, of) = (self.undo.clone(), rule.clone(), policy.clone());
        let undo = Undo::new(Object::new("routingRule", &old.name, &old.id), async move {
            okta.replace_policy_rule(&of, &old).await.map(|_| Undone::Entirely)
        });
        let step = self.okta.replace_policy_rule(&policy, &new);
        self.steps.change("rename a routing rule", step, undo).await.map(drop)
    }

    /// The `tenants` attribute that the assignment of the admins gives.
    async fn rename_claim(
        &self,
        old: &ApplicationGroupAssignment,
        target: &TenantName,
    ) -> Result<(), Failure> {
        let mut new = old.clone();
        let elements = new.profile.get_mut("tenants").and_then(Value::as_array_mut);
        for element in elements.into_iter().flatten() {
            let claim = element.as_str().and_then(|element| TenantClaim::parse(element).ok());
            if let Some(claim) = claim.filter(|claim| claim.tenant_id == self.tenant.id) {
                *element = TenantClaim { name: target.clone(), ..claim }.to_string().into();
            }
        }
        let (okta, app, old) = (self.undo.clone(), self.context.app_id.clone(), old.clone());
        let undo =
            Undo::new(Object::new("appAssignment", &self.tenant.admins.profile.name, &old.id), async move {
                okta.assign_group_to_application(&app, &old).await.map(|_| Undone::Entirely)
            });
        let step = self.okta.assign_group_to_application(&self.context.app_id, &new);
        self.steps.change("rename the tenants attribute", step, undo).await.map(drop)
    }

    async fn suspend(&mut self) -> Result<(), Failure> {
        let active_rules: Vec<PolicyRule> =
            self.rules.iter().filter(|rule| is_active(rule)).cloned().collect();
        if self.tenant.description.status() != TenantStatus::Suspended {
            let resume = Resume { idp: self.idp.status == ACTIVE, rule: !active_rules.is_empty() };
            let record = AdminsDescription {
                status: Some(TenantStatus::Suspended),
                resume: Some(resume),
                ..self.tenant.description.clone()
            };
            let name = self.tenant.name.clone();
            self.record("record the suspension", &name, record).await?;
        }
        let mut row: Vec<BoxFuture<'_, Result<(), Failure>>> = Vec::new();
        if self.idp.status == ACTIVE {
            row.push(self.turn_idp(false).boxed());
        }
        for rule in &active_rules {
            row.push(self.turn_rule(rule, false).boxed());
        }
        if let Some(role) = &self.role {
            row.push(self.take_role(role).boxed());
        }
        join_all(row).await.into_iter().collect()
    }

    async fn resume(&mut self) -> Result<(), Failure> {
        if self.tenant.description.status() == TenantStatus::Active {
            return Ok(());
        }
        let resume = self.tenant.description.resume.unwrap_or_default();
        let mut row: Vec<BoxFuture<'_, Result<(), Failure>>> = Vec::new();
        if resume.idp && self.idp.status != ACTIVE {
            row.push(self.turn_idp(true).boxed());
        }
        let is_pending = |rule: &&PolicyRule| is_pending_rule(rule, &self.tenant.description, &self.names);
        for rule in self.rules.iter().filter(|rule| resume.rule && !is_pending(rule) && !is_active(rule)) {
            row.push(self.turn_rule(rule, true).boxed());
        }
        // Begun last, so that it is taken back first.
        row.push(self.give_role().boxed());
        join_all(row).await.into_iter().collect::<Result<(), _>>()?;
        let record = AdminsDescription { status: None, resume: None, ..self.tenant.description.clone() };
        let name = self.tenant.name.clone();
        self.record("record that the tenant is active", &name, record).await
    }

    async fn turn_idp(&self, on: bool) -> Result<(), Failure> {
        let id = &self.idp.id;
        let (okta, undone) = (self.undo.clone(), id.clone());
        let undo = Undo::new(Object::new("identityProvider", &self.idp.name, id), async move {
            if on {
                okta.deactivate_identity_provider(&undone).await
            } else {
                okta.activate_identity_provider(&undone).await
            }
            .map(|()| Undone::Entirely)
        });
        let (step, action) = if on {
            ("activate the identity provider", self.okta.activate_identity_provider(id).boxed())
        } else {
            ("deactivate the identity provider", self.okta.deactivate_identity_provider(id).boxed())
        };
        self.steps.change(step, action, undo).await
    }

    async fn turn_rule(&self, rule: &PolicyRule, on: bool) -> Result<(), Failure> {
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let (okta, of, id) = (self.undo.clone(), policy.clone(), rule.id.clone());
        let undo = Undo::new(Object::new("routingRule", &rule.name, &rule.id), async move {
            if on {
                okta.deactivate_policy_rule(&of, &id).await
            } else {
                okta.activate_policy_rule(&of, &id).await
            }
            .map(|()| Undone::Entirely)
        });
        let (step, action) = if on {
            ("activate the routing rule", self.okta.activate_policy_rule(&policy, &rule.id).boxed())
        } else {
            ("deactivate the routing rule", self.okta.deactivate_policy_rule(&policy, &rule.id).boxed())
        };
        self.steps.change(step, action, undo).await
    }

    async fn take_role(&self, role: &Role) -> Result<(), Failure> {
        let (okta, admins, targets) =
            (self.undo.clone(), self.tenant.admins.id.clone(), self.role_targets.clone());
        let undo = Undo::new(Object::new("role", ROLE, &role.id), async move {
            restore_role(&okta, &admins, &targets).await.map(|()| Undone::Entirely)
        });
        let step = async {
            self.okta.unassign_role_from_group(&self.tenant.admins.id, &role.id).await.ok_if_absent()
        };
        self.steps.change("take the admins' role", step, undo).await
    }

    async fn find_role(&self, failure: Failure) -> Result<Role, Failure> {
        let step = failure.step;
        let roles = self.okta.list_group_assigned_roles(&self.tenant.admins.id).await;
        let roles = roles.map_err(|source| Failure { step, source })?;
        roles.into_iter().find(|role| role.kind == ROLE).ok_or(failure)
    }

    async fn give_role(&self) -> Result<(), Failure> {
        let Some(users) = self.tenant.users.as_ref().map(|group| &group.id) else { return Ok(()) };
        let admins = &self.tenant.admins.id;
        // A role without targets is what a killed run left: as good as made by us.
        let (role, ours) = match &self.role {
            Some(role) => (role.clone(), self.role_targets.is_empty()),
            None => {
                let undo = |made: Option<&Role>| {
                    let (okta, admins) = (self.undo.clone(), admins.clone());
                    let object = match made {
                        Some(role) => Object::new("role", ROLE, &role.id),
                        None => Object::unknown("role", ROLE),
                    };
                    Undo::new(
                        object,
                        async move { remove_roles(&okta, &admins).await.map(|()| Undone::Entirely) },
                    )
                };
                let step = self.okta.assign_role_to_group(admins, ROLE);
                match self.steps.create("give the admins their role", step, undo).await {
                    Ok(role) => (role, true),
                    // Another request gave it meanwhile.
                    Err(failure) if failure.source.is_duplicate() => (self.find_role(failure).await?, false),
                    Err(failure) => return Err(failure),
                }
            }
        };
        // One first: until then the role applies to the whole org, and without
        // it must not stay.
        let limit = |target| self.okta.assign_group_target_to_group_admin_role(admins, &role.id, target);
        if let Err(failure) = self.steps.run("limit the role to the users group", limit(users)).await {
            if ours {
                // What fails here is tried again when the steps are taken back.
                let _ = self.undo.unassign_role_from_group(admins, &role.id).await;
            }
            return Err(failure);
        }
        let others = [admins].into_iter().chain(self.tenant.app_users.iter().map(|group| &group.id));
        let others = others.map(|target| self.steps.run("limit the role to another group", limit(target)));
        join_all(others).await.into_iter().collect()
    }
}

/// Gives a group its role back and limits it to `targets`. The role is
/// org-wide until the first target is there: if that fails, the role goes again.
async fn restore_role(okta: &Client, admins: &GroupId, targets: &[GroupId]) -> Result<(), Error> {
    let Some((first, others)) = targets.split_first() else { return Ok(()) };
    let role = match okta.assign_role_to_group(admins, ROLE).await {
        Ok(role) => role,
        Err(error) if error.is_duplicate() => {
            let roles = okta.list_group_assigned_roles(admins).await?;
            roles.into_iter().find(|role| role.kind == ROLE).ok_or(error)?
        }
        Err(error) => return Err(error),
    };
    if let Err(error) = okta.assign_group_target_to_group_admin_role(admins, &role.id, first).await {
        okta.unassign_role_from_group(admins, &role.id).await?;
        return Err(error);
    }
    let others =
        others.iter().map(|target| okta.assign_group_target_to_group_admin_role(admins, &role.id, target));
    try_join_all(others).await.map(drop)
}
