//! Identity providers and their keys.

use http::Method;
use serde_json::json;
use url::Url;

use super::{PAGE_LIMIT, writable};
use crate::models::{IdentityProvider, IdpId, IdpKey, KeyId, NewIdentityProvider};
use crate::{Client, Error, Page, Pages};

/// Query of [`Client::list_identity_providers`].
#[derive(Clone, Debug, Default)]
pub struct ListIdentityProviders {
    /// Start of the name.
    pub q: Option<String>,
}

impl ListIdentityProviders {
    fn url(&self, client: &Client, limit: u32, after: Option<&str>) -> Result<Url, Error> {
        let mut url = client.url(&["idps"])?;
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("limit", &limit.to_string());
        if let Some(q) = &self.q {
            pairs.append_pair("q", q);
        }
        if let Some(after) = after {
            pairs.append_pair("after", after);
        }
        drop(pairs);
        Ok(url)
    }
}

impl Client {
    /// All IdPs, or those whose names begin with `q` (`listIdentityProviders`).
    pub fn list_identity_providers(&self, query: &ListIdentityProviders) -> Pages<'_, IdentityProvider> {
        self.pages("listIdentityProviders", query.url(self, PAGE_LIMIT, None))
    }

    /// One page of the same, of at most `limit` elements (1 to 200) after a cursor, for
    /// callers that page themselves (`listIdentityProviders`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 if the cursor is unknown.
    pub async fn list_identity_providers_page(
        &self,
        query: &ListIdentityProviders,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page<IdentityProvider>, Error> {
        self.page("listIdentityProviders", query.url(self, limit, after)?).await
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

    /// Replaces everything but id and status (`replaceIdentityProvider`). Okta's answer says null of
    /// `created`: the time is that of the given one.
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is another IdP's.
    pub async fn replace_identity_provider(&self, idp: &IdentityProvider) -> Result<IdentityProvider, Error> {
        let url = self.url(&["idps", idp.id.as_str()])?;
        let body = writable(idp, &["id", "status", "created", "lastUpdated", "_links"])?;
        let mut replaced: IdentityProvider =
            self.call_with("replaceIdentityProvider", Method::PUT, url, &body).await?;
        if replaced.created.is_empty() {
            replaced.created.clone_from(&idp.created);
        }
        Ok(replaced)
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
