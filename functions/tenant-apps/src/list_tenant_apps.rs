//! Lists the apps that a tenant is entitled to, page by page.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups` for the tenant; `listGroups` for the groups
//!    `APPUSERS_<tenant>_…`; `listApplications`.
//! 2. At the same time: `getGroup` for the tenant's two groups and
//!    `getApplicationGroupAssignment`;
//!    `listGroupTargetsForGroupRole` and `listAssignedApplicationsForGroup`.
//!
//! Eight calls, two in a row, for up to 200 apps; more pages of Okta's for more.
//!
//! The targets of the admins' role name the app groups as they are now, the
//! search may be late. A group that only the search knows is read by its id,
//! unless the tenant is suspended and its admins have no role.

use domain::{TenantName, app_of_appusers_group, appusers_prefix};
use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::{Application, Group};
use okta_client::{Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tenancy::{App, Depth, TenantError, Tenants, apps, indexed_groups, read_groups, role_targets};

/// The operation `list-tenant-apps`.
pub struct ListTenantApps {
    tenants: Tenants,
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

    const QUERY: &'static [QueryParameter] = Paging::QUERY;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let paging = Paging::decode(request, &[])?;
        Ok(Self { tenant: request.tenant()?, paging })
    }
}

impl Endpoint for ListTenantApps {
    const OPERATION: &'static Operation = operations::get("list-tenant-apps");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = TenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, TenantError> {
        let (okta, name) = (context.run.okta.forward(), &input.tenant);
        let also = |groups: tenancy::Ids| async move {
            let assigned = okta.list_assigned_applications_for_group(&groups.users);
            futures::try_join!(role_targets(okta, &groups.admins), assigned.try_collect::<Vec<Application>>())
        };
        let named = search::sw("profile.name", &appusers_prefix(name));
        let (tenant, found, apps) = futures::join!(
            self.tenants.of_caller_with(&context.run, &context.caller, name, Depth::Read, also),
            indexed_groups(okta, &named),
            apps(okta)
        );
        let (_, (targets, assigned)) = tenant?;
        let groups = app_groups(okta, name, targets, found?).await?;
        let items = apps?.into_iter().filter_map(|app| {
            let of_app = |group: &&Group| app_of_appusers_group(name, &group.profile.name) == Some(&app.id);
            let group = groups.iter().find(of_app)?;
            let all_users = assigned.iter().any(|assigned| assigned.id.as_str() == app.id);
            Some(Item { APPUSERS_groupId: group.id.to_string(), settings: Settings { all_users }, app })
        });
        let (page, next) = input.paging.cut(items.collect(), |item| &item.app.id);
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/apps",
            body: None,
            answer: Some(json!([{
                "id": "0oa1umbrella00000001", "name": "Umbrella", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": "https://example.okta.com/img/logos/default.png",
                "APPUSERS_groupId": "00g00000000000000016", "settings": { "allUsers": true },
            }])),
        }
    }
}

/// The app groups of a tenant: those of its role, and those that only the index knows.
async fn app_groups(
    okta: &okta_client::Client,
    name: &TenantName,
    targets: Option<Vec<Group>>,
    found: Vec<Group>,
) -> Result<Vec<Group>, Error> {
    let Some(mut groups) = targets else { return Ok(found) };
    groups.retain(|group| app_of_appusers_group(name, &group.profile.name).is_some());
    let only_found = |group: &Group| groups.iter().all(|target| target.id != group.id);
    let found: Vec<Group> = found.into_iter().filter(only_found).collect();
    groups.extend(read_groups(okta, &found).await?);
    Ok(groups)
}
