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

use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use okta_client::models::{User, UserSchema, UserType, UserTypeId};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Object, Undo, Undone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{Change, Event, LockError, Locks, StateError, holding};
use tenancy::if_present;

use crate::grants::{AGENTS, GRANTS, Grants};
use crate::people::{self, ChangeError, Delegating};

/// The operation `set-delegation`.
pub struct SetDelegation(Delegating);

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
    /// The table did not answer; nothing was changed.
    State(StateError),
    /// The change was not made.
    Change(ChangeError),
}

impl From<SetDelegationError> for Failure {
    fn from(error: SetDelegationError) -> Self {
        match error {
            SetDelegationError::NotOffered => Failure::new(
                ProblemCode::DelegationNotActive,
                "this deployment has no type of users for delegators, or the type lacks `delegatedAgents`: report it to an administrator of the org",
            ),
            SetDelegationError::Lost(attributes) => Failure::new(
                ProblemCode::AttributesWouldBeLost,
                format!(
                    "the other type of users lacks `{}`, which your profile has; ask an administrator of the org to add it",
                    attributes.join("`, `")
                ),
            ),
            SetDelegationError::NotActive => people::not_active(),
            SetDelegationError::Lock(error) => error.into(),
            SetDelegationError::Okta(error) => Failure::okta("read the user", &error),
            SetDelegationError::State(error) => error.into(),
            SetDelegationError::Change(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let body: Body = request.body()?;
        Ok(Self { on: matches!(body.op, Op::Activate) })
    }
}

impl Endpoint for SetDelegation {
    const OPERATION: &'static Operation = operations::get("set-delegation");
    type Input = Input;
    type Output = Output;
    type Error = SetDelegationError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Delegating::prepare(environment)?))
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, SetDelegationError> {
        let active = input.on;
        let changed = holding(&self.0.state, &context.run, |locks| self.set(context, input, locks)).await;
        changed.map(|()| Success::new(Output { active }))
    }

    fn example() -> Example {
        Example {
            target: "/delegator/delegation",
            body: Some(json!({ "op": "DEACTIVATE" })),
            answer: Some(json!({ "active": false })),
        }
    }
}

impl SetDelegation {
    async fn set(&self, context: &Context, input: Input, locks: Locks) -> Result<(), SetDelegationError> {
        let (okta, uid) = (context.run.okta.forward(), context.caller.uid.as_str());
        let (run, settings) = (&context.run, &self.0.settings);
        let Some(delegators) = &settings.delegator_type else { return Err(SetDelegationError::NotOffered) };
        let wanted = if input.on { Some(delegators) } else { settings.user_type.as_ref() };
        locks.take(Change::User(uid)).await.map_err(SetDelegationError::Lock)?;
        let read = async { futures::try_join!(if_present(okta.get_user(uid)), user_type(context, wanted)) };
        let (read, kept) = futures::join!(read, self.0.state.grants(uid));
        let (user, kind) = read.map_err(SetDelegationError::Okta)?;
        let kept = kept.map_err(SetDelegationError::State)?;
        let Some(user) = user.filter(people::is_active) else { return Err(SetDelegationError::NotActive) };
        let Some(kind) = kind else { return Err(SetDelegationError::NotOffered) };
        let (event, set) = match input.on {
            true => (Event::Activate, json!([])),
            false => (Event::Deactivate, Value::Null),
        };
        let record = self.0.record(context, event, "");
        let none = Grants(Vec::new());
        // What was granted before must not come back when delegation is switched on again.
        let forgotten = (!input.on).then_some((&kept, &none));
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
            if change.is_empty() && (input.on || kept.current.is_empty()) {
                return Ok(());
            }
            let written = self.0.write_profile(run, &user, change, forgotten, &record).await;
            return written.map_err(SetDelegationError::Change);
        }
        let schema = okta.get_user_schema(&kind).await.map_err(SetDelegationError::Okta)?;
        let profile = profile_of(&user, &schema, input.on)?;
        let (id, before, former) = (user.id.clone(), user.profile.clone(), user.kind.id.clone());
        let undo = Undo::new(Object::new("user", user.login(), &user.id), |okta| async move {
            okta.replace_user(&id, &before, &former).await.map(|_| Undone::Entirely)
        });
        let written = okta.replace_user(&user.id, &profile, &kind.id);
        self.0.recorded(run, written, undo, forgotten, &record).await.map_err(SetDelegationError::Change)
    }
}

/// The type with this id, or the org's default.
async fn user_type(context: &Context, wanted: Option<&UserTypeId>) -> Result<Option<UserType>, Error> {
    match wanted {
        Some(id) => if_present(context.run.okta.forward().get_user_type(id)).await,
        None => Ok(context.run.okta.forward().list_user_types().await?.into_iter().find(|kind| kind.default)),
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
