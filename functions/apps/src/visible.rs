//! An app as its reader may see it, and which tenants of the reader have it.

use domain::{AdminsDescription, TenantClaim, admins_group, app_of_appusers_group};
use futures::future::try_join_all;
use okta_client::models::Group;
use okta_client::{Client, Error, search};
use schemars::JsonSchema;
use serde::Serialize;
use tenancy::{App, indexed_groups};

/// Tenants whose groups are searched for in one call: a URL is not endless.
const TENANTS_PER_SEARCH: usize = 20;

/// An app.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "App")]
pub struct Item {
    /// The app.
    #[serde(flatten)]
    pub app: App,
    /// How the reader's tenants use it; absent for superusers.
    #[serde(flatten)]
    pub of_tenants: Option<OfTenants>,
}

/// How the reader's tenants use an app.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfTenants {
    /// What is true of all tenants in the list.
    pub settings: Settings,
    /// The reader's tenants that are entitled to the app, at least one.
    pub tenants: Vec<OfTenant>,
}

/// How one tenant uses an app.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "as in the list of a tenant's apps")]
#[schemars(rename = "AppOfTenant")]
pub struct OfTenant {
    /// Name of the tenant.
    pub name: String,
    /// Id of the group of the app's users.
    pub APPUSERS_groupId: String,
    /// How the tenant uses the app.
    pub settings: Settings,
}

/// How an app is used.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AppSettings")]
pub struct Settings {
    /// All users have it.
    pub all_users: bool,
}

impl Item {
    /// The app, as an admin of these tenants sees it; `None` if none of them is
    /// entitled to it. `has_all_users` tells whether all users of a tenant have it.
    pub(crate) fn of(
        app: App,
        tenants: &[TenantClaim],
        groups: &[Group],
        has_all_users: impl Fn(&TenantClaim) -> bool,
    ) -> Option<Self> {
        let of_tenant = |tenant: &TenantClaim| {
            let is_its = |group: &&Group| {
                app_of_appusers_group(&tenant.name, &group.profile.name) == Some(app.id.as_str())
            };
            let group = groups.iter().find(is_its)?;
            Some(OfTenant {
                name: tenant.name.to_string(),
                APPUSERS_groupId: group.id.to_string(),
                settings: Settings { all_users: has_all_users(tenant) },
            })
        };
        let tenants: Vec<OfTenant> = tenants.iter().filter_map(of_tenant).collect();
        let all_users = tenants.iter().all(|tenant| tenant.settings.all_users);
        (!tenants.is_empty()).then_some(Self {
            app,
            of_tenants: Some(OfTenants { settings: Settings { all_users }, tenants }),
        })
    }
}

/// The app groups that a search for each tenant finds; `expression` is the
/// search for one. Those of a tenant whose name is another tenant's since the
/// token was issued are left out.
pub(crate) async fn groups_of(
    okta: &Client,
    tenants: &[TenantClaim],
    expression: impl Fn(&TenantClaim) -> String,
) -> Result<Vec<Group>, Error> {
    let searches = tenants.chunks(TENANTS_PER_SEARCH).map(|some| {
        let admins = |tenant: &TenantClaim| search::eq("profile.name", &admins_group(&tenant.name));
        let wanted = some.iter().flat_map(|tenant| [admins(tenant), expression(tenant)]);
        let any = search::any(&wanted.collect::<Vec<_>>());
        async move { indexed_groups(okta, &any).await }
    });
    let mut groups = try_join_all(searches).await?.concat();
    let is_anothers = |tenant: &TenantClaim| {
        let name = admins_group(&tenant.name);
        let admins = groups.iter().find(|group| group.profile.name == name);
        let record = admins.and_then(|group| AdminsDescription::parse(&group.profile.description));
        record.and_then(|record| record.tenant_id).is_some_and(|id| id != tenant.tenant_id)
    };
    let lost: Vec<&TenantClaim> = tenants.iter().filter(|tenant| is_anothers(tenant)).collect();
    groups.retain(|group| {
        lost.iter().all(|tenant| app_of_appusers_group(&tenant.name, &group.profile.name).is_none())
    });
    Ok(groups)
}
