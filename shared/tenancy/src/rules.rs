//! The routing rules that send users to tenants' IdPs.

use domain::{AdminsDescription, IndexState, TenantDomains, TenantName, pending_rule_name, rule_name};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use okta_client::models::{ACTIVE, PolicyId, PolicyRule, RuleId};
use okta_client::{Client, Error};

use crate::if_present;

/// Rules that are read at the same time: Okta bounds concurrent calls.
const READS: usize = 8;

/// The routing policy and all its rules.
///
/// # Errors
///
/// Okta's.
pub async fn routing(okta: &Client) -> Result<(Option<PolicyId>, Vec<PolicyRule>), Error> {
    let policy = routing_policy(okta).await?;
    let rules = match &policy {
        Some(policy) => okta.list_policy_rules(policy).try_collect().await?,
        None => Vec::new(),
    };
    Ok((policy, rules))
}

/// The routing policy, of which there is exactly one in an org.
///
/// # Errors
///
/// Okta's.
async fn routing_policy(okta: &Client) -> Result<Option<PolicyId>, Error> {
    Ok(okta.list_policies("IDP_DISCOVERY").await?.into_iter().next().map(|policy| policy.id))
}

/// Those of the rules with these ids that are there.
///
/// # Errors
///
/// Okta's.
pub async fn rules_of_ids(
    okta: &Client,
    policy: &PolicyId,
    ids: impl IntoIterator<Item = &String>,
) -> Result<Vec<PolicyRule>, Error> {
    let ids: Vec<RuleId> = ids.into_iter().map(|id| RuleId::from(id.as_str())).collect();
    let reads = ids.into_iter().map(|id| async move { if_present(okta.get_policy_rule(policy, &id)).await });
    let read: Vec<_> = stream::iter(reads).buffered(READS).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// What is read of the routing rules while the tenant is looked up: the policy, and all rules
/// where the index of domains is not complete.
#[derive(Debug)]
pub struct EarlyRules {
    policy: Option<PolicyId>,
    all: Option<Vec<PolicyRule>>,
}

/// The routing rules, as far as one tenant needs them.
#[derive(Debug)]
pub struct TenantsRules {
    /// The policy.
    pub policy: Option<PolicyId>,
    /// At least every rule that leads to the tenant's IdP.
    pub rules: Vec<PolicyRule>,
    /// Whether these are all rules of the org.
    pub is_whole: bool,
}

impl EarlyRules {
    /// Reads; `state` asks the index how complete it is.
    ///
    /// # Errors
    ///
    /// Okta's, or of `state`.
    pub async fn read<E: From<Error>>(
        okta: &Client,
        state: impl Future<Output = Result<IndexState, E>>,
    ) -> Result<Self, E> {
        let (policy, state) = futures::join!(routing_policy(okta), state);
        let policy = policy?;
        let all = match (&policy, state?.complete_since) {
            (Some(policy), None) => Some(okta.list_policy_rules(policy).try_collect().await?),
            _ => None,
        };
        Ok(Self { policy, all })
    }

    /// Adds the rules of a tenant, by their ids; or all rules, if the index cannot say which they
    /// are.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub async fn of_tenant(
        self,
        okta: &Client,
        state: IndexState,
        known: &TenantDomains,
    ) -> Result<TenantsRules, Error> {
        let Self { policy, all } = self;
        let Some(policy) = policy else {
            return Ok(TenantsRules { policy: None, rules: Vec::new(), is_whole: true });
        };
        let (rules, is_whole) = match (all, state.rules_of(known)) {
            (Some(all), _) => (all, true),
            (None, Some(ids)) => (rules_of_ids(okta, &policy, ids).await?, false),
            (None, None) => (okta.list_policy_rules(&policy).try_collect().await?, true),
        };
        Ok(TenantsRules { policy: Some(policy), rules, is_whole })
    }
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
