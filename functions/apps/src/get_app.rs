//! Reads an app that the caller sees: an element of `list-apps`.
//!
//! # Okta calls
//!
//! 1. `getApplication`; for admins, at the same time, `listGroups` for the groups of their
//!    tenants' admins and `APPUSERS_<tenant>_<appId>`, and `getApplicationGroupAssignment`
//!    for each tenant's users group.
//! 2. For admins, at the same time: `listGroupTargetsForGroupRole` for each tenant, and
//!    `getApplicationGroupAssignment` for each group that has the label.
//! 3. `getApplicationGroupAssignment` for the other targets of a tenant whose group does
//!    not have the label.
//!
//! One call for a superuser; 2 + 3n for an admin of n tenants that have the app, two in
//! a row.

use domain::{TenantClaim, appusers_group};
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::{AppId, Group, GroupId};
use okta_client::{Client, Error, search};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use tenancy::{App, if_present};

use crate::visible::{Item, assigned, label, search_for, targets_of};

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
        let all_users = try_join_all(tenants.iter().map(|tenant| async {
            let users = GroupId::from(tenant.users_group_id.as_str());
            if_present(okta.get_application_group_assignment(&input.app, &users)).await
        }));
        let found = futures::try_join!(app, search_for(okta, tenants, named), all_users);
        let (app, searched, all_users) = found.map_err(GetAppError::Okta)?;
        let app = app.as_ref().and_then(App::of).ok_or_else(not_found)?;
        let groups = self.groups(okta, &input.app, tenants, searched).await.map_err(GetAppError::Okta)?;
        let has_all_users = |tenant: &TenantClaim| {
            let users = |id: &GroupId| id.as_str() == tenant.users_group_id;
            all_users.iter().flatten().any(|assignment| users(&assignment.id))
        };
        Item::of(app, &groups, has_all_users).map(Success::new).ok_or_else(not_found)
    }

    fn example() -> Example {
        Example {
            target: "/apps/0oa1dynamics00000001",
            body: None,
            answer: Some(json!({
                "id": "0oa1dynamics00000001", "name": "Dynamics", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z", "logo": [{ "name": "medium", "href": "https://example.okta.com/img/logos/default.png", "type": "image/png" }],
            })),
        }
    }
}

impl GetApp {
    /// The groups through which the tenants have the app.
    async fn groups<'t>(
        &self,
        okta: &Client,
        app: &AppId,
        tenants: &'t [TenantClaim],
        searched: Vec<Group>,
    ) -> Result<Vec<(&'t TenantClaim, Group)>, Error> {
        let has_label = |tenant: &TenantClaim, group: &Group| label(tenant, group) == Some(app.as_str());
        let labelled = searched.iter().filter(|group| tenants.iter().any(|tenant| has_label(tenant, group)));
        let labelled = labelled.map(|group| (app.clone(), group.clone(), ())).collect();
        let looks = futures::try_join!(targets_of(okta, tenants, &searched), assigned(okta, labelled));
        let (targets, known) = looks?;
        let is_known = |group: &Group| known.iter().any(|(_, known, ())| known.id == group.id);
        let (mut found, rest): (Vec<_>, Vec<_>) = targets.into_iter().partition(|(_, group)| is_known(group));
        let has_it = |tenant: &TenantClaim| found.iter().any(|(of, _): &(&TenantClaim, Group)| *of == tenant);
        let rest = rest.into_iter().filter(|(tenant, _)| !has_it(tenant));
        let rest = rest.map(|(tenant, group)| (app.clone(), group, tenant)).collect();
        found.extend(assigned(okta, rest).await?.into_iter().map(|(_, group, tenant)| (tenant, group)));
        Ok(found)
    }
}
