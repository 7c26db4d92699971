//! Reads a tenant by its name.
//!
//! # Okta calls
//!
//! 1. `listGroups`: search for the tenant's groups by name.
//! 2. `getGroup`, for each of them at the same time: the index may be late.
//!
//! Three calls, two in a row.
//!
//! If something is not found, `listIdentityProviders`, `getIdentityProvider`
//! and `getGroup` tell a tenant that was just made from one that is not there.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Problem, Request, Success};
use operations::{Operation, ProblemCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::lookup::{self, NotFound, Tenant, Want};

/// The operation `get-tenant`.
pub struct GetTenant;

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

/// Why there is no tenant to show.
#[derive(Debug, thiserror::Error)]
pub enum GetTenantError {
    /// There is none of this name.
    #[error("find the tenant `{0}`")]
    NotFound(TenantName),
    /// The name is another tenant's since the caller's token was issued.
    #[error("find the tenant that the token is for")]
    Foreign,
    /// It lacks an object.
    #[error("find {missing}")]
    Broken {
        /// The object.
        missing: String,
    },
    /// Okta did not answer.
    #[error("look the tenant up")]
    Okta(#[source] okta_client::Error),
}

impl GetTenantError {
    pub(crate) fn new(name: &TenantName, error: NotFound) -> Self {
        match error {
            NotFound::Absent => GetTenantError::NotFound(name.clone()),
            NotFound::Foreign => GetTenantError::Foreign,
            NotFound::Okta(error) => GetTenantError::Okta(error),
            NotFound::Unidentified { admins_group, idp } => GetTenantError::Broken {
                missing: format!(
                    "the tenant's id: the description of `{admins_group}` does not hold it and there is no identity provider `{idp}`"
                ),
            },
        }
    }
}

impl From<GetTenantError> for Problem {
    fn from(error: GetTenantError) -> Self {
        match error {
            GetTenantError::NotFound(name) => {
                Problem::new(ProblemCode::TenantNotFound, format!("there is no tenant `{name}`"))
            }
            GetTenantError::Foreign => {
                Problem::new(ProblemCode::Forbidden, "the token is for another tenant; get a new one")
            }
            GetTenantError::Broken { missing } => {
                Problem::new(ProblemCode::TenantBroken, format!("the tenant lacks {missing}"))
            }
            GetTenantError::Okta(error) => Problem::okta("look the tenant up", &error),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Problem> {
        Ok(Self { name: request.tenant()? })
    }
}

impl TryFrom<Tenant> for Output {
    type Error = GetTenantError;

    fn try_from(tenant: Tenant) -> Result<Self, GetTenantError> {
        let broken = || GetTenantError::Broken { missing: format!("the group `USERS_{}`", tenant.name) };
        let users = tenant.users_group_id().ok_or_else(broken)?;
        Ok(Self {
            USERS_groupId: users.to_string(),
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
    type Error = GetTenantError;

    async fn call(context: &Context, input: Input) -> Result<Success<Output>, GetTenantError> {
        let tenant = lookup::tenant_for(context, &input.name, Want::Tenant)
            .await
            .map_err(|error| GetTenantError::new(&input.name, error))?;
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
