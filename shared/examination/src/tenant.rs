//! What can be wrong with one tenant.
//!
//! What is the tenant's follows from what its admins cannot write (`tenancy`): the record
//! says only what a request was about to do.
//!
//! # Okta calls
//!
//! `getGroup` of the admins group; then, for a group that no request is working on:
//! `listGroupAssignedRoles` and `listGroupTargetsForGroupRole`;
//! `getApplicationGroupAssignment` of the okta-dac app and `getGroup` of the users group;
//! `getIdentityProvider`; `listAssignedApplicationsForGroup` for each target whose name is
//! none of the tenant's; `listGroupUsers` of the empty group of a suspended tenant. Where
//! something is wrong: `getGroup` once more.
//!
//! One after the other: nobody waits for the answer.

use std::time::Duration;

use domain::{
    AdminsDescription, TenantName, TenantStatus, admins_group, app_of_appusers_group, appusers_group,
    idp_name, is_limited, is_same_filter, subject_filter, users_group,
};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, Application, Group, GroupId, IdentityProvider, IdpId, PolicyRule};
use okta_client::{Client, Error};
use run_kit::{Object, Run};
use serde_json::Value;
use state::{Change, Suspension};
use tenancy::{
    App, ROLE, Tenant, Tenants, holds_domains, if_present, is_active, is_pending_rule, is_recorded,
};

use crate::finding::PieceError;
use crate::memory::Memory;
use crate::{Finding, Kind};

/// Age of the last change from which no request can still be at work: a function of
/// the API has 28 seconds, and calls that were on their way arrive soon after.
pub(crate) const QUIET: Duration = Duration::from_secs(60);

/// App groups of a tenant whose names are looked at in one pass.
const NAMES: usize = 5;

/// What a target of the admins' role is called where it is missing.
pub(crate) const ROLE_TARGET: &str = "roleTarget";

/// One group that is called like a tenant's admins, as far as it is looked at.
struct Look<'r> {
    okta: &'r Client,
    name: &'r TenantName,
    admins: &'r Group,
    record: AdminsDescription,
    findings: Vec<Finding>,
}

/// The role that the admins have, and what it is limited to.
struct Held {
    role: Object,
    targets: Vec<Group>,
}

/// What is wrong with the tenant of an `ADMINS_` group, and with the group; nothing, if a
/// request may be changing the tenant, or the group is not ours.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn examine(
    run: &Run,
    memory: Memory<'_>,
    tenants: &Tenants,
    rules: &[PolicyRule],
    listed: &Group,
) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    let Some(admins) = if_present(okta.get_group(&listed.id)).await? else { return Ok(Vec::new()) };
    let Some(name) = tenant_of_admins_group(&admins) else { return Ok(Vec::new()) };
    let record = AdminsDescription::parse(&admins.profile.description);
    let is_record = record.is_some();
    let record = record.unwrap_or_default();
    let mut look = Look { okta, name: &name, admins: &admins, record, findings: Vec::new() };
    let role = look.examine_targets().await?;
    let quiet = is_quiet(okta, &[&admins.last_updated]);
    if !quiet && look.findings.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tenants.of_group(okta, &name, &admins).await?;
    // No request leaves the role of a tenant for the whole org, and nobody is to hide that
    // it is by changing something again and again: the cure looks once more.
    let is_urgent = |finding: &Finding| tenant.is_some() && finding.kind == Kind::RoleWithoutTarget;
    if !quiet {
        return Ok(look.findings.into_iter().filter(is_urgent).collect());
    }
    let group = Object::new("group", admins_group(&name), &admins.id);
    match &tenant {
        Some(tenant) => look.examine(memory, tenant, role.as_ref(), rules).await?,
        None if look.record.creating.is_some() => look.find(Kind::HalfMadeTenant, group),
        None if is_record => look.find(Kind::Pretender, group),
        None => {}
    }
    let findings = look.findings;
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    let urgent = || findings.iter().filter(|finding| is_urgent(finding)).cloned().collect();
    // A request that changes a tenant has a lock, or has written something just now.
    let mut changes = vec![Change::Tenant(&name)];
    changes.extend(tenant.as_ref().map(|tenant| Change::Idp(&tenant.id)));
    for change in changes {
        if memory.is_locked(run, change).await? {
            return Ok(urgent());
        }
    }
    let again = if_present(okta.get_group(&admins.id)).await?;
    let same = again.is_some_and(|again| again.last_updated == admins.last_updated);
    Ok(if same { findings } else { urgent() })
}

/// The tenant whose admins a group is, by name.
pub(crate) fn tenant_of_admins_group(group: &Group) -> Option<TenantName> {
    TenantName::parse(group.profile.name.strip_prefix("ADMINS_")?).ok()
}

/// Whether all of these times are long ago.
pub(crate) fn is_quiet(okta: &Client, times: &[&str]) -> bool {
    times.iter().all(|time| okta.age(time).is_none_or(|age| age >= QUIET))
}

/// Whether a tenant is suspended: its record or the table says so.
pub(crate) fn is_suspended(record: &AdminsDescription, kept: Option<&Suspension>) -> bool {
    record.status() == TenantStatus::Suspended || kept.is_some()
}

/// Id of the group that the role of a suspended tenant's admins is limited to.
pub(crate) fn empty_group(kept: Option<&Suspension>) -> Option<&str> {
    kept?.empty_group.as_ref()?.id.as_deref()
}

/// The one app that a tenant is entitled to with a group: the group is assigned to this
/// app. `None` if that is not one app.
///
/// # Errors
///
/// Okta's.
pub(crate) async fn app_of_group(okta: &Client, group: &GroupId) -> Result<Option<String>, Error> {
    let apps: Vec<Application> = okta.list_assigned_applications_for_group(group).try_collect().await?;
    let mut offered = apps.iter().filter_map(App::of);
    let first = offered.next().map(|app| app.id);
    Ok(first.filter(|_| offered.next().is_none()))
}

/// The name that a group must have that the tenant's admins manage: as its users group,
/// or as the group of the app that the group is assigned to. `None` for another group.
///
/// # Errors
///
/// Okta's.
pub(crate) async fn expected_name(
    okta: &Client,
    tenant: &Tenant,
    group: &Group,
) -> Result<Option<String>, Error> {
    if tenant.users.as_ref().is_some_and(|users| users.id == group.id) {
        return Ok(Some(users_group(&tenant.name)));
    }
    let app = app_of_group(okta, &group.id).await?;
    Ok(app.map(|app| appusers_group(&tenant.name, &app)))
}

impl Look<'_> {
    fn find(&mut self, kind: Kind, object: Object) {
        self.findings.push(Finding::new(kind, Some(self.name.as_str()), object));
    }

    fn missing(&mut self, kind: &'static str, name: String) {
        self.find(Kind::MissingPart, Object::unknown(kind, name));
    }

    /// The admins' role, if they have one. Whatever a record says, a role for the whole
    /// org is a damage.
    async fn examine_targets(&mut self) -> Result<Option<Held>, Error> {
        let roles = if_present(self.okta.list_group_assigned_roles(&self.admins.id)).await?;
        let Some(role) = roles.into_iter().flatten().find(|role| role.kind == ROLE) else { return Ok(None) };
        let targets = self.okta.list_group_targets_for_group_role(&self.admins.id, &role.id);
        // A role that is gone since is looked for by the check at the end.
        let targets: Option<Vec<Group>> = if_present(targets.try_collect()).await?;
        let role = Object::new("role", ROLE, &role.id);
        if targets.as_ref().is_some_and(Vec::is_empty) {
            self.find(Kind::RoleWithoutTarget, role.clone());
        }
        Ok(targets.map(|targets| Held { role, targets }))
    }

    /// Looks at everything that is the tenant's.
    async fn examine(
        &mut self,
        memory: Memory<'_>,
        tenant: &Tenant,
        held: Option<&Held>,
        rules: &[PolicyRule],
    ) -> Result<(), PieceError> {
        let kept = memory.suspension(&tenant.id).await?;
        self.examine_role(tenant, memory, kept.as_ref(), held);
        if self.record.renamed_from.is_some() {
            let admins = Object::new("group", admins_group(self.name), &self.admins.id);
            self.find(Kind::HalfRenamedTenant, admins);
        } else {
            self.examine_names(tenant, held).await?;
        }
        if tenant.users.is_none() {
            self.missing("group", users_group(self.name));
        }
        if tenant.assignment.is_none() {
            self.missing("appAssignment", admins_group(self.name));
        }
        self.examine_empty_group(kept.as_ref()).await?;
        let idp = if_present(self.okta.get_identity_provider(&IdpId::from(tenant.id.as_str()))).await?;
        let own: Vec<&PolicyRule> = rules
            .iter()
            .filter(|rule| holds_domains(rule, &tenant.id, &self.record, std::slice::from_ref(self.name)))
            .collect();
        // Changes of domains write the rules and the IdP, and not always the record.
        let times = own.iter().map(|rule| &rule.other).chain(idp.as_ref().map(|idp| &idp.other));
        let times: Vec<&str> = times.filter_map(|other| other.get("lastUpdated")?.as_str()).collect();
        if !is_quiet(self.okta, &times) {
            self.findings.retain(|finding| finding.kind == Kind::RoleWithoutTarget);
            return Ok(());
        }
        let suspended = is_suspended(&self.record, kept.as_ref());
        match &idp {
            Some(idp) => {
                let indexed = memory.verified_domains(&tenant.id).await?;
                self.examine_idp(idp, &own, &indexed, suspended);
            }
            None => self.missing("identityProvider", idp_name(self.name)),
        }
        self.examine_rules(&own, suspended);
        Ok(())
    }

    /// The role of the admins.
    fn examine_role(
        &mut self,
        tenant: &Tenant,
        memory: Memory<'_>,
        kept: Option<&Suspension>,
        held: Option<&Held>,
    ) {
        let suspended = is_suspended(&self.record, kept);
        let Some(Held { role, targets }) = held else {
            if !suspended {
                self.missing("role", ROLE.to_owned());
            }
            return;
        };
        let empty = empty_group(kept);
        // Without the table nobody knows which group is the empty one.
        if suspended && memory.is_there() && targets.iter().any(|target| Some(target.id.as_str()) != empty) {
            self.find(Kind::SuspendedRoleHeld, role.clone());
        }
        let users = tenant.users.as_ref().filter(|_| !suspended && !targets.is_empty());
        if let Some(users) = users.filter(|users| targets.iter().all(|target| target.id != users.id)) {
            self.find(Kind::MissingPart, Object::new(ROLE_TARGET, &users.profile.name, &users.id));
        }
    }

    /// The names of the groups that the tenant's admins can rename.
    async fn examine_names(&mut self, tenant: &Tenant, held: Option<&Held>) -> Result<(), Error> {
        let users = tenant.users.as_ref();
        let own = |group: &&Group| group.id != self.admins.id && users.is_none_or(|of| of.id != group.id);
        let others = held.into_iter().flat_map(|held| &held.targets).filter(own);
        // An app group with a name of the right shape is looked at with its app.
        let others = others.filter(|group| app_of_appusers_group(self.name, &group.profile.name).is_none());
        // A few of them in each pass: a tenant's admin could rename very many.
        let groups: Vec<&Group> = users.into_iter().chain(others.take(NAMES)).collect();
        for group in groups {
            let expected = expected_name(self.okta, tenant, group).await?;
            if expected.is_some_and(|expected| expected != group.profile.name) {
                self.find(Kind::RenamedGroup, Object::new("group", &group.profile.name, &group.id));
            }
        }
        Ok(())
    }

    /// The group that a suspended tenant's role is limited to: nobody is in it.
    async fn examine_empty_group(&mut self, kept: Option<&Suspension>) -> Result<(), Error> {
        let Some(id) = empty_group(kept).map(GroupId::from) else { return Ok(()) };
        let Some(group) = if_present(self.okta.get_group(&id)).await? else { return Ok(()) };
        if if_present(self.okta.group_has_members(&id)).await? == Some(true) {
            self.find(Kind::UsersInEmptyGroup, Object::new("group", &group.profile.name, &group.id));
        }
        Ok(())
    }

    /// `indexed` are domains that the index alone says are the tenant's.
    fn examine_idp(
        &mut self,
        idp: &IdentityProvider,
        own: &[&PolicyRule],
        indexed: &[String],
        suspended: bool,
    ) {
        let object = Object::new("identityProvider", &idp.name, &idp.id);
        if suspended && idp.status == ACTIVE {
            self.find(Kind::SuspendedIdpOn, object.clone());
        }
        let filter = idp.other.get("policy").and_then(|policy| policy.pointer("/subject/filter"));
        // An IdP of the predecessor's has another filter, or none.
        let Some(filter) = filter.and_then(Value::as_str).filter(|filter| is_limited(filter)) else { return };
        let mut verified = self.verified(own).map(PolicyRule::patterns).unwrap_or_default();
        let in_rule = |domain: &str| verified.iter().any(|pattern| pattern.eq_ignore_ascii_case(domain));
        let more: Vec<&str> = indexed.iter().map(String::as_str).filter(|domain| !in_rule(domain)).collect();
        verified.extend(more);
        let has_any = !own.is_empty() || !indexed.is_empty();
        let is_other = |expected: String| !is_same_filter(&expected, filter);
        if has_any && subject_filter(&verified).is_some_and(is_other) {
            self.find(Kind::HalfChangedDomains, object);
        }
    }

    fn verified<'p>(&self, own: &[&'p PolicyRule]) -> Option<&'p PolicyRule> {
        let names = [self.name.clone()];
        own.iter().copied().find(|rule| !is_pending_rule(rule, &self.record, &names))
    }

    fn examine_rules(&mut self, own: &[&PolicyRule], suspended: bool) {
        for rule in own {
            let object = Object::new("routingRule", &rule.name, &rule.id);
            if suspended && is_active(rule) {
                self.find(Kind::SuspendedRuleOn, object);
            } else if !is_recorded(rule, &self.record) {
                self.find(Kind::HalfChangedDomains, object);
            }
        }
        let (Some(verified), names) = (self.verified(own), [self.name.clone()]) else { return };
        let Some(pending) = own.iter().find(|rule| is_pending_rule(rule, &self.record, &names)) else {
            return;
        };
        // A pending pattern is `<token>.<domain>`.
        let domain = |pattern: &&str| pattern.split_once('.').map(|(_, domain)| domain.to_ascii_lowercase());
        let pending_domains: Vec<String> = pending.patterns().iter().filter_map(domain).collect();
        let both =
            verified.patterns().iter().any(|domain| pending_domains.contains(&domain.to_ascii_lowercase()));
        if both {
            self.find(Kind::HalfChangedDomains, Object::new("routingRule", &pending.name, &pending.id));
        }
    }
}
