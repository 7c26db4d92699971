//! Ends a response: takes back what it changed and what is still as it left it.
//!
//! # Okta calls
//!
//! 1. `listUserGroups` of the caller, unless the caller is a superuser; for a responder
//!    `listAssignedRolesForUser` and `listUserGroups` of the user, too.
//! 2. Those of [`crate::lift`].
//!
//! The answer says of each action what was undone, what cannot be, and what somebody changed
//! since. A response that has ended stays as it is.

use containment::{Response, Who};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::access::{AccessError, who};
use crate::get_response::response_id;
use crate::lift::{By, LiftError};
use crate::settings::Responding;

/// Longest reason, in characters.
const REASON: usize = 500;

/// The operation `lift-response`.
pub struct LiftResponse {
    responding: Responding,
}

/// Which one, and why.
#[derive(Debug)]
pub struct Input {
    id: String,
    reason: String,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "LiftResponseRequest")]
pub struct Body {
    /// Why, for the record: 1 to 500 characters.
    reason: String,
}

/// Why the response has not ended.
#[derive(Debug)]
pub enum LiftResponseError {
    /// The caller may not respond.
    Access(AccessError),
    /// It is not ended, or not all of it is taken back.
    Lift(LiftError),
}

impl From<LiftResponseError> for Failure {
    fn from(error: LiftResponseError) -> Self {
        match error {
            LiftResponseError::Access(error) => error.into(),
            LiftResponseError::Lift(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let id = response_id(request)?;
        let Body { reason } = request.body()?;
        if !(1..=REASON).contains(&reason.trim().chars().count()) || reason.chars().any(char::is_control) {
            let detail = format!("must have 1 to {REASON} characters, and no control characters");
            return Err(Failure::violation("/reason", detail));
        }
        Ok(Self { id, reason })
    }
}

impl Endpoint for LiftResponse {
    const OPERATION: &'static Operation = operations::get("lift-response");
    type Input = Input;
    type Output = Response;
    type Error = LiftResponseError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responding: Responding::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Response>, LiftResponseError> {
        let Input { id, reason } = &input;
        let who = who(context.run.okta.forward(), &self.responding.responses, &context.caller).await;
        let by = match who.map_err(LiftResponseError::Access)? {
            Who::Superuser(uid) => By::Superuser(uid, reason),
            _ => By::Responder(&context.caller.uid, reason),
        };
        let lifted = self.responding.lift(&context.run, id, by).await;
        lifted.map(Success::new).map_err(LiftResponseError::Lift)
    }

    fn example() -> Example {
        Example {
            target: "/responses/00u000000000000000070mmmmmmmm00000000000/lift",
            body: Some(json!({ "reason": "false alarm" })),
            answer: None,
        }
    }
}
