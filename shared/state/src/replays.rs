//! `Idempotency-Key`: the same request, sent again, gives the same answer instead
//! of a second execution (after the draft of the IETF's HTTP API group).

use std::marker::PhantomData;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use lambda_kit::{
    ConfigError, Context, Decode, Endpoint, Example, Problem, QueryParameter, Request, Resources, Success,
};
use operations::{Operation, ProblemCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::State;
use crate::table::{StateError, now_ms, number, text};

/// How long an answer is kept.
const KEPT_SECONDS: i64 = 86_400;

/// Time after a request's deadline in which a call of it may still arrive.
const GRACE_MS: i64 = 2_000;

/// Longest wait for an execution that is under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wait between two looks at an execution that is under way.
const POLL: Duration = Duration::from_millis(100);

/// An operation that is executed once for an `Idempotency-Key`.
///
/// The key belongs to the caller and the operation. An answer that says "done" is
/// kept for a day; after any other the key is free again, because nothing was done
/// or the same request completes it.
#[derive(Debug)]
pub struct Once<E>(PhantomData<fn() -> E>);

/// The operation's input, and the key.
#[derive(Debug)]
pub struct Input<I> {
    input: I,
    key: Option<Key>,
}

#[derive(Debug)]
struct Key {
    /// As sent.
    key: String,
    /// Digest of path and body.
    fingerprint: String,
}

impl<I: Decode> Decode for Input<I> {
    type Body = I::Body;

    const BODY_REQUIRED: bool = I::BODY_REQUIRED;
    const QUERY: &'static [QueryParameter] = I::QUERY;

    fn decode(request: &Request) -> Result<Self, Problem> {
        let key = match &request.parts.idempotency_key {
            None => None,
            Some(key) => Some(Key::of(key, request)?),
        };
        Ok(Self { input: I::decode(request)?, key })
    }
}

impl Key {
    fn of(key: &str, request: &Request) -> Result<Self, Problem> {
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = "must have 1 to 255 printable characters, without spaces".to_owned();
            return Err(Problem::violation("header.Idempotency-Key", detail));
        }
        let said = json!([request.parts.path, request.parts.query]).to_string();
        let said = [said.as_bytes(), b"\n", &request.parts.body].concat();
        let fingerprint = digest(&SHA256, &said).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { key: key.to_owned(), fingerprint })
    }
}

impl<E: Endpoint> Endpoint for Once<E> {
    const OPERATION: &'static Operation = E::OPERATION;
    type Input = Input<E::Input>;
    type Output = Value;
    type Error = Problem;

    async fn prepare(resources: &Resources) -> Result<(), ConfigError> {
        E::prepare(resources).await
    }

    async fn call(context: &Context, input: Input<E::Input>) -> Result<Success<Value>, Problem> {
        let Some(key) = input.key else { return run::<E>(context, input.input).await };
        let replay = Replay {
            state: State::of(context).await,
            id: format!("replay#{}#{}#{}", context.caller.uid, E::OPERATION.name, key.key),
            owner: context.request_id.clone(),
            fingerprint: key.fingerprint,
        };
        if let Some(answer) = replay.begin(context).await? {
            return Ok(answer);
        }
        let result = run::<E>(context, input.input).await;
        match &result {
            Ok(success) => replay.finish(success).await,
            Err(_) => replay.forget().await,
        }
        result
    }

    fn example() -> Example {
        E::example()
    }
}

async fn run<E: Endpoint>(context: &Context, input: E::Input) -> Result<Success<Value>, Problem> {
    let success = E::call(context, input).await.map_err(Into::into)?;
    success.into_value()
}

/// One key of one caller.
struct Replay {
    state: State,
    id: String,
    owner: String,
    fingerprint: String,
}

impl Replay {
    /// Takes the key, or gives the answer that was kept for it; waits for an
    /// execution that is under way.
    async fn begin(&self, context: &Context) -> Result<Option<Success<Value>>, Problem> {
        let patience = context.deadline.min(Instant::now() + PATIENCE);
        loop {
            let now = now_ms();
            let left = context.deadline.saturating_duration_since(Instant::now()).as_millis();
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
                let detail = "the key was sent with another request; use another key for it";
                return Err(Problem::new(ProblemCode::IdempotencyKeyReused, detail));
            }
            if let Some(answer) = value("answer").and_then(|answer| serde_json::from_str(answer).ok()) {
                return Ok(Some(Success::from_value(&answer)));
            }
            if Instant::now() + POLL > patience {
                let detail = "the same request is being executed; send it again to get its answer";
                return Err(
                    Problem::new(ProblemCode::RequestInProgress, detail).retry_after(Duration::from_secs(1))
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Keeps the answer. If that fails the key is free again later, and the request
    /// sent again finds what was done.
    async fn finish(&self, success: &Success<Value>) {
        let answer = success.to_value().to_string();
        let kept = self.item(now_ms() / 1_000 + KEPT_SECONDS).item("answer", text(answer));
        if let Err(error) = kept.send().await {
            tracing::warn!(error = %StateError::new("keep the answer", error), "an answer is not kept");
        }
    }

    /// Frees the key.
    async fn forget(&self) {
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

    fn item(&self, expires: i64) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
        let put = self.state.dynamodb.put_item().table_name(&self.state.table);
        put.item("id", text(&self.id))
            .item("owner", text(&self.owner))
            .item("fingerprint", text(&self.fingerprint))
            .item("expires", number(expires))
    }
}
