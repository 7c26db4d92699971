//! Lists the apps that a tenant is entitled to, page by page.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups` for the tenant; `listGroups` for the groups
//!    `APPUSERS_<tenant>_…`; `listApplications`.
//! 2. At the same time: `getGroup` for the tenant's two groups and
//!    `getApplicationGroupAssignment`; `listGroupTargetsForGroupRole`;
//!    `listAssignedApplicationsForGroup` for the users group and for each app group of the
//!    page.
//!
//! Eight calls and one for each app of the page, two in a row, for up to 200 apps; more
//! pages of Okta's for more.
//!
//! The targets of the admins' role are the tenant's app groups; those of a suspended
//! tenant are in the state table. The name of such a group is a label, which an admin can
//! change: the assignment says which app it is for. A label that is wrong, or none, costs
//! one call more in a row.

use domain::{TenantName, TenantStatus, app_of_appusers_group, appusers_prefix};
use futures::TryStreamExt;
use futures::future::try_join_all;
use guard::Rights;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::{Application, Group};
use okta_client::{Client, Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tenancy::{
    App, Depth, Tenant, TenantError, Tenants, apps, groups_of_ids, if_present, indexed_groups, role_targets,
};

/// The operation `list-tenant-apps`.
pub struct ListTenantApps {
    tenants: Tenants,
    rights: Rights,
}

/// Whose apps, and which page.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    paging: Paging,
}

/// An app of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "names that clients of the predecessor read")]
#[schemars(rename = "TenantApp")]
pub struct Item {
    /// The app.
    #[serde(flatten)]
    pub app: App,
    /// Id of the group of its users.
    pub APPUSERS_groupId: String,
    /// How the tenant uses it.
    pub settings: Settings,
}

/// How a tenant uses an app.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantAppSettings")]
pub struct Settings {
    /// All users of the tenant have it.
    pub all_users: bool,
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY_OF_ALL;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let paging = Paging::decode_of_all(request, &[])?;
        Ok(Self { tenant: request.tenant()?, paging })
    }
}

impl Endpoint for ListTenantApps {
    const OPERATION: &'static Operation = operations::get("list-tenant-apps");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = TenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { tenants: Tenants::prepare(environment)?, rights: Rights::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, TenantError> {
        let (okta, name, paging) = (context.run.okta.forward(), &input.tenant, &input.paging);
        let also = |groups: tenancy::Ids| async move {
            let assigned = okta.list_assigned_applications_for_group(&groups.users);
            futures::try_join!(role_targets(okta, &groups.admins), assigned.try_collect::<Vec<Application>>())
        };
        let early = async {
            let named = search::sw("profile.name", &appusers_prefix(name));
            let (found, apps) = futures::try_join!(indexed_groups(okta, &named), apps(okta))?;
            let (page, _) = paging.cut(labelled(name, &apps, found), |(app, _)| &app.id);
            let looks = page.iter().map(|(app, group)| is_assigned(okta, app, group));
            let assigned = try_join_all(looks).await?;
            let assigned = page.into_iter().zip(assigned).filter(|(_, assigned)| *assigned);
            let assigned: Vec<(App, Group)> = assigned.map(|(found, _)| found).collect();
            Ok::<_, Error>((apps, assigned))
        };
        let (tenant, early) = futures::join!(
            self.tenants.of_caller_with(&context.run, &context.caller, name, Depth::Read, also),
            early
        );
        let (tenant, (targets, all_users)) = tenant?;
        let (apps, known) = early?;
        let groups = self.app_groups(okta, &tenant, targets.unwrap_or_default()).await?;
        let (named, unnamed): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| {
            app_of_appusers_group(name, &group.profile.name)
                .is_some_and(|id| apps.iter().any(|app| app.id == id))
        });
        let mut items = labelled(name, &apps, named);
        items.extend(of_assignment(okta, &apps, unnamed).await?);
        items.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        let (page, next) = paging.cut(items, |(app, _)| &app.id);
        let next = next.clone();
        let (mut shown, mut wrong) = (Vec::new(), Vec::new());
        for (app, group) in page {
            let is_known = known.iter().any(|(of, known)| of.id == app.id && known.id == group.id);
            match is_known || is_assigned(okta, &app, &group).await? {
                true => shown.push((app, group)),
                false => wrong.push(group),
            }
        }
        shown.extend(of_assignment(okta, &apps, wrong).await?);
        let items = shown.into_iter().map(|(app, group)| {
            let all_users = all_users.iter().any(|assigned| assigned.id.as_str() == app.id);
            Item { APPUSERS_groupId: group.id.to_string(), settings: Settings { all_users }, app }
        });
        Ok(paging.answer(context, Self::OPERATION, items.collect(), next.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/apps",
            body: None,
            answer: Some(json!([{
                "id": "0oa1umbrella00000001", "name": "Umbrella", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": [{ "name": "medium", "href": "https://example.okta.com/img/logos/default.png", "type": "image/png" }],
                "APPUSERS_groupId": "00g00000000000000016", "settings": { "allUsers": true },
            }])),
        }
    }
}

impl ListTenantApps {
    /// What the role of a tenant's admins is limited to, but for the groups that every
    /// tenant has; of a suspended tenant, what it will be limited to again.
    async fn app_groups(
        &self,
        okta: &Client,
        tenant: &Tenant,
        targets: Vec<Group>,
    ) -> Result<Vec<Group>, TenantError> {
        let own = [Some(&tenant.admins.id), tenant.users.as_ref().map(|group| &group.id)];
        let mut groups = match tenant.description.status() {
            TenantStatus::Active => targets,
            TenantStatus::Suspended => {
                let kept = self.rights.kept_targets(&tenant.id).await;
                let kept = kept.map_err(|denied| TenantError::Unknown(denied.into()))?;
                groups_of_ids(okta, &kept).await?
            }
        };
        groups.retain(|group| !own.iter().flatten().any(|own| **own == group.id));
        Ok(groups)
    }
}

/// The groups whose names say an app that tenants can have, in the order of the apps' ids.
fn labelled(tenant: &TenantName, apps: &[App], groups: Vec<Group>) -> Vec<(App, Group)> {
    let of = |group: Group| {
        let app = app_of_appusers_group(tenant, &group.profile.name)?;
        Some((apps.iter().find(|of| of.id == app)?.clone(), group))
    };
    let mut labelled: Vec<(App, Group)> = groups.into_iter().filter_map(of).collect();
    labelled.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    labelled
}

/// Whether a group is assigned to an app. Asked by the group: Okta allows fewer calls about
/// apps than about groups.
async fn is_assigned(okta: &Client, app: &App, group: &Group) -> Result<bool, Error> {
    Ok(apps_of(okta, group).await?.iter().any(|assigned| assigned.id.as_str() == app.id))
}

/// The apps that a group is assigned to.
async fn apps_of(okta: &Client, group: &Group) -> Result<Vec<Application>, Error> {
    let assigned = okta.list_assigned_applications_for_group(&group.id);
    Ok(if_present(assigned.try_collect()).await?.unwrap_or_default())
}

/// The apps that groups without a right name are for.
async fn of_assignment(okta: &Client, apps: &[App], groups: Vec<Group>) -> Result<Vec<(App, Group)>, Error> {
    let mut found = Vec::new();
    for group in groups {
        let assigned = apps_of(okta, &group).await?;
        let is_it = |app: &&App| assigned.iter().any(|of| of.id.as_str() == app.id);
        found.extend(apps.iter().filter(is_it).map(|app| (app.clone(), group.clone())));
    }
    Ok(found)
}
