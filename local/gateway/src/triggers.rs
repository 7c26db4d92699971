//! What starts functions besides the API, started by hand: schedules, events on the
//! bus, rotations of secrets. Each is an invocation as AWS makes it, with the event
//! that AWS sends; the answer says what the function did, which AWS tells nobody.

use std::sync::Arc;
use std::time::Duration;

use aws_emulator::faults::Fault;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::aws::{ACCOUNT, FUNCTIONS, REGION, request_id};
use crate::deployment::Deployment;
use crate::lambda::InvokeError;
use crate::template::{Function, Template, Trigger};

/// The routes; on Lambda's port.
pub(crate) fn routes() -> Router<Arc<Deployment>> {
    Router::new()
        .route("/_local/schedules/{name}", post(fire))
        .route("/_local/events", post(put_event))
        .route("/_local/rotate/{*secret}", post(rotate))
        .route("/_local/faults", post(order_fault).delete(clear_faults))
        .route("/_local/reset", post(reset))
}

/// What starts which function, for scripts: `--json` prints it.
pub(crate) fn list(gateway: &Deployment) -> Value {
    let mut triggers = Vec::new();
    for (binary, function) in &gateway.template.functions {
        triggers.extend(function.routes.iter().map(
            |route| json!({ "function": binary, "kind": "api", "method": route.method, "path": route.path }),
        ));
        triggers.extend(function.triggers.iter().map(|trigger| match trigger {
            Trigger::Schedule { every, enabled } => {
                json!({ "function": binary, "kind": "schedule", "seconds": every.as_secs(), "enabled": enabled })
            }
            Trigger::Bus { sources } => {
                json!({ "function": binary, "kind": "event", "sources": sources })
            }
            Trigger::SecretRotation => json!({ "function": binary, "kind": "rotation" }),
        }));
    }
    triggers.into()
}

async fn order_fault(State(gateway): State<Arc<Deployment>>, Json(fault): Json<Fault>) -> StatusCode {
    gateway.faults.order(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(gateway): State<Arc<Deployment>>) -> StatusCode {
    gateway.faults.clear();
    StatusCode::NO_CONTENT
}

/// The tables of a new stack again; `POST /_emulator/reset` is the same for the org.
async fn reset(State(gateway): State<Arc<Deployment>>) -> Response {
    match gateway.tables.reset() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}

/// The schedules that are on: function and period.
pub(crate) fn schedules(gateway: &Deployment) -> Vec<(String, Duration)> {
    let mut schedules = Vec::new();
    for (binary, function) in &gateway.template.functions {
        schedules.extend(function.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Schedule { every, enabled: true } => Some((binary.clone(), *every)),
            _ => None,
        }));
    }
    schedules
}

/// Fires the schedule of a function again and again.
pub(crate) async fn keep_firing(gateway: Arc<Deployment>, function: String, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        // What becomes of it stands in the function's log.
        let _ = invoke(&gateway, &function, &scheduled_event(&function)).await;
    }
}

async fn fire(State(gateway): State<Arc<Deployment>>, Path(name): Path<String>) -> Response {
    let is_scheduled =
        |function: &Function| function.triggers.iter().any(|t| matches!(t, Trigger::Schedule { .. }));
    if !gateway.template.functions.get(&name).is_some_and(is_scheduled) {
        return unknown(&format!("there is no schedule `{name}`"));
    }
    Json(invoke(&gateway, &name, &scheduled_event(&name)).await).into_response()
}

async fn put_event(State(gateway): State<Arc<Deployment>>, body: Bytes) -> Response {
    let Ok(Value::Object(given)) = serde_json::from_slice(&body) else {
        let message = "send a JSON object with `source`, `detail-type` and `detail`";
        return (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response();
    };
    let mut event = common();
    event.extend(given);
    let of = event.get("source").and_then(Value::as_str).unwrap_or_default();
    let is_for = |source: &String| match source.strip_suffix('*') {
        Some(prefix) => of.starts_with(prefix),
        None => source == of,
    };
    let matches = |trigger: &Trigger| match trigger {
        Trigger::Bus { sources } => sources.iter().any(is_for),
        _ => false,
    };
    let functions = gateway.template.functions.iter();
    let matching = functions.filter(|(_, function)| function.triggers.iter().any(matches));
    let mut invoked = Vec::new();
    for (binary, _) in matching {
        invoked.push(invoke(&gateway, binary, &Value::Object(event.clone())).await);
    }
    Json(json!({ "invoked": invoked })).into_response()
}

/// ARN of the function that rotates secrets.
pub(crate) fn rotating(template: &Template) -> Option<String> {
    let mut functions = template.functions.values();
    let function = functions.find(|function| function.triggers.contains(&Trigger::SecretRotation))?;
    Some(format!("{FUNCTIONS}{}", function.name))
}

/// `RotateSecret`, and waits for the end: the steps of every sequence.
async fn rotate(State(gateway): State<Arc<Deployment>>, Path(secret): Path<String>) -> Response {
    let Some(function) = rotating(&gateway.template) else { return unknown("no function rotates secrets") };
    match gateway.vault.rotate(&secret, &function).await {
        Ok(steps) => {
            let done = steps.last().is_some_and(|last| last.ok);
            Json(json!({ "status": if done { "rotated" } else { "failed" }, "steps": steps })).into_response()
        }
        Err(message) => unknown(&message),
    }
}

fn unknown(message: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
}

/// Invokes a function; says what `Invoke` says.
async fn invoke(gateway: &Deployment, function: &str, event: &Value) -> Value {
    let result = match gateway.lambda.pool(function) {
        Ok(pool) => pool.invoke(event.to_string().into()).await,
        Err(error) => Err(error),
    };
    let json = |payload: &[u8]| serde_json::from_slice::<Value>(payload).unwrap_or_default();
    match result {
        Ok(payload) => json!({ "function": function, "payload": json(&payload) }),
        Err(InvokeError::Function(error)) => {
            json!({ "function": function, "functionError": "Unhandled", "payload": error })
        }
        Err(error) => {
            let payload = json!({ "errorMessage": error.to_string() });
            json!({ "function": function, "functionError": "Unhandled", "payload": payload })
        }
    }
}

/// What EventBridge sends when a schedule fires.
fn scheduled_event(function: &str) -> Value {
    let mut event = common();
    event.insert("source".to_owned(), "aws.events".into());
    event.insert("detail-type".to_owned(), "Scheduled Event".into());
    event.insert(
        "resources".to_owned(),
        json!([format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{function}")]),
    );
    Value::Object(event)
}

/// The members that every event has (EventBridge User Guide, "Event structure").
fn common() -> Map<String, Value> {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let members = [
        ("version", json!("0")),
        ("id", json!(request_id())),
        ("account", json!(ACCOUNT)),
        ("time", json!(time)),
        ("region", json!(REGION)),
        ("resources", json!([])),
        ("detail", json!({})),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
