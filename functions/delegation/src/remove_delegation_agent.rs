//! Lets another user act for the caller no longer, from the next token on.
//!
//! # Okta calls
//!
//! 1. Under a lock of the caller: `getUser` of the caller; beside it, `getUser` of
//!    the agent, unless the request has an id.
//! 2. `updateUser` with the two attributes. Undo: their former values.
//!
//! Then the grants in the table, in one transaction with the record.
//!
//! Two calls, two in a row; three, for a login. A user who is no agent is removed
//! without a write: the same request sent again answers the same. The id of a user
//! whom the org has deleted is also enough.

use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Change, Event, LockError, Locks, StateError, holding};
use tenancy::if_present;

use crate::add_delegation_agent::user_of;
use crate::grants::Grants;
use crate::people::{self, ChangeError, Delegating};

/// The operation `remove-delegation-agent`.
pub struct RemoveDelegationAgent(Delegating);

/// Whom.
#[derive(Debug)]
pub struct Input {
    agent: String,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "RemoveDelegationAgentRequest")]
pub struct Body {
    /// Id or login of the agent.
    agentid: String,
}

/// Who is left.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemainingDelegationAgents")]
pub struct Output {
    /// Ids of the users who may still act for the caller.
    pub agents: Vec<String>,
}

/// Why the user is an agent still.
#[derive(Debug)]
pub enum RemoveDelegationAgentError {
    /// Nobody has this login.
    NotFound(String),
    /// Others are changing the caller.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The table did not answer; nothing was changed.
    State(StateError),
    /// The change was not made.
    Change(ChangeError),
}

impl From<RemoveDelegationAgentError> for Failure {
    fn from(error: RemoveDelegationAgentError) -> Self {
        match error {
            RemoveDelegationAgentError::NotFound(agent) => Failure::new(
                ProblemCode::AgentNotFound,
                format!("nobody has the login `{agent}`; `GET /delegator/agents` has the ids of your agents"),
            ),
            RemoveDelegationAgentError::Lock(error) => error.into(),
            RemoveDelegationAgentError::Okta(error) => Failure::okta("read the users", &error),
            RemoveDelegationAgentError::State(error) => error.into(),
            RemoveDelegationAgentError::Change(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: Body = request.body()?;
        Ok(Self { agent: user_of("/agentid", body.agentid)? })
    }
}

impl Endpoint for RemoveDelegationAgent {
    const OPERATION: &'static Operation = operations::get("remove-delegation-agent");
    type Input = Input;
    type Output = Output;
    type Error = RemoveDelegationAgentError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Delegating::prepare(environment)?))
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Output>, RemoveDelegationAgentError> {
        let changed = holding(&self.0.state, &context.run, |locks| self.remove(context, input, locks)).await;
        changed.map(Success::new)
    }

    fn example() -> Example {
        Example {
            target: "/delegator/agents/remove",
            body: Some(json!({ "agentid": "agent@demo.test" })),
            answer: Some(json!({ "agents": [] })),
        }
    }
}

impl RemoveDelegationAgent {
    async fn remove(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Output, RemoveDelegationAgentError> {
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let run = &context.run;
        locks.take(Change::User(uid)).await.map_err(RemoveDelegationAgentError::Lock)?;
        let is_id = people::is_id(&input.agent);
        let agent = async {
            match is_id {
                true => Ok(None),
                false => if_present(okta.get_user(&input.agent)).await,
            }
        };
        let read = async { futures::try_join!(if_present(okta.get_user(uid)), agent) };
        let (read, kept) = futures::join!(read, self.0.state.grants(uid));
        let (user, agent) = read.map_err(RemoveDelegationAgentError::Okta)?;
        let kept = kept.map_err(RemoveDelegationAgentError::State)?;
        let agent = agent.filter(|agent| people::is_named(agent, &input.agent));
        let agent = match (agent, is_id) {
            (Some(agent), _) => agent.id.to_string(),
            (None, true) => input.agent,
            (None, false) => return Err(RemoveDelegationAgentError::NotFound(input.agent)),
        };
        let Some(user) = user else { return Ok(Output { agents: Vec::new() }) };
        let after = self.0.counted(&user, &kept).without(&agent);
        // Also one that the profile or the table alone has: it must not come back.
        let is_known = Grants::of(&user).0.iter().any(|grant| grant.agent == agent)
            || kept.current.iter().any(|grant| grant.agent == agent);
        if is_known {
            let record = self.0.record(context, Event::Remove, &agent);
            let written = self.0.write_grants(run, &user, (&kept, &after), &record).await;
            written.map_err(RemoveDelegationAgentError::Change)?;
        }
        Ok(Output { agents: after.0.into_iter().map(|grant| grant.agent).collect() })
    }
}
