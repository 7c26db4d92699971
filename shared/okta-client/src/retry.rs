//! Which calls are repeated, and after how long.
//!
//! | what came back | GET, PUT, DELETE | POST |
//! |---|---|---|
//! | 429 | after the reset, if it is near | after the reset, if it is near |
//! | 409 E0000268, 423 E0000239 | back off | back off |
//! | 502, 503, 504 | back off | not repeated |
//! | no answer | back off | not repeated |
//! | 401 to an access token | once, with another token | the same |
//! | anything else | not repeated | not repeated |
//!
//! A POST is repeated only where Okta says that it did nothing: everything else
//! might create a second object.
//! The wait for a reset is `X-Rate-Limit-Reset` minus `Date`, plus jitter of as much, a
//! second at most: the clock of this machine does not matter.
//! Backing off is 100 ms, doubled each time, of which a random half to all.
//! At most [`MAX_ATTEMPTS`] attempts; a wait that would pass the deadline is
//! not begun.

use std::time::Duration;

use http::{HeaderMap, Method};
use jiff::fmt::rfc2822;

use crate::Error;

/// Attempts of one call, the first included.
pub const MAX_ATTEMPTS: u32 = 4;

/// The wait while too many calls to Okta are under way.
const CONCURRENCY: Duration = Duration::from_millis(400);

/// The first wait when backing off.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How long to wait before the call is sent again; `None` if it must not be.
pub(crate) fn wait(method: &Method, error: &Error, attempt: u32, patience: Duration) -> Option<Duration> {
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    let repeatable = *method != Method::POST;
    let back_off = || FIRST_WAIT.mul_f64(f64::from(1 << (attempt - 1)) * (0.5 + fastrand::f64() / 2.0));
    match error {
        Error::RateLimited { retry_after } => {
            let jitter = retry_after.min(&Duration::from_secs(1)).mul_f64(fastrand::f64());
            (*retry_after <= patience).then(|| (*retry_after + jitter).min(patience))
        }
        Error::Api(error) if error.is_contention() => Some(back_off()),
        Error::Communication { .. } if repeatable => Some(back_off()),
        Error::Api(crate::error::ApiError { status, .. }) | Error::Unexpected { status }
            if repeatable && matches!(status, 502..=504) =>
        {
            Some(back_off())
        }
        _ => None,
    }
}

/// How long until the limit resets, from the headers of a 429; one second without usable
/// headers. The reset of Okta's limit of concurrent calls (`X-Rate-Limit-Limit: 0`) is
/// only a suggestion: [`CONCURRENCY`], which leaves time for two more tries.
pub(crate) fn until_reset(headers: &HeaderMap) -> Duration {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("x-rate-limit-limit") == Some("0") {
        return CONCURRENCY;
    }
    let seconds = || {
        let reset: i64 = text("x-rate-limit-reset")?.parse().ok()?;
        let date = rfc2822::parse(text("date")?).ok()?.timestamp().as_second();
        u64::try_from(reset.checked_sub(date)?).ok()
    };
    Duration::from_secs(seconds().unwrap_or(1).min(3_600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiError;

    fn api(status: u16, code: &str) -> Error {
        let (code, summary, error_id) = (code.to_owned(), String::new(), String::new());
        Error::Api(ApiError {
            status,
            code,
            summary,
            error_id,
            causes: Vec::new(),
            insufficient_scope: false,
        })
    }

    #[test]
    fn the_table() {
        let lost = || Error::Communication { reason: String::new(), never_sent: false };
        let limited = || Error::RateLimited { retry_after: Duration::from_secs(2) };
        let patience = Duration::from_secs(4);
        assert_eq!(wait(&Method::GET, &limited(), 1, Duration::from_secs(1)), None, "too far away");
        for (error, others, post) in [
            (limited(), true, true),
            (api(423, "E0000239"), true, true),
            (api(409, "E0000268"), true, true),
            (api(502, "E"), true, false),
            (api(503, "E0000010"), true, false),
            (api(504, "E"), true, false),
            (lost(), true, false),
            (api(500, "E0000009"), false, false),
            (api(404, "E0000007"), false, false),
            (api(409, "E0000090"), false, false),
            (Error::Unexpected { status: 503 }, true, false),
            (Error::Unexpected { status: 200 }, false, false),
        ] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                assert_eq!(wait(&method, &error, 1, patience).is_some(), others, "{method} {error}");
            }
            assert_eq!(wait(&Method::POST, &error, 1, patience).is_some(), post, "POST {error}");
            assert_eq!(wait(&Method::GET, &error, MAX_ATTEMPTS, patience), None);
        }
    }

    #[test]
    fn the_reset_is_counted_from_oktas_clock() {
        let headers = |limit: &str, reset: &str, date: &str| {
            let pairs = [("x-rate-limit-limit", limit), ("x-rate-limit-reset", reset), ("date", date)];
            pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        let date = "Thu, 01 Jan 1970 00:01:40 GMT";
        assert_eq!(until_reset(&headers("600", "107", date)), Duration::from_secs(7));
        assert_eq!(until_reset(&headers("0", "107", date)), CONCURRENCY);
        assert_eq!(until_reset(&headers("600", "90", date)), Duration::from_secs(1));
        assert_eq!(until_reset(&headers("600", "107", "")), Duration::from_secs(1));
        assert_eq!(until_reset(&headers("600", "soon", date)), Duration::from_secs(1));
    }
}
