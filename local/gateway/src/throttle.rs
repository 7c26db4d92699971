//! Limits of requests, as API Gateway applies those of a stage: a token bucket for each
//! method of each resource. A method without a limit of its own has the stage's, and
//! shares it with no other method (API Gateway Developer Guide, "Throttle requests to
//! your REST APIs"). That they are applied before the authorizer is asked is UNVERIFIED.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A limit of the stage's `MethodSettings`.
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    /// Method in upper case; `*` for every method.
    pub method: String,
    /// Path template; `*` for every path.
    pub path: String,
    /// Requests per second, on average.
    pub rate: f64,
    /// Requests at once.
    pub burst: f64,
}

/// The buckets of a stage.
#[derive(Debug, Default)]
pub(crate) struct Buckets(Mutex<HashMap<(String, String), Bucket>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The limit of a method of a path: its own, or the stage's.
fn limit<'t>(throttles: &'t [Throttle], method: &str, path: &str) -> Option<&'t Throttle> {
    let of = |wanted: &str| {
        let fits = |throttle: &&Throttle| {
            throttle.path == wanted && (throttle.method == method || throttle.method == "*")
        };
        throttles.iter().find(fits)
    };
    of(path).or_else(|| of("*"))
}

impl Buckets {
    /// Whether a request may pass now.
    pub(crate) fn admit(&self, throttles: &[Throttle], method: &str, path: &str, now: Instant) -> bool {
        let Some(limit) = limit(throttles, method, path) else { return true };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { tokens: limit.burst, filled: now };
        let bucket = buckets.entry((method.to_owned(), path.to_owned())).or_insert(full);
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * limit.rate;
        bucket.tokens = (bucket.tokens + gained).min(limit.burst);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_for_each_method() {
        let throttle = |method: &str, path: &str, rate, burst| Throttle {
            method: method.to_owned(),
            path: path.to_owned(),
            rate,
            burst,
        };
        let throttles = [throttle("*", "*", 10.0, 3.0), throttle("POST", "/hook", 1.0, 1.0)];
        let (buckets, start) = (Buckets::default(), Instant::now());
        let passed = |method: &str, path: &str, now| {
            (0..10).filter(|_| buckets.admit(&throttles, method, path, now)).count()
        };
        assert_eq!((passed("GET", "/a", start), passed("PUT", "/a", start)), (3, 3));
        assert_eq!((passed("POST", "/hook", start), passed("GET", "/hook", start)), (1, 3));
        let later = start + Duration::from_millis(200);
        assert_eq!((passed("GET", "/a", later), passed("POST", "/hook", later)), (2, 0));
        assert!((0..10).all(|_| buckets.admit(&[], "GET", "/a", start)), "no limit");
    }
}
