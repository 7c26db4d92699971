//! The control interface under `/_emulator`, for tests and demonstrations.
//!
//! | call | effect |
//! |---|---|
//! | `POST /_emulator/token` | an access and an ID token, see [`TokenRequest`] |
//! | `POST /_emulator/api-tokens` | `{"owner": login}`: a new API token, as an admin makes one in the console |
//! | `GET`, `DELETE /_emulator/requests` | the journal of calls, see [`crate::Entry`] |
//! | `GET /_emulator/mail` | what Okta would have mailed, oldest first: `to`, `purpose`, `token`, `url` |
//! | `POST`, `DELETE /_emulator/faults` | orders a fault, see [`crate::Fault`]; removes all |
//! | `GET`, `PUT /_emulator/settings` | the knobs, see [`crate::Settings`]; members that are left out stay |
//! | `PUT /_emulator/dns/{name}` | `{"txt": […]}`: TXT records served at `GET /dns-query` |
//! | `GET /_emulator/snapshot?stable=true` | the state as canonical JSON |
//! | `POST /_emulator/deliver` | delivers what `holdEvents` held, see [`DeliverRequest`] |
//! | `POST /_emulator/reset` | back to the seed; faults, journal, settings and DNS are empty again |
//!
//! Wrong input is answered 400 with a sentence.

use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::TokenRequest;
use crate::call::Reply;
use crate::event_delivery::{self, DeliverRequest};
use crate::state::{State, lock};

/// Answers a control call; `None` if there is no such path.
pub(crate) fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    query: &[(String, String)],
    body: &[u8],
) -> Option<Reply> {
    let done = || Ok(Reply::no_content());
    let result = match (method, path.strip_prefix("/_emulator/")?) {
        ("POST", "token") => {
            read::<TokenRequest>(body).and_then(|request| state.token(&request)).map(Reply::ok)
        }
        ("POST", "api-tokens") => read::<Value>(body)
            .and_then(|request| state.api_token(request["owner"].as_str().unwrap_or_default()))
            .map(|token| Reply::ok(json!({ "token": token }))),
        ("GET", "requests") => Ok(Reply::ok(json!(state.journal))),
        ("DELETE", "requests") => {
            state.journal.clear();
            done()
        }
        ("POST", "faults") => read(body).and_then(|fault| {
            state.faults.push(fault);
            done()
        }),
        ("GET", "mail") => Ok(Reply::ok(json!(state.org.live.mails))),
        ("DELETE", "faults") => {
            state.faults.clear();
            done()
        }
        ("GET", "settings") => Ok(Reply::ok(json!(state.settings))),
        ("PUT", "settings") => read::<Value>(body).and_then(|changes| {
            let mut settings = json!(state.settings);
            if let (Some(settings), Some(changes)) = (settings.as_object_mut(), changes.as_object()) {
                settings.extend(changes.clone());
            }
            state.settings = serde_json::from_value(settings).map_err(|e| e.to_string())?;
            Ok(Reply::ok(json!(state.settings)))
        }),
        ("PUT", path) if path.starts_with("dns/") => read::<Value>(body).and_then(|body| {
            let txt = serde_json::from_value(body["txt"].clone()).map_err(|e| e.to_string())?;
            let name = percent_encoding::percent_decode_str(&path[4..]).decode_utf8_lossy().into_owned();
            state.dns.insert(name, txt);
            done()
        }),
        ("GET", "snapshot") => {
            let stable = query.iter().any(|(name, value)| name == "stable" && value == "true");
            Ok(Reply::ok(state.snapshot(stable)))
        }
        ("POST", "reset") => state.reset().and_then(|()| done()),
        _ => return None,
    };
    Some(result.unwrap_or_else(|sentence| Reply::new(400, json!({ "message": sentence }))))
}

/// Delivers what is held; answers when everything is delivered.
pub(crate) async fn deliver(state: &Mutex<State>, body: &[u8]) -> Reply {
    let request = match body {
        [] => Ok(DeliverRequest::default()),
        body => read::<DeliverRequest>(body),
    };
    match request {
        Ok(request) => {
            let (http, held) = {
                let mut state = lock(state);
                (state.http.clone(), std::mem::take(&mut state.held))
            };
            let delivered = event_delivery::deliver(&http, event_delivery::ordered(held, &request)).await;
            Reply::ok(json!(delivered))
        }
        Err(sentence) => Reply::new(400, json!({ "message": sentence })),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not what this call takes: {error}"))
}

/// `GET /dns-query?name=&type=TXT`: DNS over HTTPS in the JSON form of the
/// public resolvers; NXDOMAIN (3) for names without a record.
pub(crate) fn dns_query(state: &State, query: &[(String, String)]) -> Reply {
    if state.settings.dns_down {
        return Reply::new(503, json!({ "message": "the resolver is down" }));
    }
    let name = query.iter().find(|(key, _)| key == "name").map_or("", |(_, name)| name.as_str());
    let name = name.trim_end_matches('.');
    match state.dns.get(name) {
        None => Reply::ok(json!({ "Status": 3, "Question": [{ "name": format!("{name}."), "type": 16 }] })),
        Some(records) => {
            let answers: Vec<Value> = records
                .iter()
                .map(|text| json!({ "name": format!("{name}."), "type": 16, "TTL": 60, "data": format!("\"{text}\"") }))
                .collect();
            Reply::ok(
                json!({ "Status": 0, "Question": [{ "name": format!("{name}."), "type": 16 }], "Answer": answers }),
            )
        }
    }
}
