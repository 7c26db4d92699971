//! Keys, secrets and scope grants of OAuth clients.
//!
//! Evidence: addJwk, deletejwk, createOAuth2ClientSecret, grantConsentToScope
//! and their examples (causes word for word); guide "Client secret rotation and
//! key management": add, switch, deactivate, delete.

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, at, hinted, href, lookup, lookup_mut, object, stamp, text, turn, with_links};
use crate::org::{Org, Role};

const APPS: Auth = Auth::Admin("apps");
const GRANTS: Auth = Auth::Admin("appGrants");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/apps/{appId}/credentials/jwks", "listJwk", APPS, list_keys),
    post("/api/v1/apps/{appId}/credentials/jwks", "addJwk", APPS, add_key),
    get("/api/v1/apps/{appId}/credentials/jwks/{keyId}", "getJwk", APPS, get_key),
    delete("/api/v1/apps/{appId}/credentials/jwks/{keyId}", "deletejwk", APPS, delete_key),
    post("/api/v1/apps/{appId}/credentials/jwks/{keyId}/lifecycle/activate", "activateOAuth2ClientJsonWebKey", APPS, activate_key),
    post("/api/v1/apps/{appId}/credentials/jwks/{keyId}/lifecycle/deactivate", "deactivateOAuth2ClientJsonWebKey", APPS, deactivate_key),
    get("/api/v1/apps/{appId}/credentials/secrets", "listOAuth2ClientSecrets", APPS, list_secrets),
    post("/api/v1/apps/{appId}/credentials/secrets", "createOAuth2ClientSecret", APPS, create_secret),
    get("/api/v1/apps/{appId}/credentials/secrets/{secretId}", "getOAuth2ClientSecret", APPS, get_secret),
    delete("/api/v1/apps/{appId}/credentials/secrets/{secretId}", "deleteOAuth2ClientSecret", APPS, delete_secret),
    post("/api/v1/apps/{appId}/credentials/secrets/{secretId}/lifecycle/activate", "activateOAuth2ClientSecret", APPS, activate_secret),
    post("/api/v1/apps/{appId}/credentials/secrets/{secretId}/lifecycle/deactivate", "deactivateOAuth2ClientSecret", APPS, deactivate_secret),
    get("/api/v1/apps/{appId}/grants", "listScopeConsentGrants", GRANTS, list_grants),
    post("/api/v1/apps/{appId}/grants", "grantConsentToScope", GRANTS, grant),
    delete("/api/v1/apps/{appId}/grants/{grantId}", "revokeScopeConsentGrant", GRANTS, revoke_grant),
];

/// A refusal about a key.
pub(crate) fn refused(cause: &str) -> OktaError {
    OktaError::validation("JsonWebKey", cause)
}

/// Where an OAuth app keeps its public keys.
const KEYS: &str = "/settings/oauthClient/jwks/keys";

/// The public keys of a client.
pub(crate) fn keys(app: &Object) -> &[Value] {
    lookup(app, KEYS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Gives a key what Okta adds; refuses one that is no public key.
pub(crate) fn complete_key(org: &mut Org, key: &mut Value, call: &Call) -> Result<(), OktaError> {
    let parts: &[&str] = match key["kty"].as_str() {
        Some("RSA") => &["n", "e"],
        Some("EC") => &["crv", "x", "y"],
        _ => return Err(refused("The `kty` of a key must be RSA or EC.")),
    };
    if parts.iter().any(|part| key[*part].as_str().is_none_or(str::is_empty)) {
        return Err(refused("A key lacks a required parameter."));
    }
    if key.get("d").is_some_and(|d| !d.is_null()) {
        return Err(refused("A private key must not be uploaded."));
    }
    let time = okta_time(call.now);
    let id = org.new_id("pks");
    for (name, value) in [
        ("id", id.into()),
        ("status", Value::from("ACTIVE")),
        ("kid", format!("kid-{}", org.serial).into()),
        ("use", "sig".into()),
        ("created", time.clone().into()),
        ("lastUpdated", time.into()),
    ] {
        if key.get(name).is_none_or(Value::is_null) {
            key[name] = value;
        }
    }
    Ok(())
}

fn oauth_app<'o>(org: &'o Org, call: &Call) -> Result<&'o Object, OktaError> {
    let app = org.app(call.parameter("appId"))?;
    if text(app, "signOnMode") == "OPENID_CONNECT" {
        Ok(app)
    } else {
        Err(OktaError::validation("app", "The app is not an OAuth 2.0 client"))
    }
}

fn render_key(app: &str, key: &Value, call: &Call) -> Value {
    let own =
        call.url(format!("/api/v1/apps/{app}/credentials/jwks/{}", key["id"].as_str().unwrap_or_default()));
    let next = if key["status"] == "ACTIVE" { "deactivate" } else { "activate" };
    let mut links = json!({ next: href(format!("{own}/lifecycle/{next}")) });
    if next == "activate" {
        links["delete"] = href(own);
    }
    let mut printed = key.clone();
    printed["_links"] = links;
    printed
}

/// The description's schema says an array, its example an object with `jwks`:
/// this is the array.
fn list_keys(org: &mut Org, call: &Call) -> Outcome {
    let app = oauth_app(org, call)?;
    let id = text(app, "id");
    Ok(Reply::ok(keys(app).iter().map(|key| render_key(id, key, call)).collect()))
}

fn add_key(org: &mut Org, call: &Call) -> Outcome {
    let mut key = Value::Object(call.object()?.clone());
    let id = text(oauth_app(org, call)?, "id").to_owned();
    complete_key(org, &mut key, call)?;
    let app = org.apps.entry(id.clone()).or_default();
    if keys(app).iter().any(|known| known["kid"] == key["kid"]) {
        return Err(refused("All keys in the 'jwks' must have a unique `kid`."));
    }
    if keys(app).len() >= 50 {
        return Err(refused("You've reached the maximum number of keys allowed (50)."));
    }
    if let Some(client) = lookup_mut(app, "/settings/oauthClient") {
        if !client["jwks"]["keys"].is_array() {
            client["jwks"] = json!({ "keys": [] });
        }
        if let Some(Value::Array(keys)) = client.pointer_mut("/jwks/keys") {
            keys.push(key.clone());
        }
    }
    Ok(Reply::new(201, render_key(&id, &key, call)))
}

/// A key by id or key id.
fn position(app: &Object, call: &Call) -> Result<usize, OktaError> {
    let id = call.parameter("keyId");
    let found = keys(app).iter().position(|key| key["id"] == *id || key["kid"] == *id);
    found.ok_or_else(|| OktaError::not_found(id, "JsonWebKey"))
}

fn get_key(org: &mut Org, call: &Call) -> Outcome {
    let app = oauth_app(org, call)?;
    Ok(Reply::ok(render_key(text(app, "id"), &keys(app)[position(app, call)?], call)))
}

fn delete_key(org: &mut Org, call: &Call) -> Outcome {
    let app = oauth_app(org, call)?;
    let at = position(app, call)?;
    if keys(app)[at]["status"] == "ACTIVE" {
        return Err(refused(
            "You can't delete an active JSON Web Key. Deactivate the key before deleting it.",
        ));
    }
    let id = text(app, "id").to_owned();
    if let Some(Value::Array(keys)) = org.apps.get_mut(&id).and_then(|app| lookup_mut(app, KEYS)) {
        keys.remove(at);
    }
    Ok(Reply::no_content())
}

fn activate_key(org: &mut Org, call: &Call) -> Outcome {
    turn_key(org, call, "ACTIVE")
}

fn deactivate_key(org: &mut Org, call: &Call) -> Outcome {
    turn_key(org, call, "INACTIVE")
}

fn turn_key(org: &mut Org, call: &Call, status: &str) -> Outcome {
    let app = oauth_app(org, call)?;
    let position = position(app, call)?;
    let private_key = at(app, "/credentials/oauthClient/token_endpoint_auth_method") == "private_key_jwt";
    let active = keys(app).iter().filter(|key| key["status"] == "ACTIVE").count();
    if status == "INACTIVE" && private_key && active == 1 && keys(app)[position]["status"] == "ACTIVE" {
        return Err(refused(
            "Can't deactivate the only active JSON Web Key when the `token_endpoint_auth_method` is `private_key_jwt`.",
        ));
    }
    let id = text(app, "id").to_owned();
    if let Some(Value::Array(keys)) = org.apps.get_mut(&id).and_then(|app| lookup_mut(app, KEYS)) {
        keys[position]["status"] = status.into();
        keys[position]["lastUpdated"] = okta_time(call.now).into();
    }
    get_key(org, call)
}

fn render_secret(app: &str, secret: &Object, call: &Call) -> Value {
    print_secret(call.url(format!("/api/v1/apps/{app}/credentials/secrets/{}", text(secret, "id"))), secret)
}

/// A secret as it is printed; `own` is its URL.
pub(crate) fn print_secret(own: String, secret: &Object) -> Value {
    let next = if text(secret, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut links = json!({ next: hinted(format!("{own}/lifecycle/{next}"), &["POST"]) });
    if next == "activate" {
        links["delete"] = hinted(own, &["DELETE"]);
    }
    with_links(secret, links)
}

/// Keeps a secret; used by the seed and at creation, too.
pub(crate) fn insert_secret(org: &mut Org, app: &str, secret: &str, now: jiff::Timestamp) -> String {
    let id = org.new_id("ocs");
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, secret.as_bytes()).as_ref()[..16]);
    let mut kept = object(json!({ "client_secret": secret, "secret_hash": hash }));
    stamp(&mut kept, &id, "ACTIVE", now);
    org.app_secrets.entry(app.to_owned()).or_default().insert(id.clone(), kept);
    id
}

fn list_secrets(org: &mut Org, call: &Call) -> Outcome {
    let app = text(oauth_app(org, call)?, "id");
    let secrets = org.app_secrets.get(app).into_iter().flat_map(|secrets| secrets.values());
    Ok(Reply::ok(secrets.map(|secret| render_secret(app, secret, call)).collect()))
}

/// At most two, of 14 to 100 characters; made if none is given.
fn create_secret(org: &mut Org, call: &Call) -> Outcome {
    let app = text(oauth_app(org, call)?, "id").to_owned();
    let empty = Object::new();
    let body = call.body.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    let given = text(body, "client_secret");
    if !given.is_empty() && !(14..=100).contains(&given.len()) {
        return Err(OktaError::validation(
            "client_secret",
            "client_secret: The field must have 14 to 100 characters",
        ));
    }
    may_have_another(org, &app)?;
    let secret = if given.is_empty() { crate::random::random() } else { given.to_owned() };
    let id = insert_secret(org, &app, &secret, call.now);
    Ok(Reply::new(201, render_secret(&app, &org.app_secrets[&app][&id], call)))
}

/// At most two secrets.
pub(crate) fn may_have_another(org: &Org, app: &str) -> Result<(), OktaError> {
    if org.app_secrets.get(app).is_some_and(|secrets| secrets.len() >= 2) {
        let cause = "You've reached the maximum number of client secrets per client (2).";
        return Err(OktaError::validation("client_secret", cause));
    }
    Ok(())
}

fn secret<'o>(org: &'o mut Org, call: &Call) -> Result<(String, &'o mut Object), OktaError> {
    let app = text(oauth_app(org, call)?, "id").to_owned();
    let id = call.parameter("secretId");
    let found = org.app_secrets.get_mut(&app).and_then(|secrets| secrets.get_mut(id));
    Ok((app, found.ok_or_else(|| OktaError::not_found(id, "OAuth2ClientSecret"))?))
}

fn get_secret(org: &mut Org, call: &Call) -> Outcome {
    let (app, secret) = secret(org, call)?;
    Ok(Reply::ok(render_secret(&app, secret, call)))
}

fn delete_secret(org: &mut Org, call: &Call) -> Outcome {
    let (app, secret) = secret(org, call)?;
    if text(secret, "status") == "ACTIVE" {
        return Err(OktaError::validation("client_secret", "You can't delete an active client secret."));
    }
    if let Some(secrets) = org.app_secrets.get_mut(&app) {
        secrets.remove(call.parameter("secretId"));
    }
    Ok(Reply::no_content())
}

fn activate_secret(org: &mut Org, call: &Call) -> Outcome {
    let (app, secret) = secret(org, call)?;
    turn(secret, "ACTIVE", call.now);
    Ok(Reply::ok(render_secret(&app, secret, call)))
}

fn deactivate_secret(org: &mut Org, call: &Call) -> Outcome {
    let (app, _) = secret(org, call)?;
    let active = org.app_secrets[&app].values().filter(|s| text(s, "status") == "ACTIVE").count();
    let (_, secret) = secret(org, call)?;
    if active == 1 && text(secret, "status") == "ACTIVE" {
        return Err(OktaError::validation(
            "client_secret",
            "You can't deactivate the only active client secret.",
        ));
    }
    turn(secret, "INACTIVE", call.now);
    Ok(Reply::ok(render_secret(&app, secret, call)))
}

fn render_grant(app: &str, grant: &Object, call: &Call) -> Value {
    let api = |path: String| href(call.url(format!("/api/v1/apps/{path}")));
    let mut printed = with_links(
        grant,
        json!({
            "app": api(app.to_owned()), "client": href(call.url(format!("/oauth2/v1/clients/{app}"))),
            "self": api(format!("{app}/grants/{}", text(grant, "id"))),
        }),
    );
    if call.query("expand") == Some("scope") {
        printed["_embedded"] = json!({ "scope": { "id": text(grant, "scopeId") } });
    }
    printed
}

fn list_grants(org: &mut Org, call: &Call) -> Outcome {
    let app = text(org.app(call.parameter("appId"))?, "id");
    let grants = org.grants.get(app).into_iter().flat_map(|grants| grants.values());
    Ok(Reply::ok(grants.map(|grant| render_grant(app, grant, call)).collect()))
}

/// One scope a call; `issuer` is the URL of the org. A scope that is granted
/// already gives the grant that there is (not verified).
fn grant(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?;
    let (scope, issuer) = (text(body, "scopeId"), text(body, "issuer"));
    if !crate::oauth::scopes::is_okta_scope(scope) {
        return Err(OktaError::validation("scopeId", "scopeId: The scope does not exist"));
    }
    if issuer != call.org_url {
        return Err(OktaError::validation("issuer", "issuer: The issuer must be the URL of the org"));
    }
    let app = text(oauth_app(org, call)?, "id").to_owned();
    let known = org.grants.get(&app).and_then(|g| g.values().find(|grant| text(grant, "scopeId") == scope));
    if known.is_some() && call.settings.repeated_grant_is_refused {
        return Err(OktaError::validation("scopeId", "scopeId: The scope is already assigned"));
    }
    if let Some(known) = known {
        return Ok(Reply::new(201, render_grant(&app, known, call)));
    }
    if call.settings.clients_become_super_admins && !org.grants.contains_key(&app) {
        make_super_admin(org, &app, call);
    }
    let id = insert_grant(org, &app, scope, call.caller.who.id(), &call.org_url, call.now);
    Ok(Reply::new(201, render_grant(&app, &org.grants[&app][&id], call)))
}

/// What the org setting "Public client app admins" does.
pub(crate) fn make_super_admin(org: &mut Org, client: &str, call: &Call) {
    let time = okta_time(call.now);
    let role = Role {
        id: org.new_id("ra1"),
        kind: "SUPER_ADMIN".to_owned(),
        created: time.clone(),
        last_updated: time,
        targets: Default::default(),
        custom: None,
    };
    org.client_roles.entry(client.to_owned()).or_default().push(role);
}

/// Keeps a grant; used by the seed, too.
pub(crate) fn insert_grant(
    org: &mut Org,
    app: &str,
    scope: &str,
    by: &str,
    issuer: &str,
    now: jiff::Timestamp,
) -> String {
    let id = org.new_id("oag");
    let mut kept = object(json!({
        "createdBy": { "id": by, "type": "User" }, "issuer": issuer, "clientId": app, "scopeId": scope,
        "source": "ADMIN",
    }));
    stamp(&mut kept, &id, "ACTIVE", now);
    org.grants.entry(app.to_owned()).or_default().insert(id.clone(), kept);
    id
}

/// Tokens that were issued keep their scopes until they expire (not verified).
fn revoke_grant(org: &mut Org, call: &Call) -> Outcome {
    let (app, id) = (text(org.app(call.parameter("appId"))?, "id").to_owned(), call.parameter("grantId"));
    let removed = org.grants.get_mut(&app).and_then(|grants| grants.remove(id));
    removed.map(|_| Reply::no_content()).ok_or_else(|| OktaError::not_found(id, "OAuth2ScopeConsentGrant"))
}
