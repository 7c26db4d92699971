//! Lists the users whom the caller may act for.
//!
//! # Okta calls
//!
//! `listUsers`, with a search for the caller among the agents: the index tells, and
//! it may be late; `start-delegation` looks at the users themselves. One call for up
//! to 200 delegators; the grants of each are read from the table.

use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::User;
use okta_client::{Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{State, StateError};

use crate::grants::{AGENTS, Grants};
use crate::people;
use crate::settings::profile_grants;

/// Users whose grants are read at the same time.
const READS: usize = 8;

/// The operation `list-delegators`.
pub struct ListDelegators {
    state: State,
    profile_grants: bool,
}

/// Which page.
#[derive(Debug)]
pub struct Input {
    paging: Paging,
}

/// One whom the caller may act for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Delegator")]
pub struct Item {
    /// Id of the user: `entityid` of `start-delegation`.
    pub id: String,
    /// Name to show.
    pub display_name: String,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListDelegatorsError {
    /// Okta did not answer.
    Okta(Error),
    /// The table did not answer.
    State(StateError),
}

impl From<ListDelegatorsError> for Failure {
    fn from(error: ListDelegatorsError) -> Self {
        match error {
            ListDelegatorsError::Okta(error) => Failure::okta("search the users", &error),
            ListDelegatorsError::State(error) => error.into(),
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

impl Endpoint for ListDelegators {
    const OPERATION: &'static Operation = operations::get("list-delegators");
    type Input = Input;
    type Output = Vec<Item>;
    type Error = ListDelegatorsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, profile_grants: profile_grants(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListDelegatorsError> {
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let expression = search::eq(&format!("profile.{AGENTS}"), uid);
        let found: Vec<User> =
            okta.list_users(&expression).try_collect().await.map_err(ListDelegatorsError::Okta)?;
        let mut items = Vec::new();
        let may = |user: &&User| people::is_active(user) && user.id.as_str() != uid;
        let found: Vec<&User> = found.iter().filter(may).collect();
        for some in found.chunks(READS) {
            let kept = try_join_all(some.iter().map(|user| self.state.grants(user.id.as_str()))).await;
            for (user, kept) in some.iter().zip(kept.map_err(ListDelegatorsError::State)?) {
                if Grants::counted(user, &kept.current, self.profile_grants)
                    .of_agent(uid, okta.now())
                    .is_some()
                {
                    items.push(Item { id: user.id.to_string(), display_name: display_name(user) });
                }
            }
        }
        items.sort_by(|a, b| a.id.cmp(&b.id));
        let (page, next) = input.paging.cut(items, |item| &item.id);
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/agent",
            body: None,
            answer: Some(json!([{ "id": "00u00000000000000009", "displayName": "delegator demo.test" }])),
        }
    }
}

fn display_name(user: &User) -> String {
    let full = format!("{} {}", user.attribute("firstName"), user.attribute("lastName"));
    let names = [user.attribute("displayName"), full.trim(), user.login()];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}
