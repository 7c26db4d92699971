//! Resumes a suspended tenant: a part of `update-tenant`.
//!
//! What was on is switched on first, and recorded then: a tenant that is not wholly
//! resumed still counts as suspended, and the same request sent again does what is
//! missing. The item in the state table goes last.
//!
//! The targets of the admins' role are swapped back: those that were kept are added
//! before the empty group goes. A kept target that is assigned to no app any more is
//! none: the entitlement ended meanwhile.
//!
//! A tenant without the role was suspended by an earlier release. A role applies to the
//! whole org until it has a target; therefore the admins are taken out of their group
//! first, and put back when the role is limited. Their ids are kept before.

use std::collections::BTreeSet;

use domain::{AdminsDescription, TenantStatus};
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, TryStreamExt};
use okta_client::models::{ACTIVE, Application, GroupId, PolicyRule, Role, User, UserId};
use okta_client::{Error, OkIfAbsent};
use run_kit::{Object, Undo, Undone};
use state::{State, Suspension};
use tenancy::{ROLE, if_present, is_active, is_pending_rule};

use crate::lookup::remove_roles;
use crate::tenant_change::{Cause, TARGETS, TenantChange};

impl TenantChange<'_> {
    /// Switches everything on that was, then records it. `kept` is the tenant's item.
    pub(crate) async fn resume(&mut self, state: &State, kept: Option<Suspension>) -> Result<(), Cause> {
        if self.tenant.description.status() == TenantStatus::Active && kept.is_none() {
            return Ok(());
        }
        let kept = kept.unwrap_or_default();
        let empty = kept.empty_group.as_ref().and_then(|group| group.id.as_deref()).map(GroupId::from);
        let resume = self.tenant.description.resume.unwrap_or_default();
        let mut row: Vec<BoxFuture<'_, Result<(), Cause>>> = Vec::new();
        if resume.idp && self.idp.status != ACTIVE {
            row.push(self.turn_idp(true).map(|done| done.map_err(Cause::Step)).boxed());
        }
        let is_needed = |rule: &&PolicyRule| {
            let is_pending = is_pending_rule(rule, &self.tenant.description, &self.names);
            !is_pending && !rule.patterns().is_empty() && !is_active(rule)
        };
        for rule in self.domain_rules().filter(is_needed) {
            row.push(self.turn_rule(rule, true).map(|done| done.map_err(Cause::Step)).boxed());
        }
        // Begun last, so that it is taken back first.
        row.push(self.limit_role(state, kept, empty.as_ref()).boxed());
        join_all(row).await.into_iter().collect::<Result<(), _>>()?;
        let record = AdminsDescription { status: None, resume: None, ..self.tenant.description.clone() };
        let recorded = async {
            let step = "record that the tenant is active";
            Ok::<_, Cause>(self.write_record(step, &self.tenant.name, &record).await?)
        };
        let emptied = async {
            match &empty {
                Some(empty) => self.take_everybody_out(empty).await,
                None => Ok(()),
            }
        };
        let (recorded, emptied) = futures::join!(recorded, emptied);
        let admins = recorded?;
        emptied?;
        if let Some(empty) = &empty {
            let deleted = async { self.run.okta.forward().delete_group(empty).await.ok_if_absent() };
            self.steps.run("delete the empty group", deleted).await?;
        }
        (self.tenant.admins, self.tenant.description) = (admins, record);
        Ok(())
    }

    /// Limits the role to the targets that were kept; without a role, gives one.
    async fn limit_role(
        &self,
        state: &State,
        mut kept: Suspension,
        empty: Option<&GroupId>,
    ) -> Result<(), Cause> {
        let role = match &self.role {
            Some(role) => role.clone(),
            None => self.give_role(state, &mut kept).boxed().await?,
        };
        self.restore_targets(&role, &kept, empty).boxed().await?;
        self.put_back(&kept.members).boxed().await
    }

    /// Adds the targets that were kept, then takes the empty group away.
    async fn restore_targets(
        &self,
        role: &Role,
        kept: &Suspension,
        empty: Option<&GroupId>,
    ) -> Result<(), Cause> {
        let mut others = self.role_targets.iter().any(|target| Some(target) != empty);
        let mut targets: Vec<GroupId> = kept.targets.iter().map(|id| GroupId::from(id.as_str())).collect();
        targets.retain(|target| !self.role_targets.contains(target));
        for some in targets.chunks(TARGETS) {
            let added = some.iter().map(|target| async {
                let is_target = self.steps.run("look at a kept target", self.is_target(target)).await?;
                if is_target {
                    self.add_target(role, target).await?;
                }
                Ok::<_, Cause>(is_target)
            });
            let added = join_all(added).await.into_iter().collect::<Result<Vec<bool>, Cause>>()?;
            others |= added.contains(&true);
        }
        // Nothing that was kept is left: a tenant's admins administer its own groups.
        if !others {
            for own in self.own_groups() {
                self.add_target(role, own).await?;
            }
        }
        match empty.filter(|empty| self.role_targets.contains(empty)) {
            Some(empty) => self.remove_target(role, empty).await,
            None => Ok(()),
        }
    }

    /// `USERS_` and `ADMINS_`.
    fn own_groups(&self) -> impl Iterator<Item = &GroupId> {
        self.tenant.users.iter().map(|group| &group.id).chain([&self.tenant.admins.id])
    }

    /// What the role was limited to before an earlier release took it away: the tenant's
    /// own groups, and the groups with the label of an app whose members are all users of
    /// the tenant. Another tenant's admins can give their groups such a label, and cannot
    /// put this tenant's users into them.
    async fn former_targets(&self) -> Result<Vec<GroupId>, Error> {
        let okta = self.run.okta.forward();
        let members = |group: GroupId| async move {
            let users: Vec<User> = okta.list_group_users(&group).try_collect().await?;
            Ok::<_, Error>(users.into_iter().map(|user| user.id).collect::<BTreeSet<UserId>>())
        };
        let mut former: Vec<GroupId> = self.own_groups().cloned().collect();
        let Some(users) = self.tenant.users.as_ref().filter(|_| !self.tenant.app_users.is_empty()) else {
            return Ok(former);
        };
        let users = members(users.id.clone()).await?;
        for group in &self.tenant.app_users {
            let of_app = members(group.id.clone()).await?;
            if !of_app.is_empty() && of_app.is_subset(&users) {
                former.push(group.id.clone());
            }
        }
        Ok(former)
    }

    /// Whether a kept target is one still: a group of the tenant's own, or one that is
    /// assigned to an app.
    async fn is_target(&self, target: &GroupId) -> Result<bool, Error> {
        let okta = self.run.okta.forward();
        if self.own_groups().any(|own| own == target) {
            return Ok(true);
        }
        let apps = okta.list_assigned_applications_for_group(target).try_collect::<Vec<Application>>();
        Ok(if_present(apps).await?.is_some_and(|apps| !apps.is_empty()))
    }

    /// Takes out whoever got into the empty group: a suspended tenant's admin may make
    /// users in it.
    async fn take_everybody_out(&self, empty: &GroupId) -> Result<(), Cause> {
        let okta = self.run.okta.forward();
        let members = async {
            let members = okta.list_group_users(empty).try_collect::<Vec<User>>();
            if_present(members).await.map(Option::unwrap_or_default)
        };
        for user in self.steps.run("look into the empty group", members).await? {
            let removed = async { okta.unassign_user_from_group(empty, &user.id).await.ok_if_absent() };
            self.steps.run("take a user out of the empty group", removed).await?;
        }
        Ok(())
    }

    /// Gives the admins a role, while nobody is in their group.
    async fn give_role(&self, state: &State, kept: &mut Suspension) -> Result<Role, Cause> {
        let (okta, admins) = (self.run.okta.forward(), &self.tenant.admins.id);
        let members = okta.list_group_users(admins).try_collect::<Vec<User>>();
        let members = self.steps.run("list the admins", members).await?;
        let present: Vec<UserId> = members.into_iter().map(|user| user.id).collect();
        let all = kept.members.iter().cloned().chain(present.iter().map(ToString::to_string));
        kept.members = all.collect::<BTreeSet<String>>().into_iter().collect();
        // Once only: what a superuser entitled the tenant to meanwhile is kept as well.
        let own = self.own_groups().map(ToString::to_string).collect::<Vec<_>>();
        if !own.iter().all(|own| kept.targets.contains(own)) {
            let former = self.steps.run("look for the former targets", self.former_targets().boxed()).await?;
            for target in former.iter().map(ToString::to_string) {
                if !kept.targets.contains(&target) {
                    kept.targets.push(target);
                }
            }
        }
        state.suspend(self.run, &self.tenant.id, kept).await?;
        let out = present.iter().map(|user| {
            let removed = async { okta.unassign_user_from_group(admins, user).await.ok_if_absent() };
            let (group, member) = (admins.clone(), user.clone());
            let undo = Undo::new(Object::new("admin", user.as_str(), user), |okta| async move {
                okta.assign_user_to_group(&group, &member).await.ok_if_absent()?;
                Ok(Undone::Entirely)
            });
            self.steps.change("take an admin out", removed, undo)
        });
        join_all(out).await.into_iter().collect::<Result<(), _>>()?;
        let undo = |made: Option<&Role>| {
            let admins = admins.clone();
            let object = match made {
                Some(role) => Object::new("role", ROLE, &role.id),
                None => Object::unknown("role", ROLE),
            };
            Undo::new(
                object,
                |okta| async move { remove_roles(&okta, &admins).await.map(|()| Undone::Entirely) },
            )
        };
        let given = okta.assign_role_to_group(admins, ROLE);
        Ok(self.steps.create("give the admins their role", given, undo).await?)
    }

    /// Makes those admins again who were taken out.
    async fn put_back(&self, members: &[String]) -> Result<(), Cause> {
        let (okta, admins) = (self.run.okta.forward(), &self.tenant.admins.id);
        let back = members.iter().map(|user| {
            let user = UserId::from(user.as_str());
            let (group, member) = (admins.clone(), user.clone());
            let undo = Undo::new(Object::new("admin", user.as_str(), &user), |okta| async move {
                okta.unassign_user_from_group(&group, &member).await.ok_if_absent()?;
                Ok(Undone::Entirely)
            });
            // Whom Okta does not know any more is nobody's admin.
            let added = async move { okta.assign_user_to_group(admins, &user).await.ok_if_absent() };
            self.steps.change("put an admin back", added, undo)
        });
        Ok(join_all(back).await.into_iter().collect::<Result<(), _>>()?)
    }
}
