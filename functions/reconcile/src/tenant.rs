//! What can be wrong with one tenant.
//!
//! # Okta calls
//!
//! `getGroup` of the admins group; then, for a tenant that no request is working on:
//! `getIdentityProvider`; `getGroup` of the users group that the IdP names;
//! `listGroupAssignedRoles` and `listGroupTargetsForGroupRole`;
//! `getApplicationGroupAssignment` of the okta-dac app. Where something is wrong:
//! `getGroup` once more.
//!
//! One after the other: nobody waits for the answer.

use std::time::Duration;

use domain::{
    AdminsDescription, TenantName, TenantStatus, admins_group, idp_name, subject_filter, users_group,
};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, AppId, Group, IdentityProvider, IdpId, PolicyRule};
use okta_client::{Client, Error};
use run_kit::{Object, Run};
use serde_json::Value;
use state::{Change, State, Suspension};
use tenancy::{
    ROLE, group_called, holds_domains, idp_of, if_present, is_active, is_pending_rule, is_recorded,
    users_of_idp,
};

use crate::finding::PieceError;
use crate::{Finding, Kind};

/// Age of the last change from which no request can still be at work: a function of
/// the API has 28 seconds, and calls that were on their way arrive soon after.
pub(crate) const QUIET: Duration = Duration::from_secs(60);

/// One tenant, as far as it is there.
struct Tenant<'r> {
    okta: &'r Client,
    name: TenantName,
    admins: Group,
    record: AdminsDescription,
    /// What the state table keeps of the tenant, if it is suspended.
    kept: Option<Suspension>,
    findings: Vec<Finding>,
}

/// What is wrong with the tenant of an `ADMINS_` group; nothing, if a request may be
/// changing the tenant, or the group is not ours.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn examine(
    run: &Run,
    state: &State,
    app: &AppId,
    rules: &[PolicyRule],
    listed: &Group,
) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    let Some(admins) = if_present(okta.get_group(&listed.id)).await? else { return Ok(Vec::new()) };
    let name = admins.profile.name.strip_prefix("ADMINS_").and_then(|name| TenantName::parse(name).ok());
    let Some(name) = name else { return Ok(Vec::new()) };
    let record = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
    let mut tenant = Tenant { okta, name, admins, record, kept: None, findings: Vec::new() };
    if !is_quiet(okta, &[&tenant.admins.last_updated]) {
        return Ok(Vec::new());
    }
    let id = tenant.examine(state, app, rules).await?;
    if tenant.findings.is_empty() {
        return Ok(Vec::new());
    }
    // A request that changes a tenant has a lock, or has written something just now.
    let mut changes = vec![Change::Tenant(&tenant.name)];
    changes.extend(id.as_deref().map(Change::Idp));
    for change in changes {
        if state.is_locked(run, change).await? {
            return Ok(Vec::new());
        }
    }
    let again = if_present(okta.get_group(&tenant.admins.id)).await?;
    let same = again.is_some_and(|again| again.last_updated == tenant.admins.last_updated);
    Ok(if same { tenant.findings } else { Vec::new() })
}

/// Whether all of these times are long ago.
pub(crate) fn is_quiet(okta: &Client, times: &[&str]) -> bool {
    times.iter().all(|time| okta.age(time).is_none_or(|age| age >= QUIET))
}

impl Tenant<'_> {
    fn find(&mut self, kind: Kind, object: Object) {
        self.findings.push(Finding::new(kind, Some(self.name.as_str()), object));
    }

    fn missing(&mut self, kind: &'static str, name: String) {
        self.find(Kind::MissingPart, Object::unknown(kind, name));
    }

    /// Looks at everything; gives the id of the tenant.
    async fn examine(
        &mut self,
        state: &State,
        app: &AppId,
        rules: &[PolicyRule],
    ) -> Result<Option<String>, PieceError> {
        let admins = Object::new("group", admins_group(&self.name), &self.admins.id);
        if self.record.creating.is_some() {
            self.find(Kind::HalfMadeTenant, admins);
            return Ok(None);
        }
        if self.record.renamed_from.is_some() {
            self.find(Kind::HalfRenamedTenant, admins);
            return Ok(self.record.tenant_id.clone());
        }
        let idp = match &self.record.tenant_id {
            Some(id) => if_present(self.okta.get_identity_provider(&IdpId::from(id.as_str()))).await?,
            None => idp_of(self.okta, &self.name).await?,
        };
        let id = self.record.tenant_id.clone().or_else(|| idp.as_ref().map(|idp| idp.id.to_string()));
        // A group without a record and without an IdP is not known to be ours.
        let Some(id) = id else { return Ok(None) };
        self.kept = state.suspension(&id).await?;
        if !self.examine_users(idp.as_ref()).await? {
            self.missing("group", users_group(&self.name));
        }
        self.examine_role().await?;
        let assignment = self.okta.get_application_group_assignment(app, &self.admins.id);
        if if_present(assignment).await?.is_none() {
            self.missing("appAssignment", admins_group(&self.name));
        }
        let own: Vec<&PolicyRule> = rules
            .iter()
            .filter(|rule| holds_domains(rule, &id, &self.record, std::slice::from_ref(&self.name)))
            .collect();
        // Changes of domains write the rules and the IdP, and not always the record.
        let times = own.iter().map(|rule| &rule.other).chain(idp.as_ref().map(|idp| &idp.other));
        let times: Vec<&str> = times.filter_map(|other| other.get("lastUpdated")?.as_str()).collect();
        if !is_quiet(self.okta, &times) {
            self.findings.clear();
            return Ok(Some(id));
        }
        match &idp {
            Some(idp) => self.examine_idp(idp, &own),
            None => self.missing("identityProvider", idp_name(&self.name)),
        }
        self.examine_rules(&own);
        Ok(Some(id))
    }

    /// Whether the users group is there.
    async fn examine_users(&self, idp: Option<&IdentityProvider>) -> Result<bool, Error> {
        if let Some(idp) = idp
            && users_of_idp(self.okta, idp).await?.is_some()
        {
            return Ok(true);
        }
        Ok(group_called(self.okta, &users_group(&self.name)).await?.is_some())
    }

    fn is_suspended(&self) -> bool {
        self.record.status() == TenantStatus::Suspended || self.kept.is_some()
    }

    /// The role of the admins.
    async fn examine_role(&mut self) -> Result<(), Error> {
        let roles = if_present(self.okta.list_group_assigned_roles(&self.admins.id)).await?;
        let Some(role) = roles.into_iter().flatten().find(|role| role.kind == ROLE) else {
            if !self.is_suspended() {
                self.missing("role", ROLE.to_owned());
            }
            return Ok(());
        };
        let object = Object::new("role", ROLE, &role.id);
        let targets = self.okta.list_group_targets_for_group_role(&self.admins.id, &role.id);
        // A role that is gone since is looked for by the check at the end.
        let targets: Option<Vec<Group>> = if_present(targets.try_collect()).await?;
        let Some(targets) = targets else { return Ok(()) };
        let empty = self.kept.as_ref().and_then(|kept| kept.empty_group.as_ref()?.id.as_deref());
        if targets.is_empty() {
            self.find(Kind::RoleWithoutTarget, object);
        } else if self.is_suspended() && targets.iter().any(|target| Some(target.id.as_str()) != empty) {
            self.find(Kind::SuspendedRoleHeld, object);
        }
        Ok(())
    }

    fn examine_idp(&mut self, idp: &IdentityProvider, own: &[&PolicyRule]) {
        let object = Object::new("identityProvider", &idp.name, &idp.id);
        if self.is_suspended() && idp.status == ACTIVE {
            self.find(Kind::SuspendedIdpOn, object.clone());
        }
        let filter = idp.other.get("policy").and_then(|policy| policy.pointer("/subject/filter"));
        // An IdP of the predecessor's has another filter, or none.
        let Some(filter) = filter.and_then(Value::as_str).filter(|filter| is_ours(filter)) else { return };
        let verified = self.verified(own).map(PolicyRule::patterns).unwrap_or_default();
        if !own.is_empty() && subject_filter(&verified).is_some_and(|expected| expected != filter) {
            self.find(Kind::HalfChangedDomains, object);
        }
    }

    fn verified<'r>(&self, own: &[&'r PolicyRule]) -> Option<&'r PolicyRule> {
        let names = [self.name.clone()];
        own.iter().copied().find(|rule| !is_pending_rule(rule, &self.record, &names))
    }

    fn examine_rules(&mut self, own: &[&PolicyRule]) {
        for rule in own {
            let object = Object::new("routingRule", &rule.name, &rule.id);
            if self.is_suspended() && is_active(rule) {
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

/// Whether okta-dac wrote an IdP's filter.
fn is_ours(filter: &str) -> bool {
    filter.starts_with(r"(\S+@(\S+\.)?(")
}
