//! Access and ID tokens of the demo authorization server.

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::org::{AuthorizationServer, Org};

/// Key id of the signing key.
const KID: &str = "okta-emulator-signing-key";

/// The key pair that signs tokens. Made anew with each emulator, so that no
/// private key is part of the repository.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    pem: String,
}

impl SigningKey {
    pub(crate) fn generate() -> Result<Self, String> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(|e| e.to_string())?;
        Ok(Self { pem: pair.serialize_pem() })
    }

    fn encoding_key(&self) -> Result<EncodingKey, String> {
        EncodingKey::from_rsa_pem(self.pem.as_bytes()).map_err(|e| e.to_string())
    }

    /// The public half as Okta publishes it.
    pub(crate) fn jwks(&self) -> Result<Value, String> {
        let jwk =
            Jwk::from_encoding_key(&self.encoding_key()?, Algorithm::RS256).map_err(|e| e.to_string())?;
        let mut jwk = serde_json::to_value(jwk).map_err(|e| e.to_string())?;
        jwk["kid"] = KID.into();
        jwk["use"] = "sig".into();
        Ok(json!({ "keys": [jwk] }))
    }

    fn sign(&self, claims: &Value) -> Result<String, String> {
        let header = Header { kid: Some(KID.to_owned()), typ: None, ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.encoding_key()?).map_err(|e| e.to_string())
    }
}

/// Which token to issue (`POST /_emulator/token`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TokenRequest {
    /// Login of the user.
    pub login: String,
    /// Client that asks; the okta-dac app unless given.
    pub client_id: Option<String>,
    /// Scopes; `openid` and `dac.admin` unless given.
    pub scopes: Option<Vec<String>>,
    /// Lifetime in seconds, negative for an expired token; 3600 unless given.
    pub lifetime_seconds: Option<i64>,
    /// Claims to set in the access token or, with null, to remove.
    pub claims: Map<String, Value>,
}

/// The tokens: claims as Okta's custom authorization servers make them. `sub`
/// is the login in an access token and the user id in an ID token.
pub(crate) fn issue(
    org: &Org,
    key: &SigningKey,
    request: &TokenRequest,
    org_url: &str,
    now: Timestamp,
) -> Result<Value, String> {
    let user = org.user(&request.login).map_err(|_| format!("there is no user `{}`", request.login))?;
    let server = org.authorization_servers.values().next().ok_or("the seed has no authorization server")?;
    let app =
        org.apps.values().find(|app| app.label == "okta-dac").ok_or("the seed has no app `okta-dac`")?;
    let client = request.client_id.as_deref().unwrap_or(&app.id);
    let scopes = request.scopes.clone().unwrap_or_else(|| vec!["openid".to_owned(), "dac.admin".to_owned()]);
    let lifetime = request.lifetime_seconds.unwrap_or(3_600);
    let issued = now.as_second() + lifetime.min(0);
    let issuer = issuer(server, org_url);
    let mut access = json!({
        "ver": 1, "jti": format!("AT.{}.{}", user.id, now.as_nanosecond()), "iss": issuer,
        "aud": server.audience, "iat": issued, "exp": now.as_second() + lifetime, "cid": client,
        "uid": user.id, "scp": scopes, "auth_time": issued, "sub": user.login(),
    });
    if scopes.iter().any(|scope| scope == "dac.admin") {
        access["groups"] = groups_claim(org, &user.id);
        let tenants = tenants_claim(org, &app.id, &user.id);
        if !tenants.is_empty() {
            access["tenants"] = tenants.into();
        }
    }
    for (name, value) in &request.claims {
        if value.is_null() {
            access.as_object_mut().map(|claims| claims.remove(name));
        } else {
            access[name] = value.clone();
        }
    }
    let id = json!({
        "ver": 1, "jti": format!("ID.{}.{}", user.id, now.as_nanosecond()), "iss": issuer, "aud": client,
        "iat": issued, "exp": now.as_second() + lifetime, "sub": user.id, "amr": ["pwd"], "auth_time": issued,
    });
    Ok(json!({
        "token_type": "Bearer", "expires_in": lifetime, "scope": scopes.join(" "),
        "access_token": key.sign(&access)?, "id_token": key.sign(&id)?,
    }))
}

pub(crate) fn issuer(server: &AuthorizationServer, org_url: &str) -> String {
    format!("{org_url}/oauth2/{}", server.id)
}

/// The demo authorization server's groups claim: those of our groups that say
/// what the user may do, never all (Okta fails the request above 100).
fn groups_claim(org: &Org, user: &str) -> Value {
    org.groups
        .values()
        .filter(|group| group.members.contains(user))
        .filter(|group| group.name.starts_with("ADMINS_") || group.name == "SUPERUSERS")
        .map(|group| Value::from(group.name.clone()))
        .collect()
}

/// `appuser.tenants`: the arrays of all assigned groups of the user, combined
/// (the attribute has `union: ENABLE`).
fn tenants_claim(org: &Org, app: &str, user: &str) -> Vec<Value> {
    org.app_groups
        .get(app)
        .into_iter()
        .flatten()
        .filter(|(group, _)| org.groups.get(*group).is_some_and(|group| group.members.contains(user)))
        .filter_map(|(_, assignment)| assignment.profile.get("tenants").and_then(Value::as_array))
        .flatten()
        .cloned()
        .collect()
}
