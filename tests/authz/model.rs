//! The second model: what API.md says about who may call what, written down
//! by hand, route by route, without the table and without the product's types.

use operations::{Access, Http, Method, OktaUse, Operation, Package, Size, Trigger};
use serde_json::Value;

/// One route of each kind that the API has or will have, as a table that the
/// authorizer is given. The names do not matter.
pub(crate) const TABLE: &[Operation] = &[
    entry("list-tenants", Method::Get, "/tenants", Access::Superuser),
    entry("add-tenant", Method::Post, "/tenants", Access::Superuser),
    entry("get-tenant", Method::Get, "/tenants/{tenant}", Access::TenantAdmin),
    entry("update-tenant", Method::Put, "/tenants/{tenant}", Access::Superuser),
    entry("delete-tenant", Method::Delete, "/tenants/{tenant}", Access::Superuser),
    entry("list-tenant-admins", Method::Get, "/tenants/{tenant}/admins", Access::TenantAdmin),
    entry("assign-tenant-admin", Method::Put, "/tenants/{tenant}/admins/{userId}", Access::TenantAdmin),
    entry("unassign-tenant-admin", Method::Delete, "/tenants/{tenant}/admins/{userId}", Access::TenantAdmin),
    entry("revoke-user", Method::Post, "/users/{userId}/revocation", Access::Superuser),
    entry("list-tenant-apps", Method::Get, "/tenants/{tenant}/apps", Access::TenantAdmin),
    entry("activate-tenant-app", Method::Put, "/tenants/{tenant}/apps/{appId}", Access::TenantAdmin),
    entry("deactivate-tenant-app", Method::Delete, "/tenants/{tenant}/apps/{appId}", Access::Superuser),
    entry("list-tenant-events", Method::Get, "/tenants/{tenant}/events", Access::TenantAdmin),
    entry("list-tenant-domains", Method::Get, "/tenants/{tenant}/domains", Access::TenantAdmin),
    entry("add-tenant-domain", Method::Post, "/tenants/{tenant}/domains", Access::TenantAdmin),
    entry("get-tenant-domain", Method::Get, "/tenants/{tenant}/domains/{domain}", Access::TenantAdmin),
    entry("verify-tenant-domain", Method::Put, "/tenants/{tenant}/domains/{domain}", Access::TenantAdmin),
    entry("delete-tenant-domain", Method::Delete, "/tenants/{tenant}/domains/{domain}", Access::TenantAdmin),
    entry("assign-app-to-tenant", Method::Put, "/apps/{appId}/tenants/{tenant}", Access::TenantAdmin),
    entry("list-apps", Method::Get, "/apps", Access::AnyUser),
    entry("get-app", Method::Get, "/apps/{appId}", Access::AnyUser),
    started("okta-proxy", Trigger::Proxy { path: "/api/v1/{proxy+}", problems: &[], replaces: None }),
    started(
        "get-connection-keys",
        Trigger::Public { path: "/.well-known/okta-dac/{connection}/jwks.json", problems: &[] },
    ),
    started("find-idp", Trigger::Public { path: "/.well-known/webfinger", problems: &[] }),
    entry("add-delegation-agent", Method::Post, "/delegator/agents/add", Access::ManagedAccess),
    started("enrich-agent-token", Trigger::InlineHook { path: "/tokenEnrichment/agent" }),
    started("enrich-entity-token", Trigger::InlineHook { path: "/tokenEnrichment/entity" }),
    started("end-user-rights", Trigger::EventHook { path: "/events/okta" }),
    entry("list-delegation-agents", Method::Get, "/delegator/agents", Access::ManagedAccess),
    entry("list-delegation-events", Method::Get, "/delegator/events", Access::ManagedAccess),
    entry("list-delegators", Method::Get, "/agent", Access::ManagedAccess),
    entry("remove-delegation-agent", Method::Post, "/delegator/agents/remove", Access::ManagedAccess),
    entry("set-delegation", Method::Post, "/delegator/delegation", Access::ManagedAccess),
    entry("start-delegation", Method::Post, "/agent", Access::ManagedAccess),
    entry("list-responses", Method::Get, "/responses", Access::Responder),
    entry("add-response", Method::Post, "/responses", Access::Responder),
    entry("get-response", Method::Get, "/responses/{responseId}", Access::Responder),
    entry("lift-response", Method::Post, "/responses/{responseId}/lift", Access::Responder),
    entry("add-tenant-response", Method::Post, "/tenants/{tenant}/responses", Access::TenantAdmin),
    entry("list-idps", Method::Get, "/idps", Access::AnyUser),
    entry("get-idp-metadata", Method::Get, "/idps/{idpId}/metadata.xml", Access::IdpAdmin),
    entry("get-idp", Method::Get, "/idps/{idpId}", Access::IdpAdmin),
    entry("update-idp", Method::Put, "/idps/{idpId}", Access::IdpAdmin),
];

const fn entry(name: &'static str, method: Method, path: &'static str, access: Access) -> Operation {
    let http = Http { method, path, access, success: 200, problems: &[], idempotent: false, replaces: None };
    started(name, Trigger::Http(http))
}

const fn started(name: &'static str, trigger: Trigger) -> Operation {
    Operation {
        name,
        package: Package::Tenants,
        trigger,
        okta: OktaUse::None,
        state: &[],
        settings: &[],
        size: Size::API,
        summary: "",
    }
}

/// Whether these claims may do this; `path` is decoded text in segments.
pub(crate) fn allowed(claims: &Value, method: &str, path: &[&str]) -> bool {
    if path.iter().any(|segment| segment.is_empty()) {
        return false;
    }
    let list = |name: &str| -> Vec<String> {
        let elements = claims[name].as_array().cloned().unwrap_or_default();
        elements.iter().filter_map(|e| e.as_str().map(String::from)).collect()
    };
    let (groups, tenants) = (list("groups"), list("tenants"));
    let superuser = groups.iter().any(|group| group == "SUPERUSERS");
    if method != "GET" && claims["on_behalf"] == true {
        return false;
    }
    let has = |scope: &str| match claims["scp"].as_array() {
        Some(scopes) => scopes.iter().any(|s| s == scope),
        None => scope == "dac.admin",
    };
    let delegation = matches!(
        (method, path),
        ("GET" | "POST", ["agent"])
            | ("GET", ["delegator", "agents" | "events"])
            | ("POST", ["delegator", "agents", "add" | "remove"] | ["delegator", "delegation"])
    );
    if delegation {
        return has("managed.access") && claims["on_behalf"] != true;
    }
    let response = matches!(
        (method, path),
        ("GET" | "POST", ["responses"]) | ("GET", ["responses", _]) | ("POST", ["responses", _, "lift"])
    );
    if response {
        let responder = groups.iter().any(|group| group == "RESPONDERS");
        return has("dac.respond") && claims["on_behalf"] != true && (superuser || responder);
    }
    if !has("dac.admin") {
        return false;
    }

    // (idp id, name) of each element that means something.
    let alphanumeric =
        |id: &str| !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric());
    let mut elements: Vec<(String, String, String)> = vec![];
    for element in &tenants {
        let mut parts = element.splitn(3, ':');
        let (Some(idp), Some(name), Some(users)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let plain = !name.is_empty()
            && name.chars().count() <= 220
            && !name.chars().any(|c| c.is_control() || "*?:/$\\\"".contains(c));
        if alphanumeric(idp) && alphanumeric(users) && plain {
            elements.push((idp.into(), name.into(), users.into()));
        }
    }
    elements.sort();
    elements.dedup();
    let mut mine = vec![];
    for (idp, name, users) in &elements {
        let clash =
            elements.iter().any(|(i, n, u)| (i, n, u) != (idp, name, users) && (i == idp || n == name));
        if !clash && groups.contains(&format!("ADMINS_{name}")) {
            mine.push((idp.clone(), name.clone()));
        }
    }
    let admin_of = |name: &str| superuser || mine.iter().any(|(_, mine)| mine == name);
    let idp_admin_of = |idp: &str| superuser || mine.iter().any(|(mine, _)| mine == idp);

    match (method, path) {
        ("GET" | "POST", ["tenants"]) => superuser,
        ("POST", ["users", _, "revocation"]) => superuser,
        ("GET", ["tenants", tenant]) => admin_of(tenant),
        ("PUT" | "DELETE", ["tenants", _]) => superuser,
        ("GET", ["tenants", tenant, "admins"]) => admin_of(tenant),
        ("PUT" | "DELETE", ["tenants", tenant, "admins", _]) => admin_of(tenant),
        ("GET", ["tenants", tenant, "apps"]) => admin_of(tenant),
        ("PUT", ["tenants", tenant, "apps", _]) => admin_of(tenant),
        ("DELETE", ["tenants", _, "apps", _]) => superuser,
        ("GET" | "POST", ["tenants", tenant, "domains"]) => admin_of(tenant),
        ("GET" | "PUT" | "DELETE", ["tenants", tenant, "domains", _]) => admin_of(tenant),
        ("POST", ["tenants", tenant, "responses"]) => admin_of(tenant),
        ("PUT", ["apps", _, "tenants", tenant]) => admin_of(tenant),
        ("GET", ["apps"]) => true,
        ("GET", ["apps", _]) => true,
        ("GET", ["idps"]) => true,
        ("GET", ["idps", idp, "metadata.xml"]) => idp_admin_of(idp),
        ("GET" | "PUT", ["idps", idp]) => idp_admin_of(idp),
        _ => false,
    }
}
