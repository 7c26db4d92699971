//! The IDP_DISCOVERY policy and its routing rules.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 and
//! fills `conditions.app` in; lifecycle answers 204; PUT keeps the status).

use serde_json::{Map, Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::org::Org;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/policies", operation_id: "listPolicies", auth: Auth::ApiToken, handler: list_policies },
    Route { method: "GET", path: "/api/v1/policies/{policyId}/rules", operation_id: "listPolicyRules", auth: Auth::ApiToken, handler: list_rules },
    Route { method: "POST", path: "/api/v1/policies/{policyId}/rules", operation_id: "createPolicyRule", auth: Auth::ApiToken, handler: create_rule },
    Route { method: "GET", path: "/api/v1/policies/{policyId}/rules/{ruleId}", operation_id: "getPolicyRule", auth: Auth::ApiToken, handler: get_rule },
    Route { method: "PUT", path: "/api/v1/policies/{policyId}/rules/{ruleId}", operation_id: "replacePolicyRule", auth: Auth::ApiToken, handler: replace_rule },
    Route { method: "DELETE", path: "/api/v1/policies/{policyId}/rules/{ruleId}", operation_id: "deletePolicyRule", auth: Auth::ApiToken, handler: delete_rule },
    Route { method: "POST", path: "/api/v1/policies/{policyId}/rules/{ruleId}/lifecycle/activate", operation_id: "activatePolicyRule", auth: Auth::ApiToken, handler: activate_rule },
    Route { method: "POST", path: "/api/v1/policies/{policyId}/rules/{ruleId}/lifecycle/deactivate", operation_id: "deactivatePolicyRule", auth: Auth::ApiToken, handler: deactivate_rule },
];

/// `type` is required.
fn list_policies(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let Some(kind) = call.query("type") else {
        return Err(OktaError::validation("type", "type: The field is required"));
    };
    let found = org.policies.values().filter(|policy| policy.get("type") == Some(&Value::from(kind)));
    Ok(Reply::ok(found.cloned().map(Value::Object).collect()))
}

fn rules<'o>(
    org: &'o mut Org,
    call: &Call,
) -> Result<&'o mut std::collections::BTreeMap<String, Map<String, Value>>, OktaError> {
    let policy = call.parameter("policyId");
    if !org.policies.contains_key(policy) {
        return Err(OktaError::not_found(policy, "Policy"));
    }
    Ok(org.rules.entry(policy.to_owned()).or_default())
}

fn rule<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Map<String, Value>, OktaError> {
    let id = call.parameter("ruleId");
    rules(org, call)?.get_mut(id).ok_or_else(|| OktaError::not_found(id, "PolicyRule"))
}

/// In the order of priority, without pages.
fn list_rules(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let mut found: Vec<_> = rules(org, call)?.values().cloned().collect();
    found.sort_by_key(|rule| rule.get("priority").and_then(Value::as_u64));
    Ok(Reply::ok(found.into_iter().map(Value::Object).collect()))
}

fn create_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let mut rule = valid(call)?;
    let id = org.new_id("0pr");
    let rules = rules(org, call)?;
    if rules.values().any(|other| other.get("name") == rule.get("name")) {
        return Err(OktaError::duplicate("name"));
    }
    let active = call.query("activate") != Some("false");
    let time = Value::from(okta_time(call.now));
    let last = rules.values().filter_map(|r| r.get("priority").and_then(Value::as_u64)).max().unwrap_or(0);
    rule.insert("id".to_owned(), id.clone().into());
    rule.insert("status".to_owned(), if active { "ACTIVE" } else { "INACTIVE" }.into());
    rule.insert("created".to_owned(), time.clone());
    rule.insert("lastUpdated".to_owned(), time);
    rule.insert("system".to_owned(), false.into());
    rule.entry("priority").or_insert_with(|| (last + 1).into());
    rules.insert(id, rule.clone());
    Ok(Reply::ok(Value::Object(rule)))
}

fn get_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    Ok(Reply::ok(Value::Object(rule(org, call)?.clone())))
}

fn replace_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let mut new = valid(call)?;
    let id = call.parameter("ruleId").to_owned();
    let taken =
        rules(org, call)?.iter().any(|(other, rule)| *other != id && rule.get("name") == new.get("name"));
    if taken {
        return Err(OktaError::duplicate("name"));
    }
    let old = rule(org, call)?;
    for key in ["id", "status", "created", "system"] {
        new.insert(key.to_owned(), old.get(key).cloned().unwrap_or_default());
    }
    let priority = old.get("priority").cloned().unwrap_or_default();
    new.entry("priority").or_insert(priority);
    new.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    *old = new;
    get_rule(org, call)
}

fn delete_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    rule(org, call)?;
    rules(org, call)?.remove(call.parameter("ruleId"));
    Ok(Reply::no_content())
}

fn activate_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    rule(org, call)?.insert("status".to_owned(), "ACTIVE".into());
    Ok(Reply::no_content())
}

fn deactivate_rule(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    rule(org, call)?.insert("status".to_owned(), "INACTIVE".into());
    Ok(Reply::no_content())
}

/// The rule of the body; `actions.idp.providers` must not be missing.
fn valid(call: &Call) -> Result<Map<String, Value>, OktaError> {
    let mut rule = call.object()?.clone();
    rule.remove("_links");
    if rule.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(OktaError::validation("name", "name: The field cannot be left blank"));
    }
    if rule.get("actions").and_then(|a| a.pointer("/idp/providers")).is_none() {
        return Err(OktaError::validation("actions", "actions.idp.providers: The field is required"));
    }
    let conditions = rule.entry("conditions").or_insert_with(|| json!({}));
    if let Some(conditions) = conditions.as_object_mut() {
        conditions.entry("app").or_insert_with(|| json!({ "include": [], "exclude": [] }));
    }
    Ok(rule)
}
