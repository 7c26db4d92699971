//! API tokens, service integrations, custom roles: what integrations of other tools are made
//! of (Okta Management API 2026.06.3).

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::client::Authorization;
use crate::models::{
    ApiToken, AppId, ClientSecret, ClientSecretId, CustomRole, CustomRoleId, ResourceSet, ResourceSetId,
    Role, ServiceIntegration, UserId,
};
use crate::{Client, Error, Pages};

/// A list as an object, with the next page in `_links`.
#[derive(Deserialize)]
struct Listed {
    #[serde(flatten)]
    lists: serde_json::Map<String, Value>,
    #[serde(rename = "_links", default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Assignee {
    id: UserId,
}

#[derive(Deserialize)]
struct Bound {
    id: CustomRoleId,
}

#[derive(Deserialize)]
struct Permission {
    label: String,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "_links")]
    links: ResourceLinks,
}

#[derive(Deserialize)]
struct ResourceLinks {
    #[serde(rename = "self")]
    own: Link,
}

impl Client {
    /// The API tokens of the org (`listApiTokens`). A token cannot be told by its value.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000006 if the role does not allow it.
    pub async fn list_api_tokens(&self) -> Result<Vec<ApiToken>, Error> {
        let url = self.url(&["api-tokens"])?;
        self.call("listApiTokens", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Ends the API token that this client calls with (`revokeCurrentApiToken`). An OAuth
    /// client has none.
    ///
    /// # Errors
    ///
    /// [`Error::is_rejected_credential`] if it has ended already.
    pub async fn revoke_current_api_token(&self) -> Result<(), Error> {
        let url = self.url(&["api-tokens", "current"])?;
        self.command("revokeCurrentApiToken", Method::DELETE, url).await
    }

    /// The service integrations of the org (`listApiServiceIntegrationInstances`).
    pub fn list_api_services(&self) -> Pages<'_, ServiceIntegration> {
        self.pages(
            "listApiServiceIntegrationInstances",
            self.path(&["integrations", "api", "v1", "api-services"]),
        )
    }

    /// Installs a service integration of the catalogue
    /// (`createApiServiceIntegrationInstance`). Its secret is in this answer alone.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for a type or a scope that there is not.
    pub async fn create_api_service(&self, kind: &str, scopes: &[&str]) -> Result<ServiceIntegration, Error> {
        let url = self.path(&["integrations", "api", "v1", "api-services"])?;
        let body = json!({ "type": kind, "grantedScopes": scopes });
        self.call_with("createApiServiceIntegrationInstance", Method::POST, url, &body).await
    }

    /// Takes a service integration away, with its grants
    /// (`deleteApiServiceIntegrationInstance`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_api_service(&self, id: &AppId) -> Result<(), Error> {
        let url = self.path(&["integrations", "api", "v1", "api-services", id.as_str()])?;
        self.command("deleteApiServiceIntegrationInstance", Method::DELETE, url).await
    }

    fn api_service_secrets(&self, id: &AppId, rest: &[&str]) -> Result<Url, Error> {
        let own = ["integrations", "api", "v1", "api-services", id.as_str(), "credentials", "secrets"];
        self.path(&[&own, rest].concat())
    }

    /// The secrets of a service integration (`listApiServiceIntegrationInstanceSecrets`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_api_service_secrets(&self, id: &AppId) -> Result<Vec<ClientSecret>, Error> {
        let url = self.api_service_secrets(id, &[])?;
        let listed = self.call("listApiServiceIntegrationInstanceSecrets", Method::GET, url).await;
        listed.map(|answer| answer.body)
    }

    /// Makes a second secret, active at once (`createApiServiceIntegrationInstanceSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for a third one.
    pub async fn create_api_service_secret(&self, id: &AppId) -> Result<ClientSecret, Error> {
        let url = self.api_service_secrets(id, &[])?;
        self.call_with("createApiServiceIntegrationInstanceSecret", Method::POST, url, &json!({})).await
    }

    /// Takes a secret out of use (`deactivateApiServiceIntegrationInstanceSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn deactivate_api_service_secret(
        &self,
        id: &AppId,
        secret: &ClientSecretId,
    ) -> Result<(), Error> {
        let url = self.api_service_secrets(id, &[secret.as_str(), "lifecycle", "deactivate"])?;
        self.command("deactivateApiServiceIntegrationInstanceSecret", Method::POST, url).await
    }

    /// Deletes a secret that is out of use (`deleteApiServiceIntegrationInstanceSecret`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for an active one.
    pub async fn delete_api_service_secret(&self, id: &AppId, secret: &ClientSecretId) -> Result<(), Error> {
        let url = self.api_service_secrets(id, &[secret.as_str()])?;
        self.command("deleteApiServiceIntegrationInstanceSecret", Method::DELETE, url).await
    }

    /// The custom roles of the org (`listRoles`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000006 if the role does not allow it.
    pub async fn list_custom_roles(&self) -> Result<Vec<CustomRole>, Error> {
        self.objects("listRoles", self.url(&["iam", "roles"])?, "roles").await
    }

    /// Makes a custom role (`createRole`); labels are unique.
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`]; [`Error::Api`] 400 E0000001 for an unknown permission.
    pub async fn create_custom_role(
        &self,
        label: &str,
        description: &str,
        permissions: &[&str],
    ) -> Result<CustomRole, Error> {
        let body = json!({ "label": label, "description": description, "permissions": permissions });
        self.call_with("createRole", Method::POST, self.url(&["iam", "roles"])?, &body).await
    }

    /// Deletes a custom role that nobody has (`deleteRole`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 409 if somebody has the role.
    pub async fn delete_custom_role(&self, role: &CustomRoleId) -> Result<(), Error> {
        let url = self.url(&["iam", "roles", role.as_str()])?;
        self.command("deleteRole", Method::DELETE, url).await
    }

    /// What a custom role may do (`listRolePermissions`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_role_permissions(&self, role: &CustomRoleId) -> Result<Vec<String>, Error> {
        let url = self.url(&["iam", "roles", role.as_str(), "permissions"])?;
        let listed: Vec<Permission> = self.objects("listRolePermissions", url, "permissions").await?;
        Ok(listed.into_iter().map(|permission| permission.label).collect())
    }

    /// The resource sets of the org (`listResourceSets`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000006 if the role does not allow it.
    pub async fn list_resource_sets(&self) -> Result<Vec<ResourceSet>, Error> {
        self.objects("listResourceSets", self.url(&["iam", "resource-sets"])?, "resource-sets").await
    }

    /// Makes a resource set (`createResourceSet`) of URLs of this org.
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`].
    pub async fn create_resource_set(
        &self,
        label: &str,
        description: &str,
        resources: &[String],
    ) -> Result<ResourceSet, Error> {
        let body = json!({ "label": label, "description": description, "resources": resources });
        self.call_with("createResourceSet", Method::POST, self.url(&["iam", "resource-sets"])?, &body).await
    }

    /// Deletes a resource set that nobody has (`deleteResourceSet`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 409 if somebody has the set.
    pub async fn delete_resource_set(&self, set: &ResourceSetId) -> Result<(), Error> {
        let url = self.url(&["iam", "resource-sets", set.as_str()])?;
        self.command("deleteResourceSet", Method::DELETE, url).await
    }

    /// The URLs of a resource set (`listResourceSetResources`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_resource_set_resources(&self, set: &ResourceSetId) -> Result<Vec<String>, Error> {
        let url = self.url(&["iam", "resource-sets", set.as_str(), "resources"])?;
        let listed: Vec<Resource> = self.objects("listResourceSetResources", url, "resources").await?;
        Ok(listed.into_iter().map(|resource| resource.links.own.href).collect())
    }

    /// The custom roles that somebody has on a resource set (`listBindings`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_bindings(&self, set: &ResourceSetId) -> Result<Vec<CustomRoleId>, Error> {
        let url = self.url(&["iam", "resource-sets", set.as_str(), "bindings"])?;
        let listed: Vec<Bound> = self.objects("listBindings", url, "roles").await?;
        Ok(listed.into_iter().map(|role| role.id).collect())
    }

    /// Gives a service app a custom role on a resource set (`assignRoleToClient`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if it has both.
    pub async fn assign_custom_role_to_client(
        &self,
        app: &AppId,
        role: &CustomRoleId,
        set: &ResourceSetId,
    ) -> Result<Role, Error> {
        let url = self.path(&["oauth2", "v1", "clients", app.as_str(), "roles"])?;
        let body = json!({ "type": "CUSTOM", "role": role, "resource-set": set });
        self.call_with("assignRoleToClient", Method::POST, url, &body).await
    }

    /// The users who have an admin role, their own or by a group
    /// (`listUsersWithRoleAssignments`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000006 if the role does not allow it.
    pub async fn list_users_with_role_assignments(&self) -> Result<Vec<UserId>, Error> {
        let url = self.url(&["iam", "assignees", "users"])?;
        let listed: Vec<Assignee> = self.objects("listUsersWithRoleAssignments", url, "value").await?;
        Ok(listed.into_iter().map(|assignee| assignee.id).collect())
    }

    /// Gets an access token, to see whether Okta takes the credential. An API token needs none.
    ///
    /// # Errors
    ///
    /// [`Error::is_rejected_credential`].
    pub async fn token(&self) -> Result<(), Error> {
        match &self.authorization {
            Authorization::Fixed(_) | Authorization::Nobody => Ok(()),
            Authorization::OAuth(tokens) => {
                tokens.get(&self.http, Instant::now() + Duration::from_secs(30)).await.map(drop)
            }
        }
    }

    /// Whether Okta takes the access token without a proof of the key that it is bound to
    /// (RFC 9449, 7.2: it must not); [`None`] for a token that is bound to none, and for an
    /// API token.
    ///
    /// # Errors
    ///
    /// There is no token, or no answer.
    pub async fn takes_bound_token_as_bearer(&self) -> Result<Option<bool>, Error> {
        let Authorization::OAuth(tokens) = &self.authorization else { return Ok(None) };
        let token = tokens.get(&self.http, Instant::now() + Duration::from_secs(30)).await?;
        let Some(value) = token.bound_value() else { return Ok(None) };
        let mut url = self.url(&["users"])?;
        url.set_query(Some("limit=1"));
        let request = self.http.get(url).bearer_auth(value.expose_secret());
        let answer = request.timeout(Duration::from_secs(10)).send().await;
        let failed = |error: reqwest::Error| Error::Communication {
            reason: error.without_url().to_string(),
            never_sent: false,
        };
        let status = answer.map_err(failed)?.status();
        match status.is_server_error() {
            true => Err(Error::Unexpected { status: status.as_u16() }),
            // Refused for its rights, it would have been taken for a token.
            false => {
                Ok(Some(status != http::StatusCode::UNAUTHORIZED && status != http::StatusCode::BAD_REQUEST))
            }
        }
    }

    /// Sends a call that shall change nothing, to see whether it is allowed. `path` is that of
    /// the org, from its root.
    ///
    /// # Errors
    ///
    /// What Okta says against it: [`Error::Api`] 403 where it is not allowed, with whether
    /// by scope or by role; 400 or 404 where it is.
    pub async fn probe(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(), Error> {
        let mut url = self.path(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match body {
            Some(body) => {
                let _: serde::de::IgnoredAny = self.call_with("probe", method, url, body).await?;
                Ok(())
            }
            None => self.command("probe", method, url).await,
        }
    }

    /// All elements of a list that is the member `name` of objects.
    async fn objects<T: DeserializeOwned>(
        &self,
        operation_id: &'static str,
        mut url: Url,
        name: &'static str,
    ) -> Result<Vec<T>, Error> {
        let undecodable = |path: String| Error::Undecodable { operation_id, path };
        let mut all = Vec::new();
        loop {
            let mut page: Listed = self.call(operation_id, Method::GET, url).await?.body;
            let items = page.lists.remove(name).unwrap_or_default();
            let items: Vec<T> = serde_path_to_error::deserialize(items)
                .map_err(|error| undecodable(format!("{name}.{}", error.path())))?;
            all.extend(items);
            let Some(next) = page.links.next else { return Ok(all) };
            // A link to elsewhere would carry the credential there.
            url = Url::parse(&next.href)
                .ok()
                .filter(|url| Url::parse(self.org_url()).is_ok_and(|own| own.origin() == url.origin()))
                .ok_or_else(|| undecodable("_links.next".to_owned()))?;
        }
    }
}
