//! Lists the users whom the caller may act for.
//!
//! # Okta calls
//!
//! `listUsers`, with a search for the caller among the agents: the index tells, and
//! it may be late; `start-delegation` looks at the users themselves. One call for up
//! to 200 delegators.

use futures::TryStreamExt;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success};
use okta_client::models::User;
use okta_client::{Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::grants::{AGENTS, Grants};
use crate::people;

/// The operation `list-delegators`.
pub struct ListDelegators;

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
}

impl From<ListDelegatorsError> for Failure {
    fn from(ListDelegatorsError::Okta(error): ListDelegatorsError) -> Self {
        Failure::okta("search the users", &error)
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

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Item>>, ListDelegatorsError> {
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let expression = search::eq(&format!("profile.{AGENTS}"), uid);
        let found: Vec<User> =
            okta.list_users(&expression).try_collect().await.map_err(ListDelegatorsError::Okta)?;
        let may = |user: &&User| {
            people::is_active(user) && user.id.as_str() != uid && Grants::of(user).allow(uid, okta.now())
        };
        let item = |user: &User| Item { id: user.id.to_string(), display_name: display_name(user) };
        let mut items: Vec<Item> = found.iter().filter(may).map(item).collect();
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
