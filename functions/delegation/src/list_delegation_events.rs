//! Lists what was done in the name of the caller: who was nominated, who acted,
//! and who tried to.
//!
//! # Okta calls
//!
//! None: the records are okta-dac's own.

use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{Kept, RecordsTable, State, StateError};

/// The operation `list-delegation-events`.
pub struct ListDelegationEvents {
    records: RecordsTable,
    state: State,
}

/// Which page.
#[derive(Debug)]
pub struct Input {
    paging: Paging,
}

/// One record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DelegationEvent")]
pub struct Item {
    /// When, RFC 3339, UTC.
    pub time: String,
    /// `activate`, `deactivate`, `grant`, `remove`, `start` or `use`.
    pub event: String,
    /// Id of the agent; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Id of the client.
    pub client: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often the agent was refused in the hour of the record, at whose end the record
    /// stands; absent for one time. The reason is that of the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl From<Kept> for Item {
    fn from(kept: Kept) -> Self {
        let Kept { time, event, agent, client, outcome, reason, count, at: _ } = kept;
        let agent = Some(agent).filter(|agent| !agent.is_empty());
        Self { time, event, agent, client, outcome, reason, count: count.filter(|count| *count > 1) }
    }
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListDelegationEventsError {
    /// The cursor is none of this list.
    Cursor,
    /// The table did not answer.
    State(StateError),
}

impl From<ListDelegationEventsError> for Failure {
    fn from(error: ListDelegationEventsError) -> Self {
        match error {
            ListDelegationEventsError::Cursor => Paging::unknown_cursor(),
            ListDelegationEventsError::State(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = Paging::QUERY;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { paging: Paging::decode(request, &[])? })
    }
}

impl Endpoint for ListDelegationEvents {
    const OPERATION: &'static Operation = operations::get("list-delegation-events");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListDelegationEventsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { records: RecordsTable::prepare(environment)?, state: State::prepare(environment)? })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Vec<Item>>, ListDelegationEventsError> {
        let after = input.paging.after();
        // A sort key of DynamoDB has 1 to 1,024 bytes.
        if after.is_some_and(|after| !(1..=1_024).contains(&after.len())) {
            return Err(ListDelegationEventsError::Cursor);
        }
        let uid = &context.caller.uid;
        let (kept, next) = self
            .state
            .records(&self.records, uid, after, input.paging.limit())
            .await
            .map_err(ListDelegationEventsError::State)?;
        let page = kept.into_iter().map(Item::from).collect();
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example { target: "/delegator/events", body: None, answer: Some(json!([])) }
    }
}
