//! Groups, memberships, admin roles of groups.

use http::Method;
use serde_json::json;
use url::Url;

use super::PAGE_LIMIT;
use crate::models::{Application, Group, GroupId, GroupProfile, Role, RoleAssignmentId, User, UserId};
use crate::{Client, Error, Page, Pages};

/// Query of [`Client::list_groups`].
#[derive(Clone, Debug)]
pub struct ListGroups {
    search: String,
    after: Option<String>,
    limit: u32,
    stats: bool,
}

impl ListGroups {
    /// The groups that fulfil a `search` expression (see [`crate::search`]).
    pub fn search(expression: String) -> Self {
        Self { search: expression, after: None, limit: PAGE_LIMIT, stats: false }
    }

    /// Begins after this cursor.
    #[must_use]
    pub fn after(self, cursor: Option<String>) -> Self {
        Self { after: cursor, ..self }
    }

    /// At most so many on a page, 1 to 200.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// With what [`Group::has_admin_role`] needs. Whether Okta knows `expand` together with
    /// `search` is not documented; where it does not, no group has the role.
    #[must_use]
    pub fn with_stats(self) -> Self {
        Self { stats: true, ..self }
    }

    fn url(&self, client: &Client) -> Result<Url, Error> {
        let mut url = client.url(&["groups"])?;
        let mut query = url.query_pairs_mut();
        query.append_pair("search", &self.search).append_pair("limit", &self.limit.to_string());
        if let Some(after) = &self.after {
            query.append_pair("after", after);
        }
        if self.stats {
            query.append_pair("expand", "stats");
        }
        drop(query);
        Ok(url)
    }
}

impl Client {
    /// All groups of a search, page after page (`listGroups`).
    ///
    /// The search index lags behind, "typically less than one second": a group
    /// that was just created may be missing, a deleted one may still be there.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000031 if the expression cannot be read.
    pub fn list_groups(&self, query: &ListGroups) -> Pages<'_, Group> {
        self.pages("listGroups", query.url(self))
    }

    /// One page of a search (`listGroups`), for callers that page themselves.
    ///
    /// # Errors
    ///
    /// As [`Client::list_groups`].
    pub async fn list_groups_page(&self, query: &ListGroups) -> Result<Page<Group>, Error> {
        self.page("listGroups", query.url(self)?).await
    }

    /// Creates a group (`addGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is taken.
    pub async fn add_group(&self, profile: &GroupProfile) -> Result<Group, Error> {
        let url = self.url(&["groups"])?;
        self.call_with("addGroup", Method::POST, url, &json!({ "profile": profile })).await
    }

    /// Reads a group as it is now (`getGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_group(&self, group: &GroupId) -> Result<Group, Error> {
        let url = self.url(&["groups", group.as_str()])?;
        self.call("getGroup", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Replaces the profile of a group (`replaceGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the name is another group's.
    pub async fn replace_group(&self, group: &GroupId, profile: &GroupProfile) -> Result<Group, Error> {
        let url = self.url(&["groups", group.as_str()])?;
        self.call_with("replaceGroup", Method::PUT, url, &json!({ "profile": profile })).await
    }

    /// Deletes a group with its memberships, assignments and roles (`deleteGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn delete_group(&self, group: &GroupId) -> Result<(), Error> {
        let url = self.url(&["groups", group.as_str()])?;
        self.command("deleteGroup", Method::DELETE, url).await
    }

    /// The members of a group (`listGroupUsers`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_group_users(&self, group: &GroupId) -> Pages<'_, User> {
        let url = self.url(&["groups", group.as_str(), "users"]).map(|mut url| {
            url.set_query(Some("limit=200"));
            url
        });
        self.pages("listGroupUsers", url)
    }

    /// One page of the members of a group (`listGroupUsers`), at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::Api`] 400 for a cursor that is none.
    pub async fn list_group_users_page(
        &self,
        group: &GroupId,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<User>, Error> {
        let mut url = self.url(&["groups", group.as_str(), "users"])?;
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        self.page("listGroupUsers", url).await
    }

    /// The apps that a group is assigned to (`listAssignedApplicationsForGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_assigned_applications_for_group(&self, group: &GroupId) -> Pages<'_, Application> {
        let url = self.url(&["groups", group.as_str(), "apps"]).map(|mut url| {
            url.set_query(Some("limit=200"));
            url
        });
        self.pages("listAssignedApplicationsForGroup", url)
    }

    /// Whether a group has at least one member (`listGroupUsers`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn group_has_members(&self, group: &GroupId) -> Result<bool, Error> {
        let mut url = self.url(&["groups", group.as_str(), "users"])?;
        url.set_query(Some("limit=1"));
        let page: Page<serde::de::IgnoredAny> = self.page("listGroupUsers", url).await?;
        Ok(!page.items.is_empty())
    }

    /// Makes a user a member; repeating it changes nothing (`assignUserToGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the group or the user.
    pub async fn assign_user_to_group(&self, group: &GroupId, user: &UserId) -> Result<(), Error> {
        let url = self.url(&["groups", group.as_str(), "users", user.as_str()])?;
        self.command("assignUserToGroup", Method::PUT, url).await
    }

    /// Ends a membership (`unassignUserFromGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the group or the user.
    pub async fn unassign_user_from_group(&self, group: &GroupId, user: &UserId) -> Result<(), Error> {
        let url = self.url(&["groups", group.as_str(), "users", user.as_str()])?;
        self.command("unassignUserFromGroup", Method::DELETE, url).await
    }

    /// Admin roles of a group (`listGroupAssignedRoles`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn list_group_assigned_roles(&self, group: &GroupId) -> Result<Vec<Role>, Error> {
        let url = self.url(&["groups", group.as_str(), "roles"])?;
        self.call("listGroupAssignedRoles", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Gives a group an admin role (`assignRoleToGroup`). It applies to the
    /// **whole org** until the first target is assigned.
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the group has the role.
    pub async fn assign_role_to_group(&self, group: &GroupId, kind: &str) -> Result<Role, Error> {
        let mut url = self.url(&["groups", group.as_str(), "roles"])?;
        url.set_query(Some("disableNotifications=true"));
        self.call_with("assignRoleToGroup", Method::POST, url, &json!({ "type": kind })).await
    }

    /// Takes an admin role from a group (`unassignRoleFromGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn unassign_role_from_group(
        &self,
        group: &GroupId,
        role: &RoleAssignmentId,
    ) -> Result<(), Error> {
        let url = self.url(&["groups", group.as_str(), "roles", role.as_str()])?;
        self.command("unassignRoleFromGroup", Method::DELETE, url).await
    }

    /// Groups that a role is limited to; none means the whole org
    /// (`listGroupTargetsForGroupRole`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_group_targets_for_group_role(
        &self,
        group: &GroupId,
        role: &RoleAssignmentId,
    ) -> Pages<'_, Group> {
        let url = self.url(&["groups", group.as_str(), "roles", role.as_str(), "targets", "groups"]);
        let url = url.map(|mut url| {
            url.set_query(Some("limit=200"));
            url
        });
        self.pages("listGroupTargetsForGroupRole", url)
    }

    /// Limits a role to one more group; the first one ends the role's
    /// validity for the whole org (`assignGroupTargetToGroupAdminRole`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn assign_group_target_to_group_admin_role(
        &self,
        group: &GroupId,
        role: &RoleAssignmentId,
        target: &GroupId,
    ) -> Result<(), Error> {
        let path = ["groups", group.as_str(), "roles", role.as_str(), "targets", "groups", target.as_str()];
        let url = self.url(&path)?;
        self.command("assignGroupTargetToGroupAdminRole", Method::PUT, url).await
    }

    /// Takes a group out of a role's targets (`unassignGroupTargetFromGroupAdminRole`).
    /// Never the last one: Okta refuses that, and the role would be valid for
    /// the whole org without it.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`]; [`Error::Api`] for the last target.
    pub async fn unassign_group_target_from_group_admin_role(
        &self,
        group: &GroupId,
        role: &RoleAssignmentId,
        target: &GroupId,
    ) -> Result<(), Error> {
        let path = ["groups", group.as_str(), "roles", role.as_str(), "targets", "groups", target.as_str()];
        let url = self.url(&path)?;
        self.command("unassignGroupTargetFromGroupAdminRole", Method::DELETE, url).await
    }
}
