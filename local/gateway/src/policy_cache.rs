//! Answers of the authorizer, kept by identity source.
//!
//! What is kept is the policy and the context, evaluated again for every
//! request; a denying policy is kept too, errors are not (API Gateway
//! developer guide, "Configure a Lambda authorizer").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Answers kept at most.
const CAPACITY: usize = 10_000;

/// The cache of one stage.
pub(crate) struct PolicyCache {
    ttl: Duration,
    entries: Mutex<HashMap<Key, (Instant, Value)>>,
}

/// `Authorization` and path: the identity sources.
pub(crate) type Key = (String, String);

impl PolicyCache {
    pub(crate) fn new(ttl: Duration) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Value> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = entries.get(key)?;
        (at.elapsed() < self.ttl).then(|| answer.clone())
    }

    pub(crate) fn put(&self, key: Key, answer: Value) {
        if self.ttl.is_zero() {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.retain(|_, (at, _)| at.elapsed() < self.ttl);
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), answer));
    }

    /// `FlushStageAuthorizersCache`.
    pub(crate) fn flush(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
