//! Lists the admins of a tenant, page by page.
//!
//! # Okta calls
//!
//! 1. `listGroups`, then `getGroup` and `getApplicationGroupAssignment`, as in
//!    `get-tenant`.
//! 2. `listGroupUsers`: one page of the members of `ADMINS_<tenant>`, at the
//!    same time as `getGroup`.
//!
//! Five calls, two in a row.

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::Error;
use okta_client::models::User;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tenancy::{Depth, TenantError, Tenants};

/// The operation `list-tenant-admins`.
pub struct ListTenantAdmins {
    tenants: Tenants,
}

/// Whose admins, and which page.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    paging: Paging,
}

/// An admin: a user as Okta prints it, without `_links` and `type`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantAdmin")]
pub struct Admin {
    /// Id of the user.
    pub id: String,
    /// `ACTIVE`, `SUSPENDED`, …
    pub status: String,
    /// When the user was created, RFC 3339, UTC.
    pub created: String,
    /// When the user last changed, RFC 3339, UTC.
    pub last_updated: String,
    /// Attributes, without `login`, `mobilePhone` and `secondEmail`.
    pub profile: Map<String, Value>,
    /// What else Okta says.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListTenantAdminsError {
    /// There is no such tenant for the caller.
    #[error(transparent)]
    Tenant(TenantError),
    /// Okta does not know the cursor.
    #[error("go on from the cursor")]
    Cursor,
}

impl From<ListTenantAdminsError> for Failure {
    fn from(error: ListTenantAdminsError) -> Self {
        match error {
            ListTenantAdminsError::Tenant(error) => error.into(),
            ListTenantAdminsError::Cursor => Paging::unknown_cursor(),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY_OF_ALL;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let paging = Paging::decode_of_all(request, &[])?;
        Ok(Self { tenant: request.tenant()?, paging })
    }
}

impl Endpoint for ListTenantAdmins {
    const OPERATION: &'static Operation = operations::get("list-tenant-admins");
    type Input = Input;
    type Output = Vec<Admin>;
    type Error = ListTenantAdminsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { tenants: Tenants::prepare(environment)? })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Vec<Admin>>, ListTenantAdminsError> {
        let paging = &input.paging;
        let members = |groups: tenancy::Ids| async move {
            context
                .run
                .okta
                .forward()
                .list_group_users_page(&groups.admins, paging.limit(), paging.after())
                .await
        };
        let (run, caller) = (&context.run, &context.caller);
        let found = self.tenants.of_caller_with(run, caller, &input.tenant, Depth::Read, members).await;
        let (_, page) = found.map_err(|error| match error {
            TenantError::Okta(Error::Api(refusal)) if refusal.status == 400 && paging.after().is_some() => {
                ListTenantAdminsError::Cursor
            }
            error => ListTenantAdminsError::Tenant(error),
        })?;
        let admins = page.items.into_iter().map(Admin::from).collect();
        Ok(paging.answer(context, Self::OPERATION, admins, page.after.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/acme/admins?limit=2",
            body: None,
            answer: Some(json!([{
                "id": "00u00000000000000004", "status": "ACTIVE", "created": "2026-01-31T12:00:00.000Z",
                "lastUpdated": "2026-01-31T12:00:00.000Z",
                "profile": { "firstName": "admin", "lastName": "acme.test", "email": "admin@acme.test" },
                "activated": "2026-01-31T12:00:00.000Z", "statusChanged": "2026-01-31T12:00:00.000Z",
                "lastLogin": null, "passwordChanged": "2026-01-31T12:00:00.000Z",
                "credentials": { "provider": { "type": "OKTA", "name": "OKTA" }, "password": {} },
            }])),
        }
    }
}

impl From<User> for Admin {
    fn from(user: User) -> Self {
        let User { id, status, created, last_updated, mut profile, mut other, kind: _ } = user;
        other.remove("_links");
        profile.retain(|name, _| !["login", "mobilePhone", "secondEmail"].contains(&name.as_str()));
        Self { id: id.to_string(), status, created, last_updated, profile, other }
    }
}
