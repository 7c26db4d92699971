//! Lets another user act for the caller, for a while or until further notice.
//!
//! # Okta calls
//!
//! 1. At the same time, under a lock of the caller: `getUser` of the caller and of
//!    the agent, `listUserGroups` of both.
//! 2. `updateUser` with the two attributes. Undo: their former values.
//!
//! Then the grants in the table, in one transaction with the record.
//!
//! Five calls, two in a row; three, if every user can be an agent.
//!
//! # Why a lock
//!
//! Okta replaces an array as a whole and has no conditional writes: of two agents
//! who are nominated at once, one would be lost.

use jiff::Timestamp;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use state::{Change, Event, LockError, Locks, StateError, holding};
use tenancy::if_present;

use crate::grants::{Grant, MAX_AGENTS};
use crate::people::{self, ChangeError, Delegating, LacksAttributes, Nomination};

/// The operation `add-delegation-agent`.
pub struct AddDelegationAgent(Delegating);

/// Most characters of a reason.
const MAX_REASON: usize = 200;

/// Whom, until when, and why.
#[derive(Debug)]
pub struct Input {
    agent: String,
    until: Option<Timestamp>,
    reason: Option<String>,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "AddDelegationAgentRequest")]
pub struct Body {
    /// Id or login of the agent.
    agentid: String,
    /// When the nomination ends, RFC 3339, with a time zone; absent: when it is
    /// removed.
    until: Option<String>,
    /// Why; at most 200 characters.
    reason: Option<String>,
}

/// Why the user is no agent.
#[derive(Debug)]
pub enum AddDelegationAgentError {
    /// Nobody of this id or login can be the caller's agent.
    NotFound(String),
    /// The caller themself.
    Oneself,
    /// The end is in the past.
    Over,
    /// The caller cannot sign in.
    NotActive,
    /// The caller has not switched delegation on.
    Off,
    /// The caller has enough agents.
    TooMany,
    /// Others are changing the caller.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The table did not answer; nothing was changed.
    State(StateError),
    /// The change was not made.
    Change(ChangeError),
}

impl From<AddDelegationAgentError> for Failure {
    fn from(error: AddDelegationAgentError) -> Self {
        match error {
            AddDelegationAgentError::NotFound(agent) => Failure::new(
                ProblemCode::AgentNotFound,
                format!("`{agent}` is no active user who could act for you"),
            ),
            AddDelegationAgentError::Oneself => {
                Failure::violation("/agentid", "must be another user than yourself".to_owned())
            }
            AddDelegationAgentError::Over => Failure::violation("/until", "must be in the future".to_owned()),
            AddDelegationAgentError::NotActive => people::not_active(),
            AddDelegationAgentError::Off => LacksAttributes.into(),
            AddDelegationAgentError::TooMany => Failure::new(
                ProblemCode::TooManyAgents,
                format!("you have {MAX_AGENTS} agents; remove one that is not needed"),
            ),
            AddDelegationAgentError::Lock(error) => error.into(),
            AddDelegationAgentError::Okta(error) => Failure::okta("read the users", &error),
            AddDelegationAgentError::State(error) => error.into(),
            AddDelegationAgentError::Change(error) => error.into(),
        }
    }
}

/// Id or login in a body.
pub(crate) fn user_of(pointer: &str, text: String) -> Result<String, Failure> {
    if people::is_user(&text) {
        return Ok(text);
    }
    Err(Failure::violation(pointer, "must be the id or the login of a user".to_owned()))
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: Body = request.body()?;
        let until = body.until.map(|until| until.parse::<Timestamp>()).transpose().map_err(|_| {
            let detail = "must be a time such as `2027-01-31T12:00:00Z`".to_owned();
            Failure::violation("/until", detail)
        })?;
        let is_long =
            |reason: &String| reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control);
        if body.reason.as_ref().is_some_and(is_long) {
            let detail = format!("must have at most {MAX_REASON} characters, in one line");
            return Err(Failure::violation("/reason", detail));
        }
        Ok(Self { agent: user_of("/agentid", body.agentid)?, until, reason: body.reason })
    }
}

impl Endpoint for AddDelegationAgent {
    const OPERATION: &'static Operation = operations::get("add-delegation-agent");
    type Input = Input;
    type Output = Nomination;
    type Error = AddDelegationAgentError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Delegating::prepare(environment)?))
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Nomination>, AddDelegationAgentError> {
        let changed = holding(&self.0.state, &context.run, |locks| self.add(context, input, locks)).await;
        changed.map(Success::new)
    }

    fn example() -> Example {
        Example {
            target: "/delegator/agents/add",
            body: Some(json!({
                "agentid": "superuser@demo.test", "until": "2099-12-31T23:59:59Z", "reason": "Parental leave",
            })),
            answer: Some(json!({
                "id": "00u00000000000000003", "until": "2099-12-31T23:59:59Z", "reason": "Parental leave",
            })),
        }
    }
}

impl AddDelegationAgent {
    async fn add(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Nomination, AddDelegationAgentError> {
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let (run, settings) = (&context.run, &self.0.settings);
        locks.take(Change::User(uid)).await.map_err(AddDelegationAgentError::Lock)?;
        let groups = async {
            match settings.any_agent {
                true => Ok(None),
                false => futures::try_join!(people::groups(okta, uid), people::groups(okta, &input.agent))
                    .map(Some),
            }
        };
        let read = async {
            futures::try_join!(
                if_present(okta.get_user(uid)),
                if_present(okta.get_user(&input.agent)),
                groups
            )
        };
        let (read, kept) = futures::join!(read, self.0.state.grants(uid));
        let (user, agent, groups) = read.map_err(AddDelegationAgentError::Okta)?;
        let kept = kept.map_err(AddDelegationAgentError::State)?;
        let agent = agent.filter(|agent| people::is_named(agent, &input.agent));
        let agent_id = agent.as_ref().map_or("", |agent| agent.id.as_str());
        let record = self.0.record(context, Event::Grant, agent_id);
        let refused = async |why, error| {
            self.0.refuse(run, &record, why).await;
            Err(error)
        };
        let Some(user) = user.filter(people::is_active) else {
            return refused("the delegator is not active", AddDelegationAgentError::NotActive).await;
        };
        if settings.delegator_type.as_ref().is_some_and(|kind| *kind != user.kind.id) {
            return refused("delegation is not switched on", AddDelegationAgentError::Off).await;
        }
        let may = groups.is_none_or(|(own, other)| people::share_a_tenant(&own, &other));
        let Some(agent) = agent.as_ref().filter(|agent| may && people::is_active(agent)) else {
            let error = AddDelegationAgentError::NotFound(input.agent.clone());
            return refused("no active user of a tenant of the delegator's", error).await;
        };
        if agent.id == user.id {
            return refused("nobody acts for themself", AddDelegationAgentError::Oneself).await;
        }
        let now = okta.now();
        if input.until.is_some_and(|until| until.as_second() <= now) {
            return Err(AddDelegationAgentError::Over);
        }
        let until = input.until.map(|until| until.to_string());
        let grant =
            Grant { agent: agent.id.to_string(), until, reason: input.reason, id: context.run.id.clone() };
        let before = self.0.counted(&user, &kept);
        // One that the profile alone has is made now.
        if before.0.iter().any(|known| known.says(&grant) && !known.id.is_empty()) {
            return Ok(grant.into());
        }
        let after = before.with(grant.clone(), now);
        if after.0.len() > MAX_AGENTS {
            return refused("too many agents", AddDelegationAgentError::TooMany).await;
        }
        let written = self.0.write_grants(run, &user, (&kept, &after), &record).await;
        written.map_err(AddDelegationAgentError::Change)?;
        Ok(grant.into())
    }
}
