//! Ends what the tokens of users give whose rights ended in Okta itself, where Okta's event
//! hook did not say so: Okta delivers events when it can, and not always.
//!
//! # Okta calls
//!
//! `listLogEvents` of what came since the last run; for each event those of
//! `end-user-rights`, except for a group that was seen to be no tenant's.
//!
//! The time until which the log is read is kept after each page. What comes twice changes
//! nothing.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use okta_client::Error;
use okta_client::models::LogEvent;
use run_kit::Run;
use state::State;
use tenancy::{ENDING_EVENTS, Ending, Tenants};
use tokio::time::Instant;

use crate::finding::PieceError;

/// Name of the lease.
const TASK: &str = "system-log";

/// Time of one page.
const PAGE: Duration = Duration::from_secs(20);

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
    let Some((lease, place)) = state.lease(run, TASK, PAGE).await? else { return Ok(0) };
    let until = Timestamp::from_millisecond(run.clock.now_ms()).unwrap_or_default();
    let place = place.and_then(|place| place.parse::<Timestamp>().ok()).unwrap_or(until - FIRST);
    let since = place - LATE;
    let mut reader = Reader { state, tenants, others: HashSet::new(), ended: 0 };
    let (mut reached, mut cursor) = (place, None);
    let result = loop {
        if Instant::now() + PAGE > run.deadline {
            break Ok(());
        }
        let page = reader.page(&run.piece(PAGE), (since, until), cursor.as_deref()).await;
        match page {
            Ok(Read { last, next: Some(next) }) => {
                (reached, cursor) = (last.unwrap_or(reached).max(reached), Some(next));
                if !lease.keep(run, &reached.to_string(), PAGE).await? {
                    return Ok(reader.ended);
                }
            }
            Ok(_) => {
                reached = until;
                break Ok(());
            }
            // Callers of the API need what there is.
            Err(PieceError::Okta(Error::RateLimited { .. })) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    lease.release(&reached.to_string()).await?;
    result.map(|()| reader.ended)
}

struct Reader<'r> {
    state: &'r State,
    tenants: &'r Tenants,
    /// Ids of groups whose members have no rights by them.
    others: HashSet<String>,
    ended: u32,
}

/// A page that was read.
struct Read {
    /// Time of the last event.
    last: Option<Timestamp>,
    next: Option<String>,
}

impl Reader<'_> {
    async fn page(
        &mut self,
        run: &Run,
        (since, until): (Timestamp, Timestamp),
        cursor: Option<&str>,
    ) -> Result<Read, PieceError> {
        let okta = run.okta.forward();
        let (since, until) = (since.to_string(), until.to_string());
        let page = okta.list_log_events_page(&ENDING_EVENTS, &since, &until, cursor).await?;
        let mut last = None;
        for event in &page.items {
            self.event(run, event).await?;
            last = event.published.parse().ok().or(last);
        }
        Ok(Read { last, next: page.after })
    }

    async fn event(&mut self, run: &Run, event: &LogEvent) -> Result<(), PieceError> {
        let group = event.target_of("UserGroup").map(|group| group.id.clone());
        let membership = group.filter(|_| event.event_type == "group.user_membership.remove");
        if membership.as_ref().is_some_and(|group| self.others.contains(group)) {
            return Ok(());
        }
        let now = run.clock.now_ms() / 1_000;
        let ending = self.tenants.ending_of(run.okta.forward(), now, event).await?;
        let Some(Ending { ended, before }) = ending else {
            self.others.extend(membership);
            return Ok(());
        };
        let known = self.state.revoked_until(ended.revoked()).await?;
        if known.is_some_and(|known| known >= before) {
            return Ok(());
        }
        self.state.revoke_until(run, ended.revoked(), before).await?;
        let (event, kind) = (&event.uuid, &event.event_type);
        tracing::warn!(event, kind, ?ended, "rights ended in Okta, and its event hook did not say so");
        self.ended += 1;
        Ok(())
    }
}
