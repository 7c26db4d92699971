//! Tells Okta whom the user of a token acts for.
//!
//! # Okta calls
//!
//! At the same time: `getUser` of the delegator and of the agent, and the grants in the table. Two calls, one in
//! a row, and none for a token without a delegation.
//!
//! # In this order
//!
//! 1. The delegation is found by its id, or, where Okta sends no `state`, as the
//!    newest of this agent and client. One that was started by another user or for
//!    another client is refused, and stays theirs.
//! 2. Both users are read: both active, the agent still nominated, by the grant that the
//!    delegation was started by.
//! 3. The delegation is used up, by one conditional write that also keeps the
//!    record: of two calls at once, one gets it.
//!
//! So a call that is refused at 1 or 2 uses nothing up, and a token never says more
//! than what was true a moment ago.
//!
//! # In doubt
//!
//! The token stays the agent's own, or, by the configuration, there is none.

use lambda_kit::{Example, Hook};
use okta_client::models::User;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Run};
use serde_json::{Map, Value, json};
use state::{Event, Record, Reference, Started};
use tenancy::if_present;
use tokio::time::Instant;

use crate::patch::{ACCESS, IDENTITY, Patch, deny, nothing};
use crate::payload::{Payload, Unclear};
use crate::people::{self, Delegating};
use crate::settings::Settings;

/// The operation `enrich-agent-token`.
pub struct EnrichAgentToken(Delegating);

/// Why the token does not say that the agent acts.
enum Refusal {
    /// Nobody asked for it.
    NotAsked,
    /// What was asked for cannot be confirmed, and why; what the log gets besides.
    Doubt(&'static str, Option<Failure>),
}

impl Hook for EnrichAgentToken {
    const OPERATION: &'static Operation = operations::get("enrich-agent-token");

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(Delegating::prepare(environment)?))
    }

    fn unasked(payload: &Value) -> Option<Value> {
        let is_asked = match Payload::of(payload) {
            Ok(payload) => payload.reference().is_some(),
            Err(unclear) => unclear == Unclear::Contradictory,
        };
        (!is_asked).then(nothing)
    }

    async fn call(&self, run: &Run, payload: Value) -> Result<Value, Failure> {
        match self.delegate(run, &payload).await {
            Ok(commands) => Ok(commands),
            Err(Refusal::NotAsked) => Ok(nothing()),
            Err(Refusal::Doubt(_, Some(problem))) => Err(problem),
            Err(Refusal::Doubt(_, None)) => Ok(self.doubt()),
        }
    }

    fn doubt(&self) -> Value {
        if self.0.settings.deny { deny("The delegation could not be confirmed.") } else { nothing() }
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

impl EnrichAgentToken {
    async fn delegate(&self, run: &Run, payload: &Value) -> Result<Value, Refusal> {
        let payload = Payload::of(payload).map_err(|unclear| match unclear {
            Unclear::Foreign => Refusal::NotAsked,
            Unclear::Contradictory => {
                tracing::warn!("the payload says of two users or clients that the token is theirs");
                Refusal::Doubt("the payload does not say who and which client", None)
            }
        })?;
        let reference = payload.reference().ok_or(Refusal::NotAsked)?;
        let record = Record {
            table: &self.0.settings.records,
            delegator: "",
            event: Event::Use,
            agent: payload.user,
            client: payload.client,
            request_id: &run.id,
            refused: None,
            delegation: "",
        };
        match self.find(run, reference).await {
            Ok(started) => {
                let (delegator, delegation) = (&started.delegation.delegator, &started.fingerprint);
                let record = Record { delegator, delegation, ..record };
                let result = self.confirm(run, &payload, &started, &record).await;
                self.noted(run, &record, result).await
            }
            Err(refusal) => self.noted(run, &record, Err(refusal)).await,
        }
    }

    /// The result, of which a refusal is recorded.
    async fn noted(
        &self,
        run: &Run,
        record: &Record<'_>,
        result: Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        if let Err(Refusal::Doubt(why, _)) = &result {
            self.0.refuse(run, record, why).await;
        }
        result
    }

    async fn find(&self, run: &Run, reference: Reference<'_>) -> Result<Started, Refusal> {
        match (self.0.state.find(&run.clock, reference).await, reference) {
            (Ok(Some(started)), _) => Ok(started),
            (Ok(None), Reference::Newest { .. }) => Err(Refusal::NotAsked),
            (Ok(None), Reference::Id(_)) => Err(Refusal::Doubt("there is no delegation of this id", None)),
            (Err(error), _) => Err(unavailable(error)),
        }
    }

    /// Looks at everything, uses the delegation up, and says what to write.
    async fn confirm(
        &self,
        run: &Run,
        payload: &Payload<'_>,
        started: &Started,
        record: &Record<'_>,
    ) -> Result<Value, Refusal> {
        let settings = &self.0.settings;
        let doubt = |why| Err(Refusal::Doubt(why, None));
        let (okta, of) = (run.okta.forward(), &started.delegation);
        if of.agent != payload.user || of.client != payload.client {
            return doubt("another user or client than it was started by");
        }
        if !started.is_usable {
            return doubt("used up, or too late");
        }
        let Some(access) = payload.access else { return doubt("no access token is to be issued") };
        let read = async {
            let (delegator, agent) = (okta.get_user(&of.delegator), okta.get_user(&of.agent));
            futures::try_join!(if_present(delegator), if_present(agent))
        };
        let (read, kept) = futures::join!(read, self.0.state.grants(&of.delegator));
        let (delegator, agent) = read.map_err(|error| {
            Refusal::Doubt("Okta does not answer", Some(Failure::okta("read the users", &error)))
        })?;
        let Some(delegator) = delegator.filter(people::is_active) else {
            return doubt("the delegator is not active");
        };
        if !agent.is_some_and(|agent| people::is_active(&agent)) {
            return doubt("the agent is not active");
        }
        let counted = self.0.counted(&delegator, &kept.map_err(unavailable)?);
        // A new grant of the same agent does not revive what was started by the old one.
        if counted.of_agent(&of.agent, okta.now()).is_none_or(|grant| grant.id != of.grant) {
            return doubt("not nominated any more");
        }
        let Some(sub) = sub(settings, &delegator) else {
            return doubt("the delegator has no `on_behalf_sub`");
        };
        let commands = commands(settings, started, &delegator, &sub, access, payload.identity);
        if Instant::now() >= run.deadline {
            // Okta would have given up before it has the answer.
            return doubt("too little time is left");
        }
        match self.0.state.consume(run, started, record).await {
            Ok(true) => Ok(commands),
            Ok(false) => doubt("used up by another call"),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: state::StateError) -> Refusal {
    Refusal::Doubt("the table does not answer", Some(error.into()))
}

/// What `on_behalf_sub` says of the delegator, if it says anything.
fn sub(settings: &Settings, delegator: &User) -> Option<String> {
    let sub = match settings.sub.as_str() {
        "id" => delegator.id.as_str(),
        name => delegator.attribute(name),
    };
    (!sub.is_empty()).then(|| sub.to_owned())
}

/// What makes the tokens delegated ones. The three claims, and that two of them are
/// text, are the predecessor's.
fn commands(
    settings: &Settings,
    started: &Started,
    delegator: &User,
    sub: &str,
    access: &Map<String, Value>,
    identity: Option<&Map<String, Value>>,
) -> Value {
    let attribute = |name: &String| delegator.profile.get(name).cloned().unwrap_or_default();
    let mut patch = Patch::of(access);
    patch.set("can_delegate", &json!("False"));
    patch.set("on_behalf", &json!("True"));
    patch.set("on_behalf_sub", &json!(sub));
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
