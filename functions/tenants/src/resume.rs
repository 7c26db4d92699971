//! Resumes a suspended tenant: a part of `update-tenant`.
//!
//! What was on is switched on first, and recorded then: a tenant that is not wholly
//! resumed still counts as suspended, and the same request sent again does what is
//! missing.
//!
//! Between two calls the role applies to the whole org, because Okta has no call that
//! makes a limited role. If the second call fails, the role is taken away at once.

use domain::{AdminsDescription, TenantStatus};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use okta_client::models::{ACTIVE, PolicyRule, Role};
use run_kit::{Object, StepFailure, Undo, Undone};
use tenancy::{ROLE, is_active, is_pending_rule};

use crate::lookup::remove_roles;
use crate::tenant_change::TenantChange;

impl TenantChange<'_> {
    /// Switches everything on that was, then records it.
    pub(crate) async fn resume(&mut self) -> Result<(), StepFailure> {
        if self.tenant.description.status() == TenantStatus::Active {
            return Ok(());
        }
        let resume = self.tenant.description.resume.unwrap_or_default();
        let mut row: Vec<BoxFuture<'_, Result<(), StepFailure>>> = Vec::new();
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

    async fn find_role(&self, failure: StepFailure) -> Result<Role, StepFailure> {
        let step = failure.step;
        let roles = self.run.okta.forward().list_group_assigned_roles(&self.tenant.admins.id).await;
        let roles = roles.map_err(|source| StepFailure { step, source })?;
        roles.into_iter().find(|role| role.kind == ROLE).ok_or(failure)
    }

    async fn give_role(&self) -> Result<(), StepFailure> {
        let Some(users) = self.tenant.users.as_ref().map(|group| &group.id) else { return Ok(()) };
        let admins = &self.tenant.admins.id;
        // A role without targets is what a killed run left: as good as made by us.
        let (role, ours) = match &self.role {
            Some(role) => (role.clone(), self.role_targets.is_empty()),
            None => {
                let undo = |made: Option<&Role>| {
                    let admins = admins.clone();
                    let object = match made {
                        Some(role) => Object::new("role", ROLE, &role.id),
                        None => Object::unknown("role", ROLE),
                    };
                    Undo::new(object, |okta| async move {
                        remove_roles(&okta, &admins).await.map(|()| Undone::Entirely)
                    })
                };
                let step = self.run.okta.forward().assign_role_to_group(admins, ROLE);
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
        let limit = |target| {
            self.run.okta.forward().assign_group_target_to_group_admin_role(admins, &role.id, target)
        };
        if let Err(failure) = self.steps.run("limit the role to the users group", limit(users)).await {
            if ours {
                // What fails here is tried again when the steps are taken back.
                let _ = self.run.okta.undo().unassign_role_from_group(admins, &role.id).await;
            }
            return Err(failure);
        }
        let others = [admins].into_iter().chain(self.tenant.app_users.iter().map(|group| &group.id));
        let others = others.map(|target| self.steps.run("limit the role to another group", limit(target)));
        join_all(others).await.into_iter().collect()
    }
}
