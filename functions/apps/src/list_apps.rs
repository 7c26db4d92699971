//! Lists the apps that the caller sees, page by page: a superuser all that
//! tenants can be entitled to, an admin those of their tenants, anybody else none.
//!
//! # Okta calls
//!
//! `listApplications`; for admins, at the same time, `listGroups` for the groups
//! `APPUSERS_<tenant>_…` of their tenants, and `listAssignedApplicationsForGroup` for
//! each tenant's users group, whose id stands in the token.
//!
//! One call for a superuser, 2 + n for an admin of n tenants, none in a row; more
//! pages of Okta's for more than 200 apps.
//!
//! The list follows the search index. Therefore an app appears in the list up to a
//! second after a tenant was entitled to it; `list-tenant-apps` does not wait.

use domain::{TenantClaim, appusers_prefix};
use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::{AppId, Application, GroupId};
use okta_client::{Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use tenancy::apps;

use crate::visible::{Item, groups_of};

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

    const QUERY: &'static [QueryParameter] = Paging::QUERY;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { paging: Paging::decode(request, &[])? })
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
            let named = |tenant: &TenantClaim| search::sw("profile.name", &appusers_prefix(&tenant.name));
            let assigned = try_join_all(tenants.iter().map(|tenant| async {
                let users = GroupId::from(tenant.users_group_id.as_str());
                let apps = okta.list_assigned_applications_for_group(&users);
                apps.map_ok(|app: Application| app.id).try_collect::<Vec<AppId>>().await
            }));
            let found = futures::try_join!(apps(okta), groups_of(okta, tenants, named), assigned);
            let (apps, groups, assigned) = found.map_err(ListAppsError::Okta)?;
            let item = |app: tenancy::App| {
                let id = AppId::from(app.id.as_str());
                let has_all_users = |tenant: &TenantClaim| {
                    let at = tenants.iter().position(|of| of == tenant);
                    at.is_some_and(|at| assigned[at].contains(&id))
                };
                Item::of(app, tenants, &groups, has_all_users)
            };
            apps.into_iter().filter_map(item).collect()
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
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": "https://example.okta.com/img/logos/default.png",
            }])),
        }
    }
}
