//! What an org has once: authorization servers, schemas of apps, trusted origins (Okta Management
//! API 2026.06.3). The objects are JSON, as whoever makes them describes them.

use http::Method;
use serde_json::Value;
use url::Url;

use super::PAGE_LIMIT;
use crate::models::{AppId, Named, UserSchema, UserType, UserTypeId};
use crate::{Client, Error, Pages};

impl Client {
    fn whole(&self, segments: &[&str]) -> Result<Url, Error> {
        let mut url = self.url(segments)?;
        url.query_pairs_mut().append_pair("limit", &PAGE_LIMIT.to_string());
        Ok(url)
    }

    /// The authorization servers (`listAuthorizationServers`).
    pub fn list_authorization_servers(&self) -> Pages<'_, Named> {
        self.pages("listAuthorizationServers", self.whole(&["authorizationServers"]))
    }

    /// Makes an authorization server (`createAuthorizationServer`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if one has the name.
    pub async fn create_authorization_server(&self, server: &Value) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers"])?;
        self.call_with("createAuthorizationServer", Method::POST, url, server).await
    }

    /// Replaces an authorization server (`replaceAuthorizationServer`); issuer and status stay.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::is_duplicate`] if another has the name.
    pub async fn replace_authorization_server(&self, id: &str, server: &Value) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", id])?;
        self.call_with("replaceAuthorizationServer", Method::PUT, url, server).await
    }

    /// Takes an authorization server out, with everything that is its own
    /// (`deactivateAuthorizationServer`, `deleteAuthorizationServer`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_authorization_server(&self, id: &str) -> Result<(), Error> {
        let url = self.url(&["authorizationServers", id, "lifecycle", "deactivate"])?;
        self.command("deactivateAuthorizationServer", Method::POST, url).await?;
        let url = self.url(&["authorizationServers", id])?;
        self.command("deleteAuthorizationServer", Method::DELETE, url).await
    }

    /// The scopes of a server (`listOAuth2Scopes`).
    pub fn list_oauth2_scopes(&self, server: &str) -> Pages<'_, Named> {
        self.pages("listOAuth2Scopes", self.whole(&["authorizationServers", server, "scopes"]))
    }

    /// Adds a scope to a server (`createOAuth2Scope`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if one has the name.
    pub async fn create_oauth2_scope(&self, server: &str, scope: &Value) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", server, "scopes"])?;
        self.call_with("createOAuth2Scope", Method::POST, url, scope).await
    }

    /// The claims of a server (`listOAuth2Claims`).
    pub fn list_oauth2_claims(&self, server: &str) -> Pages<'_, Named> {
        self.pages("listOAuth2Claims", self.url(&["authorizationServers", server, "claims"]))
    }

    /// Adds a claim to a server (`createOAuth2Claim`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 for an expression that is none.
    pub async fn create_oauth2_claim(&self, server: &str, claim: &Value) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", server, "claims"])?;
        self.call_with("createOAuth2Claim", Method::POST, url, claim).await
    }

    /// Replaces a claim of a server (`replaceOAuth2Claim`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::Api`] 400 for an expression that is none.
    pub async fn replace_oauth2_claim(&self, server: &str, id: &str, claim: &Value) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", server, "claims", id])?;
        self.call_with("replaceOAuth2Claim", Method::PUT, url, claim).await
    }

    /// The access policies of a server (`listAuthorizationServerPolicies`).
    pub fn list_authorization_server_policies(&self, server: &str) -> Pages<'_, Named> {
        let url = self.url(&["authorizationServers", server, "policies"]);
        self.pages("listAuthorizationServerPolicies", url)
    }

    /// Adds an access policy to a server (`createAuthorizationServerPolicy`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if one has the name.
    pub async fn create_authorization_server_policy(
        &self,
        server: &str,
        policy: &Value,
    ) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", server, "policies"])?;
        self.call_with("createAuthorizationServerPolicy", Method::POST, url, policy).await
    }

    /// The rules of an access policy (`listAuthorizationServerPolicyRules`).
    pub fn list_authorization_server_policy_rules(&self, server: &str, policy: &str) -> Pages<'_, Named> {
        let url = self.url(&["authorizationServers", server, "policies", policy, "rules"]);
        self.pages("listAuthorizationServerPolicyRules", url)
    }

    /// Adds a rule to an access policy (`createAuthorizationServerPolicyRule`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if one has the name.
    pub async fn create_authorization_server_policy_rule(
        &self,
        server: &str,
        policy: &str,
        rule: &Value,
    ) -> Result<Named, Error> {
        let url = self.url(&["authorizationServers", server, "policies", policy, "rules"])?;
        self.call_with("createAuthorizationServerPolicyRule", Method::POST, url, rule).await
    }

    /// The attributes of an app's users (`getApplicationUserSchema`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_application_user_schema(&self, app: &AppId) -> Result<Value, Error> {
        let url = self.url(&["meta", "schemas", "apps", app.as_str(), "default"])?;
        self.call("getApplicationUserSchema", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Adds or replaces attributes of an app's users (`updateApplicationUserProfile`); others stay.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 for an attribute that cannot be.
    pub async fn update_application_user_profile(&self, app: &AppId, schema: &Value) -> Result<Value, Error> {
        let url = self.url(&["meta", "schemas", "apps", app.as_str(), "default"])?;
        self.call_with("updateApplicationUserProfile", Method::POST, url, schema).await
    }

    /// Makes a type of users (`createUserType`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 if one has the name, and for one too many.
    pub async fn create_user_type(&self, kind: &Value) -> Result<UserType, Error> {
        let url = self.url(&["meta", "types", "user"])?;
        self.call_with("createUserType", Method::POST, url, kind).await
    }

    /// Deletes a type of users (`deleteUserType`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::Api`] 403 while users have it.
    pub async fn delete_user_type(&self, kind: &UserTypeId) -> Result<(), Error> {
        let url = self.url(&["meta", "types", "user", kind.as_str()])?;
        self.command("deleteUserType", Method::DELETE, url).await
    }

    /// Adds or replaces attributes of the users of a type (`updateUserProfile`); others stay.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 for an attribute that cannot be.
    pub async fn update_user_profile(&self, kind: &UserType, schema: &Value) -> Result<UserSchema, Error> {
        let url = self.url(&["meta", "schemas", "user", kind.schema_id()])?;
        self.call_with("updateUserProfile", Method::POST, url, schema).await
    }

    /// The trusted origins (`listTrustedOrigins`).
    pub fn list_trusted_origins(&self) -> Pages<'_, Named> {
        self.pages("listTrustedOrigins", self.whole(&["trustedOrigins"]))
    }

    /// Makes an origin a trusted one (`createTrustedOrigin`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the origin is one.
    pub async fn create_trusted_origin(&self, origin: &Value) -> Result<Named, Error> {
        let url = self.url(&["trustedOrigins"])?;
        self.call_with("createTrustedOrigin", Method::POST, url, origin).await
    }

    /// Makes an origin an untrusted one (`deleteTrustedOrigin`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_trusted_origin(&self, id: &str) -> Result<(), Error> {
        let url = self.url(&["trustedOrigins", id])?;
        self.command("deleteTrustedOrigin", Method::DELETE, url).await
    }

    /// The event hooks (`listEventHooks`).
    pub fn list_event_hooks(&self) -> Pages<'_, Named> {
        self.pages("listEventHooks", self.url(&["eventHooks"]))
    }

    /// Makes an event hook (`createEventHook`). Several may have one name.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 for an address without HTTPS, and for one hook too many.
    pub async fn create_event_hook(&self, hook: &Value) -> Result<Named, Error> {
        let url = self.url(&["eventHooks"])?;
        self.call_with("createEventHook", Method::POST, url, hook).await
    }

    /// Replaces an event hook (`replaceEventHook`); with another address it is to be verified again.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn replace_event_hook(&self, id: &str, hook: &Value) -> Result<Named, Error> {
        let url = self.url(&["eventHooks", id])?;
        self.call_with("replaceEventHook", Method::PUT, url, hook).await
    }

    /// Lets Okta ask an event hook to prove itself (`verifyEventHook`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 if the hook does not send the challenge back.
    pub async fn verify_event_hook(&self, id: &str) -> Result<Named, Error> {
        let url = self.url(&["eventHooks", id, "lifecycle", "verify"])?;
        self.call("verifyEventHook", Method::POST, url).await.map(|answer| answer.body)
    }

    /// Switches an event hook on (`activateEventHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_event_hook(&self, id: &str) -> Result<Named, Error> {
        let url = self.url(&["eventHooks", id, "lifecycle", "activate"])?;
        self.call("activateEventHook", Method::POST, url).await.map(|answer| answer.body)
    }

    /// Switches an inline hook on (`activateInlineHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_inline_hook(&self, id: &str) -> Result<Named, Error> {
        let url = self.url(&["inlineHooks", id, "lifecycle", "activate"])?;
        self.call("activateInlineHook", Method::POST, url).await.map(|answer| answer.body)
    }

    /// Takes an event hook out (`deactivateEventHook`, `deleteEventHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_event_hook(&self, id: &str) -> Result<(), Error> {
        let url = self.url(&["eventHooks", id, "lifecycle", "deactivate"])?;
        self.command("deactivateEventHook", Method::POST, url).await?;
        let url = self.url(&["eventHooks", id])?;
        self.command("deleteEventHook", Method::DELETE, url).await
    }

    /// The inline hooks (`listInlineHooks`).
    pub fn list_inline_hooks(&self) -> Pages<'_, Named> {
        self.pages("listInlineHooks", self.url(&["inlineHooks"]))
    }

    /// Makes an inline hook (`createInlineHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if one has the name.
    pub async fn create_inline_hook(&self, hook: &Value) -> Result<Named, Error> {
        let url = self.url(&["inlineHooks"])?;
        self.call_with("createInlineHook", Method::POST, url, hook).await
    }

    /// Replaces an inline hook (`replaceInlineHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn replace_inline_hook(&self, id: &str, hook: &Value) -> Result<Named, Error> {
        let url = self.url(&["inlineHooks", id])?;
        self.call_with("replaceInlineHook", Method::PUT, url, hook).await
    }

    /// Takes an inline hook out (`deactivateInlineHook`, `deleteInlineHook`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_inline_hook(&self, id: &str) -> Result<(), Error> {
        let url = self.url(&["inlineHooks", id, "lifecycle", "deactivate"])?;
        self.command("deactivateInlineHook", Method::POST, url).await?;
        let url = self.url(&["inlineHooks", id])?;
        self.command("deleteInlineHook", Method::DELETE, url).await
    }
}
