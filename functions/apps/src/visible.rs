//! An app as its reader may see it, and which tenants of the reader have it.
//!
//! A tenant has an app while one of the groups that its admins' role is limited to is
//! assigned to the app. The names of these groups are labels, which an admin can change:
//! they say where to look first.

use domain::{TenantClaim, admins_group, app_of_appusers_group};
use futures::future::try_join_all;
use okta_client::models::{AppId, Group};
use okta_client::{Client, Error, search};
use schemars::JsonSchema;
use serde::Serialize;
use tenancy::{App, if_present, indexed_groups, role_targets};

/// Tenants whose groups are searched for in one call: a URL is not endless.
const TENANTS_PER_SEARCH: usize = 20;

/// Calls at the same time: Okta bounds concurrent calls.
const LOOKS: usize = 8;

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
#[expect(non_snake_case, reason = "as in the list of a tenant's apps")]
pub struct OfTenants {
    /// Id of the group of the app's users; of the first tenant in the list, where there are
    /// several.
    pub APPUSERS_groupId: String,
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
    /// The app, as an admin sees it whose tenants have it through these groups; `None`
    /// without one. `has_all_users` tells whether all users of a tenant have it.
    #[expect(non_snake_case, reason = "the member's name")]
    pub(crate) fn of(
        app: App,
        groups: &[(&TenantClaim, Group)],
        has_all_users: impl Fn(&TenantClaim) -> bool,
    ) -> Option<Self> {
        let of_tenant = |(tenant, group): &(&TenantClaim, Group)| OfTenant {
            name: tenant.name.to_string(),
            APPUSERS_groupId: group.id.to_string(),
            settings: Settings { all_users: has_all_users(tenant) },
        };
        let tenants: Vec<OfTenant> = groups.iter().map(of_tenant).collect();
        let all_users = tenants.iter().all(|tenant| tenant.settings.all_users);
        let APPUSERS_groupId = tenants.first()?.APPUSERS_groupId.clone();
        let of_tenants = OfTenants { APPUSERS_groupId, settings: Settings { all_users }, tenants };
        Some(Self { app, of_tenants: Some(of_tenants) })
    }
}

/// The groups that a search for each tenant finds, and the groups of the tenants' admins;
/// `expression` is the search for one tenant.
pub(crate) async fn search_for(
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
    Ok(try_join_all(searches).await?.concat())
}

/// What the roles of the tenants' admins are limited to, but for the groups that every
/// tenant has. A role that is not limited to the users group of the claim is another
/// tenant's, which has the name since the token was issued.
pub(crate) async fn targets_of<'t>(
    okta: &Client,
    tenants: &'t [TenantClaim],
    searched: &[Group],
) -> Result<Vec<(&'t TenantClaim, Group)>, Error> {
    let mut found = Vec::new();
    for some in tenants.chunks(LOOKS) {
        let targets = some.iter().map(|tenant| async move {
            let name = admins_group(&tenant.name);
            let Some(admins) = searched.iter().find(|group| group.profile.name == name) else {
                return Ok(Vec::new());
            };
            let targets = role_targets(okta, &admins.id).await?.unwrap_or_default();
            let is_users = |group: &Group| group.id.as_str() == tenant.users_group_id;
            if !targets.iter().any(is_users) {
                return Ok(Vec::new());
            }
            let is_other = |group: &Group| !is_users(group) && group.id != admins.id;
            Ok::<_, Error>(targets.into_iter().filter(is_other).map(|group| (tenant, group)).collect())
        });
        found.extend(try_join_all(targets).await?.concat());
    }
    Ok(found)
}

/// The app that the label of a tenant's group says.
pub(crate) fn label<'g>(tenant: &TenantClaim, group: &'g Group) -> Option<&'g str> {
    app_of_appusers_group(&tenant.name, &group.profile.name)
}

/// Those of the groups that are assigned to the app that is said of each.
pub(crate) async fn assigned<T>(
    okta: &Client,
    groups: Vec<(AppId, Group, T)>,
) -> Result<Vec<(AppId, Group, T)>, Error> {
    let mut found = Vec::new();
    let mut rest = groups.into_iter().peekable();
    while rest.peek().is_some() {
        let some: Vec<_> = rest.by_ref().take(LOOKS).collect();
        let looks = some
            .iter()
            .map(|(app, group, _)| if_present(okta.get_application_group_assignment(app, &group.id)));
        let looks = try_join_all(looks).await?;
        found.extend(some.into_iter().zip(looks).filter_map(|(of, assignment)| assignment.map(|_| of)));
    }
    Ok(found)
}
