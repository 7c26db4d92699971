//! Cures what can be cured of a tenant's damage.
//!
//! A cure takes rights away that nobody must have, or writes a name back. It deletes
//! nothing and gives no right but the one of a tenant's admins over the tenant's users, so
//! that nothing is lost where a finding was wrong. What needs a decision (complete or
//! undo?) is left to the request that stopped half-way.
//!
//! # What a cure believes
//!
//! The tenant is found anew under its lock, by what its admins cannot write. That it is
//! suspended is believed if the table and the record say so: the record alone an admin can
//! write, and where the table alone says so, a request has stopped half-way that knows what
//! the tenant gets back.
//!
//! # Okta calls
//!
//! Those that find a tenant for a change, then by kind:
//!
//! | kind | calls | killed half-way |
//! |---|---|---|
//! | `role-without-target` | `listGroupTargetsForGroupRole`, `assignGroupTargetToGroupAdminRole` of the admins group and the users group | the role lacks the users group |
//! | `missing-part`, where that is the users group as a target | the same of the users group | done or not |
//! | `suspended-role-held` | the same with the empty group; then `unassignGroupTargetFromGroupAdminRole` of the others | the role is limited to fewer |
//! | `suspended-idp-on` | `deactivateIdentityProvider` | done or not |
//! | `suspended-rule-on` | `listPolicies`, `listPolicyRules`, `deactivatePolicyRule` | done or not |
//! | `renamed-group` | `getGroup`, `listAssignedApplicationsForGroup`, `replaceGroup` | done or not |
//!
//! Killed anywhere, the next run finds what is left.

use domain::{TenantName, TenantStatus};
use okta_client::models::{ACTIVE, GroupId, GroupProfile, RoleAssignmentId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::{Failure, Run, chain};
use state::{Change, Locks, State, Suspension, holding};
use tenancy::{
    Depth, Tenant, TenantError, Tenants, Want, holds_domains, if_present, is_active, role_targets, routing,
};

use crate::finding::PieceError;
use crate::tenant::{ROLE_TARGET, empty_group, expected_name, is_suspended};
use crate::{Finding, Kind};

/// Cures what can be cured of these findings of one tenant, and says of each whether it is.
/// What cannot be cured now is reported, and found again by the next pass.
pub(crate) async fn cure(
    run: &Run,
    state: &State,
    tenants: &Tenants,
    name: &TenantName,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    if !findings.iter().any(is_curable) {
        return findings;
    }
    holding(state, run, |locks| async move {
        let patient = Patient::under_lock(run, state, tenants, name, &locks).await;
        let Some(mut patient) = patient.unwrap_or_else(|error| {
            warn(name, "the tenant", &error);
            None
        }) else {
            return findings;
        };
        let mut failure = None;
        for finding in findings.iter_mut().filter(|finding| is_curable(finding)) {
            match patient.cure(finding).await {
                Ok(cured) => finding.cured = cured,
                Err(error) => failure = Some(warn(name, finding.kind.as_str(), &error)),
            }
        }
        patient.run.record.end(failure.as_ref()).await;
        findings
    })
    .await
}

/// Logs why something is not cured.
fn warn(name: &TenantName, what: &str, error: &PieceError) -> Failure {
    tracing::warn!(what, tenant = %name, error = chain(error), "a damage cannot be cured");
    Failure::new(ProblemCode::OperationIncomplete, "the tenant is not wholly cured")
        .log("cure a tenant", error)
}

/// Whether such damage is cured, where that is sure.
pub fn is_curable(finding: &Finding) -> bool {
    match finding.kind {
        Kind::RoleWithoutTarget
        | Kind::SuspendedRoleHeld
        | Kind::SuspendedIdpOn
        | Kind::SuspendedRuleOn
        | Kind::RenamedGroup => true,
        Kind::MissingPart => finding.object == ROLE_TARGET,
        _ => false,
    }
}

/// A tenant under its lock.
struct Patient<'p> {
    /// With a record of its own.
    run: Run,
    state: &'p State,
    tenant: Tenant,
    kept: Option<Suspension>,
    /// Whether both the table and the record say that the tenant is suspended. Where one
    /// does, a request has stopped half-way, and knows better what the tenant gets back.
    suspended: bool,
}

impl<'p> Patient<'p> {
    /// The tenant, found anew; `None` if somebody is changing it, or there is none.
    async fn under_lock(
        run: &Run,
        state: &'p State,
        tenants: &Tenants,
        name: &TenantName,
        locks: &Locks,
    ) -> Result<Option<Self>, PieceError> {
        // Whoever has the lock changes the tenant: the next pass looks again.
        if locks.take(Change::Tenant(name)).await.is_err() {
            return Ok(None);
        }
        let found = tenants.find(run.okta.forward(), name, Want::Tenant, Depth::Change, run.deadline).await;
        let tenant = match found {
            Ok(tenant) => tenant,
            Err(TenantError::Okta(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        if locks.take(Change::Idp(&tenant.id)).await.is_err() {
            return Ok(None);
        }
        let kept = state.suspension(&tenant.id).await?;
        let suspended = kept.is_some() && tenant.description.status() == TenantStatus::Suspended;
        Ok(Some(Self { run: run.of_tenant(&tenant.id), state, tenant, kept, suspended }))
    }

    fn okta(&self) -> &Client {
        self.run.okta.forward()
    }

    /// Whether the damage is cured.
    async fn cure(&mut self, finding: &Finding) -> Result<bool, PieceError> {
        match finding.kind {
            Kind::RoleWithoutTarget | Kind::SuspendedRoleHeld | Kind::MissingPart => self.limit_role().await,
            Kind::SuspendedIdpOn => Ok(self.switch_idp_off().await?),
            Kind::SuspendedRuleOn => Ok(self.switch_rules_off().await?),
            Kind::RenamedGroup => Ok(self.write_name_back(finding).await?),
            _ => Ok(false),
        }
    }

    /// Limits the role to the tenant, or, while it is suspended, to nobody.
    async fn limit_role(&mut self) -> Result<bool, PieceError> {
        let targets = role_targets(self.okta(), &self.tenant.admins.id).await?;
        // The role is gone since.
        let Some(targets) = targets else { return Ok(true) };
        let targets: Vec<GroupId> = targets.into_iter().map(|group| group.id).collect();
        if let Some(empty) = self.empty_group().await? {
            if self.suspended {
                self.limit_to_nobody(empty, &targets).await?;
                return Ok(true);
            }
            if targets.is_empty() {
                self.add_target(&empty).await?;
                return Ok(true);
            }
        }
        // The tenant's own groups are less than the whole org.
        if targets.is_empty() {
            self.add_target(&self.tenant.admins.id).await?;
        }
        if is_suspended(&self.tenant.description, self.kept.as_ref()) {
            return Ok(targets.is_empty());
        }
        if let Some(users) = self.tenant.users.as_ref().filter(|users| !targets.contains(&users.id)) {
            self.add_target(&users.id).await?;
        }
        Ok(true)
    }

    /// The group that the role of a suspended tenant is limited to, if it is there.
    async fn empty_group(&self) -> Result<Option<GroupId>, Error> {
        let Some(id) = empty_group(self.kept.as_ref()).map(GroupId::from) else { return Ok(None) };
        Ok(if_present(self.okta().get_group(&id)).await?.map(|group| group.id))
    }

    /// The empty group first, so that the role has a target at every moment.
    async fn limit_to_nobody(&mut self, empty: GroupId, targets: &[GroupId]) -> Result<(), PieceError> {
        let others: Vec<&GroupId> = targets.iter().filter(|target| **target != empty).collect();
        if let Some(kept) = &mut self.kept {
            let is_new = |id: &String| !kept.targets.contains(id);
            let new: Vec<String> = others.iter().map(ToString::to_string).filter(is_new).collect();
            if !new.is_empty() {
                // Resuming gives them back.
                kept.targets.extend(new);
                self.state.suspend(&self.run, &self.tenant.id, kept).await?;
            }
        }
        if !targets.contains(&empty) {
            self.add_target(&empty).await?;
        }
        let (admins, role) = (&self.tenant.admins.id, RoleAssignmentId::user_admin());
        for target in others {
            let removed = self.okta().unassign_group_target_from_group_admin_role(admins, &role, target);
            removed.await.ok_if_absent()?;
        }
        Ok(())
    }

    async fn add_target(&self, target: &GroupId) -> Result<(), Error> {
        let (admins, role) = (&self.tenant.admins.id, RoleAssignmentId::user_admin());
        self.okta().assign_group_target_to_group_admin_role(admins, &role, target).await
    }

    async fn switch_idp_off(&self) -> Result<bool, Error> {
        let Some(idp) = self.tenant.idp.as_ref().filter(|_| self.suspended) else { return Ok(false) };
        if idp.status == ACTIVE {
            self.okta().deactivate_identity_provider(&idp.id).await?;
        }
        Ok(true)
    }

    async fn switch_rules_off(&self) -> Result<bool, Error> {
        if !self.suspended {
            return Ok(false);
        }
        let (Some(policy), rules) = routing(self.okta()).await? else { return Ok(false) };
        let Tenant { id, description, name, .. } = &self.tenant;
        let names = std::slice::from_ref(name);
        for rule in rules.iter().filter(|rule| is_active(rule) && holds_domains(rule, id, description, names))
        {
            self.okta().deactivate_policy_rule(&policy, &rule.id).await?;
        }
        Ok(true)
    }

    async fn write_name_back(&self, finding: &Finding) -> Result<bool, Error> {
        let Some(id) = finding.id.as_deref().map(GroupId::from) else { return Ok(false) };
        let is_users = self.tenant.users.as_ref().is_some_and(|users| users.id == id);
        if self.tenant.description.renamed_from.is_some() || !(is_users || self.is_target(&id).await?) {
            return Ok(false);
        }
        let Some(group) = if_present(self.okta().get_group(&id)).await? else { return Ok(false) };
        let Some(name) = expected_name(self.okta(), &self.tenant, &group).await? else { return Ok(false) };
        if group.profile.name != name {
            self.okta().replace_group(&id, &GroupProfile { name, ..group.profile }).await?;
        }
        Ok(true)
    }

    async fn is_target(&self, group: &GroupId) -> Result<bool, Error> {
        let targets = role_targets(self.okta(), &self.tenant.admins.id).await?;
        Ok(targets.into_iter().flatten().any(|target| target.id == *group))
    }
}
