//! Assignments of groups to apps.

use http::Method;

use crate::models::{AppId, ApplicationGroupAssignment, GroupId};
use crate::{Client, Error};

impl Client {
    /// Assigns a group, or changes its assignment (`assignGroupToApplication`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the app or the group.
    pub async fn assign_group_to_application(
        &self,
        app: &AppId,
        assignment: &ApplicationGroupAssignment,
    ) -> Result<ApplicationGroupAssignment, Error> {
        let url = self.url(&["apps", app.as_str(), "groups", assignment.id.as_str()])?;
        self.call_with("assignGroupToApplication", Method::PUT, url, assignment).await
    }

    /// Reads an assignment (`getApplicationGroupAssignment`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the group is not assigned.
    pub async fn get_application_group_assignment(
        &self,
        app: &AppId,
        group: &GroupId,
    ) -> Result<ApplicationGroupAssignment, Error> {
        let url = self.url(&["apps", app.as_str(), "groups", group.as_str()])?;
        self.call("getApplicationGroupAssignment", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Ends an assignment (`unassignApplicationFromGroup`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the group is not assigned.
    pub async fn unassign_application_from_group(&self, app: &AppId, group: &GroupId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "groups", group.as_str()])?;
        self.command("unassignApplicationFromGroup", Method::DELETE, url).await
    }
}
