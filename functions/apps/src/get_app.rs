//! Reads an app that the caller sees: an element of `list-apps`.
//!
//! # Okta calls
//!
//! `getApplication`; for admins, at the same time, `listGroups` for the groups
//! `APPUSERS_<tenant>_<appId>` of their tenants, and `getApplicationGroupAssignment` for
//! each tenant's users group.
//!
//! One call for a superuser, 2 + n for an admin of n tenants, none in a row.
//!
//! As `list-apps` it follows the search index.

use domain::{TenantClaim, appusers_group};
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::{AppId, GroupId};
use okta_client::{Error, search};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use tenancy::{App, if_present};

use crate::visible::{Item, groups_of};

/// The operation `get-app`.
pub struct GetApp;

/// Which app.
#[derive(Debug)]
pub struct Input {
    app: AppId,
}

/// Why there is no app to show.
#[derive(Debug)]
pub enum GetAppError {
    /// There is none, or the caller does not see it.
    NotFound(AppId),
    /// Okta did not answer.
    Okta(Error),
}

impl From<GetAppError> for Failure {
    fn from(error: GetAppError) -> Self {
        match error {
            GetAppError::NotFound(app) => {
                Failure::new(ProblemCode::AppNotFound, format!("there is no app `{app}` that you see"))
            }
            GetAppError::Okta(error) => Failure::okta("read the app", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { app: request.id("appId")? })
    }
}

impl Endpoint for GetApp {
    const OPERATION: &'static Operation = operations::get("get-app");
    type Input = Input;
    type Output = Item;
    type Error = GetAppError;

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Item>, GetAppError> {
        let (okta, tenants) = (context.run.okta.forward(), &context.caller.tenants);
        let not_found = || GetAppError::NotFound(input.app.clone());
        let app = if_present(okta.get_application(&input.app));
        if context.caller.superuser {
            let app = app.await.map_err(GetAppError::Okta)?.as_ref().and_then(App::of);
            return Ok(Success::new(Item { app: app.ok_or_else(not_found)?, of_tenants: None }));
        }
        if tenants.is_empty() {
            return Err(not_found());
        }
        let named = |tenant: &TenantClaim| {
            search::eq("profile.name", &appusers_group(&tenant.name, input.app.as_str()))
        };
        let assigned = try_join_all(tenants.iter().map(|tenant| async {
            let users = GroupId::from(tenant.users_group_id.as_str());
            if_present(okta.get_application_group_assignment(&input.app, &users)).await
        }));
        let found = futures::try_join!(app, groups_of(okta, tenants, named), assigned);
        let (app, groups, assigned) = found.map_err(GetAppError::Okta)?;
        let app = app.as_ref().and_then(App::of).ok_or_else(not_found)?;
        let has_all_users = |tenant: &TenantClaim| {
            let users = |id: &GroupId| id.as_str() == tenant.users_group_id;
            assigned.iter().flatten().any(|assignment| users(&assignment.id))
        };
        Item::of(app, tenants, &groups, has_all_users).map(Success::new).ok_or_else(not_found)
    }

    fn example() -> Example {
        Example {
            target: "/apps/0oa1dynamics00000001",
            body: None,
            answer: Some(json!({
                "id": "0oa1dynamics00000001", "name": "Dynamics", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": "https://example.okta.com/img/logos/default.png",
            })),
        }
    }
}
