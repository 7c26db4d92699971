//! The invocations of a rotation's function.
//!
//! Evidence: Secrets Manager User Guide, "Lambda rotation functions" (the event, the order of
//! the steps; "if any rotation step fails, Secrets Manager retries the entire rotation process
//! multiple times"); API Reference 2017-10-17, `RotateSecret` (with `RotateImmediately` false
//! the configuration is tested "by running the testSecret step", with a version that is made
//! and removed). How often it tries, and how far apart, is not documented: three times here,
//! at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::secret_rotation::Begun;
use crate::secrets;
use crate::shared::Shared;

/// The steps, in order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// How often the sequence is begun.
const SEQUENCES: usize = 3;

/// Longest answer of a function.
const ANSWER: Duration = Duration::from_secs(60);

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stepped {
    /// Secrets Manager's word.
    pub step: &'static str,
    /// Whether the function answered without an error.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What the function said instead.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub error: Value,
}

/// Invokes the function for one step after the other, and begins anew where a step fails.
pub(crate) async fn run(shared: Arc<Shared>, begun: Begun) -> Vec<Stepped> {
    let mut all = Vec::new();
    let sequences = if begun.test_only { 1 } else { SEQUENCES };
    for _ in 0..sequences {
        let steps = if begun.test_only { &STEPS[2..3] } else { &STEPS[..] };
        let mut ok = true;
        for step in steps {
            let stepped = invoke(&shared, &begun, step).await;
            ok = stepped.ok;
            all.push(stepped);
            if !ok {
                break;
            }
        }
        if ok {
            break;
        }
    }
    let ok = all.last().is_some_and(|stepped| stepped.ok);
    let now = shared.now();
    let mut state = shared.state();
    if let Some(secret) = state.secrets.get_mut(&begun.secret) {
        if begun.test_only {
            secret.drop_label(secrets::PENDING);
        } else if let Some(rotation) = secret.rotation.as_mut().filter(|_| ok) {
            rotation.last = Some(now);
        }
    }
    drop(state);
    shared.rotation_has_ended();
    all
}

async fn invoke(shared: &Shared, begun: &Begun, step: &'static str) -> Stepped {
    let began = Instant::now();
    let error = answer(shared, begun, step).await.err();
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Stepped { step, ok: error.is_none(), ms, error: error.unwrap_or_default() }
}

/// What the function answers to a step: nothing, or an error.
async fn answer(shared: &Shared, begun: &Begun, step: &str) -> Result<(), Value> {
    let Some(lambda) = shared.lambda() else { return Err(json!("there is no Lambda")) };
    let name = begun.function.rsplit(':').next().unwrap_or_default();
    let url = format!("{lambda}/2015-03-31/functions/{name}/invocations");
    let event = json!({ "Step": step, "SecretId": begun.arn, "ClientRequestToken": begun.token }).to_string();
    let sent = shared.http().post(url).timeout(ANSWER).body(event).send().await;
    match sent {
        Ok(answer) if answer.status().is_success() => {
            let is_error = answer.headers().contains_key("x-amz-function-error");
            let payload = answer.json().await.unwrap_or_default();
            if is_error { Err(payload) } else { Ok(()) }
        }
        Ok(answer) => Err(json!(format!("Lambda answers {}", answer.status()))),
        Err(error) => Err(json!(error.without_url().to_string())),
    }
}
