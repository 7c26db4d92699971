//! What concerns the org as a whole.
//!
//! # Okta calls
//!
//! `listGroups` and `getGroup` of the superusers' group.

use domain::SUPERUSERS;
use jiff::{SignedDuration, Timestamp};
use okta_client::Client;
use run_kit::{Object, Run};
use state::{OpenRecord, RecordsTable, State, StateError};
use tenancy::group_called;

use crate::finding::PieceError;
use crate::{Finding, Kind};

/// Age of a record without an end from which its run is dead: no function that has a record
/// lasts longer.
const DEAD: SignedDuration = SignedDuration::from_mins(5);

/// Whether the superusers' group is there. Where it is not, whoever can make a group of
/// this name makes superusers.
///
/// # Errors
///
/// Of Okta.
pub(crate) async fn examine_superusers(okta: &Client) -> Result<Vec<Finding>, PieceError> {
    let found = group_called(okta, SUPERUSERS).await?;
    let missing = || Finding::new(Kind::MissingGroup, None, Object::unknown("group", SUPERUSERS));
    Ok(if found.is_none() { vec![missing()] } else { Vec::new() })
}

/// Records of runs that died, the oldest first.
///
/// # Errors
///
/// Of the table.
pub(crate) async fn dead_runs(
    run: &Run,
    state: &State,
    records: &RecordsTable,
) -> Result<Vec<OpenRecord>, StateError> {
    let now = Timestamp::from_millisecond(run.clock.now_ms()).unwrap_or_default();
    state.open_records(records, &(now - DEAD).to_string()).await
}

/// Ends the record of a run that died. What the run left behind is found where it lies.
///
/// # Errors
///
/// Of the table.
pub(crate) async fn end(
    run: &Run,
    state: &State,
    records: &RecordsTable,
    record: &OpenRecord,
) -> Result<Vec<Finding>, PieceError> {
    let ended = state.end_record(run, records, record).await?;
    let object = Object::new("run", &record.operation, &record.request_id);
    let tenant = record.partition.strip_prefix("tenant#");
    let finding = Finding { cured: true, ..Finding::new(Kind::DiedRun, tenant, object) };
    Ok(if ended { vec![finding] } else { Vec::new() })
}
