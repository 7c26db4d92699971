//! An IdP as its readers may see it.

use okta_client::models::{IdentityProvider, IdpId, IdpKey, KeyId};
use okta_client::{Client, Error};
use operations::ProblemCode;
use run_kit::Failure;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tenancy::if_present;

use crate::certificate::Certificate;

/// What the names of tenants' IdPs begin with in Okta.
const PREFIX: &str = "DAC_";

/// An IdP of a tenant, as Okta prints it, but for its name and its links.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "IdentityProvider")]
pub struct Item {
    /// Its id: the id of the tenant.
    pub id: String,
    /// Name of the tenant.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// Base64 of the DER form of the certificate that it trusts, one element;
    /// absent until the tenant's admin has uploaded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    /// End of the certificate's validity, RFC 3339.
    #[serde(rename = "x5cExpiresAt", skip_serializing_if = "Option::is_none")]
    pub x5c_expires_at: Option<String>,
    /// What is weak about the certificate, although it is accepted; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
    /// `protocol`, `policy` and everything else, with the link `acs` only.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Item {
    /// `None` for an IdP that is no tenant's. `key` is the one that it trusts.
    pub(crate) fn of(idp: IdentityProvider, key: Option<IdpKey>) -> Option<Self> {
        let name = tenant_of(&idp)?.to_owned();
        let IdentityProvider { id, status, created, mut other, name: _ } = idp;
        let acs = other.get("_links").and_then(|links| links.get("acs")).cloned();
        other.insert("_links".to_owned(), json!({ "acs": acs.unwrap_or_default() }));
        // Okta shows the secret of an OIDC client: nobody here needs to see one.
        let credentials =
            other.get_mut("protocol").and_then(|protocol| protocol.pointer_mut("/credentials/client"));
        if let Some(client) = credentials.and_then(Value::as_object_mut) {
            client.remove("client_secret");
        }
        let (x5c, x5c_expires_at) = match key {
            Some(key) => (Some(key.x5c), key.expires_at),
            None => (None, None),
        };
        let warnings = x5c.iter().flatten().filter_map(|x5c| Certificate::parse(x5c).ok()?.warning());
        let warnings: Vec<String> = warnings.map(str::to_owned).collect();
        let warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
        Some(Self { id: id.to_string(), name, status, created, x5c, x5c_expires_at, warnings, other })
    }
}

/// The tenant that an IdP is named after.
pub(crate) fn tenant_of(idp: &IdentityProvider) -> Option<&str> {
    idp.name.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// The key that an IdP trusts, unless it is the placeholder.
pub(crate) fn own_key(idp: &IdentityProvider, placeholder: &KeyId) -> Option<KeyId> {
    idp.trusted_key().filter(|key| *key != placeholder.as_str()).map(KeyId::from)
}

/// An IdP as it may be seen (`getIdentityProvider`, then `getIdentityProviderKey`);
/// `None` if it is not there or no tenant's.
pub(crate) async fn read(okta: &Client, placeholder: &KeyId, id: &IdpId) -> Result<Option<Item>, Error> {
    let Some(idp) = if_present(okta.get_identity_provider(id)).await? else { return Ok(None) };
    if tenant_of(&idp).is_none() {
        return Ok(None);
    }
    let key = read_key(okta, own_key(&idp, placeholder)).await?;
    Ok(Item::of(idp, key))
}

pub(crate) async fn read_key(okta: &Client, key: Option<KeyId>) -> Result<Option<IdpKey>, Error> {
    match key {
        Some(key) => if_present(okta.get_identity_provider_key(&key)).await,
        None => Ok(None),
    }
}

/// There is no such IdP for the caller.
pub(crate) fn not_found(id: &IdpId) -> Failure {
    Failure::new(ProblemCode::IdpNotFound, format!("there is no identity provider `{id}` of a tenant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_an_oidc_client_is_not_shown() {
        let idp = json!({
            "id": "0oa1", "name": "DAC_acme", "status": "ACTIVE", "created": "2026-01-31T12:00:00.000Z",
            "protocol": { "type": "OIDC", "credentials": { "client": { "client_id": "c", "client_secret": "canary" } } },
        });
        let item = Item::of(serde_json::from_value(idp).unwrap(), None).unwrap();
        let shown = serde_json::to_string(&item).unwrap();
        assert!(shown.contains("client_id") && !shown.contains("canary"), "{shown}");
    }
}
