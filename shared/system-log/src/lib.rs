//! Reads Okta's System Log from where the last run left it.
//!
//! # Okta calls
//!
//! `listLogEvents` of what came since the last run, page by page.
//!
//! # Where it goes on
//!
//! The time from which the next run reads is kept: the last event that was looked at, where the
//! log was not read to its end, and always a little before now, because an event may come late
//! into the log. So an event may come twice: a [`Reader`] does nothing for the second.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use okta_client::models::LogEvent;
use run_kit::{Metric, Run, measures};
use state::{State, StateError};

/// How late an event may come into the log.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// What is read of the log, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whose metric `SystemLogLag` is.
    pub operation: &'static str,
    /// Name of the lease and of the place.
    pub task: &'static str,
    /// Types of the events.
    pub events: &'static [&'static str],
    /// Time for one run.
    pub time: Duration,
    /// How far the first run looks back.
    pub first: SignedDuration,
}

/// What is done about an event.
pub trait Reader {
    /// What ends the reading.
    type Error: From<okta_client::Error> + From<StateError>;

    /// Looks at one event. The event may come twice.
    fn event(&mut self, run: &Run, event: &LogEvent) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Reads on from where the last run left the log, and keeps the place: also where the reading
/// ends early, of which the error tells. Nothing is read where another run has the lease.
///
/// # Errors
///
/// Of Okta, of the table, or of the reader.
pub async fn read_on<R: Reader + Send>(
    run: &Run,
    state: &State,
    reading: &Reading,
    reader: &mut R,
) -> Result<(), R::Error> {
    let Some((lease, place)) = state.lease(run, reading.task, reading.time).await? else { return Ok(()) };
    let until = Timestamp::from_millisecond(run.clock.now_ms()).unwrap_or_default();
    let since = place.and_then(|place| place.parse::<Timestamp>().ok()).unwrap_or(until - reading.first);
    // The time is the log's alone: what is used of Okta's limits is waited for.
    let own = run.piece(reading.time);
    let mut from = since;
    let read = pages(&own, reading.events, (since, until), reader, &mut from).await;
    if read.is_ok() {
        from = until;
    }
    from = from.min(until - LATE).max(since);
    lease.release(&from.to_string()).await?;
    let lag = (until.as_millisecond() - from.as_millisecond()) as f64;
    let lag = Metric::of(&measures::SYSTEM_LOG_LAG, lag);
    run.metrics.put(&[("operation", reading.operation)], &[lag], run.clock.now_ms());
    read
}

/// `from` is the time of the last event that was looked at.
async fn pages<R: Reader + Send>(
    run: &Run,
    events: &[&str],
    (since, until): (Timestamp, Timestamp),
    reader: &mut R,
    from: &mut Timestamp,
) -> Result<(), R::Error> {
    let okta = run.okta.forward();
    let (since, until) = (since.to_string(), until.to_string());
    let mut cursor = None;
    loop {
        let page = okta.list_log_events_page(events, &since, &until, cursor.as_deref()).await?;
        for event in &page.items {
            reader.event(run, event).await?;
            *from = event.published.parse().map_or(*from, |time| (*from).max(time));
        }
        let Some(next) = page.after else { return Ok(()) };
        cursor = Some(next);
    }
}
