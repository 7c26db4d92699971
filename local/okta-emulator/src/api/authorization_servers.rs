//! What a custom authorization server publishes. These calls need no
//! credential and have no rate limit.
//!
//! Evidence: OpenID Connect Discovery 1.0; Okta's OAuth description.

use serde_json::json;

use crate::error::OktaError;
use crate::org::Org;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/oauth2/{authorizationServerId}/v1/keys", operation_id: "oauthKeysCustomAs", auth: Auth::Public, handler: keys },
    Route { method: "GET", path: "/oauth2/{authorizationServerId}/.well-known/openid-configuration", operation_id: "getWellKnownOpenIDConfigurationCustomAs", auth: Auth::Public, handler: configuration },
    Route { method: "GET", path: "/oauth2/{authorizationServerId}/.well-known/oauth-authorization-server", operation_id: "getWellKnownOAuthConfigurationCustomAs", auth: Auth::Public, handler: configuration },
];

fn issuer(org: &Org, call: &Call) -> Result<String, OktaError> {
    let id = call.parameter("authorizationServerId");
    let server =
        org.authorization_servers.get(id).ok_or_else(|| OktaError::not_found(id, "AuthorizationServer"))?;
    Ok(format!("{}/oauth2/{}", call.org_url, server.id))
}

fn keys(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    issuer(org, call)?;
    let mut reply = Reply::ok(call.jwks.clone());
    reply.headers.push(("cache-control", "max-age=3600, must-revalidate".to_owned()));
    Ok(reply)
}

fn configuration(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let issuer = issuer(org, call)?;
    let endpoint = |name: &str| format!("{issuer}/v1/{name}");
    Ok(Reply::ok(json!({
        "issuer": issuer, "authorization_endpoint": endpoint("authorize"), "token_endpoint": endpoint("token"),
        "jwks_uri": endpoint("keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    })))
}
