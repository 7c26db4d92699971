//! Creates a tenant.
//!
//! # Okta calls
//!
//! | row | call | undo |
//! |---|---|---|
//! | 1 | `addGroup` `ADMINS_<name>`, its description says who is creating it | delete |
//! | 1 | `addGroup` `USERS_<name>` | delete |
//! | 2 | `assignRoleToGroup` USER_ADMIN to `ADMINS_<name>` | unassign |
//! | 2 | `createIdentityProvider` `DAC_<name>` with `USERS_<name>` as its only group | delete |
//! | 3 | `assignGroupTargetToGroupAdminRole` `USERS_<name>` | goes with the role |
//! | 3 | `assignGroupTargetToGroupAdminRole` `ADMINS_<name>` | goes with the role |
//! | 3 | `deactivateIdentityProvider`, because Okta creates it active | goes with the IdP |
//! | 3 | `assignGroupToApplication` with the `tenants` attribute | goes with the group |
//! | 4 | `replaceGroup` `ADMINS_<name>`: the description gets the tenant's id | the description as it was |
//!
//! Nine calls, four in a row; the calls of a row run at the same time.
//!
//! # Why this order
//!
//! - Okta has no transactions, but it keeps group names unique. The run that creates
//!   `ADMINS_<name>` owns the name; every other run changes nothing. There is no
//!   check before, which could be late.
//! - The last call makes the tenant visible: until then the description has
//!   `creating` instead of `tenantId`, no operation sees a tenant, and nobody
//!   becomes a member while the role still applies to the whole org.
//! - A run that was killed leaves a description with `creating`. An attempt, undone
//!   if need be, ends [`LENGTH`] after its beginning. An older one is abandoned: it is
//!   removed, and the tenant is made anew. A younger one is waited for. What is found
//!   by name is removed only if it is as old as the abandoned attempt, because another
//!   request may have begun anew.
//! - All tenants trust one placeholder certificate until their admins upload
//!   their own. Nobody has its private key. Therefore the one certificate is as good
//!   as one for each tenant, and saves a call and a key.

use domain::{NewTenantName, TenantName};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::{EnvVar, Operation};
use run_kit::{ConfigError, Environment, Failure, Stopped};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tenancy::Tenants;
use tokio::time::Instant;

use crate::abandoned::{Unsettled, settle};
use crate::creation::{Creation, LENGTH, NewTenant, Settings, Stop};
use crate::lookup::already_exists;

/// The operation `add-tenant`.
pub struct AddTenant {
    settings: Settings,
    tenants: Tenants,
}

/// What to create.
#[derive(Debug)]
pub struct Input {
    name: NewTenantName,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "AddTenantRequest")]
pub struct Body {
    /// `^[a-z0-9](-?[a-z0-9])*$`, 2 to 50 characters.
    name: String,
}

/// Why there is no new tenant.
#[derive(Debug)]
pub enum AddTenantError {
    /// The name is a tenant's.
    AlreadyExists {
        /// The name.
        name: TenantName,
        /// Id of that tenant.
        id: String,
    },
    /// The name is somebody else's, or may be.
    Unsettled(Unsettled),
    /// A step failed.
    Stopped(Stopped),
}

impl From<AddTenantError> for Failure {
    fn from(error: AddTenantError) -> Self {
        match error {
            AddTenantError::AlreadyExists { name, id } => already_exists(&name, id),
            AddTenantError::Unsettled(unsettled) => unsettled.into(),
            AddTenantError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: Body = request.body()?;
        let name =
            NewTenantName::parse(&body.name).map_err(|e| Failure::violation("/name", e.to_string()))?;
        Ok(Self { name })
    }
}

impl Endpoint for AddTenant {
    const OPERATION: &'static Operation = operations::get("add-tenant");
    type Input = Input;
    type Output = NewTenant;
    type Error = AddTenantError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [app, key] = environment.all([&EnvVar::OKTA_DAC_APP_ID, &EnvVar::PLACEHOLDER_KEY_ID])?;
        let settings = Settings { app_id: app.into(), placeholder: key.into() };
        Ok(Self { settings, tenants: Tenants::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<NewTenant>, AddTenantError> {
        let (run, settings, name) = (&context.run, &self.settings, &*input.name);
        // An attempt needs this much; without the time no attempt may begin.
        let last_start = run.deadline.checked_sub(LENGTH).unwrap_or_else(Instant::now);
        loop {
            match Creation::new(run, settings, name).create().await {
                Ok(tenant) => {
                    let location = format!("{}/tenants/{name}", context.base_url);
                    return Ok(Success::new(tenant).header("location", location));
                }
                Err(Stop::Taken) => {}
                Err(Stop::Deleted(object)) => {
                    return Err(AddTenantError::Unsettled(Unsettled::Deleted { name: name.clone(), object }));
                }
                Err(Stop::Renamed(renamed)) => {
                    return Err(AddTenantError::Unsettled(Unsettled::Renamed {
                        name: name.clone(),
                        renamed,
                    }));
                }
                Err(Stop::NameTaken(object)) => {
                    return Err(AddTenantError::Unsettled(Unsettled::NameTaken { object }));
                }
                Err(Stop::Failed(stopped)) => return Err(AddTenantError::Stopped(stopped)),
            }
            let settled = settle(run, &self.tenants, &settings.placeholder, name, last_start).await;
            if let Some(id) = settled.map_err(AddTenantError::Unsettled)? {
                return Err(AddTenantError::AlreadyExists { name: name.clone(), id });
            }
        }
    }

    fn example() -> Example {
        Example {
            target: "/tenants",
            body: Some(json!({ "name": "initech" })),
            answer: Some(json!({
                "id": "0oa00000000000000021", "ADMINS_groupId": "00g00000000000000019",
                "USERS_groupId": "00g00000000000000020", "ADMINS_roleId": "KVJUKUS7IFCE2SKO", "name": "initech",
                "created": "2026-01-31T12:00:00.000Z", "lastUpdated": "2026-01-31T12:00:00.000Z",
            })),
        }
    }
}
