//! `Idempotency-Key`: the same request, sent again, gives the same answer instead
//! of a second execution (after the draft of the IETF's HTTP API group).
//!
//! [`Once`] stands around an operation of the API; the crate `state` keeps the
//! answers.

use aws_lc_rs::digest::{SHA256, digest};
use lambda_kit::{Context, Decode, Endpoint, Example, QueryParameter, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::{Value, json};
use state::{Begun, State};

/// An operation that is executed once for an `Idempotency-Key`.
///
/// The key belongs to the caller and the operation. An answer that says "done" is
/// kept for a day; after any other the key is free again, because nothing was done
/// or the same request completes it.
#[derive(Debug)]
pub struct Once<E> {
    endpoint: E,
    state: State,
}

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

    fn decode(request: &Request) -> Result<Self, Failure> {
        let key = match &request.parts.idempotency_keys[..] {
            [] => None,
            [key] => Some(Key::of(key, request)?),
            [_, _, ..] => {
                let detail = "must be sent once; which one counts is not for us to say".to_owned();
                return Err(Failure::violation("header.Idempotency-Key", detail));
            }
        };
        Ok(Self { input: I::decode(request)?, key })
    }
}

impl Key {
    fn of(key: &str, request: &Request) -> Result<Self, Failure> {
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = "must have 1 to 255 printable characters, without spaces".to_owned();
            return Err(Failure::violation("header.Idempotency-Key", detail));
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
    type Error = Failure;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { endpoint: E::prepare(environment)?, state: State::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input<E::Input>) -> Result<Success<Value>, Failure> {
        let Some(key) = input.key else { return self.execute(context, input.input).await };
        let run = &context.run;
        let id = format!("{}#{}#{}", context.caller.uid, E::OPERATION.name, key.key);
        let replay = match self.state.begin_replay(run, &id, key.fingerprint).await? {
            Begun::Answered(answer) => return Ok(Success::from_value(&answer)),
            Begun::New(replay) => replay,
        };
        let result = self.execute(context, input.input).await;
        match &result {
            Ok(success) => replay.finish(run, &success.to_value()).await,
            Err(_) => replay.forget().await,
        }
        result
    }

    fn example() -> Example {
        E::example()
    }
}

impl<E: Endpoint> Once<E> {
    async fn execute(&self, context: &Context, input: E::Input) -> Result<Success<Value>, Failure> {
        let success = self.endpoint.call(context, input).await.map_err(Into::into)?;
        success.into_value()
    }
}
