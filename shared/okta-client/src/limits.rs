//! Staying below Okta's rate limits.
//!
//! Okta counts calls per class of endpoints and per minute, those of all clients
//! of the org together. Each answer says how large the limit of its class is,
//! how much of it is left and when it resets; this module keeps that, and lets
//! no call begin that would use more than the configured share of a class. Such
//! a call waits for the reset if its client may wait so long ([`PATIENCE`] unless told
//! otherwise) and its deadline allows, and is refused with the time to wait otherwise.
//! Such a call was not sent: nothing was done.
//!
//! What undoes a change may use all of the limit (see
//! [`crate::Client::beyond_share`]): an org that is left half-changed is worse.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use jiff::fmt::rfc2822;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::Error;

/// Calls of one client that are under way at once. Okta allows 75 for a whole
/// org, of all its clients.
const CONCURRENT: usize = 10;

/// Longest wait for a limit where somebody waits for the answer: a request that sleeps
/// holds a function that others need.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Seconds until the reset that are believed.
const LONGEST_WINDOW: u64 = 3_600;

/// The share that is used unless another is configured, in percent.
pub const DEFAULT_SHARE: u8 = 50;

/// The classes of the calls that okta-dac makes most. Paths of others, which the proxy passes on,
/// are no names of metrics.
pub const CLASSES: &[&str] = &[
    "/api/v1/apps",
    "/api/v1/apps/*",
    "/api/v1/groups",
    "/api/v1/groups/*",
    "/api/v1/idps",
    "/api/v1/idps/*",
    "/api/v1/logs",
    "/api/v1/policies",
    "/api/v1/users",
    "/api/v1/users/*",
    "/api/v1/users/* changed",
];

/// What is known of the limits.
#[derive(Debug)]
pub(crate) struct Limits {
    /// In percent.
    share: u8,
    /// In percent of the share: what our own calls may use of it.
    part: u8,
    permits: Semaphore,
    classes: Mutex<HashMap<String, Window>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: u32,
    remaining: u32,
    /// Our own calls.
    own: u32,
    reset: Instant,
}

impl Window {
    /// Whether a call must wait, now: all clients of the org have used the share, or
    /// we have used our part of it.
    fn is_used_up(&self, share: u8, part: u8) -> bool {
        let share = u64::from(self.limit) * u64::from(share) / 100;
        let part = share * u64::from(part) / 100;
        u64::from(self.limit.saturating_sub(self.remaining)) >= share.max(1)
            || u64::from(self.own) >= part.max(1)
    }
}

/// The class of a call, as Okta's table of limits has them: a resource's list
/// and what is below its objects are one, an object itself is another, and
/// changing a user yet another. Each answer says how much of its class is left.
pub(crate) fn class_of(method: &Method, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let root = segments[..segments.len().min(3)].join("/");
    match (segments.len(), segments.get(2), method) {
        (4, Some(&"users"), method) if method != Method::GET => format!("/{root}/* changed"),
        (4, ..) => format!("/{root}/*"),
        _ => format!("/{root}"),
    }
}

impl Limits {
    pub(crate) fn new(share: u8) -> Self {
        let (permits, classes) = (Semaphore::new(CONCURRENT), Mutex::default());
        Self { share: share.clamp(1, 100), part: 100, permits, classes }
    }

    /// Limits of which our own calls use a part, in percent of the share.
    pub(crate) fn part(&self, percent: u8) -> Self {
        Self { part: percent.clamp(1, 100), ..Self::new(self.share) }
    }

    /// Waits until a call of this class may be sent; takes the waits off the patience.
    pub(crate) async fn admit(
        &self,
        class: &str,
        deadline: Instant,
        patience: &mut Duration,
        beyond_share: bool,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let (share, part) = if beyond_share { (100, 100) } else { (self.share, self.part) };
        loop {
            let late =
                |_| Error::Communication { reason: "the deadline has passed".to_owned(), never_sent: true };
            let permit = tokio::time::timeout_at(deadline, self.permits.acquire()).await.map_err(late)?;
            // INVARIANT: nobody closes the semaphore.
            let Ok(permit) = permit else { return Err(Error::InvalidRequest("a closed client".to_owned())) };
            let Some(wait) = self.take(class, share, part) else { return Ok(permit) };
            drop(permit);
            if wait > *patience || Instant::now() + wait >= deadline {
                return Err(Error::RateLimited { retry_after: wait });
            }
            *patience -= wait;
            tokio::time::sleep(wait).await;
        }
    }

    /// Counts a call of this class, or says how long to wait.
    fn take(&self, class: &str, share: u8, part: u8) -> Option<Duration> {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let window = classes.get_mut(class)?;
        let now = Instant::now();
        if window.reset <= now {
            // A new window, of which nothing is known but its size.
            window.remaining = window.limit;
            window.own = 0;
            window.reset = now + Duration::from_secs(60);
        }
        if window.is_used_up(share, part) {
            return Some(window.reset - now);
        }
        window.remaining = window.remaining.saturating_sub(1);
        window.own = window.own.saturating_add(1);
        None
    }

    /// How many calls of this class the share allows in a window, if that is known.
    pub(crate) fn share_of(&self, class: &str) -> Option<u32> {
        let classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        Some(classes.get(class)?.limit.saturating_mul(u32::from(self.share)) / 100)
    }

    /// The class of [`CLASSES`] of which least is left in its present window, and how much, in percent.
    pub(crate) fn least_remaining(&self) -> Option<(&'static str, f64)> {
        let known = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = |window: &Window| f64::from(window.remaining) * 100.0 / f64::from(window.limit.max(1));
        let present = CLASSES.iter().filter_map(|class| {
            let window = known.get(*class).filter(|window| window.reset > now)?;
            Some((*class, left(window)))
        });
        present.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// How long a request that makes calls of these classes should wait before
    /// it begins, going by what is known now.
    pub(crate) fn wait_for(&self, classes: &[&str]) -> Option<Duration> {
        let known = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let waits = classes
            .iter()
            .filter_map(|class| known.get(*class))
            .filter(|window| window.reset > now && window.is_used_up(self.share, self.part));
        waits.map(|window| window.reset - now).max()
    }

    /// Learns from the headers of an answer.
    pub(crate) fn learn(&self, class: &str, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let date = || rfc2822::parse(headers.get("date")?.to_str().ok()?).ok();
        let window = || {
            let limit = u32::try_from(number("x-rate-limit-limit")?).ok()?;
            let remaining = u32::try_from(number("x-rate-limit-remaining")?).ok()?;
            // By Okta's clock, whatever this machine's says.
            let seconds = number("x-rate-limit-reset")?.checked_sub(date()?.timestamp().as_second())?;
            // No window of Okta is longer; a wrong number must not hold us up for ever.
            let seconds = u64::try_from(seconds).ok()?.min(LONGEST_WINDOW);
            let reset = Instant::now() + Duration::from_secs(seconds);
            // Limit 0 is that of concurrent calls.
            // The call that this is the answer to is ours.
            (limit > 0).then_some(Window { limit, remaining, own: 1, reset })
        };
        let Some(mut window) = window() else { return };
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = classes.get(class) {
            // Answers overtake each other, and calls under way are not counted
            // yet: within one window the smaller number is right.
            let same = known.reset.max(window.reset) - known.reset.min(window.reset) < Duration::from_secs(2);
            if same && known.limit == window.limit {
                window.remaining = window.remaining.min(known.remaining);
                window.own = known.own;
            }
        }
        classes.insert(class.to_owned(), window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(limit: u32, remaining: u32, reset: u32) -> HeaderMap {
        [
            ("x-rate-limit-limit", limit.to_string()),
            ("x-rate-limit-remaining", remaining.to_string()),
            ("x-rate-limit-reset", (100 + reset).to_string()),
            ("date", "Thu, 01 Jan 1970 00:01:40 GMT".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn classes() {
        for (method, path, class) in [
            (Method::GET, "/api/v1/groups", "/api/v1/groups"),
            (Method::GET, "/api/v1/groups/00g1", "/api/v1/groups/*"),
            (Method::PUT, "/api/v1/groups/00g1/users/00u1", "/api/v1/groups"),
            (Method::PUT, "/api/v1/apps/0oa1/groups/00g1", "/api/v1/apps"),
            (Method::GET, "/api/v1/users/00u1", "/api/v1/users/*"),
            (Method::POST, "/api/v1/users/00u1", "/api/v1/users/* changed"),
            (Method::POST, "/oauth2/v1/clients/0oa1/roles", "/oauth2/v1/clients"),
        ] {
            assert_eq!(class_of(&method, path), class);
        }
    }

    proptest::proptest! {
        /// Headers that no Okta sends make no call wait for ever, and end nothing.
        #[test]
        fn headers_of_any_kind_are_survived(
            values in proptest::array::uniform4("-?[0-9]{0,20}|\\PC{0,20}|Thu, 01 Jan [0-9]{4,6} 00:01:40 GMT"),
        ) {
            let names = ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", "date"];
            let headers = names.into_iter().zip(&values);
            let headers = headers.filter_map(|(name, value)| Some((http::HeaderName::from_static(name), value.parse().ok()?)));
            let limits = Limits::new(50);
            limits.learn("/api/v1/users", &headers.collect());
            let wait = limits.take("/api/v1/users", 50, 100);
            proptest::prop_assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(3_600)), "{wait:?} {values:?}");
        }
    }

    /// Whoever calls the proxy chooses paths, and makes no metric of them.
    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_told_of_our_classes_alone() {
        let limits = Limits::new(50);
        limits.learn("/api/v1/somebodys", &headers(100, 1, 30));
        assert_eq!(limits.least_remaining(), None);
        limits.learn("/api/v1/groups", &headers(100, 40, 30));
        limits.learn("/api/v1/users", &headers(200, 50, 30));
        assert_eq!(limits.least_remaining(), Some(("/api/v1/users", 25.0)));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(limits.least_remaining(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_share_and_then_the_reset() {
        let limits = Limits::new(50);
        let soon = Instant::now() + Duration::from_secs(5);
        drop(limits.admit("c", soon, &mut { LONG }, false).await.unwrap());
        limits.learn("c", &headers(10, 8, 30));
        for _ in 0..3 {
            drop(limits.admit("c", soon, &mut { LONG }, false).await.unwrap());
        }
        let refused = limits.admit("c", soon, &mut { LONG }, false).await.unwrap_err();
        assert!(
            matches!(refused, Error::RateLimited { retry_after } if retry_after.as_secs() == 30),
            "{refused}"
        );
        assert_eq!(limits.wait_for(&["other", "c"]).map(|wait| wait.as_secs()), Some(30));
        // Another class, and an undo, are not held up.
        drop(limits.admit("other", soon, &mut { LONG }, false).await.unwrap());
        for _ in 0..5 {
            drop(limits.admit("c", soon, &mut { LONG }, true).await.unwrap());
        }
        assert!(limits.admit("c", soon, &mut { LONG }, true).await.is_err());
        // A request with time waits.
        let started = Instant::now();
        drop(limits.admit("c", started + Duration::from_secs(60), &mut { LONG }, false).await.unwrap());
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    /// Where somebody waits for the answer, the reset is waited for only if it is near.
    #[tokio::test(start_paused = true)]
    async fn nobody_sleeps_for_long_while_somebody_waits() {
        let limits = Limits::new(50);
        let far = Instant::now() + Duration::from_secs(60);
        limits.learn("c", &headers(10, 5, 30));
        let refused = limits.admit("c", far, &mut { PATIENCE }, false).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { retry_after } if retry_after.as_secs() == 30));
        limits.learn("near", &headers(10, 5, 2));
        let started = Instant::now();
        drop(limits.admit("near", far, &mut { PATIENCE }, false).await.unwrap());
        assert_eq!(started.elapsed().as_secs(), 2);
    }

    /// Other clients of the org do not count for the part, our own calls do.
    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_part_of_the_share() {
        let limits = Limits::new(50).part(10);
        let soon = Instant::now() + Duration::from_secs(5);
        limits.learn("c", &headers(100, 80, 30));
        for _ in 0..4 {
            drop(limits.admit("c", soon, &mut { LONG }, false).await.unwrap());
            limits.learn("c", &headers(100, 79, 30));
        }
        let refused = limits.admit("c", soon, &mut { LONG }, false).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { .. }), "five of a hundred: {refused}");
        drop(limits.admit("c", soon, &mut { LONG }, true).await.unwrap());
        let next = Instant::now() + Duration::from_secs(60);
        drop(limits.admit("c", next, &mut { LONG }, false).await.unwrap());
    }

    /// An older answer does not give back what newer calls have used.
    #[tokio::test(start_paused = true)]
    async fn answers_that_overtake_each_other() {
        let limits = Limits::new(50);
        limits.learn("c", &headers(10, 6, 30));
        limits.learn("c", &headers(10, 9, 30));
        let soon = Instant::now() + Duration::from_secs(1);
        drop(limits.admit("c", soon, &mut { LONG }, false).await.unwrap());
        assert!(limits.admit("c", soon, &mut { LONG }, false).await.is_err());
        // Okta's limit of concurrent calls says nothing of a class.
        limits.learn("c", &headers(0, 0, 1));
        assert!(limits.admit("c", soon, &mut { LONG }, false).await.is_err());
    }
}
