//! Contains a user of a tenant: what the tenant's admins may do by themselves.
//!
//! # Okta calls
//!
//! 1. `listGroups`, then `getGroup` and `getApplicationGroupAssignment`, as in `get-tenant`:
//!    the group of the tenant's users.
//! 2. Those of [`crate::respond`].
//!
//! The user must be of this tenant and of no other, and no administrator. A tenant's admins
//! may suspend, expire passwords and end sessions, of so many users in an hour as
//! `RESPONSE_MAX_PER_HOUR` says.

use std::time::Duration;

use containment::{Limits, Order, Refusal, Response, Who};
use domain::TenantName;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use state::{Counted, StateError};
use tenancy::{Depth, TenantError, Tenants};

use crate::add_response::actor;
use crate::respond::{Asked, RespondError, invalid};
use crate::settings::{Disabled, Responding};

/// The operation `add-tenant-response`.
pub struct AddTenantResponse {
    responding: Responding,
    tenants: Tenants,
}

/// What shall be done to a user of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    order: Order,
}

/// Why it is not done.
#[derive(Debug)]
pub enum AddTenantResponseError {
    /// Responses are switched off.
    Disabled(Disabled),
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The tenant's admins have responded to as many users as they may in an hour.
    TooMany(u32),
    /// The users of this hour cannot be counted.
    State(StateError),
    /// The response is not done.
    Respond(RespondError),
}

impl From<AddTenantResponseError> for Failure {
    fn from(error: AddTenantResponseError) -> Self {
        match error {
            AddTenantResponseError::Disabled(disabled) => disabled.into(),
            AddTenantResponseError::Tenant(error) => error.into(),
            AddTenantResponseError::TooMany(most) => {
                let detail = format!("the tenant's admins have responded to {most} users in this hour");
                Failure::new(ProblemCode::TooManyResponses, detail).retry_after(Duration::from_secs(3_600))
            }
            AddTenantResponseError::State(error) => error.into(),
            AddTenantResponseError::Respond(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = containment::Request;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let tenant = request.tenant()?;
        let body: containment::Request = request.body()?;
        Ok(Self { tenant, order: body.check(Limits::Tenant).map_err(invalid)? })
    }
}

impl Endpoint for AddTenantResponse {
    const OPERATION: &'static Operation = operations::get("add-tenant-response");
    const OTHER_SUCCESS: Option<(u16, &'static str)> =
        Some((200, "`dryRun`, or `RESPONSE_MODE=observe`: what would be done."));
    type Input = Input;
    type Output = Response;
    type Error = AddTenantResponseError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responding: Responding::prepare(environment)?, tenants: Tenants::prepare(environment)? })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Response>, AddTenantResponseError> {
        use AddTenantResponseError::{Respond, State, Tenant, TooMany};
        let responses = &self.responding.responses;
        responses.enabled().map_err(AddTenantResponseError::Disabled)?;
        let (run, caller) = (&context.run, &context.caller);
        let tenant = self.tenants.of_caller(run, caller, &input.tenant, Depth::Read).await.map_err(Tenant)?;
        let users = tenant.require_users().map_err(Tenant)?.id.to_string();
        let acts = !input.order.dry_run && responses.mode == containment::Mode::Act;
        if acts && !caller.superuser {
            // The user as they are named: two names of one user count as two.
            let whose = format!("tenant#{}", tenant.id);
            let most = self.responding.most;
            let counted =
                responses.state.count_response(run, &responses.table, &whose, &input.order.user, most).await;
            if counted.map_err(State)? == Counted::Above {
                return Err(TooMany(most));
            }
        }
        // A superuser has no more rights here than the tenant's admins.
        let who = Who::TenantAdmin(&caller.uid);
        let asked =
            Asked { actor: actor(context), who, mode: responses.mode, tenant: Some(&users), id: None };
        let response = self.responding.respond(run, asked, &input.order).await;
        // A tenant's admins do not learn who exists elsewhere.
        let response = response.map_err(|error| match error {
            RespondError::NotFound(_) => Respond(RespondError::Refused(Refusal::NotAMember)),
            error => Respond(error),
        })?;
        Ok(match response.status {
            containment::State::Planned => Success::new(response).status(200),
            _ => Success::new(response),
        })
    }

    fn example() -> Example {
        let body = json!({
            "user": "user@acme.test", "actions": ["suspend", "clear-sessions"], "reason": "left the company",
        });
        Example { target: "/tenants/acme/responses", body: Some(body), answer: None }
    }
}
