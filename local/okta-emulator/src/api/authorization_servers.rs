//! Custom authorization servers: claims and scopes. Their policies and their keys have
//! files of their own.
//!
//! Evidence: recordings of the Terraform provider (every create answers 201;
//! `conditions: {}` of a claim comes back as `{"scopes":[]}`; claims that exist
//! from the start; `default` stands for the default server), in full recorded
//! answers 19 to 21 (docs/emulator.md); reference page "Authorization servers".

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{
    Object, at, fill, hinted, keep, lookup, object, stamp, text, texts, turn, with_links, without,
};
use crate::oauth::claims;
use crate::org::{AuthorizationServer, Org};
use crate::paging::{self, Limits};

pub(super) const SERVERS: Auth = Auth::Admin("authorizationServers");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/authorizationServers", "listAuthorizationServers", SERVERS, list_servers),
    post("/api/v1/authorizationServers", "createAuthorizationServer", SERVERS, create_server),
    get("/api/v1/authorizationServers/{authServerId}", "getAuthorizationServer", SERVERS, get_server),
    put("/api/v1/authorizationServers/{authServerId}", "replaceAuthorizationServer", SERVERS, replace_server),
    delete("/api/v1/authorizationServers/{authServerId}", "deleteAuthorizationServer", SERVERS, delete_server),
    post("/api/v1/authorizationServers/{authServerId}/lifecycle/activate", "activateAuthorizationServer", SERVERS, activate_server),
    post("/api/v1/authorizationServers/{authServerId}/lifecycle/deactivate", "deactivateAuthorizationServer", SERVERS, deactivate_server),
    get("/api/v1/authorizationServers/{authServerId}/claims", "listOAuth2Claims", SERVERS, list_claims),
    post("/api/v1/authorizationServers/{authServerId}/claims", "createOAuth2Claim", SERVERS, create_claim),
    get("/api/v1/authorizationServers/{authServerId}/claims/{claimId}", "getOAuth2Claim", SERVERS, get_claim),
    put("/api/v1/authorizationServers/{authServerId}/claims/{claimId}", "replaceOAuth2Claim", SERVERS, replace_claim),
    delete("/api/v1/authorizationServers/{authServerId}/claims/{claimId}", "deleteOAuth2Claim", SERVERS, delete_claim),
    get("/api/v1/authorizationServers/{authServerId}/scopes", "listOAuth2Scopes", SERVERS, list_scopes),
    post("/api/v1/authorizationServers/{authServerId}/scopes", "createOAuth2Scope", SERVERS, create_scope),
    get("/api/v1/authorizationServers/{authServerId}/scopes/{scopeId}", "getOAuth2Scope", SERVERS, get_scope),
    put("/api/v1/authorizationServers/{authServerId}/scopes/{scopeId}", "replaceOAuth2Scope", SERVERS, replace_scope),
    delete("/api/v1/authorizationServers/{authServerId}/scopes/{scopeId}", "deleteOAuth2Scope", SERVERS, delete_scope),
];

/// Scopes of every server.
const OIDC_SCOPES: &[&str] =
    &["openid", "profile", "email", "address", "phone", "offline_access", "device_sso"];

impl Org {
    /// Creates a server with the claims and scopes that every one has; used by
    /// the seed, too.
    pub(crate) fn insert_server(&mut self, id: &str, given: Object, url: &str, now: Timestamp) {
        let mut server = AuthorizationServer { object: given, ..AuthorizationServer::default() };
        stamp(&mut server.object, id, "ACTIVE", now);
        server.object.insert("issuer".to_owned(), format!("{url}/oauth2/{id}").into());
        fill(
            &mut server.object,
            json!({
                "issuerMode": "DYNAMIC", "description": null, "default": false,
                "credentials": { "signing": { "rotationMode": "AUTO" } },
            }),
        );
        let sub = claims::SUBJECT;
        self.insert_claim(
            &mut server,
            json!({
                "name": "sub", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": sub,
                "alwaysIncludeInToken": true, "system": true,
            }),
        );
        for (name, scope) in claims::STANDARD {
            let always = ["email", "preferred_username"].contains(name);
            self.insert_claim(
                &mut server,
                json!({
                    "name": name, "claimType": "IDENTITY", "valueType": "SYSTEM",
                    "alwaysIncludeInToken": always, "system": true, "conditions": { "scopes": [scope] },
                }),
            );
        }
        for name in OIDC_SCOPES {
            self.insert_scope(
                &mut server,
                object(json!({ "name": name, "system": true, "metadataPublish": "ALL_CLIENTS" })),
            );
        }
        self.authorization_servers.insert(id.to_owned(), server);
    }

    /// Adds a claim with what Okta fills in.
    pub(crate) fn insert_claim(&mut self, server: &mut AuthorizationServer, claim: Value) -> String {
        let id = self.new_id("ocl");
        let mut claim = object(claim);
        claim.insert("id".to_owned(), id.clone().into());
        claim.entry("status").or_insert("ACTIVE".into());
        claim.entry("system").or_insert(false.into());
        claim.entry("apiResourceId").or_insert(Value::Null);
        claim.entry("alwaysIncludeInToken").or_insert(true.into());
        let scopes = texts(&claim, "/conditions/scopes").into_iter().map(Value::from).collect::<Vec<_>>();
        claim.insert("conditions".to_owned(), json!({ "scopes": scopes }));
        server.claims.insert(id.clone(), claim);
        id
    }

    /// Adds a scope with what Okta fills in.
    pub(crate) fn insert_scope(&mut self, server: &mut AuthorizationServer, mut scope: Object) -> String {
        let id = self.new_id("scp");
        scope.insert("id".to_owned(), id.clone().into());
        for (key, value) in [
            ("displayName", Value::Null),
            ("description", Value::Null),
            ("apiResourceId", Value::Null),
            ("consent", json!("IMPLICIT")),
            ("default", json!(false)),
            ("metadataPublish", json!("NO_CLIENTS")),
            ("optional", json!(false)),
            ("system", json!(false)),
        ] {
            scope.entry(key).or_insert(value);
        }
        server.scopes.insert(id.clone(), scope);
        id
    }
}

/// The id of a server; `default` is the default one.
pub(crate) fn server_id(org: &Org, key: &str) -> Result<String, OktaError> {
    let default = || {
        let servers = org.authorization_servers.iter();
        servers.into_iter().find(|(_, server)| server.object.get("default") == Some(&json!(true)))
    };
    let found = if key == "default" {
        default().map(|(id, _)| id.clone())
    } else {
        org.authorization_servers.contains_key(key).then(|| key.to_owned())
    };
    found.ok_or_else(|| OktaError::not_found(key, "AuthorizationServer"))
}

/// The server of a call, taken out of the org so that both can be used.
pub(super) fn with_server(
    org: &mut Org,
    call: &Call,
    act: impl FnOnce(&mut Org, &mut AuthorizationServer, &str) -> Outcome,
) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    let mut server = org.authorization_servers.remove(&id).unwrap_or_default();
    let url = call.url(format!("/api/v1/authorizationServers/{}", call.parameter("authServerId")));
    let outcome = act(org, &mut server, &url);
    org.authorization_servers.insert(id, server);
    outcome
}

fn render(org: &Org, id: &str, call: &Call) -> Value {
    let server = &org.authorization_servers[id];
    let own = call.url(format!("/api/v1/authorizationServers/{id}"));
    let issuer = text(&server.object, "issuer");
    let next = if text(&server.object, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let many = |part: &str| hinted(format!("{own}/{part}"), &["GET", "POST"]);
    let mut printed = server.object.clone();
    let kid = server.keys.first().cloned().unwrap_or_else(|| format!("{id}-pending"));
    without(&mut printed, &["/credentials/signing/kid", "/credentials/signing/lastRotated"]);
    let rotated = text(&server.object, "created");
    fill(&mut printed, json!({ "credentials": { "signing": { "kid": kid, "lastRotated": rotated } } }));
    // Who rotates by hand is told no time.
    without(&mut printed, &["/credentials/signing/nextRotation"]);
    if at(&printed, "/credentials/signing/rotationMode") != "MANUAL" {
        let next = okta_time(call.now + SignedDuration::from_hours(90 * 24));
        fill(&mut printed, json!({ "credentials": { "signing": { "nextRotation": next } } }));
    }
    with_links(
        &printed,
        json!({
            "self": { "href": own, "hints": { "allow": ["GET", "DELETE", "PUT"] } },
            "rotateKey": { "href": format!("{own}/credentials/lifecycle/keyRotate"), "hints": { "allow": ["POST"] } },
            "metadata": [
                { "name": "oauth-authorization-server", "href": format!("{issuer}/.well-known/oauth-authorization-server"), "hints": { "allow": ["GET"] } },
                { "name": "openid-configuration", "href": format!("{issuer}/.well-known/openid-configuration"), "hints": { "allow": ["GET"] } },
            ],
            "claims": many("claims"), "policies": many("policies"), "scopes": many("scopes"),
            "keys": hinted(format!("{own}/credentials/keys"), &["GET"]),
            next: { "href": format!("{own}/lifecycle/{next}"), "hints": { "allow": ["POST"] } },
        }),
    )
}

/// `q` is a part of name or audience.
fn list_servers(org: &mut Org, call: &Call) -> Outcome {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let found = org.authorization_servers.iter().filter(|(_, server)| {
        let texts = [text(&server.object, "name"), server.audience()];
        texts.iter().any(|text| text.to_lowercase().contains(&q))
    });
    let found: Vec<&String> = found.map(|(id, _)| id).collect();
    Ok(paging::reply(call, found, Limits(200, 200), |id| (*id).clone(), |id| render(org, id, call)))
}

/// Exactly one audience.
fn valid(org: &Org, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut server = call.object()?.clone();
    server.remove("_links");
    let name = text(&server, "name");
    if name.is_empty() {
        return Err(OktaError::missing("name"));
    }
    if lookup(&server, "/audiences").and_then(Value::as_array).map(Vec::len) != Some(1) {
        return Err(OktaError::validation("audiences", "audiences: Exactly one audience is required"));
    }
    let taken = |(id, other): (&String, &AuthorizationServer)| {
        text(&other.object, "name") == name && Some(id.as_str()) != own
    };
    if org.authorization_servers.iter().any(taken) {
        return Err(OktaError::duplicate("name"));
    }
    Ok(server)
}

fn create_server(org: &mut Org, call: &Call) -> Outcome {
    let mut server = valid(org, call, None)?;
    server.insert("default".to_owned(), false.into());
    // At creation the mode of rotation is not asked.
    without(&mut server, &["/credentials"]);
    let id = org.new_id("aus");
    org.insert_server(&id, server, &call.org_url, call.now);
    Ok(Reply::new(201, render(org, &id, call)))
}

fn get_server(org: &mut Org, call: &Call) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    Ok(Reply::ok(render(org, &id, call)))
}

fn replace_server(org: &mut Org, call: &Call) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    let mut new = valid(org, call, Some(&id))?;
    if let Some(server) = org.authorization_servers.get_mut(&id) {
        keep(&mut new, &server.object, &["id", "status", "created", "issuer", "default"], call.now);
        let mode = text(&server.object, "issuerMode").to_owned();
        let rotation = at(&server.object, "/credentials/signing/rotationMode").to_owned();
        fill(
            &mut new,
            json!({
                "issuerMode": mode, "description": null, "credentials": { "signing": { "rotationMode": rotation } },
            }),
        );
        server.object = new;
    }
    get_server(org, call)
}

/// Also while it is active (recordings of the Terraform provider).
fn delete_server(org: &mut Org, call: &Call) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    org.authorization_servers.remove(&id);
    Ok(Reply::no_content())
}

fn activate_server(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        turn(&mut server.object, "ACTIVE", call.now);
        Ok(Reply::no_content())
    })
}

fn deactivate_server(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        turn(&mut server.object, "INACTIVE", call.now);
        Ok(Reply::no_content())
    })
}

fn with_self(thing: &Object, url: &str, hints: &[&str]) -> Value {
    with_links(thing, json!({ "self": { "href": url, "hints": { "allow": hints } } }))
}

pub(super) fn find<'t>(
    things: &'t BTreeMap<String, Object>,
    id: &str,
    kind: &str,
) -> Result<&'t Object, OktaError> {
    things.get(id).ok_or_else(|| OktaError::not_found(id, kind))
}

/// Whether `name` is another one's.
pub(super) fn taken(things: &BTreeMap<String, Object>, name: &str, own: Option<&str>) -> bool {
    things.iter().any(|(id, other)| text(other, "name") == name && Some(id.as_str()) != own)
}

/// Verbs of what can be read, replaced and deleted.
pub(super) const ALL: &[&str] = &["GET", "PUT", "DELETE"];

fn list_claims(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let claims = server.claims.iter();
        Ok(Reply::ok(
            claims.map(|(id, claim)| with_self(claim, &format!("{url}/claims/{id}"), ALL)).collect(),
        ))
    })
}

/// A name that is free (of its kind of token), and a value that can be computed.
fn valid_claim(server: &AuthorizationServer, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut claim = call.object()?.clone();
    claim.remove("_links");
    let (name, kind) = (text(&claim, "name"), text(&claim, "claimType"));
    if name.is_empty() {
        return Err(OktaError::missing("name"));
    }
    let same = |(id, other): (&String, &Object)| {
        text(other, "name") == name && text(other, "claimType") == kind && Some(id.as_str()) != own
    };
    if server.claims.iter().any(same) {
        return Err(OktaError::duplicate("name"));
    }
    if !["RESOURCE", "IDENTITY"].contains(&kind) {
        return Err(OktaError::validation("claimType", "claimType: RESOURCE or IDENTITY"));
    }
    claims::check(&claim)?;
    for scope in texts(&claim, "/conditions/scopes") {
        if !server.scopes.values().any(|known| text(known, "name") == scope) {
            return Err(OktaError::validation("conditions", format!("conditions: No scope {scope}")));
        }
    }
    Ok(claim)
}

fn create_claim(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |org, server, url| {
        let claim = valid_claim(server, call, None)?;
        let id = org.insert_claim(server, Value::Object(claim));
        Ok(Reply::new(201, with_self(&server.claims[&id], &format!("{url}/claims/{id}"), ALL)))
    })
}

fn get_claim(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let id = call.parameter("claimId");
        let claim = find(&server.claims, id, "OAuth2Claim")?;
        Ok(Reply::ok(with_self(claim, &format!("{url}/claims/{id}"), ALL)))
    })
}

fn replace_claim(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        let id = call.parameter("claimId");
        let old = find(&server.claims, id, "OAuth2Claim")?.clone();
        let mut new = valid_claim(server, call, Some(id))?;
        for key in ["id", "system", "apiResourceId"] {
            new.insert(key.to_owned(), old.get(key).cloned().unwrap_or_default());
        }
        let scopes = texts(&new, "/conditions/scopes").into_iter().map(Value::from).collect::<Vec<_>>();
        new.insert("conditions".to_owned(), json!({ "scopes": scopes }));
        new.entry("status").or_insert("ACTIVE".into());
        server.claims.insert(id.to_owned(), new);
        Ok(Reply::no_content())
    })?;
    get_claim(org, call)
}

fn delete_claim(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        remove(&mut server.claims, call.parameter("claimId"), "OAuth2Claim")
    })
}

/// Removes what is not part of every server.
pub(super) fn remove(things: &mut BTreeMap<String, Object>, id: &str, kind: &str) -> Outcome {
    if find(things, id, kind)?.get("system") == Some(&json!(true)) {
        return Err(OktaError::forbidden());
    }
    things.remove(id);
    Ok(Reply::no_content())
}

fn list_scopes(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let q = call.query("q").unwrap_or_default().to_lowercase();
        let scopes = server.scopes.iter().filter(|(_, s)| text(s, "name").to_lowercase().contains(&q));
        let render = |(id, scope): (&String, &Object)| with_self(scope, &format!("{url}/scopes/{id}"), ALL);
        Ok(paging::reply(call, scopes, Limits(200, 200), |(id, _)| (*id).clone(), render))
    })
}

fn create_scope(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |org, server, url| {
        let scope = valid_scope(server, call, None)?;
        let id = org.insert_scope(server, scope);
        Ok(Reply::new(201, with_self(&server.scopes[&id], &format!("{url}/scopes/{id}"), ALL)))
    })
}

fn valid_scope(server: &AuthorizationServer, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut scope = call.object()?.clone();
    scope.remove("_links");
    let name = text(&scope, "name");
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(OktaError::missing("name"));
    }
    if taken(&server.scopes, name, own) { Err(OktaError::duplicate("name")) } else { Ok(scope) }
}

fn get_scope(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, url| {
        let id = call.parameter("scopeId");
        Ok(Reply::ok(with_self(find(&server.scopes, id, "OAuth2Scope")?, &format!("{url}/scopes/{id}"), ALL)))
    })
}

fn replace_scope(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        let id = call.parameter("scopeId");
        let old = find(&server.scopes, id, "OAuth2Scope")?.clone();
        let given = valid_scope(server, call, Some(id))?;
        let mut new = old.clone();
        new.extend(given);
        for key in ["id", "system"] {
            new.insert(key.to_owned(), old.get(key).cloned().unwrap_or_default());
        }
        server.scopes.insert(id.to_owned(), new);
        Ok(Reply::no_content())
    })?;
    get_scope(org, call)
}

fn delete_scope(org: &mut Org, call: &Call) -> Outcome {
    with_server(org, call, |_, server, _| {
        remove(&mut server.scopes, call.parameter("scopeId"), "OAuth2Scope")
    })
}
