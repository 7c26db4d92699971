//! What time it is at Okta, by its newest answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Client;

impl Client {
    /// How long ago, by Okta's clock at its newest answer, `time` was: a time
    /// as Okta prints it. `None` before the first answer, or if it is no time.
    pub fn age(&self, time: &str) -> Option<Duration> {
        let now = self.clock.load(Ordering::Relaxed);
        let then: jiff::Timestamp = time.parse().ok()?;
        (now > 0).then(|| Duration::from_secs(u64::try_from(now - then.as_second()).unwrap_or(0)))
    }

    /// Okta's clock at its newest answer, as Okta prints times; the beginning of
    /// 1970 before the first.
    pub fn time(&self) -> String {
        let now = jiff::Timestamp::from_second(self.now()).unwrap_or_default();
        format!("{now:.3}")
    }

    /// The same in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }
}
