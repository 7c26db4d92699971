//! Lists the users who may act for the caller.
//!
//! # Okta calls
//!
//! 1. `getUser` of the caller, and the grants in the table.
//! 2. `listUsers`, with a search for the ids: names are shown as the index has them,
//!    and an agent whom it does not have, or whom the org has deleted, stands in the
//!    list without them.
//!
//! Two calls, two in a row, for up to 50 agents.

use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::models::User;
use okta_client::{Error, search};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use state::{State, StateError};
use tenancy::if_present;

use crate::grants::{Grants, MAX_AGENTS};
use crate::settings::profile_grants;

/// The operation `list-delegation-agents`.
pub struct ListDelegationAgents {
    state: State,
    profile_grants: bool,
}

/// Nothing.
#[derive(Debug)]
pub struct Input;

/// The agents.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DelegationAgents")]
pub struct Output {
    /// Who may act for the caller, in the order of nomination.
    pub agents: Vec<Agent>,
}

/// One of them. The odd names are those of the predecessor.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ListedDelegationAgent")]
pub struct Agent {
    /// Id of the user.
    pub id: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_name: Option<String>,
    /// Login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// State of the user; only an `ACTIVE` one can act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When the nomination ends, RFC 3339; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListDelegationAgentsError {
    /// Okta did not answer.
    Okta(Error),
    /// The table did not answer.
    State(StateError),
}

impl From<ListDelegationAgentsError> for Failure {
    fn from(error: ListDelegationAgentsError) -> Self {
        match error {
            ListDelegationAgentsError::Okta(error) => Failure::okta("read the users", &error),
            ListDelegationAgentsError::State(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(_: &Request) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Endpoint for ListDelegationAgents {
    const OPERATION: &'static Operation = operations::get("list-delegation-agents");
    type Input = Input;
    type Output = Output;
    type Error = ListDelegationAgentsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, profile_grants: profile_grants(environment)? })
    }

    async fn call(&self, context: &Context, _: Input) -> Result<Success<Output>, ListDelegationAgentsError> {
        let okta = context.run.okta.forward();
        let uid = &context.caller.uid;
        let (user, kept) = futures::join!(if_present(okta.get_user(uid)), self.state.grants(uid));
        let user = user.map_err(ListDelegationAgentsError::Okta)?;
        let kept = kept.map_err(ListDelegationAgentsError::State)?;
        let counted = |user| Grants::counted(user, &kept.current, self.profile_grants).0;
        let grants = user.as_ref().map_or_else(Vec::new, counted);
        let ids: Vec<String> = grants.iter().map(|grant| search::eq("id", &grant.agent)).collect();
        // Orgs of the predecessor know no bound, and a URL has one.
        let searches = ids.chunks(MAX_AGENTS).map(|ids| {
            let expression = search::any(ids);
            async move { okta.list_users(&expression).try_collect::<Vec<User>>().await }
        });
        let users = try_join_all(searches).await.map_err(ListDelegationAgentsError::Okta)?.concat();
        let agent = |grant: crate::grants::Grant| {
            let user = users.iter().find(|user| user.id.as_str() == grant.agent);
            let attribute = |name: &str| {
                let value = user.map(|user| user.attribute(name).to_owned());
                value.filter(|value| !value.is_empty())
            };
            Agent {
                first_name: attribute("firstName"),
                second_name: attribute("lastName"),
                login: attribute("login"),
                email: attribute("email"),
                organization: attribute("organization"),
                status: user.map(|user| user.status.clone()),
                id: grant.agent,
                until: grant.until,
                reason: grant.reason,
            }
        };
        Ok(Success::new(Output { agents: grants.into_iter().map(agent).collect() }))
    }

    fn example() -> Example {
        Example {
            target: "/delegator/agents",
            body: None,
            answer: Some(json!({ "agents": [{
                "id": "00u00000000000000008", "firstName": "agent", "secondName": "demo.test",
                "login": "agent@demo.test", "email": "agent@demo.test", "status": "ACTIVE",
            }] })),
        }
    }
}
