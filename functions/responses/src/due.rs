//! When a response has to be looked at.

use containment::{Response, State as Stand};
use run_kit::Run;

/// Seconds after which a response whose run has not ended is judged.
pub(crate) const JUDGED_AFTER: i64 = 90;

/// Stands for no end: the response stays open until somebody lifts it.
const NEVER: &str = "9999-12-31T23:59:59.999Z";

/// Seconds after which an end that stopped half-way is tried again.
pub(crate) const AGAIN: i64 = 30;

/// Now and so many seconds, as the record has times.
pub(crate) fn time(run: &Run, seconds: i64) -> String {
    let ms = run.clock.now_ms().saturating_add(seconds.saturating_mul(1_000));
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default())
}

/// When something has to be looked at: an end that began, a run that died, or the end of a
/// response that takes something back.
pub(crate) fn due(run: &Run, response: &Response) -> Option<String> {
    if !response.status.is_open() {
        return None;
    }
    match (&response.lifted, response.status, &response.expires) {
        (Some(_), ..) => Some(time(run, AGAIN)),
        (None, Stand::Running, _) => Some(time(run, JUDGED_AFTER)),
        (None, _, Some(expires)) => Some(expires.clone()),
        (None, _, None) => response.holds().then(|| NEVER.to_owned()),
    }
}
