//! Suspends a tenant: a part of `update-tenant`.
//!
//! The suspension is recorded first, and acted on then: a tenant that is not wholly
//! suspended counts as suspended, and the same request sent again does what is missing.

use domain::{AdminsDescription, Resume, TenantStatus};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, try_join_all};
use okta_client::models::{ACTIVE, GroupId, PolicyRule, Role};
use okta_client::{Client, Error, OkIfAbsent};
use run_kit::{Object, StepFailure, Undo, Undone};
use tenancy::{ROLE, is_active};

use crate::tenant_change::TenantChange;

impl TenantChange<'_> {
    /// Records the suspension, then switches everything off.
    pub(crate) async fn suspend(&mut self) -> Result<(), StepFailure> {
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
        let mut row: Vec<BoxFuture<'_, Result<(), StepFailure>>> = Vec::new();
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

    async fn take_role(&self, role: &Role) -> Result<(), StepFailure> {
        let (admins, targets) = (self.tenant.admins.id.clone(), self.role_targets.clone());
        let undo = Undo::new(Object::new("role", ROLE, &role.id), |okta| async move {
            restore_role(&okta, &admins, &targets).await.map(|()| Undone::Entirely)
        });
        let step = async {
            self.run
                .okta
                .forward()
                .unassign_role_from_group(&self.tenant.admins.id, &role.id)
                .await
                .ok_if_absent()
        };
        self.steps.change("take the admins' role", step, undo).await
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
