//! Tokens without a sign-in, for tests and demonstrations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::json::text;
use crate::oauth::issue;
use crate::oauth::policy::Decision;
use crate::org::Org;
use crate::org::live::Grant;

/// Which token to issue (`POST /_emulator/token`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TokenRequest {
    /// Login of the user.
    pub login: String,
    /// `org`: a token of the org's own authorization server, which the proxy forwards.
    pub server: Option<String>,
    /// Client that asks; the okta-dac app unless given.
    pub client_id: Option<String>,
    /// Scopes; `openid` and `dac.admin` unless given.
    pub scopes: Option<Vec<String>>,
    /// Lifetime in seconds, negative for an expired token; 3600 unless given.
    pub lifetime_seconds: Option<i64>,
    /// Claims to set in the access token or, with null, to remove.
    pub claims: Map<String, Value>,
}

/// The authorization server that the seed made, or that `okta-dac org` made or took over.
fn server(org: &Org) -> Option<&str> {
    let called = |name: &str| {
        let server = org.authorization_servers.iter().find(|(_, s)| text(&s.object, "name") == name);
        server.map(|(id, _)| id.as_str())
    };
    called("dac").or_else(|| called("okta-dac"))
}

/// The issuer of the tokens.
pub(crate) fn issuer(org: &Org, org_url: &str) -> Option<String> {
    Some(format!("{org_url}/oauth2/{}", server(org)?))
}

/// Issues an access and an ID token with the claims that the org's state gives
/// the user; no policy and no hook is asked.
pub(crate) fn issue(
    org: &mut Org,
    request: &TokenRequest,
    org_url: &str,
    now: Timestamp,
) -> Result<Value, String> {
    let user =
        org.user(&request.login).map_err(|_| format!("there is no user `{}`", request.login))?.id.clone();
    let server = match request.server.as_deref() {
        Some("org") => None,
        None => Some(server(org).ok_or("the org has no authorization server `dac`")?.to_owned()),
        Some(other) => return Err(format!("there is no server `{other}`: leave it out, or say `org`")),
    };
    let app = issue::product_app(org).ok_or("the org has no app `okta-dac`")?.to_owned();
    let lifetime = request.lifetime_seconds.unwrap_or(3_600);
    let issued = now.as_second() + lifetime.min(0);
    let usual: &[&str] = match server {
        Some(_) => &["openid", "dac.admin"],
        None => &["openid", "okta.users.read", "okta.groups.read"],
    };
    let usual = || usual.iter().map(|scope| (*scope).to_owned()).collect();
    let scopes: Vec<String> = request.scopes.clone().unwrap_or_else(usual);
    let grant = Grant {
        issuer: server.as_ref().map_or_else(|| org_url.to_owned(), |id| format!("{org_url}/oauth2/{id}")),
        server: server.clone(),
        client: request.client_id.clone().unwrap_or(app),
        user: Some(user),
        scopes: scopes.clone(),
        auth_time: issued,
        amr: vec!["pwd".to_owned()],
        kind: "authorization_code",
        ..Grant::default()
    };
    let decision = Decision { access_lifetime: lifetime, ..Decision::default() };
    let tokens = issue::tokens(org, &grant, &decision).map_err(|error| error.description)?;
    let (mut access, mut identity) = (tokens.access, tokens.identity.unwrap_or_default());
    for claims in [&mut access, &mut identity] {
        claims.insert("iat".to_owned(), issued.into());
        claims.insert("exp".to_owned(), (now.as_second() + lifetime).into());
    }
    for (name, value) in &request.claims {
        if value.is_null() {
            access.remove(name);
        } else {
            access.insert(name.clone(), value.clone());
        }
    }
    let keys = match &server {
        Some(server) => org.server_keys(server, 1).map(|mut keys| {
            let kid = keys.remove(0);
            (kid.clone(), kid)
        }),
        None => org.own_keys(),
    };
    let (access_kid, identity_kid) = keys.map_err(|_| "no signing key")?;
    Ok(json!({
        "token_type": "Bearer", "expires_in": lifetime, "scope": scopes.join(" "),
        "access_token": org.keys[&access_kid].sign(&access_kid, &access)?,
        "id_token": org.keys[&identity_kid].sign(&identity_kid, &identity)?,
    }))
}
