//! Operations that Okta tells of what happened: event hooks.
//!
//! Okta sends an event when it has happened, at least once, in any order, and waits
//! three seconds for an answer. After a status of 500 or more, or none, Okta sends the
//! event once more, and then never again. An event hook is therefore quick news and no
//! proof: what must not be missed is also in the System Log.

use std::future::Future;

use lambda_http::Body;
use okta_client::models::LogEvent;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Run};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Example, Success};

/// Longest challenge that is sent back, in characters.
const CHALLENGE: usize = 256;

/// An event hook. There is no authorizer before it: Okta sends the hook's secret as
/// `Authorization`. The value is what the hook is configured with.
pub trait EventHook: Sized + Send + Sync + 'static {
    /// Its entry in the table.
    const OPERATION: &'static Operation;

    /// Reads what the hook is configured with, when the function starts: a function
    /// that cannot work does not start.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment) -> Result<Self, ConfigError>;

    /// Does what follows from the events of one delivery. Each may come twice, or after
    /// a later one.
    ///
    /// # Errors
    ///
    /// `state-unavailable` is answered with 503, and Okta sends the events once more.
    /// Every other failure stands in the log alone: sending them again would not help.
    fn call(&self, run: &Run, events: Vec<LogEvent>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The one sample.
    fn example() -> Example;
}

/// What Okta sends.
#[derive(Deserialize)]
struct Delivery {
    data: Events,
}

#[derive(Deserialize)]
struct Events {
    events: Vec<Value>,
}

/// The events of a delivery. One that cannot be read does not hide the others.
pub(crate) fn events(body: &Body) -> Result<Vec<LogEvent>, Failure> {
    let delivery: Delivery = serde_json::from_slice(body).map_err(|_| {
        Failure::violation("/data/events", "must be the events of an Okta event hook".to_owned())
    })?;
    let readable = |event: Value| {
        LogEvent::deserialize(event)
            .inspect_err(|error| tracing::warn!(%error, "an event cannot be read"))
            .ok()
    };
    Ok(delivery.data.events.into_iter().filter_map(readable).collect())
}

/// The answer to Okta's one-time challenge, which verifies that the hook is ours.
pub(crate) fn verification(event: &lambda_http::Request) -> Result<Success<Value>, Failure> {
    let challenge =
        event.headers().get("x-okta-verification-challenge").and_then(|value| value.to_str().ok());
    let printable = |text: &&str| {
        (1..=CHALLENGE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match challenge.filter(printable) {
        Some(challenge) => Ok(Success::new(json!({ "verification": challenge }))),
        None => {
            let rule =
                format!("`X-Okta-Verification-Challenge` must have 1 to {CHALLENGE} printable characters");
            Err(Failure::new(ProblemCode::InvalidRequest, rule))
        }
    }
}
