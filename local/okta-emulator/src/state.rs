//! Everything that an emulator holds, behind one lock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::watch;

use crate::api::api_tokens;
use crate::clock::now;
use crate::demo_tokens::{self, TokenRequest};
use crate::event_delivery::Delivery;
use crate::faults::Fault;
use crate::journal::Entry;
use crate::org::Org;
use crate::random::random;
use crate::seed::{Seed, SeedError};
use crate::settings::Settings;
use crate::{event_delivery, hooks, snapshot};

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error("port {port} on 127.0.0.1 is not available")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// The seed makes no org.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The state file cannot be used.
    #[error("the state file {path} cannot be used: {reason}")]
    StateFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No HTTP client for inline hooks.
    #[error("inline hooks cannot be called: {0}")]
    Hooks(String),
}

/// Everything behind the lock.
pub(crate) struct State {
    pub(crate) seed: Seed,
    pub(crate) url: String,
    pub(crate) org: Org,
    pub(crate) settings: Settings,
    pub(crate) faults: Vec<Fault>,
    pub(crate) journal: Vec<Entry>,
    pub(crate) dns: BTreeMap<String, Vec<String>>,
    /// Number of the window and calls in it, by endpoint class.
    pub(crate) used: BTreeMap<&'static str, (i64, u32)>,
    pub(crate) in_flight: u32,
    /// Policies whose rules are being changed, and until when.
    pub(crate) changing: BTreeMap<String, Option<Instant>>,
    pub(crate) http: reqwest::Client,
    /// Deliveries of event hooks that wait for an order, see [`Settings::hold_events`].
    pub(crate) held: Vec<Delivery>,
    pub(crate) started: Instant,
    pub(crate) answers: u64,
    pub(crate) arrivals: watch::Sender<u64>,
}

impl State {
    pub(crate) fn new(seed: Seed, url: String) -> Result<Self, StartError> {
        let org = seed.plant(&url, now(0))?;
        let http = reqwest::Client::builder()
            .timeout(hooks::TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("Okta-Emulator")
            .build()
            .map_err(|error| StartError::Hooks(error.to_string()))?;
        Ok(Self {
            dns: seed.dns.clone(),
            seed,
            url,
            org,
            settings: Settings::default(),
            faults: Vec::new(),
            journal: Vec::new(),
            used: BTreeMap::new(),
            in_flight: 0,
            changing: BTreeMap::new(),
            http,
            held: Vec::new(),
            started: Instant::now(),
            answers: 0,
            arrivals: watch::channel(0).0,
        })
    }

    pub(crate) fn token(&mut self, request: &TokenRequest) -> Result<Value, String> {
        demo_tokens::issue(&mut self.org, request, &self.url, now(self.settings.clock_offset_ms))
    }

    /// A new API token of this user.
    pub(crate) fn api_token(&mut self, owner: &str) -> Result<String, String> {
        let owner = self.org.user(owner).map_err(|_| format!("there is no user `{owner}`"))?.id.clone();
        let (id, token) = (self.org.new_id("00T"), format!("00{}", random()));
        api_tokens::insert_token(
            &mut self.org,
            (&id, &token),
            &id,
            &owner,
            now(self.settings.clock_offset_ms),
        );
        Ok(token)
    }

    pub(crate) fn snapshot(&self, stable: bool) -> Value {
        snapshot::take(&self.org, stable)
    }

    /// Tells event hooks of what happened, or holds it.
    pub(crate) fn send_events(&mut self) {
        let deliveries = event_delivery::take(&mut self.org, &self.url);
        if self.settings.hold_events {
            self.held.extend(deliveries);
        } else if !deliveries.is_empty() {
            let http = self.http.clone();
            tokio::spawn(async move { event_delivery::deliver(&http, deliveries).await });
        }
    }

    pub(crate) fn reset(&mut self) -> Result<(), String> {
        let mut org = self.seed.plant(&self.url, now(0)).map_err(|e| e.to_string())?;
        // The keys stay: who has fetched them before need not know of a reset.
        for (id, server) in &mut org.authorization_servers {
            if let Some(before) = self.org.authorization_servers.get(id) {
                server.keys.clone_from(&before.keys);
            }
        }
        org.keys = std::mem::take(&mut self.org.keys);
        org.own_keys = std::mem::take(&mut self.org.own_keys);
        self.org = org;
        self.settings = Settings::default();
        self.faults.clear();
        self.journal.clear();
        self.dns = self.seed.dns.clone();
        self.used.clear();
        self.held.clear();
        Ok(())
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
