//! Users: reading, changing, searching; passwords; relations; types.

use http::Method;
use serde_json::{Map, Value, json};

use super::PAGE_LIMIT;
use crate::models::{Group, Role, User, UserId, UserSchema, UserType, UserTypeId};
use crate::{Client, Error, Pages, search};

/// What a list of linked objects holds.
#[derive(serde::Deserialize)]
struct LinkedObject {
    #[serde(rename = "_links")]
    links: Links,
}

#[derive(serde::Deserialize)]
struct Links {
    #[serde(rename = "self")]
    own: Link,
}

#[derive(serde::Deserialize)]
struct Link {
    href: String,
}

impl Client {
    /// The users that fulfil a `search` expression, DEPROVISIONED ones included
    /// (`listUsers`). An attribute that is an array matches if any of its
    /// elements does. The index lags behind, see [`Client::list_groups`].
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000031 if the expression cannot be read.
    pub fn list_users(&self, search: &str) -> Pages<'_, User> {
        let url = self.url(&["users"]).map(|mut url| {
            let limit = PAGE_LIMIT.to_string();
            url.query_pairs_mut().append_pair("search", search).append_pair("limit", &limit);
            url
        });
        self.pages("listUsers", url)
    }

    /// The first of such users, at most so many (`listUsers`).
    ///
    /// # Errors
    ///
    /// As [`Client::list_users`].
    pub async fn find_users(&self, search: &str, most: u8) -> Result<Vec<User>, Error> {
        let mut url = self.url(&["users"])?;
        url.query_pairs_mut().append_pair("search", search).append_pair("limit", &most.to_string());
        self.call("listUsers", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Reads a user as it is now, by id or login (`getUser`). A login that cannot stand in a path is
    /// searched for first (`listUsers`), in an index that may be late.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_user(&self, id_or_login: &str) -> Result<User, Error> {
        if id_or_login.contains(['/', ';', '\\']) {
            let found = self.find_users(&search::eq("profile.login", id_or_login), 2).await?;
            let is_it = |user: &&User| user.login().eq_ignore_ascii_case(id_or_login);
            let id = found.iter().find(is_it).map(|user| user.id.to_string());
            // Ids begin so, and none is so short: Okta says that there is no such user.
            let url = self.url(&["users", id.as_deref().unwrap_or("00u")])?;
            return self.call("getUser", Method::GET, url).await.map(|answer| answer.body);
        }
        let url = self.url(&["users", id_or_login])?;
        self.call("getUser", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Changes the given attributes and no other; null unsets one
    /// (`updateUser`). An array is replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::Api`] 400 for an attribute that the
    /// schema does not have.
    pub async fn update_user(&self, user: &UserId, profile: &Map<String, Value>) -> Result<User, Error> {
        let url = self.url(&["users", user.as_str()])?;
        self.call_with("updateUser", Method::POST, url, &json!({ "profile": profile })).await
    }

    /// Replaces the whole profile and, with it, the type (`replaceUser`): the
    /// only call that can change a type. Attributes that are left out are
    /// deleted.
    ///
    /// # Errors
    ///
    /// As [`Client::update_user`].
    pub async fn replace_user(
        &self,
        user: &UserId,
        profile: &Map<String, Value>,
        kind: &UserTypeId,
    ) -> Result<User, Error> {
        let url = self.url(&["users", user.as_str()])?;
        let body = json!({ "profile": profile, "type": { "id": kind } });
        self.call_with("replaceUser", Method::PUT, url, &body).await
    }

    /// The groups of a user (`listUserGroups`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_user_groups(&self, user: &UserId) -> Pages<'_, Group> {
        self.pages("listUserGroups", self.url(&["users", user.as_str(), "groups"]))
    }

    /// The admin roles of a user, their own and those of their groups
    /// (`listAssignedRolesForUser`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_assigned_roles_for_user(&self, id_or_login: &str) -> Result<Vec<Role>, Error> {
        let url = self.url(&["users", id_or_login, "roles"])?;
        self.call("listAssignedRolesForUser", Method::GET, url).await.map(|answer| answer.body)
    }

    /// The users that a relationship leads to (`listLinkedObjectsForUser`):
    /// none or one from the associated side, any number from the primary one.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the user or the relationship.
    pub async fn list_linked_objects_for_user(
        &self,
        user: &UserId,
        relationship: &str,
    ) -> Result<Vec<UserId>, Error> {
        let url = self.url(&["users", user.as_str(), "linkedObjects", relationship])?;
        let found: Vec<LinkedObject> =
            self.call("listLinkedObjectsForUser", Method::GET, url).await.map(|answer| answer.body)?;
        let id = |link: LinkedObject| link.links.own.href.rsplit('/').next().unwrap_or_default().into();
        Ok(found.into_iter().map(id).collect())
    }

    /// A type of users (`getUserType`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_user_type(&self, kind: &UserTypeId) -> Result<UserType, Error> {
        let url = self.url(&["meta", "types", "user", kind.as_str()])?;
        self.call("getUserType", Method::GET, url).await.map(|answer| answer.body)
    }

    /// The attributes of the users of a type (`getUserSchema`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_user_schema(&self, kind: &UserType) -> Result<UserSchema, Error> {
        let url = self.url(&["meta", "schemas", "user", kind.schema_id()])?;
        self.call("getUserSchema", Method::GET, url).await.map(|answer| answer.body)
    }

    /// The types of users (`listUserTypes`).
    ///
    /// # Errors
    ///
    /// None that are special.
    pub async fn list_user_types(&self) -> Result<Vec<UserType>, Error> {
        let url = self.url(&["meta", "types", "user"])?;
        self.call("listUserTypes", Method::GET, url).await.map(|answer| answer.body)
    }
}
