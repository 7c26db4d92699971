//! Keys of custom authorization servers.
//!
//! Evidence: listAuthorizationServerKeys, rotateAuthorizationServerKeys; recordings of the Terraform
//! provider.

use serde_json::{Value, json};

use super::authorization_servers::{SERVERS, server_id};
use crate::call::{Call, Outcome, Reply, Route, get, post};
use crate::error::OktaError;
use crate::json::text;
use crate::org::Org;
use crate::org::signing_key::SigningKey;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/authorizationServers/{authServerId}/credentials/keys", "listAuthorizationServerKeys", SERVERS, list_keys),
    get("/api/v1/authorizationServers/{authServerId}/credentials/keys/{keyId}", "getAuthorizationServerKey", SERVERS, get_key),
    post("/api/v1/authorizationServers/{authServerId}/credentials/lifecycle/keyRotate", "rotateAuthorizationServerKeys", SERVERS, rotate_keys),
];

impl Org {
    /// The keys of a server, at least so many, made when they are first needed:
    /// the first one signs, the second one is next.
    pub(crate) fn server_keys(&mut self, id: &str, least: usize) -> Result<Vec<String>, OktaError> {
        let mut keys =
            self.authorization_servers.get(id).map(|server| server.keys.clone()).unwrap_or_default();
        while keys.len() < least {
            keys.push(self.new_key(&format!("{id}-"))?);
        }
        if let Some(server) = self.authorization_servers.get_mut(id) {
            server.keys.clone_from(&keys);
        }
        Ok(keys)
    }

    /// Makes a key pair; the key id begins with `prefix`. Keys are made when they
    /// are needed, so that their ids do not count with the others.
    pub(crate) fn new_key(&mut self, prefix: &str) -> Result<String, OktaError> {
        let kid = format!("{prefix}{}", self.keys.len() + 1);
        let key = SigningKey::generate().map_err(|_| OktaError::injected(500))?;
        self.keys.insert(kid.clone(), key);
        Ok(kid)
    }
}

/// Keys with their part: the first signs, the second is next, others have
/// expired.
fn render_key(org: &Org, at: usize, kid: &str, url: &str) -> Result<Value, OktaError> {
    let key = org.keys.get(kid).ok_or_else(|| OktaError::not_found(kid, "AuthorizationServerKey"))?;
    let mut printed = key.jwk(kid).map_err(|_| OktaError::injected(500))?;
    printed["status"] = ["ACTIVE", "NEXT"].get(at).copied().unwrap_or("EXPIRED").into();
    printed["_links"] =
        json!({ "self": { "href": format!("{url}/credentials/keys/{kid}"), "hints": { "allow": ["GET"] } } });
    Ok(printed)
}

fn list_keys(org: &mut Org, call: &Call) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    let url = call.url(format!("/api/v1/authorizationServers/{id}"));
    let keys = org.server_keys(&id, 2)?;
    let keys: Result<Vec<Value>, OktaError> =
        keys.iter().enumerate().map(|(at, kid)| render_key(org, at, kid, &url)).collect();
    Ok(Reply::ok(keys?.into()))
}

fn get_key(org: &mut Org, call: &Call) -> Outcome {
    let id = server_id(org, call.parameter("authServerId"))?;
    let url = call.url(format!("/api/v1/authorizationServers/{id}"));
    let wanted = call.parameter("keyId");
    let keys = org.server_keys(&id, 2)?;
    let at = keys.iter().position(|kid| kid == wanted);
    let at = at.ok_or_else(|| OktaError::not_found(wanted, "AuthorizationServerKey"))?;
    Ok(Reply::ok(render_key(org, at, wanted, &url)?))
}

/// The next key signs from now on; the former one stays published.
fn rotate_keys(org: &mut Org, call: &Call) -> Outcome {
    if call.object().map(|body| text(body, "use") != "sig").unwrap_or(true) {
        return Err(OktaError::validation("use", "use: Only sig"));
    }
    let id = server_id(org, call.parameter("authServerId"))?;
    let keys = org.server_keys(&id, 2)?;
    let next = org.new_key(&format!("{id}-"))?;
    let mut rotated = vec![keys[1].clone(), next, keys[0].clone()];
    std::mem::swap(&mut rotated, &mut org.authorization_servers.entry(id).or_default().keys);
    list_keys(org, call)
}
