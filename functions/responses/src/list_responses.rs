//! Lists responses, newest first, page by page.
//!
//! # Okta calls
//!
//! 1. `listUserGroups` of the caller, unless the caller is a superuser.
//!
//! A user's responses are as they are now; all of them together come from an index that may
//! be a second late.

use containment::{Response, State as Stand};
use domain::is_okta_id;
use lambda_kit::{
    Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success, Values,
};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use state::StateError;

use crate::access::{AccessError, who};
use crate::settings::Responses;

/// The operation `list-responses`.
pub struct ListResponses {
    responses: Responses,
}

/// Which ones.
#[derive(Debug)]
pub struct Input {
    user: Option<String>,
    status: Option<Stand>,
    paging: Paging,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListResponsesError {
    /// The caller may not respond.
    Access(AccessError),
    /// The cursor is none of this list.
    Cursor,
    /// The table did not answer.
    State(StateError),
}

impl From<ListResponsesError> for Failure {
    fn from(error: ListResponsesError) -> Self {
        match error {
            ListResponsesError::Access(error) => error.into(),
            ListResponsesError::Cursor => Paging::unknown_cursor(),
            ListResponsesError::State(error) => error.into(),
        }
    }
}

const STATUS: [&str; 7] = ["planned", "running", "active", "partial", "failed", "lifted", "expired"];

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[
        QueryParameter {
            name: "user",
            description: "Id of a user: their responses alone.",
            values: Values::Text,
        },
        QueryParameter {
            name: "status",
            description: "Where the responses stand.",
            values: Values::OneOf(&STATUS),
        },
        Paging::LIMIT,
        Paging::AFTER,
    ];

    fn decode(request: &Request) -> Result<Self, Failure> {
        let user = request.query("user").map(str::to_owned);
        if user.as_deref().is_some_and(|user| !is_okta_id(user)) {
            return Err(Failure::violation("query.user", "must be the id of a user".to_owned()));
        }
        let status = match request.query("status") {
            None => None,
            Some(name) => {
                let found = Stand::ALL.into_iter().find(|state| state.as_str() == name);
                let rule = || format!("must be one of {}", STATUS.join(", "));
                Some(found.ok_or_else(|| Failure::violation("query.status", rule()))?)
            }
        };
        Ok(Self { user, status, paging: Paging::decode(request, &["user", "status"])? })
    }
}

impl Endpoint for ListResponses {
    const OPERATION: &'static Operation = operations::get("list-responses");
    type Input = Input;
    type Output = Vec<Response>;
    type Error = ListResponsesError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responses: Responses::prepare(environment)? })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Vec<Response>>, ListResponsesError> {
        let Self { responses } = self;
        who(context.run.okta.forward(), responses, &context.caller)
            .await
            .map_err(ListResponsesError::Access)?;
        let (user, after) = (input.user.as_deref(), input.paging.after());
        let is_own =
            |id: &str| containment::parse_id(id).is_some_and(|(of, _)| user.is_none_or(|user| user == of));
        if after.is_some_and(|after| !is_own(after)) {
            return Err(ListResponsesError::Cursor);
        }
        let (status, limit) = (input.status.map(Stand::as_str), input.paging.limit());
        let page = responses.state.list_responses(&responses.table, user, status, after, limit).await;
        let (page, next) = page.map_err(ListResponsesError::State)?;
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example { target: "/responses?status=lifted", body: None, answer: Some(json!([])) }
    }
}
