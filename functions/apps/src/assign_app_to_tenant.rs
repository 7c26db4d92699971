//! Gives an app to all users of a tenant that is entitled to it.
//!
//! # Okta calls
//!
//! 1. Those of [`tenancy::Entitlement`].
//! 2. `assignGroupToApplication` for `USERS_<tenant>`, unless it is assigned. Undo:
//!    `unassignApplicationFromGroup`.
//!
//! Nine calls, three in a row.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::AppId;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tenancy::{Entitlement, EntitlementError};

/// The operation `assign-app-to-tenant`.
pub struct AssignAppToTenant;

/// Which app, and whose users.
#[derive(Debug)]
pub struct Input {
    app: AppId,
    tenant: TenantName,
}

/// The assignment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AppAssignment")]
pub struct Output {
    /// Name of the tenant.
    pub tenant: String,
    /// Id of the app.
    pub app_id: String,
    /// When the assignment last changed, RFC 3339, UTC.
    pub last_updated: String,
}

/// Why the users do not have the app.
#[derive(Debug)]
pub enum AssignAppToTenantError {
    /// The tenant is not entitled to it, or the step failed.
    Entitlement(EntitlementError),
}

impl From<AssignAppToTenantError> for Failure {
    fn from(AssignAppToTenantError::Entitlement(error): AssignAppToTenantError) -> Self {
        error.into()
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { app: request.id("appId")?, tenant: request.tenant()? })
    }
}

impl Endpoint for AssignAppToTenant {
    const OPERATION: &'static Operation = operations::get("assign-app-to-tenant");
    type Input = Input;
    type Output = Output;
    type Error = AssignAppToTenantError;

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, AssignAppToTenantError> {
        let assigned = async {
            let entitlement =
                Entitlement::read(&context.run, &context.caller, &input.tenant, &input.app).await?;
            entitlement.set_all_users(&context.run, true).await
        };
        let time = assigned.await.map_err(AssignAppToTenantError::Entitlement)?;
        Ok(Success::new(Output {
            tenant: input.tenant.to_string(),
            app_id: input.app.to_string(),
            last_updated: time.unwrap_or_default(),
        }))
    }

    fn example() -> Example {
        Example {
            target: "/apps/0oa1umbrella00000001/tenants/globex",
            body: None,
            answer: Some(json!({
                "tenant": "globex", "appId": "0oa1umbrella00000001", "lastUpdated": "2026-01-31T12:00:00.000Z",
            })),
        }
    }
}
