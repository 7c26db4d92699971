//! Objects that belong to no tenant any more.
//!
//! An object of ours has a tenant's name. Where no admins group has that name, and no
//! tenant is being renamed from it, the tenant is gone and the object was left.
//!
//! # Okta calls
//!
//! `listGroups`, once for twenty names; for each object without a tenant `listGroups`
//! once more, for each group that this finds `getApplicationGroupAssignment` of the
//! okta-dac app, `getGroup` of the users group and, for a group,
//! `listGroupTargetsForGroupRole`; and `getGroup` or `getIdentityProvider`. For each routing rule
//! `getIdentityProvider`; where that is not there, `listPolicies` and
//! `listPolicyRules`.

use std::collections::BTreeSet;

use domain::{TenantName, USERS_DESCRIPTION, admins_group, users_group};
use okta_client::models::{AppId, Group, IdentityProvider, IdpId, PolicyRule};
use okta_client::{Client, Error, search};
use run_kit::{Object, Run};
use serde_json::Value;
use state::Change;
use tenancy::{Tenant, Tenants, if_present, indexed_groups, record_says, role_targets, routing};

use crate::finding::PieceError;
use crate::memory::Memory;
use crate::tenant::{is_quiet, tenant_of_admins_group};
use crate::{Finding, Kind};

/// Names in one search: an expression has to fit into an address.
const NAMES: usize = 20;

/// What the names of our rules and IdPs begin with.
const PREFIX: &str = "DAC_";

/// The tenant whose users group this is, by name.
pub(crate) fn tenant_of_users_group(group: &Group) -> Option<TenantName> {
    // A group of that name which somebody made for something else has another text.
    let ours = group.profile.description == USERS_DESCRIPTION;
    TenantName::parse(group.profile.name.strip_prefix("USERS_").filter(|_| ours)?).ok()
}

/// The tenant and the app whose group this is, by name.
pub(crate) fn of_app_group(group: &Group) -> Option<(TenantName, AppId)> {
    // An id has no `_`.
    let (tenant, app) = group.profile.name.strip_prefix("APPUSERS_")?.rsplit_once('_')?;
    Some((TenantName::parse(tenant).ok()?, AppId::from(app)))
}

/// The tenant whose IdP this is, by name.
pub(crate) fn tenant_of_idp(idp: &IdentityProvider) -> Option<TenantName> {
    TenantName::parse(idp.name.strip_prefix(PREFIX)?).ok()
}

/// Whether a rule is one of ours, by name.
pub(crate) fn is_our_rule(rule: &PolicyRule) -> bool {
    rule.name.starts_with(PREFIX)
}

/// Those of these names that no admins group has; `also_users`: and no users group.
///
/// # Errors
///
/// Okta's.
pub(crate) async fn without_tenant(
    okta: &Client,
    names: BTreeSet<TenantName>,
    also_users: bool,
) -> Result<BTreeSet<TenantName>, Error> {
    let mut without = names.clone();
    for names in names.into_iter().collect::<Vec<_>>().chunks(NAMES) {
        let mut wanted: Vec<String> = names.iter().map(admins_group).collect();
        if also_users {
            wanted.extend(names.iter().map(users_group));
        }
        let expressions: Vec<String> = wanted.iter().map(|name| search::eq("profile.name", name)).collect();
        for group in indexed_groups(okta, &search::any(&expressions)).await? {
            let name = &group.profile.name;
            let name = name.strip_prefix("ADMINS_").or_else(|| name.strip_prefix("USERS_"));
            let name = name.and_then(|name| TenantName::parse(name).ok());
            without.retain(|kept| Some(kept) != name.as_ref());
        }
    }
    Ok(without)
}

/// A group whose tenant has no admins group.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn examine_group(
    run: &Run,
    memory: Memory<'_>,
    tenants: &Tenants,
    group: &Group,
    tenant: &TenantName,
    kind: Kind,
) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    // A rename moves it last.
    let its = |tenant: Tenant| async move {
        let is_users = tenant.users.is_some_and(|users| users.id == group.id);
        let targets = role_targets(okta, &tenant.admins.id).await?;
        Ok(is_users || targets.into_iter().flatten().any(|target| target.id == group.id))
    };
    if !is_quiet(okta, &[&group.created, &group.last_updated])
        || is_of_another(okta, tenants, ("renamedFrom", tenant.as_str()), its).await?
        || memory.is_locked(run, Change::Tenant(tenant)).await?
    {
        return Ok(Vec::new());
    }
    // The index may be late, or a deletion just ended.
    let now = if_present(okta.get_group(&group.id)).await?;
    let same = now.is_some_and(|now| now.profile.name == group.profile.name);
    let finding =
        Finding::new(kind, Some(tenant.as_str()), Object::new("group", &group.profile.name, &group.id));
    Ok(same.then_some(finding).into_iter().collect())
}

/// An IdP whose tenant has neither an admins group nor a users group.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn examine_idp(
    run: &Run,
    memory: Memory<'_>,
    tenants: &Tenants,
    idp: &IdentityProvider,
    tenant: &TenantName,
) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    let updated = idp.other.get("lastUpdated").and_then(Value::as_str).unwrap_or(&idp.created);
    let its = |tenant: Tenant| async move { Ok(tenant.id == idp.id.as_str()) };
    if !is_quiet(okta, &[&idp.created, updated])
        // The tenant may have another name by now.
        || is_of_another(okta, tenants, ("tenantId", idp.id.as_str()), its).await?
        || memory.is_locked(run, Change::Tenant(tenant)).await?
    {
        return Ok(Vec::new());
    }
    let now = if_present(okta.get_identity_provider(&idp.id)).await?;
    let same = now.is_some_and(|now| now.name == idp.name);
    let object = Object::new("identityProvider", &idp.name, &idp.id);
    let finding = Finding::new(Kind::HalfDeletedTenant, Some(tenant.as_str()), object);
    Ok(same.then_some(finding).into_iter().collect())
}

/// A rule of ours: the IdP that it leads to must exist.
///
/// # Errors
///
/// Okta's.
pub(crate) async fn examine_rule(run: &Run, rule: &PolicyRule) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    let updated = rule.other.get("lastUpdated").and_then(Value::as_str).unwrap_or_default();
    if !is_quiet(okta, &[updated]) {
        return Ok(Vec::new());
    }
    for id in rule.providers() {
        if if_present(okta.get_identity_provider(&IdpId::from(id))).await?.is_some() {
            return Ok(Vec::new());
        }
    }
    // The rule was read with all others: its tenant may have been deleted since.
    let (_, rules) = routing(okta).await?;
    let now = rules.into_iter().find(|now| now.id == rule.id);
    if !now.is_some_and(|now| now.providers().eq(rule.providers())) {
        return Ok(Vec::new());
    }
    let object = Object::new("routingRule", &rule.name, &rule.id);
    Ok(vec![Finding::new(Kind::RuleLeadsNowhere, None, object)])
}

/// Whether a tenant is a stray object's: the record of a group says where to look, and
/// what the tenant's admins cannot write says whether the object is `its`. The search
/// finds any group whose description has the words.
async fn is_of_another<F: Future<Output = Result<bool, Error>>>(
    okta: &Client,
    tenants: &Tenants,
    (member, value): (&str, &str),
    its: impl Fn(Tenant) -> F,
) -> Result<bool, Error> {
    for group in indexed_groups(okta, &record_says(member, value)).await? {
        let Some(name) = tenant_of_admins_group(&group) else { continue };
        if let Some(tenant) = tenants.of_group(okta, &name, &group).await?
            && its(tenant).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
