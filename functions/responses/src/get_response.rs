//! Gets a response, with what became of each action.
//!
//! # Okta calls
//!
//! 1. `listUserGroups` of the caller, unless the caller is a superuser.

use containment::Response;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use state::StateError;

use crate::access::{AccessError, who};
use crate::settings::Responses;

/// The operation `get-response`.
pub struct GetResponse {
    responses: Responses,
}

/// Which one.
#[derive(Debug)]
pub struct Input {
    id: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum GetResponseError {
    /// The caller may not respond.
    Access(AccessError),
    /// There is no such response.
    NotFound(String),
    /// The table did not answer.
    State(StateError),
}

impl From<GetResponseError> for Failure {
    fn from(error: GetResponseError) -> Self {
        match error {
            GetResponseError::Access(error) => error.into(),
            GetResponseError::NotFound(id) => {
                Failure::new(ProblemCode::ResponseNotFound, format!("there is no response `{id}`"))
            }
            GetResponseError::State(error) => error.into(),
        }
    }
}

/// The id of a response in the path.
pub(crate) fn response_id(request: &Request) -> Result<String, Failure> {
    let id = request.parts.path.get("responseId").map_or("", String::as_str);
    let detail = || "must be the id of a response: 21 to 60 letters and digits".to_owned();
    match containment::parse_id(id) {
        Some(_) => Ok(id.to_owned()),
        None => Err(Failure::violation("path.responseId", detail())),
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { id: response_id(request)? })
    }
}

impl Endpoint for GetResponse {
    const OPERATION: &'static Operation = operations::get("get-response");
    type Input = Input;
    type Output = Response;
    type Error = GetResponseError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responses: Responses::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Response>, GetResponseError> {
        let okta = context.run.okta.forward();
        who(okta, &self.responses, &context.caller).await.map_err(GetResponseError::Access)?;
        let kept = self.responses.state.response(&self.responses.table, &input.id).await;
        match kept.map_err(GetResponseError::State)? {
            Some(kept) => Ok(Success::new(kept.response)),
            None => Err(GetResponseError::NotFound(input.id)),
        }
    }

    fn example() -> Example {
        Example { target: "/responses/00u000000000000000070mmmmmmmm00000000000", body: None, answer: None }
    }
}
