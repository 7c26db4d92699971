//! Lists who changed what of a tenant, newest first, page by page.
//!
//! # Okta calls
//!
//! 1. `listGroups`, then `getGroup` and `getApplicationGroupAssignment`, as in
//!    `get-tenant`: the records stand under the tenant's id.
//!
//! Four calls, two in a row. The records are okta-dac's own: they hold ids, and no names.

use std::collections::BTreeMap;

use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Changed, RecordsTable, State, StateError};
use tenancy::{Depth, TenantError, Tenants};

/// The operation `list-tenant-events`.
pub struct ListTenantEvents {
    records: RecordsTable,
    state: State,
    tenants: Tenants,
}

/// Whose changes, and which page.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    paging: Paging,
}

/// A change, or an attempt that came so far.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TenantEvent")]
pub struct Item {
    /// When the change began, RFC 3339, UTC.
    pub time: String,
    /// When it ended; absent while it has not, or if its run died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Name of the operation.
    pub operation: String,
    /// Id of the user who sent the request.
    pub actor: String,
    /// Id of the client that the user's token was for.
    pub client: String,
    /// Id of the request.
    pub request_id: String,
    /// `open`, `done`, `refused` (nothing is changed), `incomplete` or `died`.
    pub outcome: String,
    /// Ids of what the request was about, by parameter of its path.
    pub objects: BTreeMap<String, String>,
    /// Kind and id of what was left behind: `group:00g…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
}

impl From<Changed> for Item {
    fn from(changed: Changed) -> Self {
        let Changed { time, ended, operation, actor, client, request_id, outcome, objects, left, at: _ } =
            changed;
        let objects = objects.into_iter().collect();
        Self { time, ended, operation, actor, client, request_id, outcome, objects, left_behind: left }
    }
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListTenantEventsError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The cursor is none of this list.
    Cursor,
    /// The table did not answer.
    State(StateError),
}

impl From<ListTenantEventsError> for Failure {
    fn from(error: ListTenantEventsError) -> Self {
        match error {
            ListTenantEventsError::Tenant(error) => error.into(),
            ListTenantEventsError::Cursor => Paging::unknown_cursor(),
            ListTenantEventsError::State(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { tenant: request.tenant()?, paging: Paging::decode(request, &[])? })
    }
}

impl Endpoint for ListTenantEvents {
    const OPERATION: &'static Operation = operations::get("list-tenant-events");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListTenantEventsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            records: RecordsTable::prepare(environment)?,
            state: State::prepare(environment)?,
            tenants: Tenants::prepare(environment)?,
        })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Vec<Item>>, ListTenantEventsError> {
        let (after, limit) = (input.paging.after(), input.paging.limit());
        // A sort key of DynamoDB has 1 to 1,024 bytes.
        if after.is_some_and(|after| !(1..=1_024).contains(&after.len())) {
            return Err(ListTenantEventsError::Cursor);
        }
        let (run, caller) = (&context.run, &context.caller);
        let tenant = self.tenants.of_caller(run, caller, &input.tenant, Depth::Read).await;
        let tenant = tenant.map_err(ListTenantEventsError::Tenant)?;
        let changes = self.state.changes(&self.records, &tenant.id, after, limit).await;
        let (changes, next) = changes.map_err(ListTenantEventsError::State)?;
        let page = changes.into_iter().map(Item::from).collect();
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example { target: "/tenants/acme/events", body: None, answer: Some(json!([])) }
    }
}
