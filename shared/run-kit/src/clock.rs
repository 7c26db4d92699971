//! What time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// What time it is: this machine's clock, which AWS keeps right. Tests can move it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds ahead of this machine.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// Moves this clock, and its clones, forward.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond().saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Now, RFC 3339 in UTC with milliseconds.
    pub fn time(&self) -> String {
        let now = jiff::Timestamp::from_millisecond(self.now_ms()).unwrap_or_default();
        format!("{now:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moves_with_its_clones() {
        let clock = Clock::system();
        let (other, before) = (clock.clone(), clock.now_ms());
        clock.advance(Duration::from_secs(3_600));
        assert!(other.now_ms() - before >= 3_600_000);
    }
}
