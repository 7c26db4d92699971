//! Identity providers and the certificates that they trust.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{IdpId, KeyId};

/// An identity provider (schema `IdentityProvider`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its id.
    pub id: IdpId,
    /// 1 to 100 characters, unique.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`; changed by the lifecycle calls only.
    pub status: String,
    /// When it was created, RFC 3339, UTC.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub created: String,
    /// Protocol, policy and everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl IdentityProvider {
    /// Key id of the certificate that the IdP trusts.
    pub fn trusted_key(&self) -> Option<&str> {
        self.other.get("protocol")?.pointer("/credentials/trust/kid")?.as_str()
    }

    /// Ids of the groups that just-in-time provisioning puts users into.
    pub fn provisioned_groups(&self) -> Vec<&str> {
        let groups = self.other.get("policy").and_then(|p| p.pointer("/provisioning/groups/assignments"));
        groups.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// A SAML 2.0 identity provider that is to be created. Okta makes it ACTIVE.
#[derive(Clone, Debug, Serialize)]
pub struct NewIdentityProvider {
    /// 1 to 100 characters, unique.
    pub name: String,
    /// `SAML2`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Schema `ProtocolSaml`.
    pub protocol: Value,
    /// Schema `IdentityProviderPolicy`.
    pub policy: Value,
}

/// A certificate that IdPs may trust (schema `IdPKeyCredential`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdpKey {
    /// Key id.
    pub kid: KeyId,
    /// Base64 of the DER form, one element.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub x5c: Vec<String>,
    /// End of the certificate's validity, RFC 3339.
    pub expires_at: Option<String>,
}
