//! What every exchange over HTTP has: a longest wait, and what became of it.

use std::time::Duration;

use crate::Error;

/// Longest wait for one answer, below the deadline of the request.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The error without its URL: ids are not secret, but they are noise.
pub(crate) fn communication(error: reqwest::Error) -> Error {
    let never_sent = error.is_connect() || error.is_builder();
    let reason = if error.is_timeout() {
        "no answer in time"
    } else if never_sent {
        "no connection"
    } else {
        "the connection broke"
    };
    Error::Communication { reason: reason.to_owned(), never_sent }
}
