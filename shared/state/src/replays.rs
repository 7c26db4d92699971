//! `Idempotency-Key`: what was answered to a request, for the same request sent
//! again (after the draft of the IETF's HTTP API group). The crate `idempotency` makes
//! an operation of it.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use operations::ProblemCode;
use run_kit::{Failure, Run};
use serde_json::Value;
use tokio::time::Instant;

use crate::State;
use crate::table::{StateError, number, text};

/// How long an answer is kept.
const KEPT_SECONDS: i64 = 86_400;

/// Time after a run's deadline in which a call of it may still arrive.
const GRACE_MS: i64 = 2_000;

/// Longest wait for an execution that is under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wait between two looks at an execution that is under way.
const POLL: Duration = Duration::from_millis(100);

/// One key of one caller, for one operation.
#[derive(Debug)]
pub struct Replay {
    state: State,
    id: String,
    owner: String,
    fingerprint: String,
}

/// What is known of a request with a key.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: the key is this run's now. Finish it, or forget it.
    New(Replay),
    /// The request was answered so.
    Answered(Value),
}

/// Why a request with a key is not executed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The key was sent with another request.
    #[error("use the key for another request")]
    Reused,
    /// The same request is being executed, for longer than this one could wait.
    #[error("wait for the same request")]
    InProgress,
    /// The table did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Reused => Failure::new(
                ProblemCode::IdempotencyKeyReused,
                "the key was sent with another request; use another key for it",
            ),
            ReplayError::InProgress => Failure::new(
                ProblemCode::RequestInProgress,
                "the same request is being executed; send it again to get its answer",
            )
            .retry_after(Duration::from_secs(1)),
            ReplayError::State(error) => error.into(),
        }
    }
}

impl State {
    /// Takes a key for a request with this fingerprint, or gives what was answered to
    /// it; waits for an execution that is under way.
    ///
    /// # Errors
    ///
    /// [`ReplayError`].
    pub async fn begin_replay(
        &self,
        run: &Run,
        key: &str,
        fingerprint: String,
    ) -> Result<Begun, ReplayError> {
        run.permit.wait().await.map_err(StateError::from)?;
        let (id, owner) = (format!("replay#{key}"), run.id.clone());
        let replay = Replay { state: self.clone(), id, owner, fingerprint };
        match replay.begin(run).await? {
            Some(answer) => Ok(Begun::Answered(answer)),
            None => Ok(Begun::New(replay)),
        }
    }
}

impl Replay {
    async fn begin(&self, run: &Run) -> Result<Option<Value>, ReplayError> {
        let patience = run.deadline.min(Instant::now() + PATIENCE);
        loop {
            let now = run.clock.now_ms();
            let left = run.deadline.saturating_duration_since(Instant::now()).as_millis();
            let until = now.saturating_add(i64::try_from(left).unwrap_or(0)).saturating_add(GRACE_MS);
            let put = self
                .item(until / 1_000 + KEPT_SECONDS)
                .item("until", number(until))
                // Our own put may have been repeated after a lost answer.
                .condition_expression(
                    "attribute_not_exists(id) OR expires < :seconds OR #until < :now OR #owner = :owner",
                )
                .expression_attribute_names("#until", "until")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", text(&self.owner))
                .expression_attribute_values(":now", number(now))
                .expression_attribute_values(":seconds", number(now / 1_000))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let error = match put.send().await {
                Ok(_) => return Ok(None),
                Err(error) => error,
            };
            let Some(PutItemError::ConditionalCheckFailedException(held)) = error.as_service_error() else {
                return Err(StateError::new("take the key", error).into());
            };
            let held = held.item().cloned().unwrap_or_default();
            let value = |name: &str| held.get(name).and_then(|value: &AttributeValue| value.as_s().ok());
            if value("fingerprint").is_some_and(|fingerprint| *fingerprint != self.fingerprint) {
                return Err(ReplayError::Reused);
            }
            if let Some(answer) = value("answer").and_then(|answer| serde_json::from_str(answer).ok()) {
                return Ok(Some(answer));
            }
            if Instant::now() + POLL > patience {
                return Err(ReplayError::InProgress);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Keeps the answer. If that fails the key is free again later, and the request
    /// sent again finds what was done.
    pub async fn finish(&self, run: &Run, answer: &Value) {
        let answer = answer.to_string();
        let kept = self.item(run.clock.now_ms() / 1_000 + KEPT_SECONDS).item("answer", text(answer));
        if let Err(error) = kept.send().await {
            tracing::warn!(error = %StateError::new("keep the answer", error), "an answer is not kept");
        }
    }

    /// Frees the key.
    pub async fn forget(&self) {
        let delete = self.state.dynamodb.delete_item().table_name(&self.state.table);
        let delete = delete
            .key("id", text(&self.id))
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(&self.owner));
        if let Err(error) = delete.send().await {
            tracing::warn!(error = %StateError::new("free the key", error), "a key stays");
        }
    }

    fn item(&self, expires: i64) -> PutItemFluentBuilder {
        let put = self.state.dynamodb.put_item().table_name(&self.state.table);
        put.item("id", text(&self.id))
            .item("owner", text(&self.owner))
            .item("fingerprint", text(&self.fingerprint))
            .item("expires", number(expires))
    }
}
