//! Exchanges for the check against Okta's published description.
//!
//! If `OKTA_EXCHANGES` names a folder, every emulator of the process writes
//! there what it was asked and what it answered, one JSON object a line and
//! each shape once: the fault tests alone make tens of thousands of calls that
//! look the same.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use http::HeaderMap;
use serde_json::{Value, json};

use crate::call::{Body, Reply};

struct Recorder {
    file: File,
    seen: HashSet<u64>,
}

fn recorder() -> Option<&'static Mutex<Recorder>> {
    static RECORDER: OnceLock<Option<Mutex<Recorder>>> = OnceLock::new();
    let open = || {
        #[expect(clippy::disallowed_methods, reason = "a switch of the test run, read once")]
        let folder = PathBuf::from(std::env::var_os("OKTA_EXCHANGES")?);
        std::fs::create_dir_all(&folder).ok()?;
        let file = File::create(folder.join(format!("{}.jsonl", std::process::id()))).ok()?;
        Some(Mutex::new(Recorder { file, seen: HashSet::new() }))
    };
    RECORDER.get_or_init(open).as_ref()
}

/// Notes one exchange, if its shape is new.
pub(crate) fn record(
    operation_id: &str,
    method: &str,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
    reply: &Reply,
) {
    let Some(recorder) = recorder() else { return };
    let agent = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ours = agent.starts_with("okta-dac/");
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let response = match &reply.body {
        Body::Json(body) => body.clone(),
        Body::Text(kind, _) => json!({ "contentType": kind }),
        Body::None => Value::Null,
    };
    let mut hasher = DefaultHasher::new();
    (operation_id, reply.status, ours).hash(&mut hasher);
    shape(&response, &mut hasher);
    if ours {
        shape(&request, &mut hasher);
    }
    let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
    if recorder.seen.insert(hasher.finish()) {
        let line = json!({
            "operationId": operation_id, "method": method, "path": path, "agent": agent, "request": request,
            "status": reply.status, "json": matches!(reply.body, Body::Json(_)), "response": response,
        });
        // A line that cannot be written is missing in the check's count.
        let _ = writeln!(recorder.file, "{line}");
    }
}

/// Member names and types, not values; of an array the shapes of its elements.
fn shape(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(_) => 1_u8.hash(hasher),
        Value::Number(_) => 2_u8.hash(hasher),
        Value::String(_) => 3_u8.hash(hasher),
        Value::Array(elements) => {
            4_u8.hash(hasher);
            let mut shapes: Vec<u64> = elements
                .iter()
                .map(|element| {
                    let mut hasher = DefaultHasher::new();
                    shape(element, &mut hasher);
                    hasher.finish()
                })
                .collect();
            shapes.sort_unstable();
            shapes.dedup();
            shapes.hash(hasher);
        }
        Value::Object(members) => {
            5_u8.hash(hasher);
            for (name, value) in members {
                name.hash(hasher);
                // A status decides about other members.
                if name == "status" || name == "type" {
                    value.to_string().hash(hasher);
                }
                shape(value, hasher);
            }
        }
    }
}
