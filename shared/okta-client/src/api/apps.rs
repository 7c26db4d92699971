//! Apps and assignments of groups to them.

use http::Method;

use serde_json::Value;

use super::PAGE_LIMIT;
use crate::models::{AppId, Application, ApplicationGroupAssignment, GroupId};
use crate::{Client, Error, Pages};

impl Client {
    /// All apps, or those whose name or label begins with `q`, upper and lower
    /// case alike (`listApplications`).
    pub fn list_applications(&self, q: Option<&str>) -> Pages<'_, Application> {
        let url = self.url(&["apps"]).map(|mut url| {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &PAGE_LIMIT.to_string());
            if let Some(q) = q {
                pairs.append_pair("q", q);
            }
            drop(pairs);
            url
        });
        self.pages("listApplications", url)
    }

    /// Reads an app (`getApplication`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn get_application(&self, app: &AppId) -> Result<Application, Error> {
        let url = self.url(&["apps", app.as_str()])?;
        self.call("getApplication", Method::GET, url).await.map(|answer| answer.body)
    }

    /// Creates an app, active at once (`createApplication`). `app` is of the
    /// schema `Application`; labels need not be unique.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for an app that cannot be.
    pub async fn create_application(&self, app: &Value) -> Result<Application, Error> {
        let url = self.url(&["apps"])?;
        self.call_with("createApplication", Method::POST, url, app).await
    }

    /// Replaces an app (`replaceApplication`): what is left out is gone. Status and id stay.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 for an app that cannot be.
    pub async fn replace_application(&self, app: &Application) -> Result<Application, Error> {
        let url = self.url(&["apps", app.id.as_str()])?;
        let read_only =
            ["created", "lastUpdated", "_links", "_embedded", "orn", "features", "universalLogout"];
        let mut body = super::writable(app, &read_only)?;
        if let Some(settings) = body.get_mut("settings").and_then(Value::as_object_mut) {
            settings.remove("emOptInStatus");
        }
        let keys = body.pointer_mut("/settings/oauthClient/jwks/keys").and_then(Value::as_array_mut);
        for key in keys.into_iter().flatten().filter_map(Value::as_object_mut) {
            key.retain(|member, _| !["id", "created", "lastUpdated", "_links"].contains(&member.as_str()));
        }
        self.call_with("replaceApplication", Method::PUT, url, &body).await
    }

    /// Switches an app on (`activateApplication`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn activate_application(&self, app: &AppId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "lifecycle", "activate"])?;
        self.command("activateApplication", Method::POST, url).await
    }

    /// Switches an app off, which ends its assignments (`deactivateApplication`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn deactivate_application(&self, app: &AppId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str(), "lifecycle", "deactivate"])?;
        self.command("deactivateApplication", Method::POST, url).await
    }

    /// Deletes an app that is switched off (`deleteApplication`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000056 for an active one.
    pub async fn delete_application(&self, app: &AppId) -> Result<(), Error> {
        let url = self.url(&["apps", app.as_str()])?;
        self.command("deleteApplication", Method::DELETE, url).await
    }

    /// The groups that an app is assigned to (`listApplicationGroupAssignments`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn list_application_group_assignments(&self, app: &AppId) -> Pages<'_, ApplicationGroupAssignment> {
        let url = self.url(&["apps", app.as_str(), "groups"]).map(|mut url| {
            url.set_query(Some("limit=200"));
            url
        });
        self.pages("listApplicationGroupAssignments", url)
    }

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
