//! Which rule of an authorization server allows a request, and what it says.
//!
//! Evidence: reference page "Authorization servers"; support threads with the
//! text of the refusal. There is no partial grant: one scope that no rule
//! allows refuses the whole request.

use serde_json::Value;

use crate::json::{Object, at, lookup, text, texts};
use crate::oauth::error::OAuthError;
use crate::oauth::scopes::is_okta_scope;
use crate::org::Org;
use crate::org::live::Grant;

/// What the first rule that matches says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    pub(crate) policy: String,
    pub(crate) rule: String,
    pub(crate) access_lifetime: i64,
    /// Id of the token hook.
    pub(crate) hook: Option<String>,
}

/// Scopes that OpenID Connect defines.
const OIDC_SCOPES: &[&str] =
    &["openid", "profile", "email", "address", "phone", "offline_access", "device_sso"];

/// Decides about a grant.
pub(crate) fn evaluate(org: &Org, grant: &Grant) -> Result<Decision, OAuthError> {
    match &grant.server {
        None => of_the_org(org, grant),
        Some(server) => of_a_server(org, server, grant),
    }
}

/// The org's own server: OpenID Connect for users, `okta.*` scopes that were
/// granted to the app, one hour, no hook.
fn of_the_org(org: &Org, grant: &Grant) -> Result<Decision, OAuthError> {
    check_scopes(org, &grant.client, &grant.scopes, grant.user.is_some())?;
    Ok(Decision { access_lifetime: 3_600, ..Decision::default() })
}

/// What a client may ask of the org's own server, for a person or for itself.
pub(crate) fn check_scopes(
    org: &Org,
    client: &str,
    scopes: &[String],
    person: bool,
) -> Result<(), OAuthError> {
    let grants = org.grants.get(client).into_iter().flat_map(|grants| grants.values());
    let active = grants.filter(|granted| text(granted, "status") == "ACTIVE");
    let granted: Vec<&str> = active.map(|granted| text(granted, "scopeId")).collect();
    for scope in scopes {
        let oidc = OIDC_SCOPES.contains(&scope.as_str()) && person;
        // What `okta.apps.sso` allows is decided by the app that is signed in to.
        let okta = is_okta_scope(scope) && (granted.contains(&scope.as_str()) || scope == "okta.apps.sso");
        if !oidc && !okta {
            let text = "The requested scope is invalid, unknown, or malformed.";
            return Err(OAuthError::invalid_scope(text));
        }
    }
    Ok(())
}

fn of_a_server(org: &Org, server: &str, grant: &Grant) -> Result<Decision, OAuthError> {
    let server = org.authorization_servers.get(server).ok_or_else(OAuthError::no_policy)?;
    for scope in &grant.scopes {
        if !server.scopes.values().any(|known| text(known, "name") == scope) {
            return Err(OAuthError::invalid_scope(
                "One or more scopes are not configured for the authorization server resource.",
            ));
        }
    }
    let order = |thing: &&Object| lookup(thing, "/priority").and_then(Value::as_u64);
    let mut policies: Vec<&Object> =
        server.policies.values().filter(|p| text(p, "status") == "ACTIVE").collect();
    policies.sort_by_key(order);
    for policy in policies {
        let clients = texts(policy, "/conditions/clients/include");
        if !clients.contains(&"ALL_CLIENTS") && !clients.contains(&grant.client.as_str()) {
            continue;
        }
        let rules = server.rules.get(text(policy, "id"));
        let mut rules: Vec<&Object> = rules.into_iter().flat_map(|rules| rules.values()).collect();
        rules.retain(|rule| text(rule, "status") == "ACTIVE");
        rules.sort_by_key(order);
        if let Some(rule) = rules.into_iter().find(|rule| allows(org, rule, grant)) {
            let minutes = lookup(rule, "/actions/token/accessTokenLifetimeMinutes").and_then(Value::as_i64);
            let hook = at(rule, "/actions/token/inlineHook/id");
            return Ok(Decision {
                policy: text(policy, "id").to_owned(),
                rule: text(rule, "id").to_owned(),
                access_lifetime: minutes.unwrap_or(60) * 60,
                hook: (!hook.is_empty()).then(|| hook.to_owned()),
            });
        }
    }
    Err(OAuthError::no_policy())
}

fn allows(org: &Org, rule: &Object, grant: &Grant) -> bool {
    let scopes = texts(rule, "/conditions/scopes/include");
    let oidc = |scope: &String| OIDC_SCOPES.contains(&scope.as_str());
    let in_scope = scopes.contains(&"*")
        || grant
            .scopes
            .iter()
            .all(|scope| scopes.contains(&scope.as_str()) || (scopes.contains(&"openid") && oidc(scope)));
    let in_kind = texts(rule, "/conditions/grantTypes/include").contains(&grant.kind);
    let Some(user) = &grant.user else { return in_scope && in_kind };
    let people = |member: &str| texts(rule, &format!("/conditions/people/{member}"));
    let groups = people("groups/include");
    let is_member = |id: &&str| org.groups.get(*id).is_some_and(|group| group.members.contains(user));
    let included = groups.contains(&"EVERYONE")
        || people("users/include").contains(&user.as_str())
        || groups.iter().any(is_member);
    let excluded =
        people("users/exclude").contains(&user.as_str()) || people("groups/exclude").iter().any(is_member);
    in_scope && in_kind && included && !excluded
}
