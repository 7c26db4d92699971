//! Tells Okta whom the user of a token acts for.
//!
//! # Okta calls
//!
//! At the same time: `getUser` of the delegator and of the agent. Two calls, one in
//! a row, and none for a token without a delegation.
//!
//! # In this order
//!
//! 1. The delegation is found by its id, or, where Okta sends no `state`, as the
//!    newest of this agent and client. One that was started by another user or for
//!    another client is refused, and stays theirs.
//! 2. Both users are read: both active, the agent still nominated.
//! 3. The delegation is used up, by one conditional write that also keeps the
//!    record: of two calls at once, one gets it.
//!
//! So a call that is refused at 1 or 2 uses nothing up, and a token never says more
//! than what was true a moment ago.
//!
//! # In doubt
//!
//! The token stays the agent's own, or, by the configuration, there is none.

use lambda_kit::{ConfigError, Context, Example, Hook, Resources};
use okta_client::models::User;
use operations::Operation;
use serde_json::{Map, Value, json};
use state::{Event, Record, Reference, Started};
use tenancy::if_present;

use crate::grants::Grants;
use crate::patch::{ACCESS, IDENTITY, Patch, deny, nothing};
use crate::payload::{Payload, Unclear};
use crate::people;
use crate::settings::Settings;

/// The operation `enrich-agent-token`.
pub struct EnrichAgentToken;

/// Why the token does not say that the agent acts.
enum Refusal {
    /// Nobody asked for it.
    NotAsked,
    /// What was asked for cannot be confirmed, and why.
    Doubt(&'static str),
}

impl Hook for EnrichAgentToken {
    const OPERATION: &'static Operation = operations::get("enrich-agent-token");

    async fn prepare(resources: &Resources) -> Result<(), ConfigError> {
        Settings::prepare(resources).await
    }

    async fn call(context: &Context, payload: Value) -> Value {
        let settings = Settings::for_request(context).await;
        match delegate(context, &settings, &payload).await {
            Ok(commands) => commands,
            Err(Refusal::NotAsked) => nothing(),
            Err(Refusal::Doubt(why)) => {
                tracing::warn!(why, "a token is not delegated");
                doubt(&settings)
            }
        }
    }

    async fn doubt(resources: &Resources) -> Value {
        doubt(&Settings::of(resources).await)
    }

    fn example() -> Example {
        Example {
            target: "/tokenEnrichment/agent",
            body: Some(json!({
                "eventType": "com.okta.oauth2.tokens.transform",
                "data": {
                    "context": {
                        "protocol": {
                            "request": { "state": "dlg_kG1Yc0Zb2gq5Hn8vJd3sXw7RtLm4EaPuVi6TfBy9oQc" },
                            "client": { "id": "0oa1delegation000001" },
                        },
                        "user": { "id": "00u00000000000000008" },
                    },
                    "access": { "claims": { "uid": "00u00000000000000008", "cid": "0oa1delegation000001" } },
                },
            })),
            answer: None,
        }
    }
}

fn doubt(settings: &Settings) -> Value {
    if settings.deny { deny("The delegation could not be confirmed.") } else { nothing() }
}

async fn delegate(context: &Context, settings: &Settings, payload: &Value) -> Result<Value, Refusal> {
    let payload = Payload::of(payload).map_err(|unclear| match unclear {
        Unclear::Foreign => Refusal::NotAsked,
        Unclear::Contradictory => Refusal::Doubt("the payload does not say who and which client"),
    })?;
    let reference = payload.reference().ok_or(Refusal::NotAsked)?;
    let found = state::find(context, reference).await.map_err(|error| unavailable(&error))?;
    let started = match (found, reference) {
        (Some(started), _) => started,
        (None, Reference::Newest { .. }) => return Err(Refusal::NotAsked),
        (None, Reference::Id(_)) => return Err(Refusal::Doubt("there is no delegation of this id")),
    };
    let mut record = Record {
        table: &settings.records,
        delegator: &started.delegation.delegator,
        event: Event::Use,
        agent: payload.user,
        client: payload.client,
        request_id: &context.request_id,
        refused: None,
        delegation: &started.fingerprint,
    };
    let result = confirm(context, settings, &payload, &started, &record).await;
    if let Err(Refusal::Doubt(why)) = &result {
        record.refused = Some(why);
        // The log has it, and the token is not delegated.
        if let Err(error) = state::record(context, &record).await {
            tracing::warn!(error = %error, "a refusal is not in the table");
        }
    }
    result
}

/// Looks at everything, uses the delegation up, and says what to write.
async fn confirm(
    context: &Context,
    settings: &Settings,
    payload: &Payload<'_>,
    started: &Started,
    record: &Record<'_>,
) -> Result<Value, Refusal> {
    let (okta, of) = (&context.okta, &started.delegation);
    if of.agent != payload.user || of.client != payload.client {
        return Err(Refusal::Doubt("another user or client than it was started by"));
    }
    if !started.is_usable {
        return Err(Refusal::Doubt("used up, or too late"));
    }
    let Some(access) = payload.access else {
        return Err(Refusal::Doubt("no access token is to be issued"));
    };
    let read =
        futures::try_join!(if_present(okta.get_user(&of.delegator)), if_present(okta.get_user(&of.agent)));
    let (delegator, agent) = read.map_err(|error| {
        tracing::error!(error = %error, "Okta does not say who they are");
        Refusal::Doubt("Okta does not answer")
    })?;
    let Some(delegator) = delegator.filter(people::is_active) else {
        return Err(Refusal::Doubt("the delegator is not active"));
    };
    if !agent.is_some_and(|agent| people::is_active(&agent)) {
        return Err(Refusal::Doubt("the agent is not active"));
    }
    if !Grants::of(&delegator).allow(&of.agent, okta.now()) {
        return Err(Refusal::Doubt("not nominated any more"));
    }
    let commands = commands(settings, started, &delegator, access, payload.identity);
    match state::consume(context, started, record).await {
        Ok(true) => Ok(commands),
        Ok(false) => Err(Refusal::Doubt("used up by another call")),
        Err(error) => Err(unavailable(&error)),
    }
}

fn unavailable(error: &state::StateError) -> Refusal {
    tracing::error!(error = %error, "the table does not answer");
    Refusal::Doubt("the table does not answer")
}

/// What makes the tokens delegated ones. The three claims, and that two of them are
/// text, are the predecessor's.
fn commands(
    settings: &Settings,
    started: &Started,
    delegator: &User,
    access: &Map<String, Value>,
    identity: Option<&Map<String, Value>>,
) -> Value {
    let attribute = |name: &String| delegator.profile.get(name).cloned().unwrap_or_default();
    let sub = match settings.sub.as_str() {
        "id" => json!(delegator.id),
        _ => attribute(&settings.sub),
    };
    let mut patch = Patch::of(access);
    patch.set("can_delegate", &json!("False"));
    patch.set("on_behalf", &json!("True"));
    patch.set("on_behalf_sub", &sub);
    if settings.actor_claims {
        let agent = access.get("sub").cloned().unwrap_or_else(|| json!(started.delegation.agent));
        patch.set("act", &json!({ "sub": agent }));
        patch.set("delegation_id", &json!(started.fingerprint));
    }
    for name in &settings.access_claims {
        patch.set(name, &attribute(name));
    }
    let identity = identity.and_then(|claims| {
        let mut patch = Patch::of(claims);
        for name in &settings.identity_claims {
            patch.set(name, &attribute(name));
        }
        patch.command(IDENTITY)
    });
    let commands: Vec<Value> = patch.command(ACCESS).into_iter().chain(identity).collect();
    json!({ "commands": commands })
}
