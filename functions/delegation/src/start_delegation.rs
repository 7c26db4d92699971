//! Begins to act for another user: the answer's id makes one token say so, within
//! a minute.
//!
//! # Okta calls
//!
//! At the same time: `getUser` of the caller and of the delegator; unless the
//! configuration allows it, `listAssignedRolesForUser` and `listUserGroups` of the
//! delegator, who must be no administrator; `listUserGroups` of the caller, because
//! both must still share a tenant.
//!
//! Five calls, one in a row.
//!
//! # What the caller learns
//!
//! That they may act, or that they may not; not why: a stranger must not learn who
//! there is, and who is nominated. The delegator sees it in their records.

use domain::is_okta_id;
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use okta_client::models::Group;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Delegation, Event, Record, StateError};
use tenancy::if_present;

use crate::grants::Grants;
use crate::people::{self, Delegating};

/// The operation `start-delegation`.
pub struct StartDelegation(Delegating);

/// For whom.
#[derive(Debug)]
pub struct Input {
    delegator: String,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "StartDelegationRequest")]
pub struct Body {
    /// Id of the delegator, from `list-delegators`.
    entityid: String,
}

/// What makes the next token a delegated one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StartedDelegation")]
pub struct Output {
    /// Send it to Okta as `state` of `/authorize`; on `/token`, as the query
    /// parameter `delegation_id`, or not at all.
    pub id: String,
}

/// Why the caller does not act.
#[derive(Debug)]
pub enum StartDelegationError {
    /// The caller may not act for this user, or there is none.
    NotDelegated,
    /// Okta did not answer; nothing was begun.
    Okta(Error),
    /// The table did not answer; nothing was begun.
    State(StateError),
}

impl From<StartDelegationError> for Failure {
    fn from(error: StartDelegationError) -> Self {
        match error {
            StartDelegationError::NotDelegated => Failure::new(
                ProblemCode::Forbidden,
                "you may not act for this user; `GET /agent` lists who has nominated you",
            ),
            StartDelegationError::Okta(error) => Failure::okta("read the users", &error),
            StartDelegationError::State(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: Body = request.body()?;
        if is_okta_id(&body.entityid) {
            return Ok(Self { delegator: body.entityid });
        }
        Err(Failure::violation(
            "/entityid",
            "must be the id of a user: at most 40 letters and digits".to_owned(),
        ))
    }
}

impl Endpoint for StartDelegation {
    const OPERATION: &'static Operation = operations::get("start-delegation");
    type Input = Input;
    type Output = Output;
    type Error = StartDelegationError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Delegating::prepare(environment)?))
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, StartDelegationError> {
        let Delegating { settings, state } = &self.0;
        let mut record = Record {
            delegator: &input.delegator,
            ..self.0.record(context, Event::Start, &context.caller.uid)
        };
        let grant = match self.look(context, &input.delegator).await? {
            Ok(grant) => grant,
            Err(Refused { why, concerns_delegator }) => {
                record.refused = Some(why);
                if !concerns_delegator {
                    record.delegator = "";
                }
                state.record_refusal(&context.run, &record).await.map_err(StartDelegationError::State)?;
                return Err(StartDelegationError::NotDelegated);
            }
        };
        let delegation = Delegation {
            agent: context.caller.uid.clone(),
            client: context.caller.client.clone(),
            delegator: input.delegator.clone(),
            grant,
        };
        let id = state.start(&context.run, &delegation, settings.seconds, &record).await;
        Ok(Success::new(Output { id: id.map_err(StartDelegationError::State)? }))
    }

    fn example() -> Example {
        Example {
            target: "/agent",
            body: Some(json!({ "entityid": "00u00000000000000009" })),
            answer: Some(json!({ "id": "dlg_kG1Yc0Zb2gq5Hn8vJd3sXw7RtLm4EaPuVi6TfBy9oQc" })),
        }
    }
}

/// Why the caller may not act for a user.
struct Refused {
    why: &'static str,
    /// Whether the user is to read of it. What a stranger tries is a line of log alone:
    /// they could fill the records of anybody.
    concerns_delegator: bool,
}

impl StartDelegation {
    /// The id of the grant by which the caller acts for the delegator.
    async fn look(
        &self,
        context: &Context,
        delegator: &str,
    ) -> Result<Result<String, Refused>, StartDelegationError> {
        let Delegating { settings, state } = &self.0;
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let roles = async {
            match settings.of_admins {
                true => Ok(None),
                false => if_present(okta.list_assigned_roles_for_user(delegator)).await,
            }
        };
        let groups = async {
            match settings.of_admins && settings.any_agent {
                true => Ok(None),
                false => people::groups(okta, delegator).await.map(Some),
            }
        };
        let own_groups = async {
            match settings.any_agent {
                true => Ok(None),
                false => people::groups(okta, uid).await.map(Some),
            }
        };
        let read = async {
            let (user, agent) = (okta.get_user(delegator), okta.get_user(uid));
            futures::try_join!(if_present(user), if_present(agent), roles, groups, own_groups)
        };
        let (read, kept) = futures::join!(read, state.grants(delegator));
        let (user, agent, roles, groups, own_groups) = read.map_err(StartDelegationError::Okta)?;
        let kept = kept.map_err(StartDelegationError::State)?;
        // Okta finds users by short names, too: the record would be nobody's.
        let Some(user) = user.filter(|user| user.id.as_str() == delegator) else {
            return Ok(Err(Refused { why: "there is no such user", concerns_delegator: false }));
        };
        let is_known = kept.knows(uid) || Grants::of(&user).0.iter().any(|grant| grant.agent == uid);
        let shared = |one: &Option<Vec<Group>>, other: &Option<Vec<Group>>| match (one, other) {
            (Some(one), Some(other)) => people::share_a_tenant(one, other),
            _ => false,
        };
        let concerns_delegator = is_known || shared(&groups, &own_groups);
        let refused = |why| Ok(Err(Refused { why, concerns_delegator }));
        if delegator == uid {
            return refused("nobody acts for themself");
        }
        if !agent.is_some_and(|agent| people::is_active(&agent)) {
            return refused("the agent is not active");
        }
        if !people::is_active(&user) {
            return refused("the delegator is not active");
        }
        let counted = self.0.counted(&user, &kept);
        let Some(grant) = counted.of_agent(uid, okta.now()) else {
            return refused("not nominated, or not any more");
        };
        let is_admin = roles.is_none_or(|roles| !roles.is_empty())
            || groups.as_ref().is_none_or(|groups| people::administers(groups));
        if is_admin && !settings.of_admins {
            return refused("the delegator is an administrator");
        }
        if let (Some(groups), Some(own)) = (&groups, &own_groups)
            && !people::share_a_tenant(groups, own)
        {
            return refused("the agent is of another tenant");
        }
        Ok(Ok(grant.id.clone()))
    }
}
