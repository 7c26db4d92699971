//! Credentials, scopes and admin roles of OAuth clients.
//!
//! A key or a secret is rotated without a gap by adding the new one, switching
//! to it, deactivating the old one, and deleting that.

use http::Method;
use serde_json::{Value, json};

use crate::models::apps::JsonWebKeys;
use crate::models::{
    AppId, ClientSecret, ClientSecretId, GrantId, JsonWebKey, JsonWebKeyId, Role, RoleAssignmentId,
    ScopeGrant,
};
use crate::{Client, Error};

impl Client {
    /// The public keys of a client (`listJwk`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_jwk(&self, app: &AppId) -> Result<Vec<JsonWebKey>, Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "jwks"])?;
        let keys: JsonWebKeys = self.call("listJwk", Method::GET, url).await.map(|answer| answer.body)?;
        Ok(keys.into())
    }

    /// Adds a public key, active at once (`addJwk`). `key` is a JWK with `kid`.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for a `kid` that there is, or the 51st key.
    pub async fn add_jwk(&self, app: &AppId, key: &Value) -> Result<JsonWebKey, Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "jwks"])?;
        self.call_with("addJwk", Method::POST, url, key).await
    }

    /// Takes a key out of use (`deactivateOAuth2ClientJsonWebKey`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for the only active key of a client that
    /// authenticates with keys.
    pub async fn deactivate_jwk(&self, app: &AppId, key: &JsonWebKeyId) -> Result<(), Error> {
        let path = ["apps", app.as_str(), "credentials", "jwks", key.as_str(), "lifecycle", "deactivate"];
        self.command("deactivateOAuth2ClientJsonWebKey", Method::POST, self.url(&path)?).await
    }

    /// Takes a key into use again (`activateOAuth2ClientJsonWebKey`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_jwk(&self, app: &AppId, key: &JsonWebKeyId) -> Result<(), Error> {
        let path = ["apps", app.as_str(), "credentials", "jwks", key.as_str(), "lifecycle", "activate"];
        self.command("activateOAuth2ClientJsonWebKey", Method::POST, self.url(&path)?).await
    }

    /// Deletes a key that is out of use (`deletejwk`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for an active key.
    pub async fn delete_jwk(&self, app: &AppId, key: &JsonWebKeyId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "jwks", key.as_str()])?;
        self.command("deletejwk", Method::DELETE, url).await
    }

    /// The secrets of a client (`listOAuth2ClientSecrets`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_client_secrets(&self, app: &AppId) -> Result<Vec<ClientSecret>, Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "secrets"])?;
        self.call("listOAuth2ClientSecrets", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Makes a second secret, active at once (`createOAuth2ClientSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for a third one.
    pub async fn create_client_secret(&self, app: &AppId) -> Result<ClientSecret, Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "secrets"])?;
        self.call_with("createOAuth2ClientSecret", Method::POST, url, &json!({})).await
    }

    /// Takes a secret out of use (`deactivateOAuth2ClientSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for the only active one.
    pub async fn deactivate_client_secret(&self, app: &AppId, secret: &ClientSecretId) -> Result<(), Error> {
        let path =
            ["apps", app.as_str(), "credentials", "secrets", secret.as_str(), "lifecycle", "deactivate"];
        self.command("deactivateOAuth2ClientSecret", Method::POST, self.url(&path)?).await
    }

    /// Deletes a secret that is out of use (`deleteOAuth2ClientSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for an active one.
    pub async fn delete_client_secret(&self, app: &AppId, secret: &ClientSecretId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "credentials", "secrets", secret.as_str()])?;
        self.command("deleteOAuth2ClientSecret", Method::DELETE, url).await
    }

    /// The scopes that were granted to a client (`listScopeConsentGrants`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_scope_consent_grants(&self, app: &AppId) -> Result<Vec<ScopeGrant>, Error> {
        let url = self.url(&["apps", app.as_str(), "grants"])?;
        self.call("listScopeConsentGrants", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Grants a scope (`grantConsentToScope`). It is worth nothing without an
    /// admin role.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for a scope that does not exist.
    pub async fn grant_consent_to_scope(&self, app: &AppId, scope: &str) -> Result<ScopeGrant, Error> {
        let url = self.url(&["apps", app.as_str(), "grants"])?;
        let body = json!({ "scopeId": scope, "issuer": self.org_url() });
        self.call_with("grantConsentToScope", Method::POST, url, &body).await
    }

    /// Takes a scope back (`revokeScopeConsentGrant`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn revoke_scope_consent_grant(&self, app: &AppId, grant: &GrantId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "grants", grant.as_str()])?;
        self.command("revokeScopeConsentGrant", Method::DELETE, url).await
    }

    /// The admin roles of a service app (`listRolesForClient`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000227 for another kind of app.
    pub async fn list_roles_for_client(&self, app: &AppId) -> Result<Vec<Role>, Error> {
        let url = self.path(&["oauth2", "v1", "clients", app.as_str(), "roles"])?;
        self.call("listRolesForClient", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Gives a service app an admin role (`assignRoleToClient`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if it has the role.
    pub async fn assign_role_to_client(&self, app: &AppId, kind: &str) -> Result<Role, Error> {
        let url = self.path(&["oauth2", "v1", "clients", app.as_str(), "roles"])?;
        self.call_with("assignRoleToClient", Method::POST, url, &json!({ "type": kind })).await
    }

    /// Takes an admin role from a service app (`deleteRoleFromClient`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_role_from_client(&self, app: &AppId, role: &RoleAssignmentId) -> Result<(), Error> {
        let url = self.path(&["oauth2", "v1", "clients", app.as_str(), "roles", role.as_str()])?;
        self.command("deleteRoleFromClient", Method::DELETE, url).await
    }
}
