//! Makes the caller somebody who can nominate agents (`ACTIVATE`), or undoes it
//! (`DEACTIVATE`): the type of the user changes, the profile stays.
//!
//! # Okta calls
//!
//! 1. Under a lock of the caller, at the same time: `getUser` of the caller,
//!    `getUserType` of the other type (`listUserTypes`, if that is the org's
//!    default).
//! 2. `getUserSchema` of the other type.
//! 3. `replaceUser` with its profile and the other type. Undo: the former ones.
//!
//! Four calls, three in a row; two, if the caller has the type already. `DEACTIVATE`
//! gives the other type to those alone who have the delegators'.
//!
//! # What becomes of the profile
//!
//! Only a replacement can change a type, and attributes that the other type lacks
//! would be lost: then nothing is changed, and the answer names them. `DEACTIVATE`
//! forgets the agents, which is what it is for. Credentials are not part of the
//! request, and stay.

use lambda_kit::{
    ConfigError, Context, Decode, Endpoint, Example, Object, Problem, Request, Resources, Success, Undo,
    Undone,
};
use okta_client::Error;
use okta_client::models::{User, UserSchema, UserType, UserTypeId};
use operations::{Operation, ProblemCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{Change, Event, LockError, Locks};
use tenancy::if_present;

use crate::grants::{AGENTS, GRANTS};
use crate::people;
use crate::settings::Settings;

/// The operation `set-delegation`.
pub struct SetDelegation;

/// On or off.
#[derive(Debug)]
pub struct Input {
    on: bool,
}

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "SetDelegationRequest")]
pub struct Body {
    /// What to do.
    op: Op,
}

/// What to do.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(rename = "SetDelegationOp")]
pub(crate) enum Op {
    /// The caller can nominate agents.
    Activate,
    /// The caller cannot; nobody is an agent any more.
    Deactivate,
}

/// How it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DelegationState")]
pub struct Output {
    /// Whether the caller can nominate agents.
    pub active: bool,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum SetDelegationError {
    /// The deployment has no type of users for it.
    NotOffered,
    /// The other type lacks these attributes.
    Lost(Vec<String>),
    /// The caller cannot sign in.
    NotActive,
    /// Others are changing the caller.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The step failed; the problem says what is left.
    Stopped(Problem),
}

impl From<SetDelegationError> for Problem {
    fn from(error: SetDelegationError) -> Self {
        match error {
            SetDelegationError::NotOffered => Problem::new(
                ProblemCode::DelegationNotActive,
                "this deployment has no type of users for delegators, or the type lacks `delegatedAgents`: report it to an administrator of the org",
            ),
            SetDelegationError::Lost(attributes) => Problem::new(
                ProblemCode::AttributesWouldBeLost,
                format!(
                    "the other type of users lacks `{}`, which your profile has; ask an administrator of the org to add it",
                    attributes.join("`, `")
                ),
            ),
            SetDelegationError::NotActive => people::not_active(),
            SetDelegationError::Lock(error) => error.into(),
            SetDelegationError::Okta(error) => Problem::okta("read the user", &error),
            SetDelegationError::Stopped(problem) => problem,
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Problem> {
        let body: Body = request.body()?;
        Ok(Self { on: matches!(body.op, Op::Activate) })
    }
}

impl Endpoint for SetDelegation {
    const OPERATION: &'static Operation = operations::get("set-delegation");
    type Input = Input;
    type Output = Output;
    type Error = SetDelegationError;

    async fn prepare(resources: &Resources) -> Result<(), ConfigError> {
        Settings::prepare(resources).await
    }

    async fn call(context: &Context, input: Input) -> Result<Success<Output>, SetDelegationError> {
        let locks = Locks::default();
        let result = set(context, &input, &locks).await;
        locks.release().await;
        result.map(|()| Success::new(Output { active: input.on }))
    }

    fn example() -> Example {
        Example {
            target: "/delegator/delegation",
            body: Some(json!({ "op": "DEACTIVATE" })),
            answer: Some(json!({ "active": false })),
        }
    }
}

async fn set(context: &Context, input: &Input, locks: &Locks) -> Result<(), SetDelegationError> {
    let (okta, uid) = (&context.okta, context.caller.uid.as_str());
    let settings = Settings::for_request(context).await;
    let Some(delegators) = &settings.delegator_type else { return Err(SetDelegationError::NotOffered) };
    let wanted = if input.on { Some(delegators) } else { settings.user_type.as_ref() };
    locks.take(context, Change::User(uid)).await.map_err(SetDelegationError::Lock)?;
    let (user, kind) = futures::try_join!(if_present(okta.get_user(uid)), user_type(context, wanted))
        .map_err(SetDelegationError::Okta)?;
    let Some(user) = user.filter(people::is_active) else { return Err(SetDelegationError::NotActive) };
    let Some(kind) = kind else { return Err(SetDelegationError::NotOffered) };
    let (event, set) = match input.on {
        true => (Event::Activate, json!([])),
        false => (Event::Deactivate, Value::Null),
    };
    let record = people::record(context, &settings, event, "");
    // Who has another type than the delegators' keeps it when switching off.
    if user.kind.id == kind.id || (!input.on && user.kind.id != *delegators) {
        // Also after a type was given by hand, or the attributes are on every type.
        let has = |name: &str| user.profile.get(name).is_some_and(|value| !value.is_null());
        let change: Map<String, Value> = match input.on {
            true => (!has(AGENTS)).then(|| (AGENTS.to_owned(), set)).into_iter().collect(),
            false => [AGENTS, GRANTS]
                .into_iter()
                .filter(|name| has(name))
                .map(|n| (n.to_owned(), set.clone()))
                .collect(),
        };
        if change.is_empty() {
            return Ok(());
        }
        let written = people::write_profile(context, &user, change, &record).await;
        return written.map_err(SetDelegationError::Stopped);
    }
    let schema = okta.get_user_schema(&kind).await.map_err(SetDelegationError::Okta)?;
    let profile = profile_of(&user, &schema, input.on)?;
    let (undo, id, before, former) =
        (okta.clone(), user.id.clone(), user.profile.clone(), user.kind.id.clone());
    let undo = Undo::new(Object::new("user", user.login(), &user.id), async move {
        undo.replace_user(&id, &before, &former).await.map(|_| Undone::Entirely)
    });
    let written = okta.replace_user(&user.id, &profile, &kind.id);
    people::recorded(context, written, undo, &record).await.map_err(SetDelegationError::Stopped)
}

/// The type with this id, or the org's default.
async fn user_type(context: &Context, wanted: Option<&UserTypeId>) -> Result<Option<UserType>, Error> {
    match wanted {
        Some(id) => if_present(context.okta.get_user_type(id)).await,
        None => Ok(context.okta.list_user_types().await?.into_iter().find(|kind| kind.default)),
    }
}

/// The profile of a user of the other type: everything that has a value.
fn profile_of(user: &User, schema: &UserSchema, on: bool) -> Result<Map<String, Value>, SetDelegationError> {
    let own = |name: &str| name == AGENTS || name == GRANTS;
    if on && !schema.has(AGENTS) {
        return Err(SetDelegationError::NotOffered);
    }
    let set = user.profile.iter().filter(|(_, value)| !value.is_null());
    let mut profile: Map<String, Value> =
        set.filter(|(name, _)| on || !own(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    if on {
        // An authorization server's claim `can_delegate` asks whether it is set.
        profile.entry(AGENTS).or_insert_with(|| json!([]));
    }
    let lost: Vec<String> = profile.keys().filter(|name| !schema.has(name)).cloned().collect();
    if lost.is_empty() { Ok(profile) } else { Err(SetDelegationError::Lost(lost)) }
}
