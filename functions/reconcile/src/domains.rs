//! Builds the index of domains from the routing rules, and keeps it true.
//!
//! The operations on domains note what they do themselves. What is noted here is the rest: the
//! rules of an org that is older than the index, and those that somebody made or changed by hand.
//! A rule that did not change since the last complete pass is not looked at again.

use domain::{Discovery, EmailDomain, Holder};
use okta_client::models::PolicyRule;
use run_kit::Run;
use serde_json::Value;
use state::{Claimed, State, StateError};
use tenancy::domains_of_rule;

/// Rules of one piece.
pub(crate) const RULES: usize = 100;

/// Time by which Okta's clock and ours may differ, in milliseconds.
const SKEW_MS: i64 = 60_000;

/// The rules that must be looked at, in the order of their ids: those that are newer than the
/// last complete pass, after a place.
pub(crate) fn open<'r>(
    rules: &'r [PolicyRule],
    complete_since: Option<i64>,
    after: Option<&str>,
) -> Vec<&'r PolicyRule> {
    let is_newer = |rule: &&PolicyRule| {
        let updated = rule.other.get("lastUpdated").and_then(Value::as_str);
        let updated = updated.and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let known = complete_since.zip(updated);
        known.is_none_or(|(since, updated)| updated.as_millisecond() >= since - SKEW_MS)
    };
    let mut open: Vec<&PolicyRule> = rules.iter().filter(is_newer).collect();
    open.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    open.retain(|rule| after.is_none_or(|after| rule.id.as_str() > after));
    open
}

/// Notes whose rule this is, and whose its domains are.
///
/// # Errors
///
/// [`StateError`].
pub(crate) async fn note(
    run: &Run,
    state: &State,
    rules: &[PolicyRule],
    rule: &PolicyRule,
) -> Result<(), StateError> {
    let tenants: Vec<&str> = rule.providers().filter(|id| domain::is_okta_id(id)).collect();
    for tenant in &tenants {
        state.note_rule(run, tenant, rule.id.as_str()).await?;
    }
    // A rule that leads to several is nobody's own.
    let holder = match tenants.as_slice() {
        [tenant] => (*tenant).to_owned(),
        _ => Holder::of_rule(rule.id.as_str()),
    };
    for domain in domains_of_rule(rule) {
        let mut claimed = state.claim_domain(run, &domain, &holder, Discovery::RoutingRules).await?;
        if let Claimed::Taken { domain: taken, by } = &claimed
            && !is_held(run, rules, taken, by)
        {
            state.release_domain(run, taken, &by.id).await?;
            claimed = state.claim_domain(run, &domain, &holder, Discovery::RoutingRules).await?;
        }
        if let Claimed::Taken { domain: taken, by } = claimed {
            tracing::warn!(%domain, %taken, holder = by.id, rule = rule.id.as_str(), "two rules have one domain");
        }
    }
    Ok(())
}

/// Whether the holder of a claim has the domain still.
fn is_held(run: &Run, rules: &[PolicyRule], domain: &EmailDomain, holder: &Holder) -> bool {
    if holder.is_new(run.clock.now_ms()) || holder.by == Discovery::Webfinger {
        return true;
    }
    let is_its = |rule: &&PolicyRule| match holder.rule() {
        Some(id) => rule.id.as_str() == id,
        None => rule.routes_to(&holder.id),
    };
    rules.iter().filter(is_its).any(|rule| domains_of_rule(rule).contains(domain))
}
