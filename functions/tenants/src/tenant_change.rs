//! What renaming, suspending and resuming a tenant share: the tenant as it is, and the
//! steps that change it.

use std::time::Duration;

use domain::{AdminsDescription, TenantName, admins_group, users_group};
use futures::FutureExt;
use guard::DomainIndex;
use okta_client::Error;
use okta_client::models::{
    Group, GroupId, GroupProfile, IdentityProvider, IdpId, PolicyId, PolicyRule, Role,
};
use operations::ProblemCode;
use run_kit::{Failure, Object, Run, StepFailure, Steps, Stopped, Undo, Undone};
use state::{Change, LockError, Locks, StateError};
use tenancy::{
    Depth, EarlyRules, ROLE, Tenant, TenantError, Tenants, TenantsRules, Want, holds_domains, if_present,
    role_targets,
};

/// Why a tenant cannot be changed; nothing was.
#[derive(Debug)]
pub enum Unchangeable {
    /// It cannot be read.
    Tenant(TenantError),
    /// Okta did not answer.
    Okta(Error),
    /// Another request changed the tenant meanwhile.
    Busy(TenantName),
    /// A rename to this name stopped half-way: a second one would lose what still has the
    /// first name.
    HalfRenamed(TenantName),
    /// Others are changing the tenant.
    Lock(LockError),
    /// The index of domains did not answer.
    Index(Failure),
}

impl From<Error> for Unchangeable {
    fn from(error: Error) -> Self {
        Unchangeable::Okta(error)
    }
}

impl From<Unchangeable> for Failure {
    fn from(error: Unchangeable) -> Self {
        match error {
            Unchangeable::Tenant(error) => error.into(),
            Unchangeable::Okta(error) => Failure::okta("read the tenant", &error),
            Unchangeable::Busy(name) => {
                Failure::new(ProblemCode::TenantBusy, format!("another request is changing `{name}`"))
                    .retry_after(Duration::from_secs(1))
            }
            Unchangeable::HalfRenamed(name) => Failure::new(
                ProblemCode::TenantBroken,
                format!(
                    "the tenant was not wholly renamed to `{name}`; send that again first: `PUT /tenants/{name}` with `{{\"name\": \"{name}\"}}`"
                ),
            ),
            Unchangeable::Lock(error) => error.into(),
            Unchangeable::Index(failure) => failure,
        }
    }
}

/// The tenant as it is, and the steps that change it.
/// Each change is a file: `rename.rs`, `suspend.rs`, `resume.rs`.
pub(crate) struct TenantChange<'r> {
    pub(crate) run: &'r Run,
    pub(crate) tenants: &'r Tenants,
    pub(crate) steps: Steps,
    pub(crate) tenant: Tenant,
    pub(crate) idp: IdentityProvider,
    pub(crate) policy: Option<PolicyId>,
    /// The names that its objects had when they were read: its own, and the
    /// former one if a rename stopped half-way.
    pub(crate) names: Vec<TenantName>,
    /// The routing rules that lead to the tenant's IdP.
    pub(crate) rules: Vec<PolicyRule>,
    pub(crate) role: Option<Role>,
    /// The groups that the role is limited to, as they are now.
    pub(crate) target_groups: Vec<Group>,
    pub(crate) role_targets: Vec<GroupId>,
}

/// Calls to Okta that one step makes at the same time.
pub(crate) const TARGETS: usize = 8;

/// What stopped a change.
#[derive(Debug)]
pub enum Cause {
    /// A step in Okta.
    Step(StepFailure),
    /// The state table did not answer.
    State(StateError),
}

impl From<StepFailure> for Cause {
    fn from(failure: StepFailure) -> Self {
        Cause::Step(failure)
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Step(failure) => failure.into(),
            Cause::State(error) => error.into(),
        }
    }
}

impl From<StateError> for Cause {
    fn from(error: StateError) -> Self {
        Cause::State(error)
    }
}

/// A tenant that was found, and where users are sent to its IdP.
pub(crate) struct FoundTenant {
    pub(crate) tenant: Tenant,
    policy: Option<PolicyId>,
    rules: Vec<PolicyRule>,
}

impl FoundTenant {
    /// Reads the tenant called `name`; or, if a rename to `new_name` stopped half-way,
    /// the one that was called so.
    pub(crate) async fn read(
        tenants: &Tenants,
        index: &DomainIndex,
        run: &Run,
        name: &TenantName,
        new_name: Option<&TenantName>,
    ) -> Result<Self, Unchangeable> {
        let okta = run.okta.forward();
        let tenant = async {
            let find = |name| tenants.find(okta, name, Want::AppGroups, Depth::Change, run.deadline);
            let found = find(name).await;
            if let (Err(TenantError::Absent(_)), Some(new_name)) = (&found, new_name) {
                let moved = find(new_name).await;
                let from_here =
                    |tenant: &Tenant| tenant.description.renamed_from.as_deref() == Some(name.as_str());
                if moved.as_ref().is_ok_and(from_here) {
                    return moved;
                }
            }
            found
        };
        let state = async { index.state().await.map_err(Unchangeable::Index) };
        let (tenant, early) = tokio::join!(tenant, EarlyRules::read(okta, state));
        let (mut tenant, early) = (tenant.map_err(Unchangeable::Tenant)?, early?);
        // A record that was edited by hand is written anew, with the id.
        tenant.description.tenant_id = Some(tenant.id.clone());
        if tenant.users.is_none() {
            let missing = format!("the group `{}`", users_group(&tenant.name));
            return Err(Unchangeable::Tenant(TenantError::Broken { missing }));
        }
        let known = index.of_tenant(&tenant.id).await.map_err(Unchangeable::Index)?;
        let rules = early.of_tenant(okta, known.state, &known.tenant).await?;
        let TenantsRules { policy, mut rules, .. } = rules;
        rules.retain(|rule| rule.routes_to(&tenant.id));
        Ok(Self { tenant, policy, rules })
    }

    /// Takes the lock of the tenant's IdP, and reads what else is to be changed.
    pub(crate) async fn change<'r>(
        self,
        tenants: &'r Tenants,
        run: &'r Run,
        locks: &Locks,
    ) -> Result<TenantChange<'r>, Unchangeable> {
        let Self { tenant, policy, rules } = self;
        let okta = run.okta.forward();
        locks.take(Change::Idp(&tenant.id)).await.map_err(Unchangeable::Lock)?;
        let (idp_id, admins) = (IdpId::from(tenant.id.as_str()), &tenant.admins.id);
        let role = async {
            let (roles, targets) =
                futures::try_join!(okta.list_group_assigned_roles(admins), role_targets(okta, admins))?;
            let role = roles.into_iter().find(|role| role.kind == ROLE);
            // A role without a target has another id.
            Ok((targets.filter(|_| role.is_some()).unwrap_or_default(), role))
        };
        let read = futures::try_join!(if_present(okta.get_identity_provider(&idp_id)), role);
        let (idp, (target_groups, role)) = read.map_err(Unchangeable::Okta)?;
        let role_targets = target_groups.iter().map(|group| group.id.clone()).collect();
        let missing = || TenantError::Broken { missing: format!("its identity provider `{idp_id}`") };
        let idp = idp.ok_or_else(missing).map_err(Unchangeable::Tenant)?;
        let steps = Steps::of(run);
        let names =
            [Some(tenant.name.clone()), tenant.description.former_name()].into_iter().flatten().collect();
        Ok(TenantChange {
            run,
            tenants,
            steps,
            tenant,
            idp,
            policy,
            names,
            rules,
            role,
            target_groups,
            role_targets,
        })
    }
}

impl TenantChange<'_> {
    /// The rules that hold the tenant's domains. In contrast to `rules` none of them was
    /// made by an administrator of the org.
    pub(crate) fn domain_rules(&self) -> impl Iterator<Item = &PolicyRule> {
        self.rules.iter().filter(|rule| self.holds_domains(rule))
    }

    /// Whether a rule holds domains of the tenant.
    pub(crate) fn holds_domains(&self, rule: &PolicyRule) -> bool {
        holds_domains(rule, &self.tenant.id, &self.tenant.description, &self.names)
    }

    /// Takes everything back, after this.
    pub(crate) async fn unwind(&self, cause: Cause) -> Stopped<Cause> {
        match cause {
            Cause::Step(failure) => match self.steps.unwind(failure).await {
                Stopped::TakenBack(failure) => Stopped::TakenBack(failure.into()),
                Stopped::Incomplete(incomplete) => Stopped::Incomplete(incomplete),
            },
            cause => self.steps.unwind_after(cause).await,
        }
    }

    /// Ends the request if somebody else changed the tenant since it was read.
    pub(crate) async fn check_record(&self) -> Result<(), Unchangeable> {
        let now = if_present(self.run.okta.forward().get_group(&self.tenant.admins.id)).await;
        match now.map_err(Unchangeable::Okta)? {
            Some(now) if now.profile == self.tenant.admins.profile => Ok(()),
            _ => Err(Unchangeable::Busy(self.tenant.name.clone())),
        }
    }

    /// Writes the record of the tenant, under this name.
    pub(crate) async fn record(
        &mut self,
        step: &'static str,
        name: &TenantName,
        record: AdminsDescription,
    ) -> Result<(), StepFailure> {
        self.tenant.admins = self.write_record(step, name, &record).await?;
        self.tenant.description = record;
        Ok(())
    }

    /// The same, beside other steps; gives the group as it is then.
    pub(crate) async fn write_record(
        &self,
        step: &'static str,
        name: &TenantName,
        record: &AdminsDescription,
    ) -> Result<Group, StepFailure> {
        let profile = GroupProfile {
            name: admins_group(name),
            description: record.to_text(),
            other: self.tenant.admins.profile.other.clone(),
        };
        self.replace_group(step, &self.tenant.admins, profile).await
    }

    /// Replaces the profile of a group; the old one takes it back.
    pub(crate) async fn replace_group(
        &self,
        step: &'static str,
        group: &Group,
        profile: GroupProfile,
    ) -> Result<Group, StepFailure> {
        let (id, old) = (group.id.clone(), group.profile.clone());
        let undo = Undo::new(Object::new("group", &old.name, &id), |okta| async move {
            okta.replace_group(&id, &old).await.map(|_| Undone::Entirely)
        });
        self.steps.change(step, self.run.okta.forward().replace_group(&group.id, &profile), undo).await
    }

    /// Switches the IdP on or off.
    pub(crate) async fn turn_idp(&self, on: bool) -> Result<(), StepFailure> {
        let id = &self.idp.id;
        let undone = id.clone();
        let undo = Undo::new(Object::new("identityProvider", &self.idp.name, id), move |okta| async move {
            if on {
                okta.deactivate_identity_provider(&undone).await
            } else {
                okta.activate_identity_provider(&undone).await
            }
            .map(|()| Undone::Entirely)
        });
        let (step, action) = if on {
            ("activate the identity provider", self.run.okta.forward().activate_identity_provider(id).boxed())
        } else {
            (
                "deactivate the identity provider",
                self.run.okta.forward().deactivate_identity_provider(id).boxed(),
            )
        };
        self.steps.change(step, action, undo).await
    }

    /// Switches a rule on or off.
    pub(crate) async fn turn_rule(&self, rule: &PolicyRule, on: bool) -> Result<(), StepFailure> {
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let (of, id) = (policy.clone(), rule.id.clone());
        let undo = Undo::new(Object::new("routingRule", &rule.name, &rule.id), move |okta| async move {
            if on {
                okta.deactivate_policy_rule(&of, &id).await
            } else {
                okta.activate_policy_rule(&of, &id).await
            }
            .map(|()| Undone::Entirely)
        });
        let (step, action) = if on {
            (
                "activate the routing rule",
                self.run.okta.forward().activate_policy_rule(&policy, &rule.id).boxed(),
            )
        } else {
            (
                "deactivate the routing rule",
                self.run.okta.forward().deactivate_policy_rule(&policy, &rule.id).boxed(),
            )
        };
        self.steps.change(step, action, undo).await
    }
}
