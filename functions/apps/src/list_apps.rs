//! Lists the apps that the caller sees, page by page: a superuser all that
//! tenants can be entitled to, an admin those of their tenants, anybody else none.
//!
//! # Okta calls
//!
//! 1. `listApplications`; for admins, at the same time, `listGroups` for the groups of
//!    their tenants' admins and `APPUSERS_<tenant>_…`, and
//!    `listAssignedApplicationsForGroup` for each tenant's users group, whose id stands in
//!    the token.
//! 2. For admins, at the same time: `listGroupTargetsForGroupRole` for each tenant, and
//!    `getApplicationGroupAssignment` for each group of the page that has a label.
//! 3. `listAssignedApplicationsForGroup` for a target without a right label.
//!
//! One call for a superuser; 2 + 2n for an admin of n tenants and one for each app group
//! of the page, two in a row; more pages of Okta's for more than 200 apps.
//!
//! An app appears in the list as soon as a tenant is entitled to it.

use std::collections::BTreeSet;

use domain::{TenantClaim, appusers_prefix};
use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::{AppId, Application, Group, GroupId};
use okta_client::{Client, Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use tenancy::{App, apps, if_present};

use crate::visible::{Item, assigned, label, search_for, targets_of};

/// The operation `list-apps`.
pub struct ListApps;

/// Which page.
#[derive(Debug)]
pub struct Input {
    paging: Paging,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListAppsError {
    /// Okta did not answer.
    Okta(Error),
}

impl From<ListAppsError> for Failure {
    fn from(ListAppsError::Okta(error): ListAppsError) -> Self {
        Failure::okta("list the apps", &error)
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY_OF_ALL;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { paging: Paging::decode_of_all(request, &[])? })
    }
}

impl Endpoint for ListApps {
    const OPERATION: &'static Operation = operations::get("list-apps");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListAppsError;

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListAppsError> {
        let (okta, tenants) = (context.run.okta.forward(), &context.caller.tenants);
        let items: Vec<Item> = if context.caller.superuser {
            let apps = apps(okta).await.map_err(ListAppsError::Okta)?;
            apps.into_iter().map(|app| Item { app, of_tenants: None }).collect()
        } else if tenants.is_empty() {
            Vec::new()
        } else {
            self.of_tenants(okta, &input.paging, tenants).await.map_err(ListAppsError::Okta)?
        };
        let (page, next) = input.paging.cut(items, |item| &item.app.id);
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/apps?limit=1",
            body: None,
            answer: Some(json!([{
                "id": "0oa1dynamics00000001", "name": "Dynamics", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": [{ "name": "medium", "href": "https://example.okta.com/img/logos/default.png", "type": "image/png" }],
            }])),
        }
    }
}

/// A group of a tenant, and the app that it is for.
type OfApp<'t> = (AppId, Group, &'t TenantClaim);

impl ListApps {
    /// The apps of these tenants: those of the page are shown by what their groups are
    /// assigned to.
    async fn of_tenants(
        &self,
        okta: &Client,
        paging: &Paging,
        tenants: &[TenantClaim],
    ) -> Result<Vec<Item>, Error> {
        let named = |tenant: &TenantClaim| search::sw("profile.name", &appusers_prefix(&tenant.name));
        let all_users = try_join_all(tenants.iter().map(|tenant| async {
            let users = GroupId::from(tenant.users_group_id.as_str());
            let apps = okta.list_assigned_applications_for_group(&users);
            let ids = apps.map_ok(|app: Application| app.id).try_collect::<Vec<AppId>>();
            if_present(ids).await.map(Option::unwrap_or_default)
        }));
        let found = futures::try_join!(apps(okta), search_for(okta, tenants, named), all_users);
        let (apps, searched, all_users) = found?;
        let named =
            searched.iter().flat_map(|group| tenants.iter().map(move |tenant| (tenant, group.clone())));
        let (presumed, _) = on_page(paging, labelled(&apps, named).0);
        let looks = futures::try_join!(targets_of(okta, tenants, &searched), assigned(okta, presumed));
        let (targets, known) = looks?;
        let (labelled, mut others) = labelled(&apps, targets.into_iter());
        // What stands on other pages is only counted: the labels are enough.
        let (page, rest) = on_page(paging, labelled);
        let is = |one: &OfApp<'_>, other: &OfApp<'_>| one.0 == other.0 && one.1.id == other.1.id;
        let is_known = |of: &OfApp<'_>| known.iter().any(|known| is(known, of));
        let (mut shown, unknown): (Vec<_>, Vec<_>) = page.into_iter().partition(is_known);
        let confirmed = assigned(okta, unknown.clone()).await?;
        let is_wrong = |of: &OfApp<'_>| !confirmed.iter().any(|confirmed| is(confirmed, of));
        others.extend(unknown.into_iter().filter(is_wrong).map(|(_, group, tenant)| (tenant, group)));
        shown.extend(confirmed.iter().cloned().chain(rest));
        for (tenant, group) in others {
            let assigned = okta.list_assigned_applications_for_group(&group.id);
            let assigned = if_present(assigned.try_collect::<Vec<Application>>()).await?.unwrap_or_default();
            shown.extend(assigned.into_iter().map(|app| (app.id, group.clone(), tenant)));
        }
        let item = |app: App| {
            let id = AppId::from(app.id.as_str());
            let has_all_users = |tenant: &TenantClaim| {
                let at = tenants.iter().position(|of| of == tenant);
                at.is_some_and(|at| all_users[at].contains(&id))
            };
            let groups = tenants.iter().filter_map(|tenant| {
                let of = shown.iter().find(|(app, _, of)| *app == id && *of == tenant)?;
                Some((tenant, of.1.clone()))
            });
            Item::of(app, &groups.collect::<Vec<_>>(), has_all_users)
        };
        Ok(apps.into_iter().filter_map(item).collect())
    }
}

/// Those of the groups whose labels say an app that tenants can have, in the order of the
/// apps' ids, and the others.
fn labelled<'t>(
    apps: &[App],
    groups: impl Iterator<Item = (&'t TenantClaim, Group)>,
) -> (Vec<OfApp<'t>>, Vec<(&'t TenantClaim, Group)>) {
    let (mut labelled, mut others) = (Vec::new(), Vec::new());
    for (tenant, group) in groups {
        match label(tenant, &group).filter(|app| apps.iter().any(|of| of.id == *app)) {
            Some(app) => labelled.push((AppId::from(app), group, tenant)),
            None => others.push((tenant, group)),
        }
    }
    labelled.sort_by(|one, other| one.0.cmp(&other.0));
    (labelled, others)
}

/// The groups of the apps that stand on the page, and the others.
fn on_page<'t>(paging: &Paging, groups: Vec<OfApp<'t>>) -> (Vec<OfApp<'t>>, Vec<OfApp<'t>>) {
    let apps: BTreeSet<AppId> = groups.iter().map(|of| of.0.clone()).collect();
    let (page, _) = paging.cut(apps.into_iter().collect(), AppId::as_str);
    groups.into_iter().partition(|of| page.contains(&of.0))
}
