//! Policies of custom authorization servers, and their rules: who gets tokens,
//! with which grant, scopes and lifetime, and which hook is asked.
//!
//! Evidence: recordings of the Terraform provider (every create answers 201), in
//! full recorded answers 17 and 18 (docs/emulator.md); reference page "Authorization
//! servers".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::authorization_servers::{ALL, find, remove, taken, with_server};
use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::json::{Object, fill, hinted, keep, lookup, object, stamp, text, with_links};
use crate::org::{AuthorizationServer, Org};

const SERVERS: Auth = Auth::Admin("authorizationServers");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/authorizationServers/{authServerId}/policies", "listAuthorizationServerPolicies", SERVERS, list_policies),
    post("/api/v1/authorizationServers/{authServerId}/policies", "createAuthorizationServerPolicy", SERVERS, create_policy),
    get("/api/v1/authorizationServers/{authServerId}/policies/{policyId}", "getAuthorizationServerPolicy", SERVERS, get_policy),
    put("/api/v1/authorizationServers/{authServerId}/policies/{policyId}", "replaceAuthorizationServerPolicy", SERVERS, replace_policy),
    delete("/api/v1/authorizationServers/{authServerId}/policies/{policyId}", "deleteAuthorizationServerPolicy", SERVERS, delete_policy),
    get("/api/v1/authorizationServers/{authServerId}/policies/{policyId}/rules", "listAuthorizationServerPolicyRules", SERVERS, list_rules),
    post("/api/v1/authorizationServers/{authServerId}/policies/{policyId}/rules", "createAuthorizationServerPolicyRule", SERVERS, create_rule),
    get("/api/v1/authorizationServers/{authServerId}/policies/{policyId}/rules/{ruleId}", "getAuthorizationServerPolicyRule", SERVERS, get_rule),
    put("/api/v1/authorizationServers/{authServerId}/policies/{policyId}/rules/{ruleId}", "replaceAuthorizationServerPolicyRule", SERVERS, replace_rule),
    delete("/api/v1/authorizationServers/{authServerId}/policies/{policyId}/rules/{ruleId}", "deleteAuthorizationServerPolicyRule", SERVERS, delete_rule),
];

fn render_policy(policy: &Object, url: &str) -> Value {
    let own = format!("{url}/policies/{}", text(policy, "id"));
    with_links(
        policy,
        json!({
            "self": hinted(own.clone(), ALL), "rules": hinted(format!("{own}/rules"), &["GET", "POST"]),
            "deactivate": hinted(format!("{own}/lifecycle/deactivate"), &["POST"]),
        }),
    )
}

fn by_priority(things: &BTreeMap<String, Object>) -> Vec<&Object> {
    let mut found: Vec<&Object> = things.values().collect();
    found.sort_by_key(|thing| lookup(thing, "/priority").and_then(Value::as_u64));
    found
}

fn list_policies(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let policies = by_priority(&server.policies);
        Ok(Reply::ok(policies.into_iter().map(|policy| render_policy(policy, url)).collect()))
    })
}

fn valid_policy(server: &AuthorizationServer, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut policy = call.object()?.clone();
    policy.remove("_links");
    let name = text(&policy, "name");
    if name.is_empty() {
        return Err(OktaError::missing("name"));
    }
    if taken(&server.policies, name, own) {
        return Err(OktaError::duplicate("name"));
    }
    fill(&mut policy, json!({ "conditions": { "clients": { "include": [] } } }));
    policy.insert("type".to_owned(), "OAUTH_AUTHORIZATION_POLICY".into());
    Ok(policy)
}

/// Adds a policy or a rule at the end, unless it says where.
fn insert(
    org: &mut Org,
    things: &mut BTreeMap<String, Object>,
    mut thing: Object,
    prefix: &str,
    now: Timestamp,
) -> String {
    let id = org.new_id(prefix);
    let last =
        things.values().filter_map(|t| lookup(t, "/priority").and_then(Value::as_u64)).max().unwrap_or(0);
    stamp(&mut thing, &id, "ACTIVE", now);
    thing.insert("system".to_owned(), false.into());
    thing.entry("priority").or_insert((last + 1).into());
    things.insert(id.clone(), thing);
    id
}

impl Org {
    /// A policy for a client, or for `ALL_CLIENTS`, with one rule for everybody and
    /// perhaps a token hook; used by the seed.
    pub(crate) fn insert_policy(
        &mut self,
        server: &mut AuthorizationServer,
        client: &str,
        hook: Option<&str>,
        now: Timestamp,
    ) {
        let name = if hook.is_some() { "With a token hook" } else { "Default" };
        let policy = object(json!({
            "type": "OAUTH_AUTHORIZATION_POLICY", "name": name, "description": name,
            "conditions": { "clients": { "include": [client] } },
        }));
        let id = insert(self, &mut server.policies, policy, "00p", now);
        let mut rule = object(json!({
            "type": "RESOURCE_ACCESS", "name": "Everyone",
            "conditions": {
                "people": { "users": { "include": [], "exclude": [] }, "groups": { "include": ["EVERYONE"], "exclude": [] } },
                "grantTypes": { "include": [
                    "authorization_code", "client_credentials", "password",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ] },
                "scopes": { "include": ["*"] },
            },
            "actions": { "token": {
                "accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0,
                "refreshTokenWindowMinutes": 10_080,
            } },
        }));
        if let (Some(hook), Some(actions)) = (hook, rule.get_mut("actions")) {
            actions["token"]["inlineHook"] = json!({ "id": hook });
        }
        let mut rules = BTreeMap::new();
        insert(self, &mut rules, rule, "0pr", now);
        server.rules.insert(id, rules);
    }
}

fn create_policy(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |org, server, url| {
        let policy = valid_policy(server, call, None)?;
        let id = insert(org, &mut server.policies, policy, "00p", call.now);
        Ok(Reply::new(201, render_policy(&server.policies[&id], url)))
    })
}

fn get_policy(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        Ok(Reply::ok(render_policy(find(&server.policies, call.parameter("policyId"), "Policy")?, url)))
    })
}

fn replace_policy(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        let id = call.parameter("policyId");
        let old = find(&server.policies, id, "Policy")?.clone();
        let mut new = valid_policy(server, call, Some(id))?;
        keep(&mut new, &old, &["id", "status", "created", "system"], call.now);
        new.entry("priority").or_insert(old.get("priority").cloned().unwrap_or_default());
        server.policies.insert(id.to_owned(), new);
        Ok(Reply::no_content())
    })?;
    get_policy(org, call)
}

fn delete_policy(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        let id = call.parameter("policyId");
        server.rules.remove(id);
        remove(&mut server.policies, id, "Policy")
    })
}

fn render_rule(rule: &Object, url: &str, policy: &str) -> Value {
    let own = format!("{url}/policies/{policy}/rules/{}", text(rule, "id"));
    with_links(rule, json!({ "self": { "href": own, "hints": { "allow": ALL } } }))
}

/// The rules of the policy of a call.
fn rules<'s>(
    server: &'s mut AuthorizationServer,
    call: &Call,
) -> Result<&'s mut BTreeMap<String, Object>, OktaError> {
    let policy = call.parameter("policyId");
    find(&server.policies, policy, "Policy")?;
    Ok(server.rules.entry(policy.to_owned()).or_default())
}

fn list_rules(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let rules = by_priority(rules(server, call)?);
        Ok(Reply::ok(
            rules.into_iter().map(|rule| render_rule(rule, url, call.parameter("policyId"))).collect(),
        ))
    })
}

/// Lifetimes in bounds, a hook that exists, conditions that are there.
fn valid_rule(org: &Org, call: &Call) -> Result<Object, OktaError> {
    let mut rule = call.object()?.clone();
    rule.remove("_links");
    if text(&rule, "name").is_empty() {
        return Err(OktaError::missing("name"));
    }
    if lookup(&rule, "/conditions/grantTypes/include").and_then(Value::as_array).is_none() {
        let cause = "/conditions/grantTypes/include: The field is required";
        return Err(OktaError::validation("conditions", cause));
    }
    fill(&mut rule, json!({ "conditions": { "scopes": { "include": [] } } }));
    if lookup(&rule, "/conditions/people/users").is_some() {
        fill(&mut rule, json!({ "conditions": { "people": { "users": { "exclude": [] } } } }));
    }
    let minutes = lookup(&rule, "/actions/token/accessTokenLifetimeMinutes").and_then(Value::as_i64);
    if minutes.is_some_and(|minutes| !(5..=1_440).contains(&minutes)) {
        return Err(OktaError::validation("actions", "accessTokenLifetimeMinutes: 5 to 1440"));
    }
    let hook = crate::json::at(&rule, "/actions/token/inlineHook/id");
    if !hook.is_empty() && !org.inline_hooks.contains_key(hook) {
        return Err(OktaError::not_found(hook, "InlineHook"));
    }
    rule.insert("type".to_owned(), "RESOURCE_ACCESS".into());
    Ok(rule)
}

fn create_rule(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |org, server, url| {
        let rule = valid_rule(org, call)?;
        let rules = rules(server, call)?;
        if taken(rules, text(&rule, "name"), None) {
            return Err(OktaError::duplicate("name"));
        }
        let id = insert(org, rules, rule, "0pr", call.now);
        Ok(Reply::new(201, render_rule(&rules[&id], url, call.parameter("policyId"))))
    })
}

fn get_rule(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let rule = find(rules(server, call)?, call.parameter("ruleId"), "PolicyRule")?;
        Ok(Reply::ok(render_rule(rule, url, call.parameter("policyId"))))
    })
}

fn replace_rule(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |org, server, _| {
        let id = call.parameter("ruleId");
        let mut new = valid_rule(org, call)?;
        let rules = rules(server, call)?;
        let old = find(rules, id, "PolicyRule")?.clone();
        if taken(rules, text(&new, "name"), Some(id)) {
            return Err(OktaError::duplicate("name"));
        }
        keep(&mut new, &old, &["id", "status", "created", "system"], call.now);
        new.entry("priority").or_insert(old.get("priority").cloned().unwrap_or_default());
        rules.insert(id.to_owned(), new);
        Ok(Reply::no_content())
    })?;
    get_rule(org, call)
}

fn delete_rule(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        remove(rules(server, call)?, call.parameter("ruleId"), "PolicyRule")
    })
}
