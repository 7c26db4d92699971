//! The emulator's time: the machine's, moved by `clockOffsetMs`.

use jiff::{SignedDuration, Timestamp};

/// Now, moved by `offset_ms`.
pub(crate) fn now(offset_ms: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_millis(offset_ms)
}

/// As Okta prints times: UTC with milliseconds.
pub(crate) fn okta_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// As the `Date` header wants it (RFC 9110, 5.6.7).
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
