//! What is asked about tokens: introspection, revocation, userinfo, sign-out.
//!
//! Evidence: introspect, revoke, userinfo and their examples; RFC 7662, 7009.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::issuer::server;
use super::{claims, client, keys};
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::error::OktaError;
use crate::json::{Object, lookup, text, texts};
use crate::oauth::error::{OAuthError, answered};
use crate::org::Org;
use crate::org::live::Grant;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/oauth2/v1/introspect", "introspect", Auth::Public, introspect),
    post("/oauth2/{authorizationServerId}/v1/introspect", "introspectCustomAS", Auth::Public, introspect),
    post("/oauth2/v1/revoke", "revoke", Auth::Public, revoke),
    post("/oauth2/{authorizationServerId}/v1/revoke", "revokeCustomAS", Auth::Public, revoke),
    get("/oauth2/v1/userinfo", "userinfo", Auth::Public, userinfo),
    get("/oauth2/{authorizationServerId}/v1/userinfo", "userinfoCustomAS", Auth::Public, userinfo),
    get("/oauth2/v1/logout", "logout", Auth::Public, logout),
    get("/oauth2/{authorizationServerId}/v1/logout", "logoutCustomAS", Auth::Public, logout),
];

/// The claims of a token that this org signed, that has not expired and was
/// not revoked.
pub(crate) fn accepted(org: &Org, token: &str, now: Timestamp) -> Option<Object> {
    let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
    let key = org.keys.get(&kid)?.jwk(&kid).ok()?;
    let claims = keys::verified(token, &[key])?;
    let expires = lookup(&claims, "/exp").and_then(Value::as_i64)?;
    let issued = lookup(&claims, "/iat").and_then(Value::as_i64)?;
    let ended = org.live.tokens_end.get(text(&claims, "uid")).is_some_and(|end| issued <= *end);
    let revoked = ended || org.live.revoked.contains(text(&claims, "jti"));
    (expires > now.as_second() && !revoked).then_some(claims)
}

/// A token of another server, or of another client, is not active.
fn introspect(org: &mut Org, call: &Call) -> Outcome {
    let (server, issuer) = server(org, call)?;
    let endpoint = call.url(&call.path);
    let client = match client::authenticate(org, call, &endpoint) {
        Ok(client) => client,
        Err(error) => return answered(Err(error)),
    };
    let token = call.form("token").unwrap_or_default();
    let inactive = || Reply::ok(json!({ "active": false }));
    if let Some(grant) =
        org.live.refresh_tokens.get(token).filter(|g| g.client == client.id && g.server == server)
    {
        let user = grant.user.as_ref().and_then(|id| org.users.get(id));
        return Ok(Reply::ok(json!({
            "active": true, "token_type": "Bearer", "scope": grant.scopes.join(" "), "client_id": grant.client,
            "username": user.map(crate::org::User::login), "sub": user.map(crate::org::User::login), "iss": issuer,
            "jti": grant.refresh_id, "uid": grant.user,
        })));
    }
    let Some(claims) = accepted(org, token, call.now) else { return Ok(inactive()) };
    let owner = [text(&claims, "cid"), text(&claims, "aud")].contains(&client.id.as_str());
    if text(&claims, "iss") != issuer || !owner {
        return Ok(inactive());
    }
    let mut answer = json!({
        "active": true, "token_type": if claims.contains_key("cnf") { "DPoP" } else { "Bearer" },
        "client_id": client.id, "username": text(&claims, "sub"),
    });
    if claims.contains_key("scp") {
        answer["scope"] = texts(&claims, "/scp").join(" ").into();
    }
    for (name, value) in claims {
        if !["scp", "cid", "ver"].contains(&name.as_str()) {
            answer[name] = value;
        }
    }
    Ok(Reply::ok(answer))
}

/// 200 also for a token that nobody knows. A refresh token takes no access
/// token with it.
fn revoke(org: &mut Org, call: &Call) -> Outcome {
    server(org, call)?;
    let endpoint = call.url(&call.path);
    let client = match client::authenticate(org, call, &endpoint) {
        Ok(client) => client,
        Err(error) => return answered(Err(error)),
    };
    let token = call.form("token").unwrap_or_default();
    if token.is_empty() {
        return answered(Err(OAuthError::invalid_request("The 'token' parameter is missing.")));
    }
    let own = |grant: &Grant| grant.client == client.id;
    if org.live.refresh_tokens.get(token).is_some_and(own) {
        org.live.refresh_tokens.remove(token);
    } else if let Some(claims) = accepted(org, token, call.now).filter(|c| text(c, "cid") == client.id) {
        org.live.revoked.insert(text(&claims, "jti").to_owned());
    }
    Ok(Reply::empty(200))
}

/// Errors are in `WWW-Authenticate`, without a body (RFC 6750, 3).
fn userinfo(org: &mut Org, call: &Call) -> Outcome {
    let (server, issuer) = server(org, call)?;
    let challenge = |status: u16, error: &str, description: &str| {
        let text = format!("Bearer error=\"{error}\", error_description=\"{description}\"");
        Ok(Reply::empty(status).with("www-authenticate", text))
    };
    let token = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let claims = token.and_then(|token| accepted(org, token, call.now));
    let claims = claims.filter(|claims| text(claims, "iss") == issuer);
    let user = claims.as_ref().and_then(|claims| org.users.get(text(claims, "uid")));
    let (Some(claims), Some(user)) = (&claims, user) else {
        return challenge(401, "invalid_token", "The access token is invalid.");
    };
    let scopes = texts(claims, "/scp");
    if !scopes.contains(&"openid") {
        return challenge(
            403,
            "insufficient_scope",
            "The access token must provide access to at least one of these scopes - profile, email, address or phone",
        );
    }
    let mut answer = json!({ "sub": user.id });
    for &(name, scope) in claims::STANDARD {
        let value = claims::standard(name, user);
        if scopes.contains(&scope) && !value.is_null() {
            answer[name] = value;
        }
    }
    if let Some(server) = server.and_then(|id| org.authorization_servers.get(&id)) {
        let grant = Grant {
            client: text(claims, "cid").to_owned(),
            user: Some(user.id.clone()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Grant::default()
        };
        let context = claims::Context::new(org, &grant.client, Some(user), None);
        for (name, value) in claims::added(org, server, "IDENTITY", &grant, &context).unwrap_or_default() {
            answer[name] = value;
        }
    }
    Ok(Reply::ok(answer))
}

/// Ends the browser's session, and leads back to where the app is known to be.
fn logout(org: &mut Org, call: &Call) -> Outcome {
    server(org, call)?;
    let token = call.query("id_token_hint").and_then(keys::unverified).unwrap_or_default();
    let back = call.query("post_logout_redirect_uri").unwrap_or_default();
    let known = org
        .apps
        .get(text(&token, "aud"))
        .is_some_and(|app| texts(app, "/settings/oauthClient/post_logout_redirect_uris").contains(&back));
    if !known && !back.is_empty() {
        let text = "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings.";
        return Err(OktaError::new(400, "invalid_request", text));
    }
    let state = call.query("state").map(|state| format!("?state={state}")).unwrap_or_default();
    if let Some(session) = call.cookie("sid") {
        org.live.sessions.remove(session);
    }
    let clear = "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    let to = if known { format!("{back}{state}") } else { call.url("/login") };
    Ok(Reply::redirect(to).with("set-cookie", clear))
}
