//! The system log: the newest 10,000 events of users, groups, sign-ins and
//! hooks.
//!
//! Evidence: listLogEvents; reference page "System Log" (the default is the
//! last seven days in ascending order; a polling query always has a next
//! page, a bounded one ends).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{Auth, Call, Outcome, Route, get};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::filter::{Case, Filter};
use crate::json::{Object, text};
use crate::org::Org;
use crate::paging::{self, Limits};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/logs", "listLogEvents", Auth::Admin("logs"), list_events),
];

fn list_events(org: &mut Org, call: &Call) -> Outcome {
    let time = |name: &str| match call.query(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<Timestamp>()
            .map(Some)
            .map_err(|_| OktaError::validation(name, format!("{name}: The time is not in ISO 8601 format"))),
    };
    let since = time("since")?.unwrap_or(call.now - SignedDuration::from_hours(7 * 24));
    let until = time("until")?;
    let filter = call.query("filter").map(Filter::parse).transpose()?;
    let words: Vec<String> =
        call.query("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    let (since, until_text) = (okta_time(since), until.map(okta_time));
    let mut found: Vec<&Object> = org
        .log
        .iter()
        .filter(|event| text(event, "published") >= since.as_str())
        .filter(|event| until_text.as_deref().is_none_or(|until| text(event, "published") < until))
        .filter(|event| {
            let event = Value::Object((*event).clone());
            let printed = event.to_string().to_lowercase();
            filter.as_ref().is_none_or(|filter| filter.matches(&event, Case::Insensitive))
                && words.iter().all(|word| printed.contains(word))
        })
        .collect();
    if call.query("sortOrder") == Some("DESCENDING") {
        found.reverse();
    }
    let polling = until.is_none() && call.query("sortOrder") != Some("DESCENDING");
    let last = found.last().map(|event| text(event, "uuid").to_owned());
    let cursor = |event: &&Object| text(event, "uuid").to_owned();
    let mut reply =
        paging::reply(call, found, Limits(100, 1_000), cursor, |event| Value::Object(event.clone()));
    let ends = !reply.headers.iter().any(|(_, value)| value.ends_with("rel=\"next\""));
    if polling && ends {
        let after = last.or_else(|| call.query("after").map(str::to_owned)).unwrap_or_default();
        let next = call.url(format!("/api/v1/logs?since={since}&after={after}"));
        reply = reply.with("link", format!("<{next}>; rel=\"next\""));
    }
    Ok(reply)
}
