//! Reads a tenant by its name.
//!
//! # Okta calls
//!
//! 1. `listGroups`: search for the tenant's groups by name.
//! 2. At the same time `getGroup` for each of them, because the index may be late, and
//!    `getApplicationGroupAssignment`: which tenant it is.
//!
//! Four calls, two in a row.
//!
//! If something is not found, `listIdentityProviders`, `getIdentityProvider`
//! and `getGroup` tell a tenant that was just made from one that is not there.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tenancy::{Depth, Tenant, TenantError, Tenants};

/// The operation `get-tenant`.
pub struct GetTenant {
    tenants: Tenants,
}

/// Which tenant.
#[derive(Debug)]
pub struct Input {
    name: TenantName,
}

/// A tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(non_snake_case, reason = "names that clients of the predecessor read")]
#[schemars(rename = "Tenant")]
pub struct Output {
    /// Id of the tenant: the id of its IdP.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Id of the group of its admins.
    pub ADMINS_groupId: String,
    /// Id of the group of all its users.
    pub USERS_groupId: String,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// `ACTIVE` or `SUSPENDED`.
    pub status: &'static str,
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { name: request.tenant()? })
    }
}

impl TryFrom<Tenant> for Output {
    type Error = TenantError;

    fn try_from(tenant: Tenant) -> Result<Self, TenantError> {
        let users = tenant.require_users()?.id.to_string();
        Ok(Self {
            USERS_groupId: users,
            ADMINS_groupId: tenant.admins.id.to_string(),
            name: tenant.name.to_string(),
            status: tenant.description.status().as_str(),
            created: tenant.admins.created,
            id: tenant.id,
        })
    }
}

impl Endpoint for GetTenant {
    const OPERATION: &'static Operation = operations::get("get-tenant");
    type Input = Input;
    type Output = Output;
    type Error = TenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, TenantError> {
        let tenant = self.tenants.of_caller(&context.run, &context.caller, &input.name, Depth::Read).await?;
        Ok(Success::new(tenant.try_into()?))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/acme",
            body: None,
            answer: Some(json!({
                "id": "0oa00000000000000011", "name": "acme", "ADMINS_groupId": "00g00000000000000012",
                "USERS_groupId": "00g00000000000000010", "created": "2026-01-31T12:00:00.000Z", "status": "ACTIVE",
            })),
        }
    }
}
