//! Refuses every token that a user has now.
//!
//! # Okta calls
//!
//! `getUser`: whether there is such a user, and what time it is by Okta's clock, by
//! which Okta dates tokens. One call.
//!
//! Then a revocation, which every function of the API reads. It ends no session: with a
//! session, or a refresh token, the user gets a new token, and that one counts. Take
//! the user out of the group that gives the right first, or end the user in Okta.

use domain::Revoked;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use okta_client::models::UserId;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use state::{State, StateError};
use tenancy::if_present;

/// Longest reason, in characters.
const REASON: usize = 200;

/// The operation `revoke-user`.
pub struct RevokeUser {
    state: State,
}

/// Whose tokens, and why.
#[derive(Debug)]
pub struct Input {
    user: UserId,
    reason: Option<String>,
}

/// Request body; may be left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "RevokeUserRequest")]
pub struct Body {
    /// Why, for the log: at most 200 characters.
    reason: Option<String>,
}

/// Why the tokens count still.
#[derive(Debug)]
pub enum RevokeUserError {
    /// There is no such user.
    NotFound(UserId),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The revocation failed.
    State(StateError),
}

impl From<RevokeUserError> for Failure {
    fn from(error: RevokeUserError) -> Self {
        match error {
            RevokeUserError::NotFound(user) => {
                Failure::new(ProblemCode::UserNotFound, format!("the org has no user `{user}`"))
            }
            RevokeUserError::Okta(error) => Failure::okta("read the user", &error),
            RevokeUserError::State(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    const BODY_REQUIRED: bool = false;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let user = request.id("userId")?;
        let body = match request.bytes()? {
            [] => None,
            _ => Some(request.body::<Body>()?),
        };
        let reason = body.and_then(|body| body.reason);
        let is_long =
            |reason: &String| reason.chars().count() > REASON || reason.chars().any(char::is_control);
        if reason.as_ref().is_some_and(is_long) {
            let detail = format!("must have at most {REASON} characters, and no control characters");
            return Err(Failure::violation("/reason", detail));
        }
        Ok(Self { user, reason })
    }
}

impl Endpoint for RevokeUser {
    const OPERATION: &'static Operation = operations::get("revoke-user");
    type Input = Input;
    type Output = ();
    type Error = RevokeUserError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<()>, RevokeUserError> {
        let user = if_present(context.run.okta.forward().get_user(input.user.as_str())).await;
        let Some(user) = user.map_err(RevokeUserError::Okta)? else {
            return Err(RevokeUserError::NotFound(input.user));
        };
        let revoked = self.state.revoke(&context.run, Revoked::User(user.id.as_str())).await;
        revoked.map_err(RevokeUserError::State)?;
        let (user, by) = (user.id.as_str(), &context.caller.uid);
        tracing::warn!(user, by, reason = input.reason, "the tokens of a user are revoked");
        Ok(Success::empty())
    }

    fn example() -> Example {
        Example {
            target: "/users/00u00000000000000005/revocation",
            body: Some(json!({ "reason": "lost laptop" })),
            answer: None,
        }
    }
}
