//! What renaming, suspending and resuming a tenant share: the tenant as it is, and the
//! steps that change it.

use std::time::Duration;

use domain::{AdminsDescription, TenantName, admins_group, users_group};
use futures::{FutureExt, TryStreamExt};
use okta_client::Error;
use okta_client::models::{
    AppId, ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, IdpId, PolicyId,
    PolicyRule, Role,
};
use operations::ProblemCode;
use run_kit::{Failure, Object, Run, StepFailure, Steps, Undo, Undone};
use state::{Change, LockError, Locks};
use tenancy::{ROLE, Tenant, TenantError, Want, if_present, is_rule_of, routing};

/// Why a tenant cannot be changed; nothing was.
#[derive(Debug)]
pub enum Unchangeable {
    /// It cannot be read.
    Tenant(TenantError),
    /// Okta did not answer.
    Okta(Error),
    /// Another request changed the tenant meanwhile.
    Busy(TenantName),
    /// Others are changing the tenant.
    Lock(LockError),
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
            Unchangeable::Lock(error) => error.into(),
        }
    }
}

/// The tenant as it is, and the steps that change it.
/// Each change is a file: `rename.rs`, `suspend.rs`, `resume.rs`.
pub(crate) struct TenantChange<'r> {
    pub(crate) run: &'r Run,
    /// The okta-dac app.
    pub(crate) app: &'r AppId,
    pub(crate) steps: Steps,
    pub(crate) tenant: Tenant,
    pub(crate) idp: IdentityProvider,
    pub(crate) policy: Option<PolicyId>,
    /// The names that its objects had when they were read: its own, and the
    /// former one if a rename stopped half-way.
    pub(crate) names: Vec<TenantName>,
    /// The routing rules that lead to the tenant's IdP.
    pub(crate) rules: Vec<PolicyRule>,
    pub(crate) assignment: Option<ApplicationGroupAssignment>,
    pub(crate) role: Option<Role>,
    pub(crate) role_targets: Vec<GroupId>,
}

impl<'r> TenantChange<'r> {
    /// Reads the tenant, and takes the lock of its IdP.
    pub(crate) async fn read(
        run: &'r Run,
        app: &'r AppId,
        (name, new_name): (&TenantName, Option<&TenantName>),
        locks: &Locks,
    ) -> Result<Self, Unchangeable> {
        let okta = run.okta.forward();
        let tenant = async {
            let found = tenancy::tenant(okta, name, Want::AppGroups, run.deadline).await;
            if let (Err(TenantError::Absent(_)), Some(new_name)) = (&found, new_name) {
                // A rename to this name may have stopped half-way.
                let moved = tenancy::tenant(okta, new_name, Want::AppGroups, run.deadline).await;
                let from_here =
                    |tenant: &Tenant| tenant.description.renamed_from.as_deref() == Some(name.as_str());
                if moved.as_ref().is_ok_and(from_here) {
                    return moved;
                }
            }
            found
        };
        let (tenant, routing) = tokio::join!(tenant, routing(okta));
        let mut tenant = tenant.map_err(Unchangeable::Tenant)?;
        // A record that was edited by hand is written anew, with the id.
        tenant.description.tenant_id = Some(tenant.id.clone());
        if tenant.users.is_none() {
            let missing = format!("the group `{}`", users_group(&tenant.name));
            return Err(Unchangeable::Tenant(TenantError::Broken { missing }));
        }
        let (policy, mut rules) = routing.map_err(Unchangeable::Okta)?;
        rules.retain(|rule| is_rule_of(rule, Some(&tenant.id), &tenant.description, &tenant.name));
        let idp_id = IdpId::from(tenant.id.as_str());
        locks.take(Change::Idp(&tenant.id)).await.map_err(Unchangeable::Lock)?;
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
            if_present(okta.get_application_group_assignment(app, admins)),
            role,
        );
        let (idp, assignment, (role, role_targets)) = read.map_err(Unchangeable::Okta)?;
        let missing = || TenantError::Broken { missing: format!("its identity provider `{idp_id}`") };
        let idp = idp.ok_or_else(missing).map_err(Unchangeable::Tenant)?;
        let steps = Steps::of(run);
        let names =
            [Some(tenant.name.clone()), tenant.description.former_name()].into_iter().flatten().collect();
        Ok(Self { run, app, steps, tenant, idp, policy, names, rules, assignment, role, role_targets })
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
        let profile = GroupProfile {
            name: admins_group(name),
            description: record.to_text(),
            other: self.tenant.admins.profile.other.clone(),
        };
        self.tenant.admins = self.replace_group(step, &self.tenant.admins, profile).await?;
        self.tenant.description = record;
        Ok(())
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
