//! Suspends a tenant: a part of `update-tenant`.
//!
//! The item in the state table comes first: from then on every request of the tenant's
//! admins is refused. Then the record says so, and everything is switched off, and looked
//! at once more: a request of before may have switched something on. A tenant that is not
//! wholly suspended counts as suspended, and the same request sent again does what is
//! missing.
//!
//! The admins keep their role: a role that is taken away must be given again, and then
//! it applies to the whole org for a moment. Its targets are swapped instead, for a
//! group that nobody is in. The first of them is added before the others go, so that the
//! role has a target at every moment. The empty group is assigned to the okta-dac app, so
//! that nothing takes it for a leftover, whatever the admins call it.

use domain::{AdminsDescription, Resume, TenantStatus};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use okta_client::models::{
    ACTIVE, ApplicationGroupAssignment, Group, GroupId, GroupProfile, IdentityProvider, PolicyRule, Role,
};
use okta_client::{Client, OkIfAbsent};
use run_kit::{Found, Object, StepFailure, Undo, Undone};
use state::{EmptyGroup, State, Suspension};
use tenancy::{INDEX_LAG, POLL, delete_group, group_called, if_present, is_active, rules_of_ids};
use tokio::time::Instant;

use crate::tenant_change::{Cause, TARGETS, TenantChange};

impl TenantChange<'_> {
    /// Records the suspension, then switches everything off.
    pub(crate) async fn suspend(&mut self, state: &State, mut kept: Suspension) -> Result<(), Cause> {
        let record = match self.tenant.description.status() {
            TenantStatus::Suspended => None,
            TenantStatus::Active => {
                let rule = self.domain_rules().any(is_active);
                let resume = Resume { idp: self.idp.status == ACTIVE, rule };
                Some(AdminsDescription {
                    status: Some(TenantStatus::Suspended),
                    resume: Some(resume),
                    ..self.tenant.description.clone()
                })
            }
        };
        let recorded = async {
            let Some(record) = record else { return Ok(None) };
            let written = self.write_record("record the suspension", &self.tenant.name, &record).await?;
            Ok::<_, Cause>(Some((written, record)))
        };
        let empty = async {
            // Without a role nobody has rights: resuming gives one.
            let Some(role) = &self.role else { return Ok(None) };
            Ok::<_, Cause>(Some((role, self.empty_group(state, &mut kept).await?)))
        };
        // Both end before anything is taken back.
        let (recorded, empty) = futures::join!(recorded, empty);
        let (recorded, empty) = (recorded?, empty?);
        let swapped = async {
            match &empty {
                Some((role, empty)) => self.swap_targets(role, empty).await,
                None => Ok(()),
            }
        };
        let off = async {
            self.switch_off(&self.idp, &self.rules).await?;
            let (idp, rules) = self.look_again().await?;
            self.switch_off(&idp, &rules).await
        };
        let (swapped, off) = futures::join!(swapped, off);
        swapped.and(off)?;
        if let Some((admins, record)) = recorded {
            (self.tenant.admins, self.tenant.description) = (admins, record);
        }
        Ok(())
    }

    /// Switches off what is on of the IdP and the rules that hold the tenant's domains.
    async fn switch_off(&self, idp: &IdentityProvider, rules: &[PolicyRule]) -> Result<(), Cause> {
        let mut row: Vec<BoxFuture<'_, Result<(), StepFailure>>> = Vec::new();
        if idp.status == ACTIVE {
            row.push(self.turn_idp(false).boxed());
        }
        for rule in rules.iter().filter(|rule| self.holds_domains(rule) && is_active(rule)) {
            row.push(self.turn_rule(rule, false).boxed());
        }
        Ok(join_all(row).await.into_iter().collect::<Result<(), _>>()?)
    }

    /// IdP and rules as they are then: a request that was begun before the suspension may
    /// have switched something on after it was read.
    async fn look_again(&self) -> Result<(IdentityProvider, Vec<PolicyRule>), Cause> {
        let okta = self.run.okta.forward();
        let ids: Vec<String> = self.rules.iter().map(|rule| rule.id.to_string()).collect();
        let rules = async {
            match &self.policy {
                Some(policy) => rules_of_ids(okta, policy, &ids).await,
                None => Ok(Vec::new()),
            }
        };
        let look = async { futures::try_join!(okta.get_identity_provider(&self.idp.id), rules) };
        Ok(self.steps.run("look once more", look).await?)
    }

    /// Limits the role to an empty group alone.
    async fn swap_targets(&self, role: &Role, empty: &GroupId) -> Result<(), Cause> {
        let targeted = async {
            match self.role_targets.contains(empty) {
                true => Ok(()),
                false => self.add_target(role, empty).await,
            }
        };
        // Both end before anything is taken back.
        let (targeted, guarded) = futures::join!(targeted, self.guard(empty));
        targeted.and(guarded)?;
        let others: Vec<&GroupId> = self.role_targets.iter().filter(|target| *target != empty).collect();
        for some in others.chunks(TARGETS) {
            let removed = some.iter().map(|target| self.remove_target(role, target));
            join_all(removed).await.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    /// Assigns the empty group to the okta-dac app, without a claim. The tenant's admins
    /// may give the group any name, and cannot end the assignment: what is deleted by
    /// name is a group without an app.
    async fn guard(&self, empty: &GroupId) -> Result<(), Cause> {
        let assignment = ApplicationGroupAssignment::of(empty.clone());
        let assigned = self.run.okta.forward().assign_group_to_application(&self.tenants.app, &assignment);
        self.steps.run("assign the empty group to the okta-dac app", assigned).await?;
        Ok(())
    }

    /// The tenant's empty group. Its name is kept before it is made, and its id after:
    /// whoever else could have made a group of this name would have had to guess it.
    async fn empty_group(&self, state: &State, kept: &mut Suspension) -> Result<GroupId, Cause> {
        let okta = self.run.okta.forward();
        let own = kept.empty_group.as_ref().and_then(|group| group.id.clone());
        for target in self.role_targets.iter().map(ToString::to_string) {
            if Some(&target) != own.as_ref() && !kept.targets.contains(&target) {
                kept.targets.push(target);
            }
        }
        let known = match &kept.empty_group {
            Some(group) => group.clone(),
            None => EmptyGroup::of(&self.tenant.name)?,
        };
        if let Some(id) = known.id.as_deref().map(GroupId::from) {
            let found = self.steps.run("read the empty group", if_present(okta.get_group(&id))).await?;
            if found.is_some() {
                state.suspend(self.run, &self.tenant.id, kept).await?;
                return Ok(id);
            }
        }
        let EmptyGroup { name, .. } = known;
        kept.empty_group = Some(EmptyGroup { name: name.clone(), id: None });
        state.suspend(self.run, &self.tenant.id, kept).await?;
        let id = self.make_empty_group(&name).await?;
        kept.empty_group = Some(EmptyGroup { name, id: Some(id.to_string()) });
        state.suspend(self.run, &self.tenant.id, kept).await?;
        Ok(id)
    }

    async fn make_empty_group(&self, name: &str) -> Result<GroupId, Cause> {
        let okta = self.run.okta.forward();
        let profile = GroupProfile::new(name, "Nobody: what the role of a suspended tenant is limited to");
        let undo = |made: Option<&Group>| {
            let of = name.to_owned();
            let find = |okta: Client| async move {
                let found = group_called(&okta, &of).await?;
                Ok(found.map_or(Found::Unknown, |group| Found::Ours(group.id)))
            };
            Undo::of_creation("group", name, made.map(|group| group.id.clone()), find, delete_group)
        };
        let failure = match self.steps.create("create an empty group", okta.add_group(&profile), undo).await {
            Ok(group) => return Ok(group.id),
            Err(failure) => failure,
        };
        // A run that was killed has made it.
        let until = (Instant::now() + INDEX_LAG).min(self.run.deadline);
        while failure.source.is_duplicate() && Instant::now() < until {
            if let Some(group) = self.steps.run("find the empty group", group_called(okta, name)).await? {
                return Ok(group.id);
            }
            tokio::time::sleep(POLL).await;
        }
        Err(failure.into())
    }

    /// Adds a target to the admins' role; the opposite takes it back, unless it is the
    /// first: the last target of a role cannot be removed, and must not.
    pub(crate) async fn add_target(&self, role: &Role, target: &GroupId) -> Result<(), Cause> {
        let (admins, role, group) = (self.tenant.admins.id.clone(), role.id.clone(), target.clone());
        let added = self.run.okta.forward().assign_group_target_to_group_admin_role(&admins, &role, target);
        let (of, id) = (admins.clone(), role.clone());
        let undo = Undo::new(Object::new("roleTarget", target.as_str(), target), |okta| async move {
            okta.unassign_group_target_from_group_admin_role(&of, &id, &group).await.ok_if_absent()?;
            Ok(Undone::Entirely)
        });
        const STEP: &str = "add a target to the admins' role";
        match self.role_targets.is_empty() {
            true => self.steps.run(STEP, added).await?,
            false => self.steps.change(STEP, added, undo).await?,
        }
        Ok(())
    }

    /// Takes a target from the admins' role; the opposite takes it back.
    pub(crate) async fn remove_target(&self, role: &Role, target: &GroupId) -> Result<(), Cause> {
        let (admins, role, group) = (self.tenant.admins.id.clone(), role.id.clone(), target.clone());
        let removed = async {
            let okta = self.run.okta.forward();
            okta.unassign_group_target_from_group_admin_role(&admins, &role, target).await.ok_if_absent()
        };
        let (of, id) = (admins.clone(), role.clone());
        let undo = Undo::new(Object::new("roleTarget", target.as_str(), target), |okta| async move {
            okta.assign_group_target_to_group_admin_role(&of, &id, &group).await?;
            Ok(Undone::Entirely)
        });
        Ok(self.steps.change("take a target from the admins' role", removed, undo).await?)
    }
}
