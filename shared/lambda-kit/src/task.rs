//! What nothing of HTTP starts: a schedule, an event, a rotation.

use std::future::Future;

use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An operation that a service of AWS starts. The value is what the operation is
/// configured with.
///
/// The service repeats an invocation that failed: Lambda twice for a schedule or an
/// event, Secrets Manager until a step succeeds. A task therefore converges when it
/// is run again with the same event.
pub trait Task: Sized + Send + Sync + 'static {
    /// The entry in the table.
    const OPERATION: &'static Operation;

    /// What the service sends.
    type Event: DeserializeOwned + Send;

    /// What the invocation answers; a service ignores it, and a person who invokes the
    /// function reads it.
    type Output: Serialize + Send;

    /// One variant per outcome that an operator can act on.
    type Error: Into<Failure> + Send;

    /// Reads what the task is configured with, when the function starts.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment) -> Result<Self, ConfigError>;

    /// Does the work. An error is an error to Lambda.
    fn run(
        &self,
        run: &Run,
        event: Self::Event,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;

    /// An event as the service sends it: the event file and the tests use it.
    fn example() -> Value;
}

/// What EventBridge sends when a schedule fires (EventBridge User Guide, "Scheduled
/// events"). The only member that differs from one firing to the next is the time.
pub fn scheduled_event() -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-01-31T12:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/schedule"],
        "detail": {},
    })
}
