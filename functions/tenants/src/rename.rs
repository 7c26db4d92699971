//! Renames a tenant: a part of `update-tenant`.
//!
//! `ADMINS_` is renamed first and takes the new name: group names are unique. `USERS_`
//! keeps the old name until everything else has moved. Nobody can take the old name
//! before. A rename that was killed is found under the new name by `renamedFrom`.

use domain::{
    AdminsDescription, TenantClaim, TenantName, app_of_appusers_group, appusers_prefix, idp_name,
    pending_rule_name, rule_name, users_group,
};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, try_join_all};
use okta_client::Error;
use okta_client::models::{
    ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, PolicyRule,
};
use operations::ProblemCode;
use run_kit::{Failure, Object, StepFailure, Stopped, Undo, Undone};
use serde_json::Value;
use state::Suspension;
use tenancy::{Depth, Want, if_present, is_pending_rule};

use crate::lookup::already_exists;
use crate::tenant_change::TenantChange;

/// Why a tenant does not have the new name.
#[derive(Debug)]
pub enum RenameError {
    /// The new name is a tenant's.
    AlreadyExists {
        /// The new name.
        name: TenantName,
        /// Id of that tenant.
        id: String,
    },
    /// The new name is taken by something that is no tenant.
    NameTaken(TenantName),
    /// A step failed.
    Stopped(Stopped),
}

impl From<RenameError> for Failure {
    fn from(error: RenameError) -> Self {
        match error {
            RenameError::AlreadyExists { name, id } => already_exists(&name, id),
            RenameError::NameTaken(name) => Failure::new(
                ProblemCode::NameTaken,
                format!(
                    "an Okta object has a name that the tenant `{name}` needs; choose another name, or rename it in Okta"
                ),
            ),
            RenameError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl TenantChange<'_> {
    /// Renames everything that carries the name. `kept` is the tenant's item, if it is
    /// suspended.
    pub(crate) async fn rename(
        &mut self,
        target: &TenantName,
        kept: Option<&Suspension>,
    ) -> Result<(), StepFailure> {
        let app_groups = self.steps.run("read the app groups", self.app_groups(kept)).await?;
        // The first of the names it had, if an earlier rename stopped half-way.
        let former = self.tenant.description.renamed_from.clone();
        let former = former.unwrap_or_else(|| self.tenant.name.to_string());
        let moving =
            AdminsDescription { renamed_from: Some(former.clone()), ..self.tenant.description.clone() };
        self.record("take the new name", target, moving).await?;

        let renamed = |group: &Group, name: String| GroupProfile { name, ..group.profile.clone() };
        let mut row: Vec<BoxFuture<'_, Result<(), StepFailure>>> = Vec::new();
        for group in &app_groups {
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
        if let Some(assignment) = &self.tenant.assignment {
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

    /// The tenant's app groups: the targets of its role, or those that are kept while it
    /// is suspended, and what else has the name. A search may be late, a role is not.
    async fn app_groups(&self, kept: Option<&Suspension>) -> Result<Vec<Group>, Error> {
        let okta = self.run.okta.forward();
        let kept = kept.into_iter().flat_map(|kept| &kept.targets).map(|id| GroupId::from(id.as_str()));
        let kept: Vec<GroupId> = kept.filter(|id| !self.role_targets.contains(id)).collect();
        let kept = try_join_all(kept.iter().map(|id| if_present(okta.get_group(id)))).await?;
        let mut groups: Vec<Group> = self.target_groups.clone();
        groups.extend(kept.into_iter().flatten());
        for group in &self.tenant.app_users {
            if groups.iter().all(|of| of.id != group.id) {
                groups.push(group.clone());
            }
        }
        Ok(groups)
    }

    async fn rename_idp(&self, target: &TenantName) -> Result<(), StepFailure> {
        let new = IdentityProvider { name: idp_name(target), ..self.idp.clone() };
        let old = self.idp.clone();
        let undo = Undo::new(Object::new("identityProvider", &old.name, &old.id), |okta| async move {
            okta.replace_identity_provider(&old).await.map(|_| Undone::Entirely)
        });
        let step = self.run.okta.forward().replace_identity_provider(&new);
        self.steps.change("rename the identity provider", step, undo).await.map(drop)
    }

    async fn rename_rule(&self, rule: &PolicyRule, name: String) -> Result<(), StepFailure> {
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let new = PolicyRule { name, ..rule.clone() };
        let (old, of) = (rule.clone(), policy.clone());
        let undo = Undo::new(Object::new("routingRule", &old.name, &old.id), |okta| async move {
            okta.replace_policy_rule(&of, &old).await.map(|_| Undone::Entirely)
        });
        let step = self.run.okta.forward().replace_policy_rule(&policy, &new);
        self.steps.change("rename a routing rule", step, undo).await.map(drop)
    }

    /// The `tenants` attribute that the assignment of the admins gives.
    async fn rename_claim(
        &self,
        old: &ApplicationGroupAssignment,
        target: &TenantName,
    ) -> Result<(), StepFailure> {
        let mut new = old.clone();
        let elements = new.profile.get_mut("tenants").and_then(Value::as_array_mut);
        for element in elements.into_iter().flatten() {
            let claim = element.as_str().and_then(|element| TenantClaim::parse(element).ok());
            if let Some(claim) = claim.filter(|claim| claim.tenant_id == self.tenant.id) {
                *element = TenantClaim { name: target.clone(), ..claim }.to_string().into();
            }
        }
        let (app, old) = (self.tenants.app.clone(), old.clone());
        let object = Object::new("appAssignment", &self.tenant.admins.profile.name, &old.id);
        let undo = Undo::new(object, |okta| async move {
            okta.assign_group_to_application(&app, &old).await.map(|_| Undone::Entirely)
        });
        let step = self.run.okta.forward().assign_group_to_application(&self.tenants.app, &new);
        self.steps.change("rename the tenants attribute", step, undo).await.map(drop)
    }

    /// Takes a rename back, and says who has the name if that was the reason.
    pub(crate) async fn unwind_rename(&self, failure: StepFailure, target: &TenantName) -> RenameError {
        let taken = failure.source.is_duplicate();
        let stopped = self.steps.unwind(failure).await;
        if !taken || matches!(stopped, Stopped::Incomplete(_)) {
            return RenameError::Stopped(stopped);
        }
        let find =
            self.tenants.find(self.run.okta.undo(), target, Want::Tenant, Depth::Read, self.run.deadline);
        match find.await {
            Ok(tenant) => RenameError::AlreadyExists { name: target.clone(), id: tenant.id },
            Err(_) => RenameError::NameTaken(target.clone()),
        }
    }
}
