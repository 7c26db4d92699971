//! Gives an app to all users of a tenant that is entitled to it.
//!
//! # Okta calls
//!
//! 1. Those of [`tenancy::Entitlement`].
//! 2. `assignGroupToApplication` for `USERS_<tenant>`, unless it is assigned. Undo:
//!    `unassignApplicationFromGroup`.
//!
//! Eleven calls, three in a row; all of it under the tenant's lock.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::AppId;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Change, LockError, State, holding};
use tenancy::{Entitlement, EntitlementError, Tenants};

/// The operation `assign-app-to-tenant`.
pub struct AssignAppToTenant {
    state: State,
    tenants: Tenants,
}

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
    /// Others are changing the tenant.
    Lock(LockError),
}

impl From<AssignAppToTenantError> for Failure {
    fn from(error: AssignAppToTenantError) -> Self {
        match error {
            AssignAppToTenantError::Entitlement(error) => error.into(),
            AssignAppToTenantError::Lock(error) => error.into(),
        }
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

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, AssignAppToTenantError> {
        let (run, tenant) = (&context.run, &input.tenant);
        let app = &input.app;
        let assigned = holding(&self.state, run, |locks| async move {
            locks.take(Change::Tenant(tenant)).await.map_err(AssignAppToTenantError::Lock)?;
            let kept = |id: String| async move { Ok(self.state.kept_targets(&id).await?) };
            let assigned = async {
                let entitlement =
                    Entitlement::read(&self.tenants, run, &context.caller, tenant, app, kept).await?;
                entitlement.set_all_users(run, true).await
            };
            assigned.await.map_err(AssignAppToTenantError::Entitlement)
        });
        let time = assigned.await?;
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
