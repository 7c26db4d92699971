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
//! suspended is believed of the state table alone: a record that says so is reported, and
//! is no reason to take anybody's rights.
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

use domain::TenantName;
use okta_client::models::{ACTIVE, GroupId, GroupProfile, RoleAssignmentId};
use okta_client::{Client, Error, OkIfAbsent};
use run_kit::{Failure, Run};
use state::{Change, State, StateError, Suspension, holding};
use tenancy::{
    Depth, Tenant, TenantError, Tenants, Want, holds_domains, if_present, is_active, role_targets, routing,
};

use crate::finding::PieceError;
use crate::tenant::{ROLE_TARGET, empty_group, expected_name, is_suspended};
use crate::{Finding, Kind};

/// Cures what can be cured of these findings of one tenant, and says of each whether it is.
///
/// # Errors
///
/// Of Okta, if its limit is used up, or of the table: the findings are found again.
pub(crate) async fn cure(
    run: &Run,
    state: &State,
    tenants: &Tenants,
    name: &TenantName,
    mut findings: Vec<Finding>,
) -> Result<Vec<Finding>, PieceError> {
    if !findings.iter().any(is_curable) {
        return Ok(findings);
    }
    holding(state, run, |locks| async move {
        // Whoever has the lock changes the tenant: the next pass looks again.
        if locks.take(Change::Tenant(name)).await.is_err() {
            return Ok(findings);
        }
        let found = tenants.find(run.okta.forward(), name, Want::Tenant, Depth::Change, run.deadline).await;
        let tenant = match found {
            Ok(tenant) => tenant,
            Err(TenantError::Okta(error)) => return Err(error.into()),
            Err(_) => return Ok(findings),
        };
        if locks.take(Change::Idp(&tenant.id)).await.is_err() {
            return Ok(findings);
        }
        let kept = state.suspension(&tenant.id).await?;
        let run = &run.of_tenant(&tenant.id);
        let mut patient = Patient { run, okta: run.okta.forward(), state, tenant: &tenant, kept };
        let mut failure = None;
        for finding in findings.iter_mut().filter(|finding| is_curable(finding)) {
            match patient.cure(finding).await {
                Ok(cured) => finding.cured = cured,
                Err(CureError::Okta(error @ Error::RateLimited { .. })) => return Err(error.into()),
                Err(CureError::State(error)) => return Err(error.into()),
                Err(CureError::Okta(error)) => {
                    let kind = finding.kind.as_str();
                    let failed = Failure::okta("cure a tenant", &error);
                    tracing::warn!(kind, tenant = %name, error = failed.log_text(), "a damage cannot be cured");
                    failure = Some(failed);
                }
            }
        }
        run.record.end(failure.as_ref()).await;
        Ok(findings)
    })
    .await
}

/// Whether `reconcile` cures such damage, where it can be sure.
fn is_curable(finding: &Finding) -> bool {
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

/// Why one damage is not cured.
enum CureError {
    Okta(Error),
    State(StateError),
}

impl From<Error> for CureError {
    fn from(error: Error) -> Self {
        CureError::Okta(error)
    }
}

impl From<StateError> for CureError {
    fn from(error: StateError) -> Self {
        CureError::State(error)
    }
}

/// A tenant under its lock.
struct Patient<'p> {
    run: &'p Run,
    okta: &'p Client,
    state: &'p State,
    tenant: &'p Tenant,
    kept: Option<Suspension>,
}

impl Patient<'_> {
    /// Whether the damage is cured.
    async fn cure(&mut self, finding: &Finding) -> Result<bool, CureError> {
        match finding.kind {
            Kind::RoleWithoutTarget | Kind::SuspendedRoleHeld | Kind::MissingPart => self.limit_role().await,
            Kind::SuspendedIdpOn => Ok(self.switch_idp_off().await?),
            Kind::SuspendedRuleOn => Ok(self.switch_rules_off().await?),
            Kind::RenamedGroup => Ok(self.write_name_back(finding).await?),
            _ => Ok(false),
        }
    }

    /// Limits the role to the tenant, or, while it is suspended, to nobody.
    async fn limit_role(&mut self) -> Result<bool, CureError> {
        let targets = role_targets(self.okta, &self.tenant.admins.id).await?;
        // The role is gone since.
        let Some(targets) = targets else { return Ok(true) };
        let targets: Vec<GroupId> = targets.into_iter().map(|group| group.id).collect();
        let suspended = is_suspended(&self.tenant.description, self.kept.as_ref());
        if self.kept.is_some() {
            return self.limit_to_nobody(&targets).await;
        }
        if suspended && !targets.is_empty() {
            return Ok(false);
        }
        // Without the table's item a suspended tenant has no empty group: its own groups
        // are less than the whole org.
        if targets.is_empty() {
            self.add_target(&self.tenant.admins.id).await?;
        }
        if let Some(users) = self.tenant.users.as_ref().filter(|users| !targets.contains(&users.id)) {
            self.add_target(&users.id).await?;
        }
        Ok(true)
    }

    /// The empty group first, so that the role has a target at every moment.
    async fn limit_to_nobody(&mut self, targets: &[GroupId]) -> Result<bool, CureError> {
        let Some(kept) = &mut self.kept else { return Ok(false) };
        let Some(empty) = empty_group(Some(kept)).map(GroupId::from) else { return Ok(false) };
        if if_present(self.okta.get_group(&empty)).await?.is_none() {
            return Ok(false);
        }
        let others: Vec<&GroupId> = targets.iter().filter(|target| **target != empty).collect();
        let new: Vec<String> =
            others.iter().map(ToString::to_string).filter(|id| !kept.targets.contains(id)).collect();
        if !new.is_empty() {
            // Resuming gives them back.
            kept.targets.extend(new);
            self.state.suspend(self.run, &self.tenant.id, kept).await?;
        }
        if !targets.contains(&empty) {
            self.add_target(&empty).await?;
        }
        let role = RoleAssignmentId::user_admin();
        for target in others {
            let admins = &self.tenant.admins.id;
            self.okta
                .unassign_group_target_from_group_admin_role(admins, &role, target)
                .await
                .ok_if_absent()?;
        }
        Ok(true)
    }

    async fn add_target(&self, target: &GroupId) -> Result<(), Error> {
        let (admins, role) = (&self.tenant.admins.id, RoleAssignmentId::user_admin());
        self.okta.assign_group_target_to_group_admin_role(admins, &role, target).await
    }

    async fn switch_idp_off(&self) -> Result<bool, Error> {
        let Some(idp) = self.tenant.idp.as_ref().filter(|_| self.kept.is_some()) else { return Ok(false) };
        if idp.status == ACTIVE {
            self.okta.deactivate_identity_provider(&idp.id).await?;
        }
        Ok(true)
    }

    async fn switch_rules_off(&self) -> Result<bool, Error> {
        if self.kept.is_none() {
            return Ok(false);
        }
        let (Some(policy), rules) = routing(self.okta).await? else { return Ok(false) };
        let Tenant { id, description, name, .. } = self.tenant;
        let names = std::slice::from_ref(name);
        for rule in rules.iter().filter(|rule| is_active(rule) && holds_domains(rule, id, description, names))
        {
            self.okta.deactivate_policy_rule(&policy, &rule.id).await?;
        }
        Ok(true)
    }

    async fn write_name_back(&self, finding: &Finding) -> Result<bool, Error> {
        let Some(id) = finding.id.as_deref().map(GroupId::from) else { return Ok(false) };
        let is_users = self.tenant.users.as_ref().is_some_and(|users| users.id == id);
        if self.tenant.description.renamed_from.is_some() || !(is_users || self.is_target(&id).await?) {
            return Ok(false);
        }
        let Some(group) = if_present(self.okta.get_group(&id)).await? else { return Ok(false) };
        let Some(name) = expected_name(self.okta, self.tenant, &group).await? else { return Ok(false) };
        if group.profile.name != name {
            self.okta.replace_group(&id, &GroupProfile { name, ..group.profile }).await?;
        }
        Ok(true)
    }

    async fn is_target(&self, group: &GroupId) -> Result<bool, Error> {
        let targets = role_targets(self.okta, &self.tenant.admins.id).await?;
        Ok(targets.into_iter().flatten().any(|target| target.id == *group))
    }
}
