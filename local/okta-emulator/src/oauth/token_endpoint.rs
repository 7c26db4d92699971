//! `/token`: every grant that the product and its clients use.
//!
//! Evidence: token, tokenCustomAS and their examples (errors word for word);
//! guides for service apps, device grant, refresh rotation; gimme-aws-creds and
//! okta-aws-cli for the exchange for a web SSO token.

use serde_json::{Value, json};

use super::client::{self, Client};
use super::issuer::server;
use super::{introspection, issue, keys, policy};
use crate::api::passwords;
use crate::call::{Auth, Call, Outcome, Reply, Route, post};
use crate::hooks::{Verdict, apply};
use crate::json::{Object, at, object, text};
use crate::oauth::error::{OAuthError, answered};
use crate::org::Org;
use crate::org::live::{Code, Grant};
use crate::random::random;
use crate::settings::Assurance;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const WEB_SSO: &str = "urn:okta:oauth:token-type:web_sso_token";

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/oauth2/v1/token", "token", Auth::Public, token),
    post("/oauth2/{authorizationServerId}/v1/token", "tokenCustomAS", Auth::Public, token),
];

fn token(org: &mut Org, call: &Call) -> Outcome {
    let (server, issuer) = server(org, call)?;
    answered(exchange(org, call, server, issuer))
}

fn exchange(org: &mut Org, call: &Call, server: Option<String>, issuer: String) -> Result<Reply, OAuthError> {
    let endpoint = call.url(&call.path);
    let grant_type = call.form("grant_type").unwrap_or_default();
    let known = ["authorization_code", "refresh_token", "client_credentials", "password", DEVICE, EXCHANGE];
    if !known.contains(&grant_type) {
        let text = format!(
            "The authorization grant type is not supported by the authorization server. Configured grant types: [{}].",
            known.join(", ")
        );
        return Err(OAuthError::new(400, "unsupported_grant_type", text));
    }
    let client = client::authenticate(org, call, &endpoint)?;
    let (id, is_service) = (client.id.clone(), grant_type == "client_credentials");
    let result = granted(org, call, &client, &endpoint, server, issuer);
    if is_service {
        log_grant(org, call, &id, result.as_ref().err().map(|error| error.error));
    }
    result
}

/// Notes in the system log what a service app got. Okta's names of these events are those of
/// its event types; that the round for a nonce is one of them is not verified.
fn log_grant(org: &mut Org, call: &Call, client: &str, refused: Option<&str>) {
    let (kind, message) = match refused {
        None => ("app.oauth2.token.grant.access_token", "OAuth2 access token is granted"),
        Some(_) => ("app.oauth2.token.grant", "OAuth2 token request"),
    };
    let entry = crate::org::LogEntry { kind, message, actor: client, targets: Vec::new(), reason: refused };
    org.log_event(entry, call.now);
}

fn granted(
    org: &mut Org,
    call: &Call,
    client: &Client,
    endpoint: &str,
    server: Option<String>,
    issuer: String,
) -> Result<Reply, OAuthError> {
    let grant_type = call.form("grant_type").unwrap_or_default();
    client.may(grant_type)?;
    let jkt = client::dpop(org, call, "POST", endpoint, None, true)?;
    if client::wants_dpop(&client.app) && jkt.is_none() {
        return Err(OAuthError::new(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing."));
    }
    let base = Grant { server, issuer, client: client.id.clone(), jkt, ..Grant::default() };
    match grant_type {
        "authorization_code" => code(org, call, client, base),
        "refresh_token" => refresh(org, call, client, base),
        "client_credentials" => client_credentials(org, call, client, base),
        "password" => password(org, call, base),
        DEVICE => device(org, call, base),
        _ => web_sso(org, call, client),
    }
}

/// A code is good once, for the client, redirect URI and verifier that it was
/// made for.
fn code(org: &mut Org, call: &Call, client: &Client, base: Grant) -> Result<Reply, OAuthError> {
    let invalid = || OAuthError::invalid_grant("The authorization code is invalid or has expired.");
    let given = call.form("code").unwrap_or_default();
    let Code { mut grant, tokens, redirect_uri, challenge, expires } =
        org.live.codes.get(given).cloned().ok_or_else(invalid)?;
    if grant.client != client.id {
        let text = "The grant was issued to another client. Ensure that the `client_id` matches the one used at the authorize request.";
        return Err(OAuthError::invalid_grant(text));
    }
    org.live.codes.remove(given);
    if expires < call.now.as_second() || grant.server != base.server {
        return Err(invalid());
    }
    if call.form("redirect_uri") != Some(redirect_uri.as_str()) {
        let text = "The 'redirect_uri' does not match the redirection URI used in the authorization request.";
        return Err(OAuthError::invalid_grant(text));
    }
    if let Some(challenge) = challenge
        && call.form("code_verifier").map(keys::sha256) != Some(challenge)
    {
        return Err(OAuthError::invalid_grant("PKCE verification failed."));
    }
    grant.jkt = base.jkt;
    let mut tokens = tokens;
    if let Some(jkt) = &grant.jkt {
        tokens.access.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    if !call.settings.hook_at_code_exchange {
        return issue::signed(org, call, &grant, tokens);
    }
    let decision = policy::evaluate(org, &grant)?;
    hooked(org, call, grant, &decision, tokens)
}

/// Asks the hook of the rule, if there is one, and signs.
fn hooked(
    org: &mut Org,
    call: &Call,
    grant: Grant,
    decision: &policy::Decision,
    tokens: crate::org::live::Tokens,
) -> Result<Reply, OAuthError> {
    let protocol: Object = ["scope", "client_id", "grant_type"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), call.form(name)?.into())))
        .collect();
    let then = {
        let (grant, mut tokens) = (grant.clone(), tokens.clone());
        Box::new(move |org: &mut Org, call: &Call, answer| {
            let verdict = apply(&mut tokens, &answer);
            if let Verdict::Issue(Some(why)) | Verdict::Refuse(why) = &verdict {
                issue::log_hook(org, call, &grant, why);
            }
            answered(match verdict {
                Verdict::Issue(_) => issue::signed(org, call, &grant, tokens),
                Verdict::Refuse(why) => Err(OAuthError::new(400, "server_error", why)),
            })
        })
    };
    match issue::hook_call(org, call, &grant, decision, &tokens, protocol, then) {
        Some(hook) => Ok(Reply { hook: Some(hook), ..Reply::no_content() }),
        None => issue::signed(org, call, &grant, tokens),
    }
}

/// New tokens with the claims of now. The refresh token changes with each use
/// if the app says so (`refresh_token.rotation_type`).
fn refresh(org: &mut Org, call: &Call, client: &Client, base: Grant) -> Result<Reply, OAuthError> {
    let invalid = || OAuthError::invalid_grant("The refresh token is invalid or expired.");
    let given = call.form("refresh_token").unwrap_or_default();
    let mut grant = org.live.refresh_tokens.get(given).cloned().ok_or_else(invalid)?;
    if grant.client != client.id || grant.server != base.server {
        return Err(invalid());
    }
    let user = grant.user.as_ref().and_then(|id| org.users.get(id)).ok_or_else(invalid)?;
    if user.status != "ACTIVE" || !org.is_assigned(&user.id, &client.id) {
        return Err(invalid());
    }
    if let Some(scopes) = call.form("scope") {
        let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
        if scopes.iter().any(|scope| !grant.scopes.contains(scope)) {
            return Err(OAuthError::invalid_scope("The requested scopes exceed those of the refresh token."));
        }
        grant.scopes = scopes;
    }
    grant.jkt = base.jkt;
    let rotates = at(&client.app, "/settings/oauthClient/refresh_token/rotation_type") == "ROTATE";
    let decision = policy::evaluate(org, &grant)?;
    let tokens = issue::tokens(org, &grant, &decision)?;
    if rotates {
        org.live.refresh_tokens.remove(given);
    } else {
        // The answer repeats the token that there is.
        let given = given.to_owned();
        return static_refresh(hooked(org, call, grant, &decision, tokens), given);
    }
    hooked(org, call, grant, &decision, tokens)
}

/// Puts the old refresh token into the answer in place of a new one.
fn static_refresh(reply: Result<Reply, OAuthError>, token: String) -> Result<Reply, OAuthError> {
    let keep = move |reply: &mut Reply| {
        if let crate::call::Body::Json(body) = &mut reply.body
            && body.get("refresh_token").is_some()
        {
            body["refresh_token"] = token.into();
        }
    };
    reply.map(|mut reply| {
        if let Some(hook) = &mut reply.hook {
            let then = std::mem::replace(&mut hook.then, Box::new(|_, _, _| Ok(Reply::no_content())));
            hook.then = Box::new(move |org, call, answer| {
                let mut reply = then(org, call, answer)?;
                keep(&mut reply);
                Ok(reply)
            });
        } else {
            keep(&mut reply);
        }
        reply
    })
}

/// Only an app that signs its assertion, or a service integration with its
/// secret, gets tokens of the org's own server.
fn client_credentials(org: &mut Org, call: &Call, client: &Client, base: Grant) -> Result<Reply, OAuthError> {
    let integration = org.service_integrations.contains_key(&client.id);
    if base.server.is_none() && client.method != "private_key_jwt" && !integration {
        let text = "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.";
        return Err(OAuthError::new(400, "invalid_client", text));
    }
    let scopes: Vec<String> =
        call.form("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(OAuthError::invalid_scope(match base.server {
            None => "No scopes were requested.",
            Some(_) => {
                "The authorization server resource does not have any configured default scopes, 'scope' must be provided."
            }
        }));
    }
    let late = jiff::SignedDuration::from_millis(i64::try_from(call.settings.grants_late_ms).unwrap_or(0));
    let is_early = |grant: &Object| {
        let created: Option<jiff::Timestamp> = text(grant, "created").parse().ok();
        created.is_some_and(|created| created + late > call.now)
    };
    let early =
        org.grants.get(&client.id).into_iter().flat_map(|grants| grants.values().filter(|of| is_early(of)));
    let early: Vec<&str> = early.map(|grant| text(grant, "scopeId")).collect();
    if !late.is_zero() && scopes.iter().any(|scope| early.contains(&scope.as_str())) {
        return Err(OAuthError::invalid_scope("The requested scope is invalid, unknown, or malformed."));
    }
    let grant = Grant { scopes, kind: "client_credentials", ..base };
    let decision = policy::evaluate(org, &grant)?;
    let tokens = issue::tokens(org, &grant, &decision)?;
    hooked(org, call, grant, &decision, tokens)
}

fn password(org: &mut Org, call: &Call, base: Grant) -> Result<Reply, OAuthError> {
    let wrong = || OAuthError::invalid_grant("The credentials provided were invalid.");
    let (login, password) =
        (call.form("username").unwrap_or_default(), call.form("password").unwrap_or_default());
    let user = org.user_called(login).cloned().ok_or_else(wrong)?;
    if user.status != "ACTIVE" || !passwords::is_present(&user, password) {
        passwords::count_failure(org, &user.id, call.now);
        return Err(wrong());
    }
    if !org.is_assigned(&user.id, &base.client) {
        return Err(OAuthError::new(400, "access_denied", "User is not assigned to the client application."));
    }
    let scopes = call.form("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let (auth_time, amr) = (call.now.as_second(), vec!["pwd".to_owned()]);
    let grant = Grant { user: Some(user.id), scopes, kind: "password", auth_time, amr, ..base };
    let decision = policy::evaluate(org, &grant)?;
    let tokens = issue::tokens(org, &grant, &decision)?;
    hooked(org, call, grant, &decision, tokens)
}

/// Polled by the device until its user has answered.
fn device(org: &mut Org, call: &Call, base: Grant) -> Result<Reply, OAuthError> {
    let code = call.form("device_code").unwrap_or_default();
    let now = call.now.as_second();
    let refused = |error, text: &str| Err(OAuthError::new(400, error, text));
    let Some(device) =
        org.live.device_codes.get_mut(code).filter(|device| device.grant.client == base.client)
    else {
        return refused("invalid_grant", "The device code is invalid or has expired.");
    };
    if device.expires < now {
        return refused("expired_token", "The device code is invalid or has expired.");
    }
    let too_fast = now - device.last_poll < super::device::INTERVAL - 1;
    device.last_poll = now;
    match device.answer {
        None if too_fast => refused("slow_down", "The device is polling too often."),
        None => {
            refused("authorization_pending", "The device authorization is pending. Please try again later.")
        }
        Some(false) => {
            refused("access_denied", "The resource owner or authorization server denied the request.")
        }
        Some(true) => {
            let grant = Grant { jkt: base.jkt, ..device.grant.clone() };
            org.live.device_codes.remove(code);
            let decision = policy::evaluate(org, &grant)?;
            let tokens = issue::tokens(org, &grant, &decision)?;
            hooked(org, call, grant, &decision, tokens)
        }
    }
}

/// Access and ID token for a web SSO token, which `/login/token/sso` takes.
/// Okta's errors here are not known: always `invalid_grant`.
fn web_sso(org: &mut Org, call: &Call, client: &Client) -> Result<Reply, OAuthError> {
    let refused = |text: &str| OAuthError::invalid_grant(text);
    if call.form("requested_token_type") != Some(WEB_SSO) {
        return Err(OAuthError::invalid_request("The `requested_token_type` is not supported."));
    }
    let access = introspection::accepted(org, call.form("actor_token").unwrap_or_default(), call.now)
        .ok_or_else(|| refused("The actor_token is invalid."))?;
    let identity = introspection::accepted(org, call.form("subject_token").unwrap_or_default(), call.now)
        .ok_or_else(|| refused("The subject_token is invalid."))?;
    let scopes = crate::json::texts(&access, "/scp");
    if text(&access, "uid") != text(&identity, "sub") || !scopes.contains(&"okta.apps.sso") {
        return Err(refused("The tokens do not allow single sign-on."));
    }
    let app = call.form("audience").and_then(|audience| audience.strip_prefix("urn:okta:apps:"));
    let app = app.unwrap_or_default();
    let allows = |app: &Object| {
        crate::json::texts(app, "/settings/app/allowedWebSsoClients").contains(&client.id.as_str())
    };
    let user = text(&access, "uid");
    if !org.apps.get(app).is_some_and(allows) || !org.is_assigned(user, app) {
        return Err(refused("The app does not allow the client, or the user is not assigned to it."));
    }
    let now = call.now.as_second();
    let since = now - identity.get("auth_time").and_then(Value::as_i64).unwrap_or(now);
    let short = call.settings.assurance.get(app).is_some_and(|assurance| match assurance {
        Assurance::Never => true,
        Assurance::StaleAfterSeconds(seconds) => since > *seconds,
    });
    if short {
        let text = "The application's assurance requirements are not met by the 'subject_token'.";
        return Err(refused(text));
    }
    let claims = object(json!({
        "jti": format!("WT.{}", random()), "iss": call.org_url, "aud": call.url("/login/token/sso"), "sub": user,
        "iat": now, "exp": now + 300, "org": org.id, "cid": client.id, "app": app,
    }));
    let (kid, _) = org.own_keys().map_err(|_| refused("No key."))?;
    let token = org.keys[&kid].sign(&kid, &claims).map_err(|_| refused("No key."))?;
    Ok(Reply::ok(json!({
        "token_type": "N_A", "expires_in": 300, "access_token": token, "issued_token_type": WEB_SSO,
    })))
}

/// The user and the app of a web SSO token; good once.
pub(crate) fn web_sso_claims(org: &mut Org, token: &str, call: &Call) -> Option<(String, String)> {
    let claims = introspection::accepted(org, token, call.now)?;
    let once =
        text(&claims, "jti").starts_with("WT.") && org.live.revoked.insert(text(&claims, "jti").to_owned());
    let app = claims.get("app").and_then(Value::as_str)?.to_owned();
    once.then(|| (text(&claims, "sub").to_owned(), app))
}
