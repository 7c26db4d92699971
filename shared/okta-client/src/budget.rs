//! What one party may use of Okta's limits, so that it leaves the rest to others.
//!
//! A budget is for one minute. It knows of each class how many calls the party has made,
//! as far as somebody told, and lets no call begin that would be more than the party's
//! part of the share. Whoever makes a budget says where the numbers of other processes
//! come from, and keeps those of this one ([`Budget::take_unsaved`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// What a party uses of each class in one minute, and what it may use. Clones are the same
/// budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    /// Of the share, in percent.
    part: u8,
    ends: Instant,
    classes: Mutex<BTreeMap<String, Class>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Class {
    /// Calls that are kept somewhere.
    saved: u32,
    /// Calls of this process that are not.
    unsaved: u32,
    /// Calls that the share allows in a minute, once somebody knows.
    share: Option<u32>,
}

/// What was used of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The class.
    pub class: String,
    /// Calls.
    pub calls: u32,
    /// Calls that the share of this class allows in a minute, if that is known.
    pub share: Option<u32>,
}

impl Budget {
    /// A part of the share, in percent, until `ends`.
    pub fn new(part: u8, ends: Instant) -> Self {
        Self(Arc::new(Parts { part: part.clamp(1, 100), ends, classes: Mutex::default() }))
    }

    /// Learns what all processes together have used. Numbers grow within a minute: the
    /// larger one is the newer one.
    pub fn learn(&self, usage: &Usage) {
        let mut classes = self.classes();
        let class = classes.entry(usage.class.clone()).or_default();
        class.saved = class.saved.max(usage.calls);
        class.share = usage.share.or(class.share);
    }

    /// What this process has used since the last time; it counts as kept from now on.
    pub fn take_unsaved(&self) -> Vec<Usage> {
        let mut classes = self.classes();
        let unsaved = classes.iter_mut().filter(|(_, class)| class.unsaved > 0);
        unsaved
            .map(|(name, class)| {
                let calls = std::mem::take(&mut class.unsaved);
                class.saved = class.saved.saturating_add(calls);
                Usage { class: name.clone(), calls, share: class.share }
            })
            .collect()
    }

    /// How long to wait, if the part of this class is used up.
    pub(crate) fn wait_for(&self, class: &str) -> Option<Duration> {
        let known = self.classes().get(class).copied()?;
        let left = self.0.ends.saturating_duration_since(Instant::now());
        let part = u64::from(known.share?) * u64::from(self.0.part) / 100;
        let used = u64::from(known.saved) + u64::from(known.unsaved);
        (used >= part.max(1) && !left.is_zero()).then_some(left)
    }

    /// Whether a call of this class may begin.
    pub(crate) fn check(&self, class: &str) -> Result<(), Error> {
        match self.wait_for(class) {
            Some(retry_after) => Err(Error::RateLimited { retry_after }),
            None => Ok(()),
        }
    }

    /// Counts a call of this class that is sent.
    pub(crate) fn count(&self, class: &str) {
        self.classes().entry(class.to_owned()).or_default().unsaved += 1;
    }

    /// Learns how many calls the share of a class allows.
    pub(crate) fn learn_share(&self, class: &str, share: Option<u32>) {
        if let Some(share) = share {
            self.classes().entry(class.to_owned()).or_default().share = Some(share);
        }
    }

    fn classes(&self) -> MutexGuard<'_, BTreeMap<String, Class>> {
        self.0.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(class: &str, calls: u32, share: Option<u32>) -> Usage {
        Usage { class: class.to_owned(), calls, share }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_part_of_each_class_until_the_minute_ends() {
        let budget = Budget::new(30, Instant::now() + Duration::from_secs(40));
        // Nobody knows yet how large the class is.
        budget.check("c").unwrap();
        budget.count("c");
        budget.learn_share("c", Some(10));
        budget.learn(&usage("c", 1, None));
        budget.check("c").unwrap();
        budget.count("c");
        let refused = budget.check("c").unwrap_err();
        assert!(
            matches!(refused, Error::RateLimited { retry_after } if retry_after.as_secs() == 40),
            "{refused}"
        );
        budget.check("other").unwrap();
        tokio::time::advance(Duration::from_secs(40)).await;
        budget.check("c").unwrap();
    }

    #[tokio::test]
    async fn what_is_kept_is_counted_once() {
        let budget = Budget::new(30, Instant::now() + Duration::from_secs(60));
        budget.learn(&usage("c", 1, Some(10)));
        budget.count("c");
        assert_eq!(budget.take_unsaved(), [usage("c", 1, Some(10))]);
        assert_eq!(budget.take_unsaved(), []);
        // An older number takes nothing back.
        budget.learn(&usage("c", 1, Some(10)));
        budget.check("c").unwrap();
        budget.count("c");
        assert!(budget.check("c").is_err());
    }
}
