//! The scopes of Okta's own API.

/// Families of `okta.*` scopes; each has `.read` and `.manage`.
const FAMILIES: &[&str] = &[
    "agentPools",
    "apiTokens",
    "appGrants",
    "apps",
    "authenticators",
    "authorizationServers",
    "behaviors",
    "brands",
    "deviceAssurance",
    "devices",
    "domains",
    "eventHooks",
    "features",
    "groups",
    "idps",
    "inlineHooks",
    "linkedObjects",
    "logStreams",
    "logs",
    "networkZones",
    "oauthIntegrations",
    "orgs",
    "policies",
    "profileMappings",
    "rateLimits",
    "realms",
    "roles",
    "schemas",
    "sessions",
    "threatInsights",
    "trustedOrigins",
    "userTypes",
    "users",
];

/// Whether a scope is one for Okta's own API.
pub(crate) fn is_okta_scope(scope: &str) -> bool {
    let Some(rest) = scope.strip_prefix("okta.") else { return false };
    let rest = rest.strip_suffix(".self").unwrap_or(rest);
    rest == "apps.sso"
        || rest
            .rsplit_once('.')
            .is_some_and(|(family, verb)| FAMILIES.contains(&family) && ["read", "manage"].contains(&verb))
}
