//! Policies and their rules: routing (IDP_DISCOVERY), sign-on, passwords.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 and
//! fills `conditions.app` in; lifecycle answers 204; PUT keeps the status; 423
//! E0000239 while priorities are reconciled), in full recorded answers 9 to 11
//! (docs/emulator.md); reference page "Policy" (the default rule is last and
//! read-only).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, fill, hinted, keep, lookup, lookup_mut, stamp, text, turn, with_links, without};
use crate::org::Org;
use crate::paging;

const POLICIES: Auth = Auth::Admin("policies");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/policies", "listPolicies", POLICIES, list_policies),
    get("/api/v1/policies/{policyId}", "getPolicy", POLICIES, get_policy),
    put("/api/v1/policies/{policyId}", "replacePolicy", POLICIES, replace_policy),
    get("/api/v1/policies/{policyId}/rules", "listPolicyRules", POLICIES, list_rules),
    post("/api/v1/policies/{policyId}/rules", "createPolicyRule", POLICIES, create_rule),
    get("/api/v1/policies/{policyId}/rules/{ruleId}", "getPolicyRule", POLICIES, get_rule),
    put("/api/v1/policies/{policyId}/rules/{ruleId}", "replacePolicyRule", POLICIES, replace_rule),
    delete("/api/v1/policies/{policyId}/rules/{ruleId}", "deletePolicyRule", POLICIES, delete_rule),
    post("/api/v1/policies/{policyId}/rules/{ruleId}/lifecycle/activate", "activatePolicyRule", POLICIES, activate_rule),
    post("/api/v1/policies/{policyId}/rules/{ruleId}/lifecycle/deactivate", "deactivatePolicyRule", POLICIES, deactivate_rule),
    get("/.well-known/webfinger", "webfinger", Auth::Public, webfinger),
];

/// The policy whose priorities a call changes, if it changes some: two such
/// calls at once are answered 423.
pub(crate) fn locked_policy<'c>(operation_id: &str, parameters: &'c [(&str, String)]) -> Option<&'c str> {
    let changes = [
        "createPolicyRule",
        "replacePolicyRule",
        "deletePolicyRule",
        "activatePolicyRule",
        "deactivatePolicyRule",
    ];
    let policy = parameters.iter().find(|(name, _)| *name == "policyId");
    policy.filter(|_| changes.contains(&operation_id)).map(|(_, id)| id.as_str())
}

fn render_policy(policy: &Object, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/policies/{}", text(policy, "id")));
    let is_system = policy.get("system") == Some(&json!(true));
    let verbs: &[&str] = if is_system { &["GET", "PUT"] } else { &["GET", "PUT", "DELETE"] };
    let mut links = json!({
        "self": hinted(own.clone(), verbs), "rules": hinted(format!("{own}/rules"), &["GET", "POST"]),
    });
    if !is_system {
        links["deactivate"] = hinted(format!("{own}/lifecycle/deactivate"), &["POST"]);
    }
    with_links(policy, links)
}

fn render(policy: &str, rule: &Object, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/policies/{policy}/rules/{}", text(rule, "id")));
    let next = if text(rule, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    if rule.get("system") == Some(&json!(true)) {
        return with_links(rule, json!({ "self": hinted(own, &["GET", "PUT"]) }));
    }
    let mut links = json!({ "self": hinted(own.clone(), &["GET", "PUT", "DELETE"]) });
    links[next] = hinted(format!("{own}/lifecycle/{next}"), &["POST"]);
    with_links(rule, links)
}

/// `type` is required.
fn list_policies(org: &mut Org, call: &Call) -> Outcome {
    let kind =
        call.query("type").ok_or_else(|| OktaError::validation("type", "type: The field is required"))?;
    let found = org.policies.values().filter(|policy| text(policy, "type") == kind);
    Ok(paging::whole(call, found.map(|policy| render_policy(policy, call)).collect()))
}

fn get_policy(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("policyId");
    let policy = org.policies.get(id).ok_or_else(|| OktaError::not_found(id, "Policy"))?;
    Ok(Reply::ok(render_policy(policy, call)))
}

/// Of a password policy alone: its settings.
fn replace_policy(org: &mut Org, call: &Call) -> Outcome {
    let (id, body) = (call.parameter("policyId"), call.object()?.clone());
    let policy = org.policies.get_mut(id).ok_or_else(|| OktaError::not_found(id, "Policy"))?;
    if text(policy, "type") != "PASSWORD" || text(&body, "type") != "PASSWORD" {
        return Err(OktaError::forbidden());
    }
    let settings = body.get("settings").ok_or_else(|| OktaError::missing("settings"))?;
    policy.insert("settings".to_owned(), settings.clone());
    policy.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    Ok(Reply::ok(render_policy(policy, call)))
}

fn rules<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut BTreeMap<String, Object>, OktaError> {
    let policy = call.parameter("policyId");
    if !org.policies.contains_key(policy) {
        return Err(OktaError::not_found(policy, "Policy"));
    }
    Ok(org.rules.entry(policy.to_owned()).or_default())
}

/// A rule, to be changed: the default one cannot be.
fn rule<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("ruleId");
    let rule = rules(org, call)?.get_mut(id).ok_or_else(|| OktaError::not_found(id, "PolicyRule"))?;
    if rule.get("system") == Some(&json!(true)) { Err(OktaError::forbidden()) } else { Ok(rule) }
}

fn priority(rule: &Object) -> u64 {
    lookup(rule, "/priority").and_then(Value::as_u64).unwrap_or(u64::MAX)
}

/// In the order of priority, the default rule last, without pages.
fn list_rules(org: &mut Org, call: &Call) -> Outcome {
    let mut found: Vec<_> = rules(org, call)?.values().cloned().collect();
    found.sort_by_key(|rule| (rule.get("system") == Some(&json!(true)), priority(rule)));
    let policy = call.parameter("policyId");
    Ok(paging::whole(call, found.iter().map(|rule| render(policy, rule, call)).collect()))
}

/// A given priority moves those behind it; without one the rule comes last.
fn create_rule(org: &mut Org, call: &Call) -> Outcome {
    let kind = org.policies.get(call.parameter("policyId")).map(|policy| text(policy, "type").to_owned());
    let mut rule = valid(call, kind.as_deref().unwrap_or_default())?;
    let id = org.new_id("0pr");
    let rules = rules(org, call)?;
    if rules.values().any(|other| other.get("name") == rule.get("name")) {
        return Err(OktaError::duplicate("name"));
    }
    let active = call.query("activate") != Some("false");
    let own = rules.values().filter(|rule| rule.get("system") != Some(&json!(true)));
    let last = own.map(priority).max().unwrap_or(0);
    stamp(&mut rule, &id, if active { "ACTIVE" } else { "INACTIVE" }, call.now);
    rule.insert("system".to_owned(), false.into());
    make_room(rules, &mut rule, last + 1);
    rules.insert(id.clone(), rule);
    let rule = rules[&id].clone();
    Ok(Reply::ok(render(call.parameter("policyId"), &rule, call)))
}

/// Gives `rule` the priority it asks for, or `last`; no two have the same.
fn make_room(rules: &mut BTreeMap<String, Object>, rule: &mut Object, last: u64) {
    let wanted = lookup(rule, "/priority").and_then(Value::as_u64).unwrap_or(last).clamp(1, last);
    if rules.values().any(|other| priority(other) == wanted) {
        for other in rules.values_mut() {
            let at = priority(other);
            if at >= wanted && at < u64::MAX {
                other.insert("priority".to_owned(), (at + 1).into());
            }
        }
    }
    rule.insert("priority".to_owned(), wanted.into());
}

fn get_rule(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("ruleId");
    let rule = rules(org, call)?.get(id).ok_or_else(|| OktaError::not_found(id, "PolicyRule"))?;
    Ok(Reply::ok(render(call.parameter("policyId"), rule, call)))
}

fn replace_rule(org: &mut Org, call: &Call) -> Outcome {
    let kind = org.policies.get(call.parameter("policyId")).map(|policy| text(policy, "type").to_owned());
    let mut new = valid(call, kind.as_deref().unwrap_or_default())?;
    let id = call.parameter("ruleId").to_owned();
    let taken =
        rules(org, call)?.iter().any(|(other, rule)| *other != id && rule.get("name") == new.get("name"));
    if taken {
        return Err(OktaError::duplicate("name"));
    }
    let old = rule(org, call)?.clone();
    keep(&mut new, &old, &["id", "status", "created", "system"], call.now);
    let rules = rules(org, call)?;
    rules.remove(&id);
    if new.get("priority").is_none() {
        new.insert("priority".to_owned(), priority(&old).into());
    }
    let last = rules.values().map(priority).filter(|at| *at < u64::MAX).max().unwrap_or(0);
    make_room(rules, &mut new, last.max(priority(&old)) + 1);
    rules.insert(id, new);
    get_rule(org, call)
}

fn delete_rule(org: &mut Org, call: &Call) -> Outcome {
    rule(org, call)?;
    rules(org, call)?.remove(call.parameter("ruleId"));
    Ok(Reply::no_content())
}

fn activate_rule(org: &mut Org, call: &Call) -> Outcome {
    turn(rule(org, call)?, "ACTIVE", call.now);
    Ok(Reply::no_content())
}

fn deactivate_rule(org: &mut Org, call: &Call) -> Outcome {
    turn(rule(org, call)?, "INACTIVE", call.now);
    Ok(Reply::no_content())
}

/// The rule of the body; a routing rule must say to which providers, and its
/// patterns how they match.
fn valid(call: &Call, kind: &str) -> Result<Object, OktaError> {
    let mut rule = call.object()?.clone();
    rule.remove("_links");
    if text(&rule, "name").is_empty() {
        return Err(OktaError::missing("name"));
    }
    rule.entry("type").or_insert_with(|| kind.into());
    if kind != "IDP_DISCOVERY" {
        return Ok(rule);
    }
    let providers = lookup(&rule, "/actions/idp/providers").and_then(Value::as_array);
    match providers.map(Vec::len) {
        None => return Err(OktaError::validation("actions", "actions.idp.providers: The field is required")),
        Some(11..) => return Err(OktaError::validation("actions", "actions.idp.providers: At most 10")),
        Some(_) => {}
    }
    without(&mut rule, &["/actions/idp/shouldFallBackToOkta"]);
    if let Some(Value::Array(criteria)) = lookup_mut(&mut rule, "/actions/idp/matchCriteria") {
        for one in criteria.iter_mut().filter_map(Value::as_object_mut) {
            one.entry("propertyName").or_insert("name".into());
        }
    }
    if lookup(&rule, "/actions/idp/idpSelectionType") == Some(&json!("DYNAMIC")) {
        fill(&mut rule, json!({ "conditions": { "userIdentifier": { "patterns": [] } } }));
    }
    let conditions = rule.entry("conditions").or_insert_with(|| json!({}));
    if let Some(conditions) = conditions.as_object_mut() {
        conditions.entry("app").or_insert_with(|| json!({ "include": [], "exclude": [] }));
    }
    if let Some(identifier) = conditions.get_mut("userIdentifier").filter(|identifier| !identifier.is_null())
    {
        if !identifier["patterns"].is_array() {
            identifier["patterns"] = json!([]);
        }
        let patterns = identifier["patterns"].as_array().cloned().unwrap_or_default();
        let known = ["SUFFIX", "EXPRESSION", "STARTS_WITH", "EQUALS", "CONTAINS"];
        if patterns.iter().any(|p| !known.contains(&p["matchType"].as_str().unwrap_or_default())) {
            return Err(OktaError::validation("patterns", "patterns: The match type is not valid"));
        }
        let single =
            identifier["type"] == "ATTRIBUTE" || patterns.iter().any(|p| p["matchType"] == "EXPRESSION");
        if single && patterns.len() > 1 {
            return Err(OktaError::validation("patterns", "patterns: Only one pattern is allowed"));
        }
    }
    Ok(rule)
}

/// Where the routing rules send a login: the id of an IdP, or `None` for
/// Okta's own sign-in.
pub(crate) fn route(org: &Org, login: &str, strict_suffix: bool) -> Option<String> {
    let login = login.to_lowercase();
    let policy = org.policies.values().find(|policy| text(policy, "type") == "IDP_DISCOVERY")?;
    let mut rules: Vec<&Object> = org.rules.get(text(policy, "id"))?.values().collect();
    rules.retain(|rule| text(rule, "status") == "ACTIVE");
    rules.sort_by_key(|rule| priority(rule));
    let matches = |pattern: &Value| {
        let value = pattern["value"].as_str().unwrap_or_default().to_lowercase();
        match pattern["matchType"].as_str().unwrap_or_default() {
            "SUFFIX" if strict_suffix => login.split_once('@').is_some_and(|(_, domain)| domain == value),
            "SUFFIX" => login.ends_with(&value),
            "STARTS_WITH" => login.starts_with(&value),
            "EQUALS" => login == value,
            "CONTAINS" => login.contains(&value),
            _ => false,
        }
    };
    let rule = rules.into_iter().find(|rule| {
        let patterns = lookup(rule, "/conditions/userIdentifier/patterns").and_then(Value::as_array);
        patterns.is_some_and(|patterns| patterns.iter().any(matches))
    })?;
    let provider = lookup(rule, "/actions/idp/providers")?.get(0)?;
    provider["id"].as_str().map(str::to_owned)
}

/// Where a login is sent (`resource=okta:acct:<login>`): how Okta's sign-in
/// page asks the routing rules. Not in the published description.
fn webfinger(org: &mut Org, call: &Call) -> Outcome {
    let resource = call.query("resource").unwrap_or_default().to_owned();
    let login = resource.strip_prefix("okta:acct:").unwrap_or(&resource);
    let link = match route(org, login, call.settings.strict_suffix) {
        Some(idp) => json!({
            "rel": "http://openid.net/specs/connect/1.0/issuer", "href": call.url(format!("/sso/idps/{idp}")),
            "titles": { "und": org.idps.get(&idp).map(|idp| text(idp, "name")) },
            "properties": { "okta:idp:type": "SAML2", "okta:idp:id": idp },
        }),
        None => json!({
            "rel": "http://openid.net/specs/connect/1.0/issuer", "href": call.org_url,
            "titles": { "und": "okta" }, "properties": { "okta:idp:type": "OKTA" },
        }),
    };
    Ok(Reply::ok(json!({ "subject": resource, "links": [link] })))
}
