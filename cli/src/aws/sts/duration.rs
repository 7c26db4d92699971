//! How long a session shall live, and what is tried where the role does not allow it.

use jiff::{SignedDuration, Timestamp};

use crate::aws::state::Granted;

/// The most that a chained role has.
pub const CHAINED: u32 = 3_600;

/// Twelve hours: the most that a role can have.
const MAX: u32 = 43_200;

/// What is tried, from the longest.
const STEPS: [u32; 5] = [43_200, 28_800, 14_400, 7_200, 3_600];

/// What a role granted counts so long,
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// and one step more is tried after this.
const TRIED_AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where a duration may come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Duration<'a> {
    /// `--duration`.
    pub option: Option<u32>,
    /// What the role granted last.
    pub granted: Option<&'a Granted>,
    /// The settings.
    pub settings: Option<u32>,
    /// `SessionDuration` of the assertion: meant for the console, and the best hint of who
    /// administers the role.
    pub assertion: Option<u32>,
}

impl Duration<'_> {
    /// What to ask for.
    pub fn asked(&self, now: Timestamp) -> u32 {
        let granted = self.granted.and_then(|granted| {
            let age = now.duration_since(granted.at);
            let above = STEPS.iter().rev().find(|step| **step > granted.seconds).copied();
            match age {
                age if age >= REMEMBERED => None,
                age if age >= TRIED_AGAIN => Some(above.unwrap_or(MAX)),
                _ => Some(granted.seconds),
            }
        });
        let wanted = self.settings.or(self.assertion).unwrap_or(MAX);
        // What the role grants is the most, and not what somebody wants.
        self.option.unwrap_or_else(|| granted.map_or(wanted, |granted| granted.min(wanted)))
    }
}

/// What to try after `asked` was refused; `short` goes to an hour at once, for a caller who
/// waits.
pub fn ladder(asked: u32, short: bool) -> impl Iterator<Item = u32> {
    let below = STEPS.into_iter().filter(move |step| *step < asked);
    let skipped = if short { below.clone().count().saturating_sub(1) } else { 0 };
    below.skip(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_duration_comes_from() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let days = |days: i64| Granted {
            seconds: 7_200,
            at: now - SignedDuration::from_hours(24 * days),
            guessed: false,
        };
        let (fresh, old, oldest) = (days(1), days(8), days(31));
        let of = |option, granted, settings, assertion| {
            Duration { option, granted, settings, assertion }.asked(now)
        };
        assert_eq!(of(None, None, None, None), 43_200);
        assert_eq!(of(None, None, None, Some(3_600)), 3_600);
        assert_eq!(of(None, None, Some(28_800), Some(3_600)), 28_800);
        assert_eq!(of(None, Some(&fresh), Some(28_800), None), 7_200);
        assert_eq!(of(None, Some(&old), Some(28_800), None), 14_400, "one step up after a week");
        assert_eq!(of(None, Some(&oldest), Some(28_800), None), 28_800, "forgotten after a month");
        assert_eq!(of(None, Some(&fresh), None, Some(3_600)), 3_600, "no longer than wanted");
        assert_eq!(of(Some(900), Some(&fresh), Some(28_800), None), 900);
    }

    #[test]
    fn the_ladder_goes_down() {
        assert_eq!(ladder(43_200, false).collect::<Vec<_>>(), [28_800, 14_400, 7_200, 3_600]);
        assert_eq!(ladder(10_000, false).collect::<Vec<_>>(), [7_200, 3_600]);
        assert_eq!(ladder(43_200, true).collect::<Vec<_>>(), [3_600]);
        assert_eq!(ladder(3_600, true).count(), 0);
    }
}
