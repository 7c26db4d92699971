//! Making tokens, with the token hook in between.
//!
//! Evidence: reference page "OpenID Connect" (claims of both tokens); schema
//! `TokenPayLoad`; redacted tokens of a real org in gimme-aws-creds' tests.

use serde_json::{Value, json};

use super::claims;
use super::policy::Decision;
use crate::call::{Call, Continuation, HookCall, Reply};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::hooks;
use crate::json::{Object, at, object, text};
use crate::oauth::error::OAuthError;
use crate::org::Org;
use crate::org::live::{Grant, Tokens};
use crate::random::random;

/// Lifetime of an ID token.
const IDENTITY_LIFETIME: i64 = 3_600;

/// The claims of the tokens that a grant gives, before any hook. `iat` and
/// `exp` are added when they are signed.
pub(crate) fn tokens(org: &Org, grant: &Grant, decision: &Decision) -> Result<Tokens, OAuthError> {
    let user = grant.user.as_ref().and_then(|id| org.users.get(id));
    let server = grant.server.as_ref().and_then(|id| org.authorization_servers.get(id));
    let audience = server.map_or(grant.issuer.as_str(), |server| server.audience());
    let context = claims::Context::new(org, &grant.client, user, product_app(org));
    let mut access = object(json!({
        "ver": 1, "jti": format!("AT.{}", random()), "iss": grant.issuer, "aud": audience, "cid": grant.client,
        "scp": grant.scopes, "sub": user.map_or(grant.client.as_str(), |user| user.login()),
    }));
    if let Some(user) = user {
        access.insert("uid".to_owned(), user.id.clone().into());
        access.insert("auth_time".to_owned(), grant.auth_time.into());
    }
    if let Some(jkt) = &grant.jkt {
        access.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    let mut identity = user.filter(|_| grant.scopes.iter().any(|scope| scope == "openid")).map(|user| {
        object(json!({
            "sub": user.id, "ver": 1, "iss": grant.issuer, "aud": grant.client,
            "jti": format!("ID.{}", random()), "amr": grant.amr, "idp": org.id, "auth_time": grant.auth_time,
            "preferred_username": user.login(),
        }))
    });
    if let (Some(identity), Some(nonce)) = (&mut identity, &grant.nonce) {
        identity.insert("nonce".to_owned(), nonce.clone().into());
    }
    match server {
        Some(server) => {
            access.extend(claims::added(org, server, "RESOURCE", grant, &context)?);
            if let Some(identity) = &mut identity {
                identity.extend(claims::added(org, server, "IDENTITY", grant, &context)?);
            }
        }
        None => {
            if let (Some(identity), Some(user)) = (&mut identity, user) {
                for (name, scope) in [("name", "profile"), ("email", "email")] {
                    if grant.scopes.iter().any(|s| s == scope) {
                        identity.insert(name.to_owned(), claims::standard(name, user));
                    }
                }
            }
        }
    }
    Ok(Tokens {
        access,
        access_lifetime: decision.access_lifetime,
        identity,
        identity_lifetime: IDENTITY_LIFETIME,
    })
}

/// The app that is okta-dac's own.
pub(crate) fn product_app(org: &Org) -> Option<&str> {
    org.apps.values().find(|app| text(app, "label") == "okta-dac").map(|app| text(app, "id"))
}

/// The call of the token hook that a rule names; `None` if there is none, or
/// it is not active.
pub(crate) fn hook_call(
    org: &Org,
    call: &Call,
    grant: &Grant,
    decision: &Decision,
    tokens: &Tokens,
    protocol: Object,
    then: Continuation,
) -> Option<Box<HookCall>> {
    let hook = decision.hook.as_ref()?;
    let app = org.apps.get(&grant.client)?;
    let public = at(app, "/credentials/oauthClient/token_endpoint_auth_method") == "none";
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&call.query);
    let query = query.finish();
    let url = call.url(&call.path) + if query.is_empty() { "" } else { "?" } + &query;
    let mut protocol_member = json!({
        "type": "OAUTH2.0", "request": protocol, "issuer": { "uri": grant.issuer },
        "client": { "id": grant.client, "name": text(app, "label"), "type": if public { "PUBLIC" } else { "CONFIDENTIAL" } },
    });
    let refresh = call.form("grant_type") == Some("refresh_token");
    if refresh {
        protocol_member["originalGrant"] =
            json!({ "authorization": grant.request, "refresh_token": { "jti": grant.refresh_id } });
    }
    let mut context = json!({
        "request": {
            "id": format!("req{}", random()), "method": if call.form.is_empty() { "GET" } else { "POST" },
            "url": { "value": url }, "ipAddress": "127.0.0.1",
        },
        "protocol": protocol_member,
        "policy": { "id": decision.policy, "rule": { "id": decision.rule } },
    });
    if let Some(user) = grant.user.as_ref().and_then(|id| org.users.get(id)) {
        let own = call.url(format!("/api/v1/users/{}", user.id));
        context["user"] = json!({
            "id": user.id, "passwordChanged": user.password_changed,
            "profile": {
                "login": user.login(), "firstName": text(&user.profile, "firstName"),
                "lastName": text(&user.profile, "lastName"), "locale": "en_US", "timeZone": "America/Los_Angeles",
            },
            "_links": { "groups": { "href": format!("{own}/groups") }, "factors": { "href": format!("{own}/factors") } },
        });
        // There is no browser in a refresh.
        if !refresh {
            context["session"] = json!({
                "id": format!("102{}", random()), "userId": user.id, "login": user.login(),
                "createdAt": okta_time(call.now), "status": "ACTIVE", "amr": ["PASSWORD"],
                "idp": { "id": org.id, "type": "OKTA" }, "mfaActive": false,
            });
        }
    }
    // What the hook may see: not the times, which are not set yet, and not `scp`.
    let shown = |claims: &Object| {
        let mut claims = claims.clone();
        claims.remove("scp");
        claims
    };
    let scopes: Object = grant
        .scopes
        .iter()
        .map(|scope| (scope.clone(), json!({ "id": format!("scp{scope}"), "action": "GRANT" })))
        .collect();
    let mut data = json!({
        "context": context,
        "access": {
            "claims": shown(&tokens.access), "token": { "lifetime": { "expiration": tokens.access_lifetime } },
            "scopes": scopes,
        },
    });
    if let Some(identity) = &tokens.identity {
        data["identity"] = json!({ "claims": identity, "token": { "lifetime": { "expiration": tokens.identity_lifetime } } });
    }
    if !grant.refresh_id.is_empty() {
        data["refresh_token"] = json!({ "jti": grant.refresh_id });
    }
    let source = call.url(&call.path);
    let payload =
        hooks::envelope("com.okta.oauth2.tokens.transform", &source, &random(), &okta_time(call.now), data);
    HookCall::new(org, hook, payload, then).map(Box::new)
}

/// Notes in the system log what came of a hook.
pub(crate) fn log_hook(org: &mut Org, call: &Call, grant: &Grant, why: &str) {
    let actor = grant.user.as_deref().unwrap_or(&grant.client).to_owned();
    org.log_event(
        crate::org::LogEntry {
            kind: "inline_hook.response.processed",
            message: "Process inline hook response",
            actor: &actor,
            targets: vec![&grant.client],
            reason: Some(why),
        },
        call.now,
    );
}

/// Signs the tokens: the answer of the token endpoint.
pub(crate) fn signed(org: &mut Org, call: &Call, grant: &Grant, tokens: Tokens) -> Result<Reply, OAuthError> {
    let failed = |_| OAuthError::new(500, "server_error", "The tokens cannot be signed.");
    let refused = |_: OktaError| OAuthError::new(500, "server_error", "The tokens cannot be signed.");
    let (access_kid, identity_kid) = match &grant.server {
        Some(server) => {
            let kid = org.server_keys(server, 1).map_err(refused)?.remove(0);
            (kid.clone(), kid)
        }
        None => org.own_keys().map_err(refused)?,
    };
    let now = call.now.as_second();
    let Tokens { mut access, access_lifetime, identity, identity_lifetime } = tokens;
    access.insert("iat".to_owned(), now.into());
    access.insert("exp".to_owned(), (now + access_lifetime).into());
    let access_token = org.keys[&access_kid].sign(&access_kid, &access).map_err(failed)?;
    let mut answer = json!({
        "token_type": if grant.jkt.is_some() { "DPoP" } else { "Bearer" }, "expires_in": access_lifetime,
        "access_token": access_token, "scope": grant.scopes.join(" "),
    });
    if let Some(mut identity) = identity {
        identity.insert("iat".to_owned(), now.into());
        identity.insert("exp".to_owned(), (now + identity_lifetime).into());
        identity.insert("at_hash".to_owned(), at_hash(&access_token));
        answer["id_token"] = org.keys[&identity_kid].sign(&identity_kid, &identity).map_err(failed)?.into();
    }
    if grant.user.is_some() && grant.scopes.iter().any(|scope| scope == "offline_access") {
        let token = random();
        let mut kept = grant.clone();
        if kept.refresh_id.is_empty() {
            kept.refresh_id = format!("oar{}", &random()[..17]);
        }
        org.live.refresh_tokens.insert(token.clone(), kept);
        answer["refresh_token"] = token.into();
    }
    Ok(Reply::ok(answer).with("cache-control", "no-store").with("pragma", "no-cache"))
}

/// Left half of the SHA-256 of the access token (OpenID Connect Core, 3.1.3.6).
fn at_hash(token: &str) -> Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]).into()
}

impl Org {
    /// Key ids of the org's own server: of access tokens, which are for Okta
    /// alone and whose key is not published, and of ID tokens.
    pub(crate) fn own_keys(&mut self) -> Result<(String, String), OktaError> {
        while self.own_keys.len() < 2 {
            let kid = self.new_key("org-")?;
            self.own_keys.push(kid);
        }
        Ok((self.own_keys[0].clone(), self.own_keys[1].clone()))
    }
}
