//! Identity providers and their keys.

use http::Method;
use serde_json::json;

use super::{PAGE_LIMIT, writable};
use crate::models::{IdentityProvider, IdpId, IdpKey, KeyId, NewIdentityProvider};
use crate::{Client, Error, Pages};

/// Query of [`Client::list_identity_providers`].
#[derive(Clone, Debug, Default)]
pub struct ListIdentityProviders {
    /// Start of the name.
    pub q: Option<String>,
}

impl Client {
    /// All IdPs, or those whose names begin with `q` (`listIdentityProviders`).
    pub fn list_identity_providers(&self, query: &ListIdentityProviders) -> Pages<'_, IdentityProvider> {
        let url = self.url(&["idps"]).map(|mut url| {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &PAGE_LIMIT.to_string());
            if let Some(q) = &query.q {
                pairs.append_pair("q", q);
            }
            drop(pairs);
            url
        });
        self.pages("listIdentityProviders", url)
    }

    /// Creates an IdP; it is ACTIVE (`createIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is taken.
    pub async fn create_identity_provider(
        &self,
        idp: &NewIdentityProvider,
    ) -> Result<IdentityProvider, Error> {
        let url = self.url(&["idps"])?;
        self.call_with("createIdentityProvider", Method::POST, url, idp).await
    }

    /// Reads an IdP (`getIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_identity_provider(&self, idp: &IdpId) -> Result<IdentityProvider, Error> {
        let url = self.url(&["idps", idp.as_str()])?;
        self.call("getIdentityProvider", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Replaces everything but id and status (`replaceIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is another IdP's.
    pub async fn replace_identity_provider(&self, idp: &IdentityProvider) -> Result<IdentityProvider, Error> {
        let url = self.url(&["idps", idp.id.as_str()])?;
        let body = writable(idp, &["id", "status", "created", "lastUpdated", "_links"])?;
        self.call_with("replaceIdentityProvider", Method::PUT, url, &body).await
    }

    /// Deletes an IdP; its users stay, unlinked (`deleteIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_identity_provider(&self, idp: &IdpId) -> Result<(), Error> {
        let url = self.url(&["idps", idp.as_str()])?;
        self.command("deleteIdentityProvider", Method::DELETE, url).await
    }

    /// Switches an IdP on; repeatable (`activateIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_identity_provider(&self, idp: &IdpId) -> Result<(), Error> {
        let url = self.url(&["idps", idp.as_str(), "lifecycle", "activate"])?;
        self.command("activateIdentityProvider", Method::POST, url).await
    }

    /// Switches an IdP off; repeatable (`deactivateIdentityProvider`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn deactivate_identity_provider(&self, idp: &IdpId) -> Result<(), Error> {
        let url = self.url(&["idps", idp.as_str(), "lifecycle", "deactivate"])?;
        self.command("deactivateIdentityProvider", Method::POST, url).await
    }

    /// Uploads a certificate, base64 of its DER form (`createIdentityProviderKey`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if it is there already; the summary names its
    /// key id, but that text is no contract: list the keys and compare.
    pub async fn create_identity_provider_key(&self, x5c: &str) -> Result<IdpKey, Error> {
        let url = self.url(&["idps", "credentials", "keys"])?;
        self.call_with("createIdentityProviderKey", Method::POST, url, &json!({ "x5c": [x5c] })).await
    }

    /// All certificates (`listIdentityProviderKeys`).
    pub fn list_identity_provider_keys(&self) -> Pages<'_, IdpKey> {
        self.pages("listIdentityProviderKeys", self.url(&["idps", "credentials", "keys"]))
    }

    /// Reads a certificate (`getIdentityProviderKey`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_identity_provider_key(&self, key: &KeyId) -> Result<IdpKey, Error> {
        let url = self.url(&["idps", "credentials", "keys", key.as_str()])?;
        self.call("getIdentityProviderKey", Method::GET, url).await.map(|answer| answer.body)
    }

    /// The SAML metadata of Okta as the service provider of an IdP, XML, byte
    /// for byte. Not in Okta's published description.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_identity_provider_metadata(&self, idp: &IdpId) -> Result<Vec<u8>, Error> {
        let url = self.url(&["idps", idp.as_str(), "metadata.xml"])?;
        self.bytes("getIdentityProviderMetadata", url).await
    }

    /// Deletes a certificate (`deleteIdentityProviderKey`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 while an IdP trusts it.
    pub async fn delete_identity_provider_key(&self, key: &KeyId) -> Result<(), Error> {
        let url = self.url(&["idps", "credentials", "keys", key.as_str()])?;
        self.command("deleteIdentityProviderKey", Method::DELETE, url).await
    }
}
