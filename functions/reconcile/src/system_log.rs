//! Ends what the tokens of users give whose rights ended in Okta itself, where Okta's event
//! hook did not say so: Okta delivers events when it can, and not always.
//!
//! # Okta calls
//!
//! `listLogEvents` of what came since the last run; for each event those of
//! `end-user-rights`, and none for a group that an event was about before.
//!
//! # Where it goes on
//!
//! The time from which the next run reads is kept: a little before the end of what was
//! read, because an event may come late into the log, or the last event that was looked
//! at, where the log was not read to its end. What comes twice changes nothing. The metric
//! `SystemLogLag` says how far the log is behind.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use okta_client::Error;
use okta_client::models::LogEvent;
use run_kit::{Metric, Run, Unit};
use state::State;
use tenancy::{ENDING_EVENTS, Ended, Ending, Tenants};

use crate::finding::PieceError;

/// Whose metric it is.
const OPERATION: &str = operations::get("reconcile").name;

/// Name of the lease.
const TASK: &str = "system-log";

/// Time for the log in one run: rights come first, and the org waits no longer than this.
const TIME: Duration = Duration::from_secs(100);

/// How late an event may come into the log.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// What the first run reads: the lifetime of a token.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

/// Ends the rights that ended in Okta since the last run; gives how many. A log that is
/// not read to its end is read on by the next run.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn end_rights(run: &Run, state: &State, tenants: &Tenants) -> Result<u32, PieceError> {
    let Some((lease, place)) = state.lease(run, TASK, TIME).await? else { return Ok(0) };
    let until = Timestamp::from_millisecond(run.clock.now_ms()).unwrap_or_default();
    let since = place.and_then(|place| place.parse::<Timestamp>().ok()).unwrap_or(until - FIRST);
    // The time is the log's alone: what is used of Okta's limits is waited for.
    let own = run.piece(TIME);
    let mut reader = Reader { state, tenants, groups: HashMap::new(), ended: 0, from: since };
    let read = reader.read(&own, (since, until)).await;
    let from = if read.is_ok() { (until - LATE).max(since) } else { reader.from };
    lease.release(&from.to_string()).await?;
    let lag = (until.as_millisecond() - from.as_millisecond()) as f64;
    let lag = Metric { name: "SystemLogLag", value: lag, unit: Unit::Milliseconds };
    run.metrics.put(&[("operation", OPERATION)], &[lag], run.clock.now_ms());
    match read {
        // The next run goes on; callers of the API need what there is of the limits.
        Err(PieceError::Okta(Error::RateLimited { .. })) => {}
        Err(PieceError::Okta(Error::Communication { never_sent: true, .. })) => {}
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    Ok(reader.ended)
}

/// Whose the members of a group are.
#[derive(Clone)]
enum Members {
    /// The admins of the tenant with this id.
    Tenant(String),
    Superusers,
    /// Of nobody who has rights by the group.
    Others,
}

struct Reader<'r> {
    state: &'r State,
    tenants: &'r Tenants,
    /// Groups that events were about: one look for each.
    groups: HashMap<String, Members>,
    ended: u32,
    /// Time of the last event that was looked at.
    from: Timestamp,
}

impl Reader<'_> {
    async fn read(&mut self, run: &Run, (since, until): (Timestamp, Timestamp)) -> Result<(), PieceError> {
        let okta = run.okta.forward();
        let (since, until) = (since.to_string(), until.to_string());
        let mut cursor = None;
        loop {
            let page = okta.list_log_events_page(&ENDING_EVENTS, &since, &until, cursor.as_deref()).await?;
            for event in &page.items {
                self.event(run, event).await?;
                self.from = event.published.parse().map_or(self.from, |time| self.from.max(time));
            }
            let Some(next) = page.after else { return Ok(()) };
            cursor = Some(next);
        }
    }

    async fn event(&mut self, run: &Run, event: &LogEvent) -> Result<(), PieceError> {
        let Some(Ending { ended, before }) = self.ending(run, event).await? else { return Ok(()) };
        if !self.state.revoke_once(run, ended.revoked(), before).await? {
            return Ok(());
        }
        let (event, kind) = (&event.uuid, &event.event_type);
        tracing::warn!(event, kind, ?ended, "rights ended in Okta, and its event hook did not say so");
        self.ended += 1;
        Ok(())
    }

    /// What an event ends; without a call if the members of its group are known.
    async fn ending(&mut self, run: &Run, event: &LogEvent) -> Result<Option<Ending>, PieceError> {
        let now = run.clock.now_ms() / 1_000;
        let group = event.target_of("UserGroup").map(|group| group.id.clone());
        let user = event.target_of("User").map(|user| user.id.clone());
        let (Some(group), Some(user), "group.user_membership.remove") =
            (group, user, event.event_type.as_str())
        else {
            return Ok(self.tenants.ending_of(run.okta.forward(), now, event).await?);
        };
        if let Some(members) = self.groups.get(&group) {
            let ended = match members.clone() {
                Members::Tenant(tenant) => Ended::Admin { tenant, user },
                Members::Superusers => Ended::User(user),
                Members::Others => return Ok(None),
            };
            return Ok(tenancy::ended_at(event, now).map(|before| Ending { ended, before }));
        }
        let ending = self.tenants.ending_of(run.okta.forward(), now, event).await?;
        let members = match ending.as_ref().map(|ending| &ending.ended) {
            Some(Ended::Admin { tenant, .. }) => Members::Tenant(tenant.clone()),
            Some(_) => Members::Superusers,
            None => Members::Others,
        };
        // An event that failed in Okta says nothing of its group.
        if event.is_done() {
            self.groups.insert(group, members);
        }
        Ok(ending)
    }
}
