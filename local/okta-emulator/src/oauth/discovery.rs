//! What authorization servers publish. These calls need no credential and
//! have no rate limit.
//!
//! Evidence: getWellKnownOpenIDConfiguration, oauthKeys; OpenID Connect
//! Discovery 1.0; RFC 8414; recorded answer 25 (docs/emulator.md). The org's list of keys has the key of its ID tokens
//! only: access tokens of the org's own server are for Okta alone.

use serde_json::{Value, json};

use super::claims;
use super::issuer::server;
use crate::call::{Auth, Call, Outcome, Reply, Route, get};
use crate::error::OktaError;
use crate::json::{Object, object, text, without};
use crate::org::Org;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/oauth2/v1/keys", "oauthKeys", Auth::Public, keys),
    get("/oauth2/{authorizationServerId}/v1/keys", "oauthKeysCustomAS", Auth::Public, keys),
    get("/.well-known/openid-configuration", "getWellKnownOpenIDConfiguration", Auth::Public, configuration),
    get("/oauth2/{authorizationServerId}/.well-known/openid-configuration", "getWellKnownOpenIDConfigurationCustomAS", Auth::Public, configuration),
    get("/.well-known/oauth-authorization-server", "getWellKnownOAuthConfiguration", Auth::Public, oauth_configuration),
    get("/oauth2/{authorizationServerId}/.well-known/oauth-authorization-server", "getWellKnownOAuthConfigurationCustomAS", Auth::Public, oauth_configuration),
    get("/.well-known/okta-organization", "getWellknownOrgMetadata", Auth::Public, organization),
];

fn keys(org: &mut Org, call: &Call) -> Outcome {
    let (server, _) = server(org, call)?;
    let published = match server {
        Some(id) => org.server_keys(&id, 1)?,
        None => vec![org.own_keys()?.1],
    };
    let keys: Result<Vec<Value>, String> =
        published.iter().filter_map(|kid| Some(org.keys.get(kid)?.jwk(kid))).collect();
    let keys = keys.map_err(|_| OktaError::injected(500))?;
    Ok(Reply::ok(json!({ "keys": keys })).with("cache-control", "max-age=3600, must-revalidate"))
}

fn configuration(org: &mut Org, call: &Call) -> Outcome {
    published(described(org, call)?)
}

/// RFC 8414: of the org's own server without the keys and the user's claims, since its tokens are
/// for Okta alone.
fn oauth_configuration(org: &mut Org, call: &Call) -> Outcome {
    let mut metadata = described(org, call)?;
    if call.parameter("authorizationServerId").is_empty() {
        without(&mut metadata, &["/jwks_uri", "/userinfo_endpoint"]);
    }
    published(metadata)
}

fn published(metadata: Object) -> Outcome {
    Ok(Reply::ok(metadata.into()).with("cache-control", "max-age=86400, must-revalidate"))
}

fn described(org: &mut Org, call: &Call) -> Result<Object, OktaError> {
    let (server, issuer) = server(org, call)?;
    let base = if server.is_some() { issuer.clone() } else { format!("{issuer}/oauth2") };
    let endpoint = |name: &str| format!("{base}/v1/{name}");
    let server = server.and_then(|id| org.authorization_servers.get(&id));
    let scopes: Vec<&str> = server.map_or_else(
        || vec!["openid", "email", "profile", "address", "phone", "offline_access"],
        |server| {
            let public =
                server.scopes.values().filter(|scope| text(scope, "metadataPublish") == "ALL_CLIENTS");
            public.map(|scope| text(scope, "name")).collect()
        },
    );
    let methods =
        ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    let algorithms = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
    let own = [
        "iss",
        "ver",
        "sub",
        "aud",
        "iat",
        "exp",
        "jti",
        "auth_time",
        "amr",
        "idp",
        "nonce",
        "name",
        "nickname",
        "preferred_username",
        "given_name",
        "middle_name",
        "family_name",
        "email",
        "email_verified",
        "profile",
        "zoneinfo",
        "locale",
        "address",
        "phone_number",
        "picture",
        "website",
        "gender",
        "birthdate",
        "updated_at",
        "at_hash",
        "c_hash",
    ];
    let claims = server.map_or_else(|| own.to_vec(), claims::names);
    Ok(object(json!({
        "issuer": issuer, "authorization_endpoint": endpoint("authorize"), "token_endpoint": endpoint("token"),
        "userinfo_endpoint": endpoint("userinfo"), "jwks_uri": endpoint("keys"),
        "registration_endpoint": call.url("/oauth2/v1/clients"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": scopes, "token_endpoint_auth_methods_supported": methods,
        "claims_supported": claims,
        "pushed_authorization_request_endpoint": endpoint("par"),
        "backchannel_authentication_request_signing_alg_values_supported": algorithms,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "frontchannel_logout_supported": true, "frontchannel_logout_session_supported": true,
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint": endpoint("introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": endpoint("revoke"), "revocation_endpoint_auth_methods_supported": methods,
        "end_session_endpoint": endpoint("logout"), "request_parameter_supported": false,
        "request_object_signing_alg_values_supported": algorithms,
        "device_authorization_endpoint": endpoint("device/authorize"),
        "dpop_signing_alg_values_supported": algorithms,
    })))
}

/// How okta-aws-cli and gimme-aws-creds tell an Identity Engine org (`idx`)
/// from a Classic one (`v1`). This one is both: `/api/v1/authn` works, too.
fn organization(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(json!({
        "id": org.id, "cell": "local", "pipeline": if call.settings.classic_engine { "v1" } else { "idx" },
        "settings": {
            "analyticsCollectionEnabled": false, "bugReportingEnabled": true, "omEnabled": false,
            "pssoEnabled": false, "desktopMFAEnabled": false, "itpEnabled": false,
        },
        "_links": { "organization": { "href": call.org_url } },
    })))
}
