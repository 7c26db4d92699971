//! Tokens that Okta refused a moment ago.
//!
//! Nobody but Okta can verify a token of the org. A client that repeats a token which
//! Okta refuses would use up the org's limits: for a minute such a token is refused here.
//! Kept is its digest, never the token.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lru::LruCache;
use tokio::time::Instant;

/// How long a token is refused without asking Okta.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Tokens; the one that was not used for longest is forgotten first.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// What Okta refused lately.
pub(crate) struct Refused(Mutex<LruCache<Vec<u8>, Instant>>);

impl Default for Refused {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl Refused {
    pub(crate) fn contains(&self, authorization: &[u8]) -> bool {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = refused.get(digest(&SHA256, authorization).as_ref()).copied();
        until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn remember(&self, authorization: &[u8]) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.put(digest(&SHA256, authorization).as_ref().to_vec(), Instant::now() + REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn for_a_minute() {
        let refused = Refused::default();
        refused.remember(b"Bearer a");
        assert!(refused.contains(b"Bearer a") && !refused.contains(b"Bearer b"));
        tokio::time::advance(REMEMBERED).await;
        assert!(!refused.contains(b"Bearer a"));
    }
}
