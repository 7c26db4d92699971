//! The routing rules that send users to tenants' IdPs.

use domain::{AdminsDescription, TenantName, pending_rule_name, rule_name};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, PolicyId, PolicyRule};
use okta_client::{Client, Error};

/// The routing policy and all its rules.
///
/// # Errors
///
/// Okta's.
pub async fn routing(okta: &Client) -> Result<(Option<PolicyId>, Vec<PolicyRule>), Error> {
    let policy = okta.list_policies("IDP_DISCOVERY").await?.into_iter().next().map(|policy| policy.id);
    let rules = match &policy {
        Some(policy) => okta.list_policy_rules(policy).try_collect().await?,
        None => Vec::new(),
    };
    Ok((policy, rules))
}

/// Whether the record names a rule.
pub fn is_recorded(rule: &PolicyRule, record: &AdminsDescription) -> bool {
    let recorded = [&record.routing_rule_id, &record.inactive_routing_rule_id];
    recorded.into_iter().flatten().any(|id| id == rule.id.as_str())
}

/// Whether a rule is one of the two that hold a tenant's domains: the rule leads to the
/// tenant's IdP, and the record names the rule or the rule has the name. In contrast to
/// [`is_rule_of`] this is none that an administrator of the org made.
pub fn holds_domains(rule: &PolicyRule, idp: &str, record: &AdminsDescription, names: &[TenantName]) -> bool {
    let named = |name: &TenantName| [rule_name(name), pending_rule_name(name)].contains(&rule.name);
    rule.routes_to(idp) && (is_recorded(rule, record) || names.iter().any(named))
}

/// Whether a rule holds the pending domains of a tenant that is, or was, called so.
pub fn is_pending_rule(rule: &PolicyRule, record: &AdminsDescription, names: &[TenantName]) -> bool {
    record.inactive_routing_rule_id.as_deref() == Some(rule.id.as_str())
        || names.iter().any(|name| rule.name == pending_rule_name(name))
}

/// Whether a rule is active.
pub fn is_active(rule: &PolicyRule) -> bool {
    rule.status == ACTIVE
}
