//! Ends what the tokens of users give whose rights ended in Okta itself, where Okta's event
//! hook did not say so: Okta delivers events when it can, and not always.
//!
//! # Okta calls
//!
//! Those of [`system_log`]; for each event those of `end-user-rights`, and none for a group
//! that an event was about before. What comes twice changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use domain::ENDING_EVENTS;
use jiff::SignedDuration;
use okta_client::Error;
use okta_client::models::LogEvent;
use run_kit::Run;
use state::State;
use system_log::{Reading, read_on};
use tenancy::{Ended, Ending, Tenants};

use examination::PieceError;

const READING: Reading = Reading {
    operation: operations::get("reconcile").name,
    task: "system-log",
    events: &ENDING_EVENTS,
    // Rights come first, and the org waits no longer than this.
    time: Duration::from_secs(100),
    // The lifetime of a token.
    first: SignedDuration::from_hours(24),
};

/// Ends the rights that ended in Okta since the last run; gives how many. A log that is
/// not read to its end is read on by the next run.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn end_rights(run: &Run, state: &State, tenants: &Tenants) -> Result<u32, PieceError> {
    let mut reader = Reader { state, tenants, groups: HashMap::new(), ended: 0 };
    match read_on(run, state, &READING, &mut reader).await {
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
}

impl system_log::Reader for Reader<'_> {
    type Error = PieceError;

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
}

impl Reader<'_> {
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
