//! Apps of tenants.
//!
//! A tenant is entitled to an app while the group `APPUSERS_<tenant>_<appId>`
//! exists. This group is assigned to the app, and is a target of the admins' role:
//! the admins can put their users into the group. All users of the tenant may also
//! have the app, through an assignment of `USERS_<tenant>`.

use domain::{Caller, TenantName, appusers_group};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, AppId, Application, ApplicationGroupAssignment, Group};
use okta_client::{Client, Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::{Failure, Object, Run, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Depth, Tenant, TenantError, Tenants, group_called, if_present, role_targets};

/// What the labels of the apps begin with that tenants can be entitled to.
pub const APP_PREFIX: &str = "DAC_";

/// An app that tenants can be entitled to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its id.
    pub id: String,
    /// Its label, without the prefix `DAC_`.
    pub name: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// When it last changed, RFC 3339, UTC.
    pub last_updated: String,
    /// Address of its logo.
    pub logo: Option<String>,
}

impl App {
    /// `None` for apps that no tenant can be entitled to.
    pub fn of(app: &Application) -> Option<Self> {
        let name = app.label.strip_prefix(APP_PREFIX).filter(|name| !name.is_empty())?;
        let text = |name: &str| app.other.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let logo = app.other.get("_links").and_then(|links| links.pointer("/logo/0/href")?.as_str());
        Some(Self {
            id: app.id.to_string(),
            name: name.to_owned(),
            created: text("created").to_owned(),
            last_updated: text("lastUpdated").to_owned(),
            logo: logo.map(str::to_owned),
        })
    }

    /// Whether tenants can be given the app now.
    pub fn is_offered(app: &Application) -> bool {
        app.status == ACTIVE && Self::of(app).is_some()
    }
}

/// All apps that tenants can be entitled to, in the order of their ids.
///
/// # Errors
///
/// Okta's.
pub async fn apps(okta: &Client) -> Result<Vec<App>, Error> {
    let apps = okta.list_applications(Some(APP_PREFIX));
    let mut apps: Vec<App> =
        apps.try_filter_map(|app| async move { Ok(App::of(&app)) }).try_collect().await?;
    apps.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(apps)
}

/// A tenant, and what it has of one app.
#[derive(Debug)]
pub struct Entitlement {
    /// The tenant.
    pub tenant: Tenant,
    /// Id of the app.
    pub app: AppId,
    /// Whether tenants can be given the app now; if not, an entitlement can only end.
    pub is_offered: bool,
    /// `APPUSERS_<tenant>_<appId>`.
    pub group: Group,
    /// The groups that the admins' role is limited to.
    pub targets: Vec<Group>,
    /// The assignment of `USERS_<tenant>`.
    pub all_users: Option<ApplicationGroupAssignment>,
}

/// Why there is no entitlement to work with.
#[derive(Debug)]
pub enum EntitlementError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The tenant is not entitled to the app.
    Absent {
        /// The tenant.
        tenant: TenantName,
        /// The app.
        app: AppId,
    },
    /// A step failed.
    Stopped(Stopped),
}

impl From<EntitlementError> for Failure {
    fn from(error: EntitlementError) -> Self {
        match error {
            EntitlementError::Tenant(error) => error.into(),
            EntitlementError::Absent { tenant, app } => Failure::new(
                ProblemCode::TenantAppNotFound,
                format!("`{tenant}` is not entitled to an app `{app}`; a superuser can change that"),
            ),
            EntitlementError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Entitlement {
    /// Reads it: `getApplication` and `listGroups` twice, then `getGroup` for what is
    /// found, `listGroupTargetsForGroupRole`, `getIdentityProvider` and
    /// `getApplicationGroupAssignment` twice. Ten calls, two in a row.
    ///
    /// # Errors
    ///
    /// [`EntitlementError`], but never `Stopped`.
    pub async fn read(
        tenants: &Tenants,
        run: &Run,
        caller: &Caller,
        name: &TenantName,
        app: &AppId,
    ) -> Result<Self, EntitlementError> {
        let okta = run.okta.forward();
        let also = |groups: crate::Ids| async move {
            futures::try_join!(
                role_targets(okta, &groups.admins),
                if_present(okta.get_application_group_assignment(app, &groups.users)),
            )
        };
        let called = appusers_group(name, app.as_str());
        let (tenant, group, application) = futures::join!(
            tenants.of_caller_with(run, caller, name, Depth::Change, also),
            group_called(okta, &called),
            if_present(okta.get_application(app)),
        );
        let (tenant, (targets, all_users)) = tenant.map_err(EntitlementError::Tenant)?;
        let failed = |error| EntitlementError::Tenant(TenantError::Okta(error));
        let (group, application) = (group.map_err(failed)?, application.map_err(failed)?);
        let is_offered = application.as_ref().is_some_and(App::is_offered);
        let targets = targets.unwrap_or_default();
        // The index may be late; the role is not.
        let target = || targets.iter().find(|group| group.profile.name == called).cloned();
        match group.or_else(target) {
            Some(group) => Ok(Self { tenant, app: app.clone(), is_offered, group, targets, all_users }),
            None => Err(EntitlementError::Absent { tenant: name.clone(), app: app.clone() }),
        }
    }

    /// Gives the app to all users of the tenant (`assignGroupToApplication`), or
    /// takes it from those who do not have it otherwise
    /// (`unassignApplicationFromGroup`); each is the other's undo. Gives the time
    /// of the assignment.
    ///
    /// # Errors
    ///
    /// [`EntitlementError`].
    pub async fn set_all_users(&self, run: &Run, on: bool) -> Result<Option<String>, EntitlementError> {
        if on && !self.is_offered {
            let (tenant, app) = (self.tenant.name.clone(), self.app.clone());
            return Err(EntitlementError::Absent { tenant, app });
        }
        let users = &self.tenant.require_users().map_err(EntitlementError::Tenant)?.id;
        if self.all_users.is_some() == on {
            return Ok(self.all_users.as_ref().and_then(|assignment| assignment.last_updated.clone()));
        }
        let (okta, steps) = (run.okta.forward(), Steps::of(run));
        let (app, group) = (self.app.clone(), users.clone());
        let object = Object::new("assignment", format!("USERS_{}", self.tenant.name), users);
        let before = self.all_users.clone();
        let undo = Undo::new(object, |okta| async move {
            match before {
                Some(before) => okta.assign_group_to_application(&app, &before).await.map(drop)?,
                None => okta.unassign_application_from_group(&app, &group).await.ok_if_absent()?,
            }
            Ok(Undone::Entirely)
        });
        let change = async {
            if on {
                let assignment = ApplicationGroupAssignment::of(users.clone());
                let assigned = okta.assign_group_to_application(&self.app, &assignment).await?;
                Ok(assigned.last_updated)
            } else {
                okta.unassign_application_from_group(&self.app, users).await.ok_if_absent().map(|()| None)
            }
        };
        match steps.change("change the assignment of all users", change, undo).await {
            Ok(time) => Ok(time),
            Err(failure) => Err(EntitlementError::Stopped(steps.unwind(failure).await)),
        }
    }
}
