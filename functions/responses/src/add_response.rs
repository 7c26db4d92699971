//! Contains a user whose account somebody else may be using.
//!
//! # Okta calls
//!
//! 1. `listUserGroups` of the caller, unless the caller is a superuser.
//! 2. Those of [`crate::respond`].
//!
//! For a superuser who suspends a user and ends their sessions, by id: 3 reads at the same
//! time, and then 3 calls in a row.

use containment::{Actor, Limits, Order, Response};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;

use crate::access::{AccessError, who};
use crate::respond::{Asked, RespondError, invalid};
use crate::settings::Responding;

/// The operation `add-response`.
pub struct AddResponse {
    responding: Responding,
}

/// What shall be done.
#[derive(Debug)]
pub struct Input {
    order: Order,
}

/// Why it is not done.
#[derive(Debug)]
pub enum AddResponseError {
    /// The caller may not respond.
    Access(AccessError),
    /// The response is not done.
    Respond(RespondError),
}

impl From<AddResponseError> for Failure {
    fn from(error: AddResponseError) -> Self {
        match error {
            AddResponseError::Access(error) => error.into(),
            AddResponseError::Respond(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = containment::Request;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: containment::Request = request.body()?;
        Ok(Self { order: body.check(Limits::None).map_err(invalid)? })
    }
}

impl Endpoint for AddResponse {
    const OPERATION: &'static Operation = operations::get("add-response");
    const OTHER_SUCCESS: Option<(u16, &'static str)> =
        Some((200, "`dryRun`, or `RESPONSE_MODE=observe`: what would be done."));
    type Input = Input;
    type Output = Response;
    type Error = AddResponseError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responding: Responding::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Response>, AddResponseError> {
        let responses = &self.responding.responses;
        let who = who(context.run.okta.forward(), responses, &context.caller).await;
        let who = who.map_err(AddResponseError::Access)?;
        let asked = Asked { actor: actor(context), who, mode: responses.mode, tenant: None, id: None };
        let response = self.responding.respond(&context.run, asked, &input.order).await;
        let response = response.map_err(AddResponseError::Respond)?;
        let location = format!("{}/responses/{}", context.base_url, response.id);
        Ok(match (input.order.dry_run, response.status) {
            (true, _) => Success::new(response).status(200),
            (_, containment::State::Planned) => {
                Success::new(response).status(200).header("location", location)
            }
            _ => Success::new(response).header("location", location),
        })
    }

    fn example() -> Example {
        let body = json!({
            "user": "user@acme.test", "actions": ["suspend", "clear-sessions"], "reason": "token seen elsewhere",
            "expiresIn": 3600, "onLift": ["expire-password"],
        });
        Example { target: "/responses", body: Some(body), answer: None }
    }
}

/// Who sends a request, for the record.
pub(crate) fn actor(context: &Context) -> Actor {
    Actor {
        id: Some(context.caller.uid.clone()),
        client: Some(context.caller.client.clone()),
        source_ip: context.source_ip.clone(),
        request_id: context.run.id.clone(),
        rule: None,
    }
}
