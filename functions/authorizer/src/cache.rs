//! Tokens that were verified a moment ago.
//!
//! API Gateway asks once per token **and path**. Therefore a page that calls ten
//! routes has one token verified ten times; the signature is most of that work.
//! Kept is what the token said, under its SHA-256: the token itself is not held
//! in memory. An entry is never used once `exp` has passed, without the leeway
//! that a fresh verification grants, and never for longer than [`MAX_AGE`], so
//! that a withdrawn key or another setting takes effect.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use lru::LruCache;

use crate::Claims;

/// Entries; the one that was not used for longest goes first.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// Seconds that an entry is used at most: as long as API Gateway keeps an
/// answer.
pub const MAX_AGE: i64 = 300;

/// Verified tokens.
pub(crate) struct Verified(Mutex<LruCache<[u8; 32], Entry>>);

struct Entry {
    claims: Arc<Claims>,
    /// Seconds since 1970.
    until: i64,
}

impl Default for Verified {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

fn key(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

impl Verified {
    /// What the token said, if it was verified lately; `now` in seconds since
    /// 1970.
    pub(crate) fn get(&self, token: &str, now: i64) -> Option<Arc<Claims>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(token);
        let entry = entries.get(&key)?;
        if now < entry.until {
            return Some(Arc::clone(&entry.claims));
        }
        entries.pop(&key);
        None
    }

    /// Keeps what a token said that was just verified.
    pub(crate) fn put(&self, token: &str, claims: &Arc<Claims>, now: i64) {
        let until = claims.expires.min(now.saturating_add(MAX_AGE));
        if now < until {
            let entry = Entry { claims: Arc::clone(claims), until };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key(token), entry);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use domain::Caller;

    use super::*;

    fn claims(expires: i64) -> Arc<Claims> {
        let caller = Caller::new("00u1", &[], &[], false);
        Arc::new(Claims { subject: "a@b.test".to_owned(), issued: 0, expires, caller })
    }

    #[test]
    fn an_entry_never_outlives_its_token_or_its_age() {
        let cache = Verified::default();
        cache.put("short", &claims(110), 100);
        assert!(cache.get("short", 109).is_some());
        assert!(cache.get("short", 110).is_none(), "without leeway");
        assert_eq!(cache.len(), 0, "and it is gone");
        cache.put("long", &claims(1_000_000), 100);
        assert!(cache.get("long", 100 + MAX_AGE - 1).is_some());
        assert!(cache.get("long", 100 + MAX_AGE).is_none());
        cache.put("expired", &claims(90), 100);
        assert_eq!(cache.len(), 0);
        assert!(cache.get("another", 100).is_none());
    }

    #[test]
    fn it_is_bounded() {
        let cache = Verified::default();
        for n in 0..3_000 {
            cache.put(&n.to_string(), &claims(1_000), 100);
        }
        assert_eq!(cache.len(), CAPACITY.get());
        assert!(cache.get("2999", 100).is_some() && cache.get("0", 100).is_none());
    }
}
