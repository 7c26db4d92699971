//! What is changed of the predecessor's tenants.

use domain::{
    AdminsDescription, TenantClaim, TenantStatus, USERS_DESCRIPTION, idp_name, is_limited, pending_rule_name,
    rule_name, subject_filter,
};
use futures::TryStreamExt;
use okta_client::models::{
    ACTIVE, AppId, ApplicationGroupAssignment, Group, GroupProfile, IdentityProvider, IdpId, PolicyRule,
};
use okta_client::{Client, Error};
use serde_json::json;
use tenancy::{claims, holds_domains, if_present, is_pending_rule, routing};

use super::change::{Change, Plan};

/// The tenants, by the claims that the app gives their admins.
pub(super) async fn tenants(client: &Client, app: &AppId, plan: &mut Plan) -> Result<(), Error> {
    let (policy, rules) = routing(client).await?;
    let assignments = client
        .list_application_group_assignments(app)
        .try_collect::<Vec<ApplicationGroupAssignment>>()
        .await?;
    for assignment in assignments {
        for claim in claims(&assignment) {
            let Some(admins) = if_present(client.get_group(&assignment.id)).await? else { continue };
            let record = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
            if record.status() == TenantStatus::Suspended
                || record.creating.is_some()
                || record.renamed_from.is_some()
            {
                plan.left.push(format!(
                    "the tenant {} is suspended, or half made: resume or complete it first",
                    claim.name
                ));
                continue;
            }
            let Some((verified, pending)) = rules_of(&rules, &claim, &record) else {
                plan.left.push(format!(
                    "several rules lead to the identity provider of the tenant {}: call the one with its domains {}",
                    claim.name,
                    rule_name(&claim.name)
                ));
                continue;
            };
            plan.begin();
            for (rule, name) in
                [(verified, rule_name(&claim.name)), (pending, pending_rule_name(&claim.name))]
            {
                let (Some(rule), Some(policy)) = (rule.filter(|rule| rule.name != name), &policy) else {
                    continue;
                };
                let after = PolicyRule { name: name.clone(), ..rule.clone() };
                let change = Change::Rule(policy.clone(), Box::new((rule.clone(), after)));
                plan.push(format!("call the rule {} ({}) {name}", rule.name, rule.id), change);
            }
            write_record(
                &claim,
                admins,
                verified.map(|rule| rule.id.as_str()),
                pending.map(|rule| rule.id.as_str()),
                plan,
            );
            if let Some(users) = if_present(client.get_group(&claim.users_group_id.as_str().into())).await?
                && users.profile.description.is_empty()
            {
                let after =
                    GroupProfile { description: USERS_DESCRIPTION.to_owned(), ..users.profile.clone() };
                let text = format!("describe the group {}", users.profile.name);
                plan.push(text, Change::Group { before: Box::new(users), after });
            }
            match if_present(client.get_identity_provider(&IdpId::from(claim.tenant_id.as_str()))).await? {
                Some(idp) => limit(&claim, idp, verified.map(PolicyRule::patterns).unwrap_or_default(), plan),
                None => plan.left.push(format!("the tenant {} has no identity provider", claim.name)),
            }
        }
    }
    Ok(())
}

type TwoRules<'r> = (Option<&'r PolicyRule>, Option<&'r PolicyRule>);

/// The rules with the verified and with the pending domains: by record or name; where there is
/// none of them, the only active one, and the only other one, that lead to the IdP. [`None`]:
/// nobody can tell.
fn rules_of<'r>(
    rules: &'r [PolicyRule],
    claim: &TenantClaim,
    record: &AdminsDescription,
) -> Option<TwoRules<'r>> {
    let names = std::slice::from_ref(&claim.name);
    let is_own = |rule: &&PolicyRule| holds_domains(rule, &claim.tenant_id, record, names);
    let is_pending = |rule: &&PolicyRule| is_pending_rule(rule, record, names);
    let of_idp: Vec<&PolicyRule> = rules.iter().filter(|rule| rule.routes_to(&claim.tenant_id)).collect();
    let known =
        |pending: bool| of_idp.iter().copied().find(|rule| is_own(rule) && is_pending(rule) == pending);
    let only = |active: bool| {
        let others = of_idp.iter().copied().filter(|rule| !is_own(rule) && (rule.status == ACTIVE) == active);
        let others: Vec<&PolicyRule> = others.collect();
        (others.len() <= 1).then(|| others.first().copied())
    };
    let one = |pending: bool| match known(pending) {
        Some(rule) => Some(Some(rule)),
        None => only(!pending),
    };
    Some((one(false)?, one(true)?))
}

/// The record of a tenant: what its request was about to do stays, ids are those that are true.
fn write_record(
    claim: &TenantClaim,
    admins: Group,
    active: Option<&str>,
    pending: Option<&str>,
    plan: &mut Plan,
) {
    let known = AdminsDescription::parse(&admins.profile.description);
    let after = AdminsDescription {
        tenant_id: Some(claim.tenant_id.clone()),
        routing_rule_id: active.map(str::to_owned),
        inactive_routing_rule_id: pending.map(str::to_owned),
        ..known.clone().unwrap_or_default()
    };
    if known.as_ref() != Some(&after) {
        let profile = GroupProfile { description: after.to_text(), ..admins.profile.clone() };
        let text = format!("write the record of the tenant {}", claim.name);
        plan.push(text, Change::Group { before: Box::new(admins), after: profile });
    }
}

/// What an IdP of the predecessor's could do for anybody.
fn limit(claim: &TenantClaim, idp: IdentityProvider, domains: Vec<&str>, plan: &mut Plan) {
    let mut after = IdentityProvider { name: idp_name(&claim.name), ..idp.clone() };
    let policy = after.other.entry("policy").or_insert_with(|| json!({}));
    let users = &claim.users_group_id;
    policy["provisioning"]["groups"] = json!({ "action": "ASSIGN", "assignments": [users] });
    policy["provisioning"]["profileMaster"] = false.into();
    policy["accountLink"]["filter"] =
        json!({ "groups": { "include": [users] }, "users": { "excludeAdmins": true } });
    let is_open = !policy["subject"]["filter"].as_str().is_some_and(is_limited);
    match subject_filter(&domains) {
        // What is limited already may name domains that the index alone holds.
        Some(filter) if is_open && !domains.is_empty() => policy["subject"]["filter"] = filter.into(),
        // Its users would be locked out.
        Some(_) if is_open => plan.left.push(format!(
            "the identity provider of the tenant {} speaks of any login, because the tenant has no verified domain",
            claim.name
        )),
        Some(_) => {}
        None => plan.left.push(format!(
            "the tenant {} has more verified domains than Okta can limit an identity provider to",
            claim.name
        )),
    }
    if after.name != idp.name || after.other != idp.other {
        let text = format!("limit the identity provider of the tenant {} to the tenant", claim.name);
        plan.push(text, Change::Idp(Box::new((idp, after))));
    }
}
