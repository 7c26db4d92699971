//! What event hooks are sent: each event of the System Log that a hook is subscribed
//! to, in a delivery of its own.
//!
//! Evidence: concept page "Event hooks" (at least once, no order; a hook has three
//! seconds; after a timeout or a status of 500 or more Okta tries once more).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::HookAnswer;
use crate::hooks;
use crate::json::{Object, text, texts};
use crate::org::Org;

/// Events for one hook.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    uri: String,
    headers: Vec<(String, String)>,
    payload: Value,
    event_type: String,
}

/// How what is held is delivered: `POST /_emulator/deliver`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeliverRequest {
    /// The newest event first.
    pub reversed: bool,
    /// Each event so often; 0 counts as 1.
    pub times: u32,
}

/// A delivery that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// The type of its event.
    pub event_type: String,
    /// What the hook answered, each time that it was tried; 0 is no answer.
    pub statuses: Vec<u16>,
}

/// What the events since the last call of this function give to send.
pub(crate) fn take(org: &mut Org, url: &str) -> Vec<Delivery> {
    let events = std::mem::take(&mut org.unsent);
    let listens = |hook: &&Object, event: &Object| {
        text(hook, "status") == "ACTIVE"
            && text(hook, "verificationStatus") == "VERIFIED"
            && texts(hook, "/events/items").contains(&text(event, "eventType"))
    };
    let mut deliveries = Vec::new();
    for event in events {
        for hook in org.event_hooks.values().filter(|hook| listens(hook, &event)) {
            let (uri, headers) = hooks::address(hook);
            let source = format!("{url}/api/v1/eventHooks/{}", text(hook, "id"));
            let payload = json!({
                "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
                "source": source, "eventId": text(&event, "uuid"), "eventTime": text(&event, "published"),
                "contentType": "application/json", "data": { "events": [event] },
            });
            let event_type = text(&event, "eventType").to_owned();
            deliveries.push(Delivery { uri, headers, payload, event_type });
        }
    }
    deliveries
}

/// Makes the deliveries, one after the other.
pub(crate) async fn deliver(http: &reqwest::Client, deliveries: Vec<Delivery>) -> Vec<Delivered> {
    let mut delivered = Vec::with_capacity(deliveries.len());
    for Delivery { uri, headers, payload, event_type } in deliveries {
        let mut statuses = Vec::new();
        while statuses.len() < 2 && !statuses.last().is_some_and(|status| (1..500).contains(status)) {
            statuses.push(match hooks::fire(http, &uri, headers.clone(), Some(&payload)).await {
                HookAnswer::Answer(status, _) => status,
                HookAnswer::Timeout | HookAnswer::Failed => 0,
            });
        }
        delivered.push(Delivered { event_type, statuses });
    }
    delivered
}

/// What is held, in the order and as often as ordered.
pub(crate) fn ordered(held: Vec<Delivery>, request: &DeliverRequest) -> Vec<Delivery> {
    let times = request.times.max(1) as usize;
    let mut all: Vec<Delivery> = std::iter::repeat_n(held, times).flatten().collect();
    if request.reversed {
        all.reverse();
    }
    all
}
