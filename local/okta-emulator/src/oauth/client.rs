//! Authentication of clients, and DPoP.
//!
//! Evidence: guides "Implement OAuth for Okta with a service app" (assertion:
//! `iss` = `sub` = client, `aud` = the token URL, at most an hour) and
//! "Configure OAuth 2.0 Demonstrating Proof-of-Possession"; issues of
//! okta-sdk-nodejs for the errors word for word; RFC 7523, RFC 9449.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use super::keys;
use crate::api::app_credentials;
use crate::call::Call;
use crate::json::{Object, at, lookup, text};
use crate::oauth::error::OAuthError;
use crate::oauth::remote_keys;
use crate::org::Org;

/// How far clocks may be apart.
const SKEW: i64 = 300;

/// A client that showed who it is.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) app: Object,
    pub(crate) method: String,
}

impl Client {
    /// Whether the app may use a grant type.
    pub(crate) fn may(&self, grant_type: &str) -> Result<(), OAuthError> {
        let types = crate::json::texts(&self.app, "/settings/oauthClient/grant_types");
        if types.contains(&grant_type) {
            return Ok(());
        }
        let text = format!(
            "The client is not authorized to use the provided grant type. Configured grant types: [{}].",
            types.join(", ")
        );
        Err(OAuthError::new(400, "unauthorized_client", text))
    }
}

/// The client of a call to `endpoint` (a URL): by HTTP Basic, by the form, by a
/// signed assertion, or only by name if it is public.
pub(crate) fn authenticate(org: &mut Org, call: &Call, endpoint: &str) -> Result<Client, OAuthError> {
    let basic = call.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let assertion = call.form("client_assertion");
    let (id, secret) = match (basic, assertion) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("Can't supply multiple client credentials."));
        }
        (Some(basic), None) => {
            let text = BASE64_STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| OAuthError::invalid_client("No client credentials found."))?;
            // okta-auth-js names a public client that way, without a colon.
            match text.split_once(':') {
                Some((id, secret)) => (decoded(id), Some(decoded(secret)).filter(|s| !s.is_empty())),
                None => (decoded(&text), None),
            }
        }
        (None, Some(assertion)) => {
            let claims = keys::unverified(assertion);
            let id = claims.map(|claims| text(&claims, "sub").to_owned()).unwrap_or_default();
            (id, None)
        }
        (None, None) => {
            let id = call.form("client_id").or_else(|| call.query("client_id"));
            let id = id.ok_or_else(|| OAuthError::invalid_client("No client credentials found."))?;
            (id.to_owned(), call.form("client_secret").map(str::to_owned))
        }
    };
    let app = org.apps.get(&id).filter(|app| text(app, "status") == "ACTIVE").cloned();
    let app =
        app.ok_or_else(|| OAuthError::invalid_client("Invalid value for the `client_id` parameter."))?;
    let method = at(&app, "/credentials/oauthClient/token_endpoint_auth_method").to_owned();
    let client = Client { id, app, method };
    match (client.method.as_str(), assertion, secret) {
        ("none", None, None) => Ok(client),
        ("private_key_jwt", Some(assertion), _) => {
            check_assertion(org, call, &client, assertion, endpoint)?;
            Ok(client)
        }
        ("client_secret_basic" | "client_secret_post", None, Some(secret)) => {
            let known = org.app_secrets.get(&client.id).into_iter().flat_map(|secrets| secrets.values());
            let good = known
                .filter(|known| text(known, "status") == "ACTIVE")
                .any(|known| text(known, "client_secret") == secret);
            let wrong = "The client secret supplied for a confidential client is invalid.";
            if good { Ok(client) } else { Err(OAuthError::invalid_client(wrong)) }
        }
        ("none", None, Some(_)) => Err(OAuthError::invalid_request(
            "Browser requests to the token endpoint must use Proof Key for Code Exchange.",
        )),
        _ => Err(OAuthError::invalid_client(
            "Client authentication failed. Either the client or the client credentials are invalid.",
        )),
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn check_assertion(
    org: &mut Org,
    call: &Call,
    client: &Client,
    assertion: &str,
    endpoint: &str,
) -> Result<(), OAuthError> {
    if call.form("client_assertion_type") != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
        return Err(OAuthError::invalid_request("The `client_assertion_type` is invalid."));
    }
    let active: Vec<Value> = if remote_keys::address(&client.app).is_empty() {
        app_credentials::keys(&client.app).iter().filter(|key| key["status"] == "ACTIVE").cloned().collect()
    } else {
        org.live.remote_keys.get(&client.id).map(|(_, keys)| keys.clone()).unwrap_or_default()
    };
    let claims = keys::verified(assertion, &active)
        .ok_or_else(|| OAuthError::invalid_client("The client_assertion signature is invalid."))?;
    let number = |name: &str| lookup(&claims, &format!("/{name}")).and_then(Value::as_i64);
    let now = call.now.as_second();
    if call.form("client_id").is_some_and(|id| id != client.id) {
        return Err(OAuthError::invalid_client("The client_id does not match the client_assertion."));
    }
    if text(&claims, "iss") != client.id || text(&claims, "sub") != client.id {
        return Err(OAuthError::invalid_client(
            "The issuer and subject of the client_assertion must be the client.",
        ));
    }
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|aud| aud == endpoint),
        Some(one) => one == endpoint,
        None => false,
    };
    if !audience {
        return Err(OAuthError::invalid_client(
            "The audience of the client_assertion is not the token endpoint.",
        ));
    }
    match number("exp") {
        Some(exp) if exp.saturating_add(SKEW) < now => {
            return Err(OAuthError::invalid_client("The client_assertion token is expired."));
        }
        Some(exp) if exp > now + 3_600 + SKEW => {
            return Err(OAuthError::invalid_client(
                "The client_assertion token has an expiration too far into the future.",
            ));
        }
        Some(_) => {}
        None => return Err(OAuthError::invalid_client("The client_assertion has no expiration.")),
    }
    let jti = text(&claims, "jti");
    if !jti.is_empty() && !org.live.seen.insert(format!("assertion {} {jti}", client.id)) {
        return Err(OAuthError::invalid_client("The client_assertion token was used before."));
    }
    Ok(())
}

/// What a DPoP proof says, if there is one: the thumbprint of its key. A proof
/// is good for one call; the token endpoint also asks for its nonce.
pub(crate) fn dpop(
    org: &mut Org,
    call: &Call,
    method: &str,
    url: &str,
    token: Option<&str>,
    with_nonce: bool,
) -> Result<Option<String>, OAuthError> {
    let Some(proof) = call.header("dpop") else { return Ok(None) };
    let bad = |why: &str| OAuthError::new(400, "invalid_dpop_proof", why);
    let (claims, thumbprint) = keys::proof(proof).ok_or_else(|| bad("The DPoP proof JWT is not valid."))?;
    let issued = lookup(&claims, "/iat").and_then(Value::as_i64).unwrap_or(0);
    if text(&claims, "htm") != method {
        return Err(bad("The DPoP proof JWT 'htm' claim does not match the method."));
    }
    if text(&claims, "htu") != url {
        return Err(bad("The DPoP proof JWT 'htu' claim does not match the URL."));
    }
    if call.now.as_second().abs_diff(issued) > SKEW.unsigned_abs() {
        return Err(bad("The DPoP proof JWT 'iat' claim is too far from now."));
    }
    if token.is_some_and(|token| text(&claims, "ath") != keys::sha256(token)) {
        return Err(bad("The DPoP proof JWT 'ath' claim does not match the access token."));
    }
    if with_nonce {
        let expected = org.live.dpop_nonce.get_or_insert_with(crate::random::random).clone();
        if text(&claims, "nonce") != expected {
            let text = "Authorization server requires nonce in DPoP proof.";
            let mut error = OAuthError::new(400, "use_dpop_nonce", text);
            error.headers.push(("dpop-nonce", expected));
            return Err(error);
        }
    }
    let jti = text(&claims, "jti");
    if jti.is_empty() || !org.live.seen.insert(format!("proof {thumbprint} {jti}")) {
        return Err(bad("The DPoP proof JWT has already been used."));
    }
    Ok(Some(thumbprint))
}

/// Whether an app's tokens are bound to a key.
pub(crate) fn wants_dpop(app: &Object) -> bool {
    lookup(app, "/settings/oauthClient/dpop_bound_access_tokens") == Some(&json!(true))
}
