//! A running emulator: how it is started, looked at, and changed by tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::now;
use crate::demo_tokens::{self, TokenRequest};
use crate::event_delivery::{self, DeliverRequest, Delivered};
use crate::faults::Fault;
use crate::journal::Entry;
use crate::seed::Seed;
use crate::serve::accept;
use crate::settings::Settings;
use crate::state::{StartError, State, lock};

/// How to start an emulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on the loopback address; 0 picks a free one.
    pub port: u16,
    /// The org to start with.
    pub seed: Seed,
    /// Read at the start if it exists, written by [`Emulator::save`].
    pub state_file: Option<PathBuf>,
}

/// A running emulator. It stops when this is dropped.
pub struct Emulator {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    state_file: Option<PathBuf>,
    arrivals: watch::Receiver<u64>,
    accept: tokio::task::JoinHandle<()>,
}

impl Emulator {
    /// Starts an emulator on the loopback address.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let port = options.port;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|source| StartError::Port { port, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
        let mut state = State::new(options.seed, format!("http://{address}"))?;
        if let Some(path) = options.state_file.as_ref().filter(|path| path.exists()) {
            let reason = |reason: String| StartError::StateFile { path: path.clone(), reason };
            let text = std::fs::read_to_string(path).map_err(|e| reason(e.to_string()))?;
            state.org = serde_json::from_str(&text).map_err(|e| reason(e.to_string()))?;
            state.org.derive();
        }
        let arrivals = state.arrivals.subscribe();
        let state = Arc::new(Mutex::new(state));
        let accept = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, state_file: options.state_file, arrivals, accept })
    }

    /// Origin of the org, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes the state file, if there is one.
    ///
    /// # Errors
    ///
    /// [`StartError::StateFile`].
    pub fn save(&self) -> Result<(), StartError> {
        let Some(path) = &self.state_file else { return Ok(()) };
        let state = lock(&self.state);
        let text = serde_json::to_string(&state.org).unwrap_or_default();
        std::fs::write(path, text)
            .map_err(|e| StartError::StateFile { path: path.clone(), reason: e.to_string() })
    }

    /// The journal since it was last emptied.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.state).journal.clone()
    }

    /// Calls that arrived since the start, answered or not.
    pub fn arrivals(&self) -> u64 {
        *self.arrivals.borrow()
    }

    /// Waits until so many calls have arrived since the start.
    pub async fn wait_for_arrivals(&self, calls: u64) {
        // An error means that the emulator is gone, and with it the wait.
        let _ = self.arrivals.clone().wait_for(|arrived| *arrived >= calls).await;
    }

    /// Empties the journal.
    pub fn clear_journal(&self) {
        lock(&self.state).journal.clear();
    }

    /// Orders a fault.
    pub fn order(&self, fault: Fault) {
        lock(&self.state).faults.push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.state).faults.clear();
    }

    /// Changes the knobs.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.state).settings);
    }

    /// The state as canonical JSON, ids and times replaced.
    pub fn stable_snapshot(&self) -> Value {
        lock(&self.state).snapshot(true)
    }

    /// The state as canonical JSON.
    pub fn snapshot(&self) -> Value {
        lock(&self.state).snapshot(false)
    }

    /// Whether a password is the present one of a user; no sign-in, and nothing is counted.
    pub fn is_password(&self, login: &str, password: &str) -> bool {
        let state = lock(&self.state);
        state.org.user_called(login).is_some_and(|user| crate::api::passwords::is_present(user, password))
    }

    /// Who delegates to whom, by the users' profiles: id of the user, ids of the agents.
    pub fn delegations(&self) -> Vec<(String, Vec<String>)> {
        let snapshot = self.snapshot();
        let users = snapshot["users"].as_object().into_iter().flatten();
        let agents = |user: &Value| -> Vec<String> {
            let agents = user["profile"]["delegatedAgents"].as_array().into_iter().flatten();
            agents.filter_map(|agent| agent.as_str().map(str::to_owned)).collect()
        };
        users.map(|(id, user)| (id.clone(), agents(user))).filter(|(_, agents)| !agents.is_empty()).collect()
    }

    /// Puts a routing rule into the org, as an admin would in the console.
    pub fn insert_rule(&self, name: &str, idp: &str, active: bool, suffixes: &[&str]) {
        let mut state = lock(&self.state);
        let (policy, now) = (state.seed.routing_policy_id.clone(), now(state.settings.clock_offset_ms));
        let suffixes: Vec<String> = suffixes.iter().map(|suffix| (*suffix).to_owned()).collect();
        state.org.insert_rule(&policy, name, idp, active, &suffixes, now);
    }

    /// A new API token of the user with this login, as an admin makes one in the console.
    ///
    /// # Errors
    ///
    /// There is no such user.
    pub fn api_token(&self, owner: &str) -> Result<String, String> {
        lock(&self.state).api_token(owner)
    }

    /// Puts a group into the org that came from an application, whose name need
    /// not be unique, with these members, by id; gives its id.
    pub fn insert_imported_group(&self, name: &str, members: &[&str]) -> String {
        let mut state = lock(&self.state);
        let now = now(state.settings.clock_offset_ms);
        let profile = crate::json::object(serde_json::json!({ "name": name, "description": "" }));
        let id = state.org.insert_group(profile, now);
        if let Some(group) = state.org.groups.get_mut(&id) {
            group.kind = "APP_GROUP".to_owned();
            group.members.extend(members.iter().map(|id| (*id).to_owned()));
        }
        id
    }

    /// Delivers what [`Settings::hold_events`] held; gives what the hooks answered.
    pub async fn deliver(&self, request: &DeliverRequest) -> Vec<Delivered> {
        let (http, held) = {
            let mut state = lock(&self.state);
            (state.http.clone(), std::mem::take(&mut state.held))
        };
        event_delivery::deliver(&http, event_delivery::ordered(held, request)).await
    }

    /// Lets the search index catch up, as if its lag had passed.
    pub fn catch_up(&self) {
        lock(&self.state).org.settle();
    }

    /// Back to the seed.
    pub fn reset(&self) {
        // INVARIANT: the seed made an org when the emulator started.
        #[expect(clippy::expect_used, reason = "invariant above")]
        lock(&self.state).reset().expect("the seed is good");
    }

    /// The access token of [`TokenRequest`].
    ///
    /// # Errors
    ///
    /// A sentence, if there is no such user.
    pub fn access_token(&self, request: &TokenRequest) -> Result<String, String> {
        let tokens = lock(&self.state).token(request)?;
        Ok(tokens["access_token"].as_str().unwrap_or_default().to_owned())
    }

    /// Issuer of the tokens.
    pub fn issuer(&self) -> String {
        let state = lock(&self.state);
        demo_tokens::issuer(&state.org, &state.url).unwrap_or_default()
    }
}

impl std::ops::Drop for Emulator {
    fn drop(&mut self) {
        self.accept.abort();
    }
}
