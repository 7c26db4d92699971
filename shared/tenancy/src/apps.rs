//! Apps of tenants.
//!
//! A tenant is entitled to an app while one of the groups that its admins' role is limited
//! to is assigned to the app: the admins can put their users into the group. While the
//! tenant is suspended, the groups are those that its role will be limited to again. The
//! group is made as `APPUSERS_<tenant>_<appId>`; the name is a label, which an admin can
//! change. All users of the tenant may also have the app, through an assignment of
//! `USERS_<tenant>`.

use domain::{Caller, TenantName, appusers_group};
use futures::TryStreamExt;
use futures::future::try_join_all;
use okta_client::models::{ACTIVE, AppId, Application, ApplicationGroupAssignment, Group, GroupId};
use okta_client::{Client, Error, OkIfAbsent, search};
use operations::ProblemCode;
use run_kit::{Failure, Object, Run, Steps, Stopped, Undo, Undone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Depth, Tenant, TenantError, Tenants, if_present, indexed_groups, role_targets};

/// What the labels of the apps begin with that tenants can be entitled to.
pub const APP_PREFIX: &str = "DAC_";

/// Assignments that are looked at at the same time.
const LOOKS: usize = 8;

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
    /// Its logos, as Okta has them: `name`, `href`, `type`.
    pub logo: Vec<Logo>,
}

/// A logo of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AppLogo")]
pub struct Logo {
    /// Its size: `medium`.
    pub name: String,
    /// Its address.
    pub href: String,
    /// Its media type.
    #[serde(rename = "type", default)]
    pub media_type: String,
}

impl App {
    /// `None` for apps that no tenant can be entitled to.
    pub fn of(app: &Application) -> Option<Self> {
        let name = app.label.strip_prefix(APP_PREFIX).filter(|name| !name.is_empty())?;
        let text = |name: &str| app.other.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let logo = app.other.get("_links").and_then(|links| links.get("logo"));
        Some(Self {
            id: app.id.to_string(),
            name: name.to_owned(),
            created: text("created").to_owned(),
            last_updated: text("lastUpdated").to_owned(),
            logo: logo.and_then(|logo| Vec::deserialize(logo).ok()).unwrap_or_default(),
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

/// The group that has the label of a tenant's app, as the index knows it, and its
/// assignment to the app.
///
/// # Errors
///
/// Okta's.
pub async fn named_group(
    okta: &Client,
    tenant: &TenantName,
    app: &AppId,
) -> Result<Option<(Group, Option<ApplicationGroupAssignment>)>, Error> {
    let called = appusers_group(tenant, app.as_str());
    let found = indexed_groups(okta, &search::eq("profile.name", &called)).await?;
    let Some(group) = found.into_iter().find(|group| group.profile.name == called) else { return Ok(None) };
    let assignment = if_present(okta.get_application_group_assignment(app, &group.id)).await?;
    Ok(Some((group, assignment)))
}

/// Of these groups, which a tenant's role is limited to, the one that is assigned to the
/// app. `named` is the one that has the label: looked at already.
///
/// # Errors
///
/// Okta's.
pub async fn app_group(
    okta: &Client,
    app: &AppId,
    tenant: &Tenant,
    named: Option<&(Group, Option<ApplicationGroupAssignment>)>,
    targets: &[Group],
) -> Result<Option<(Group, ApplicationGroupAssignment)>, Error> {
    if let Some((group, Some(assignment))) = named
        && let Some(target) = targets.iter().find(|target| target.id == group.id)
    {
        return Ok(Some((target.clone(), assignment.clone())));
    }
    let own = [Some(&tenant.admins.id), tenant.users.as_ref().map(|group| &group.id)];
    let is_other = |target: &&Group| {
        !own.iter().flatten().any(|own| **own == target.id)
            && named.is_none_or(|(group, _)| group.id != target.id)
    };
    let others: Vec<&Group> = targets.iter().filter(is_other).collect();
    for some in others.chunks(LOOKS) {
        let looks =
            some.iter().map(|group| if_present(okta.get_application_group_assignment(app, &group.id)));
        let found = try_join_all(looks).await?;
        let assigned = some.iter().zip(found).find_map(|(group, found)| Some(((*group).clone(), found?)));
        if assigned.is_some() {
            return Ok(assigned);
        }
    }
    Ok(None)
}

/// The groups of these ids that there are.
///
/// # Errors
///
/// Okta's.
pub async fn groups_of_ids(okta: &Client, ids: &[String]) -> Result<Vec<Group>, Error> {
    let ids: Vec<GroupId> = ids.iter().map(|id| GroupId::from(id.as_str())).collect();
    let read = try_join_all(ids.iter().map(|id| if_present(okta.get_group(id)))).await?;
    Ok(read.into_iter().flatten().collect())
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
    /// What is kept of a suspended tenant cannot be read.
    Kept(Failure),
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
            EntitlementError::Kept(failure) => failure,
            EntitlementError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Entitlement {
    /// Reads it: `getApplication` and `listGroups` twice, then `getGroup` for what is
    /// found, `listGroupTargetsForGroupRole`, `getIdentityProvider` and
    /// `getApplicationGroupAssignment` for the tenant, all its users, and the app's group.
    /// Ten calls, two in a row. `kept` gives the targets of a suspended tenant, by its id.
    ///
    /// # Errors
    ///
    /// [`EntitlementError`], but never `Stopped`.
    pub async fn read<F: Future<Output = Result<Vec<String>, Failure>>>(
        tenants: &Tenants,
        run: &Run,
        caller: &Caller,
        name: &TenantName,
        app: &AppId,
        kept: impl FnOnce(String) -> F,
    ) -> Result<Self, EntitlementError> {
        let okta = run.okta.forward();
        let also = |groups: crate::Ids| async move {
            futures::try_join!(
                role_targets(okta, &groups.admins),
                if_present(okta.get_application_group_assignment(app, &groups.users)),
            )
        };
        let (tenant, named, application) = futures::join!(
            tenants.of_caller_with(run, caller, name, Depth::Change, also),
            named_group(okta, name, app),
            if_present(okta.get_application(app)),
        );
        let (tenant, (targets, all_users)) = tenant.map_err(EntitlementError::Tenant)?;
        let failed = |error| EntitlementError::Tenant(TenantError::Okta(error));
        let is_offered = application.map_err(failed)?.as_ref().is_some_and(App::is_offered);
        let (named, targets) = (named.map_err(failed)?, targets.unwrap_or_default());
        let mut group = app_group(okta, app, &tenant, named.as_ref(), &targets).await.map_err(failed)?;
        if group.is_none() {
            let kept = kept(tenant.id.clone()).await.map_err(EntitlementError::Kept)?;
            let kept = groups_of_ids(okta, &kept).await.map_err(failed)?;
            group = app_group(okta, app, &tenant, named.as_ref(), &kept).await.map_err(failed)?;
        }
        match group {
            Some((group, _)) => Ok(Self { tenant, app: app.clone(), is_offered, group, targets, all_users }),
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
