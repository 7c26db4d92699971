//! What all calls share: state, faults, the journal, and a client for identity providers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::account::State;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::journal::Entry;
use crate::seed::Seed;

/// How long the keys and metadata of an identity provider may take.
const IDENTITY_PROVIDER: Duration = Duration::from_secs(5);

/// What all calls share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) faults: Faults,
    journal: Mutex<(u64, Vec<Entry>)>,
    http: reqwest::Client,
    /// Where functions are invoked.
    lambda: Mutex<Option<String>>,
    /// How many rotations have ended.
    rotations: watch::Sender<u64>,
    okta_url: String,
    pub(crate) started: Instant,
}

impl Shared {
    pub(crate) fn new(seed: Seed, okta_url: String) -> Result<Self, reqwest::Error> {
        Ok(Self {
            state: Mutex::new(State::new(seed)),
            faults: Faults::default(),
            journal: Mutex::default(),
            http: reqwest::Client::builder().timeout(IDENTITY_PROVIDER).build()?,
            lambda: Mutex::default(),
            rotations: watch::Sender::new(0),
            okta_url,
            started: Instant::now(),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    pub(crate) fn clear_journal(&self) {
        *self.journal.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }

    pub(crate) fn note(&self, mut entry: Entry) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.0 += 1;
        entry.seq = journal.0;
        journal.1.push(entry);
    }

    pub(crate) fn reset(&self) {
        self.state().reset();
        self.faults.clear();
        self.clear_journal();
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn lambda(&self) -> Option<String> {
        self.lambda.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many rotations have ended.
    pub(crate) fn rotations_ended(&self) -> watch::Receiver<u64> {
        self.rotations.subscribe()
    }

    pub(crate) fn rotation_has_ended(&self) {
        self.rotations.send_modify(|ended| *ended += 1);
    }

    pub(crate) fn set_lambda(&self, url: String) {
        *self.lambda.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    /// A location of the seed as a URL: a path is one of the Okta org's.
    pub(crate) fn location(&self, location: &str) -> String {
        if location.starts_with('/') { format!("{}{location}", self.okta_url) } else { location.to_owned() }
    }

    /// What an identity provider publishes there; kept until it is forgotten.
    pub(crate) async fn document(&self, location: &str) -> Result<String, AwsError> {
        if let Some(text) = self.state().documents.get(location) {
            return Ok(text.clone());
        }
        let failed = |error: reqwest::Error| AwsError::communication(error.without_url().to_string());
        let answer = self.http.get(self.location(location)).send().await.map_err(failed)?;
        let text = answer.error_for_status().map_err(failed)?.text().await.map_err(failed)?;
        self.state().documents.insert(location.to_owned(), text.clone());
        Ok(text)
    }

    pub(crate) fn forget(&self, location: &str) {
        self.state().documents.remove(location);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_millis(self.state().settings.clock_offset_ms)
    }
}
