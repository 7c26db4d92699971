//! The HTTP server around the org: credentials, faults, limits, journal.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::{http_date, now};
use crate::control;
use crate::error::OktaError;
use crate::faults::{Action, Drop, Fault, hit};
use crate::journal::Entry;
use crate::org::{Org, Settings};
use crate::routes::{Auth, Call, Found, Reply, Route, find};
use crate::seed::{Seed, SeedError};
use crate::snapshot;
use crate::tokens::{self, SigningKey, TokenRequest};

/// Calls per minute that an endpoint class allows. Okta's default buckets of
/// a paid org, rounded; an org may differ.
const LIMITS: &[(&str, u32)] = &[
    ("/api/v1/apps", 100),
    ("/api/v1/groups", 500),
    ("/api/v1/idps", 500),
    ("/api/v1/users", 600),
    ("", 1_200),
];

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
    /// No signing key.
    #[error("a signing key cannot be made: {0}")]
    SigningKey(String),
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
            (state.org, state.key) = serde_json::from_str(&text).map_err(|e| reason(e.to_string()))?;
            state.jwks = state.key.jwks().map_err(StartError::SigningKey)?;
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
        let text = serde_json::to_string(&(&state.org, &state.key)).unwrap_or_default();
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

    /// Puts a routing rule into the org, as an admin would in the console.
    pub fn insert_rule(&self, name: &str, idp: &str, active: bool) {
        let mut state = lock(&self.state);
        let (id, policy) = (state.org.new_id("0pr"), state.seed.routing_policy_id.clone());
        let rule = serde_json::json!({
            "id": id, "type": "IDP_DISCOVERY", "name": name, "status": if active { "ACTIVE" } else { "INACTIVE" },
            "system": false, "priority": 1,
            "conditions": {
                "app": { "include": [], "exclude": [] },
                "userIdentifier": { "type": "IDENTIFIER", "patterns": [] },
            },
            "actions": { "idp": { "providers": [{ "type": "SAML2", "id": idp }] } },
        });
        if let Value::Object(rule) = rule {
            state.org.rules.entry(policy).or_default().insert(id, rule);
        }
    }

    /// Puts a group into the org that came from an application, whose name need
    /// not be unique.
    pub fn insert_imported_group(&self, name: &str) {
        let mut state = lock(&self.state);
        let now = now(state.settings.clock_offset_ms);
        let id = state.org.insert_group(name, "", now);
        if let Some(group) = state.org.groups.get_mut(&id) {
            group.kind = "APP_GROUP".to_owned();
        }
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
        state
            .org
            .authorization_servers
            .values()
            .map(|s| tokens::issuer(s, &state.url))
            .next()
            .unwrap_or_default()
    }
}

impl std::ops::Drop for Emulator {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// Everything behind the lock.
pub(crate) struct State {
    seed: Seed,
    url: String,
    pub(crate) org: Org,
    key: SigningKey,
    jwks: Value,
    pub(crate) settings: Settings,
    pub(crate) faults: Vec<Fault>,
    pub(crate) journal: Vec<Entry>,
    pub(crate) dns: BTreeMap<String, Vec<String>>,
    /// Start of the minute and calls in it, by endpoint class.
    used: BTreeMap<&'static str, (i64, u32)>,
    started: Instant,
    answers: u64,
    arrivals: watch::Sender<u64>,
}

impl State {
    fn new(seed: Seed, url: String) -> Result<Self, StartError> {
        let key = SigningKey::generate().map_err(StartError::SigningKey)?;
        let jwks = key.jwks().map_err(StartError::SigningKey)?;
        let org = seed.plant(now(0))?;
        Ok(Self {
            seed,
            url,
            org,
            key,
            jwks,
            settings: Settings::default(),
            faults: Vec::new(),
            journal: Vec::new(),
            dns: BTreeMap::new(),
            used: BTreeMap::new(),
            started: Instant::now(),
            answers: 0,
            arrivals: watch::channel(0).0,
        })
    }

    pub(crate) fn token(&self, request: &TokenRequest) -> Result<Value, String> {
        tokens::issue(&self.org, &self.key, request, &self.url, now(self.settings.clock_offset_ms))
    }

    pub(crate) fn snapshot(&self, stable: bool) -> Value {
        snapshot::take(&self.org, stable)
    }

    pub(crate) fn reset(&mut self) -> Result<(), String> {
        self.org = self.seed.plant(now(0)).map_err(|e| e.to_string())?;
        self.settings = Settings::default();
        self.faults.clear();
        self.journal.clear();
        self.dns.clear();
        self.used.clear();
        Ok(())
    }

    /// Counts the call; gives limit, remaining calls and the reset as epoch
    /// seconds, and whether the class was used up before.
    fn count(&mut self, path: &str) -> (u32, u32, i64, bool) {
        let (class, limit) =
            LIMITS.iter().find(|(class, _)| path.starts_with(class)).copied().unwrap_or(("", 1_200));
        let minute = now(self.settings.clock_offset_ms).as_second() / 60;
        let used = self.used.entry(class).or_insert((minute, 0));
        if used.0 != minute {
            *used = (minute, 0);
        }
        let over = used.1 >= limit;
        used.1 += u32::from(!over);
        (limit, limit - used.1, (minute + 1) * 60, over)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Without it, small answers wait for a delayed acknowledgement: 40 ms.
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| serve(Arc::clone(&state), request));
            // An error here is a dropped connection, on purpose or by the peer.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct Dropped;

type Answer = Response<Full<Bytes>>;

async fn serve(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Err(Dropped) };
    let body = body.to_bytes();
    let (method, path) = (parts.method.as_str(), parts.uri.path().to_owned());
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    if path == "/dns-query" {
        return Ok(respond(control::dns_query(&lock(&state), &query), &[]));
    }
    if path.starts_with("/_emulator") {
        let reply = control::answer(&mut lock(&state), method, &path, &query, &body);
        return Ok(respond(reply.unwrap_or_else(|| Reply::new(404, Value::Null)), &[]));
    }
    let found = find(method, &path);
    let operation_id = match &found {
        Found::Route(route, _) => Some(route.operation_id),
        _ => None,
    };
    let arrived = Instant::now();
    let (latency, action, at_ms) = {
        let mut state = lock(&state);
        state.arrivals.send_modify(|arrived| *arrived += 1);
        let action = hit(&mut state.faults, method, &path, operation_id).unwrap_or_default();
        (state.settings.latency_ms, action, state.started.elapsed().as_secs_f64() * 1e3)
    };
    let wait = Duration::from_millis(latency + action.delay_ms);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    let mut state = lock(&state);
    let outcome = handle(&mut state, found, path.clone(), query, &body, authorization, &action);
    let seq = state.journal.len() as u64 + 1;
    state.journal.push(Entry {
        seq,
        at_ms,
        duration_ms: arrived.elapsed().as_secs_f64() * 1e3,
        method: method.to_owned(),
        path,
        operation_id,
        status: outcome.as_ref().map_or(0, |answer| answer.status().as_u16()),
    });
    outcome
}

fn handle(
    state: &mut State,
    found: Found,
    path: String,
    query: Vec<(String, String)>,
    body: &[u8],
    authorization: Option<&str>,
    action: &Action,
) -> Result<Answer, Dropped> {
    if action.drop == Some(Drop::Before) {
        return Err(Dropped);
    }
    let now = now(state.settings.clock_offset_ms);
    state.answers += 1;
    let (limit, remaining, mut reset, over) = state.count(&path);
    let injected = if action.rate_limit {
        reset = now.as_second() + 2;
        Some(OktaError::rate_limit())
    } else if action.status == Some(429) {
        reset = now.as_second() + 60;
        Some(OktaError::rate_limit())
    } else {
        action.status.map(OktaError::injected)
    };
    let limited = state.settings.rate_limits && over;
    let result = match (injected, found) {
        (Some(error), _) => Err(error),
        (None, _) if limited => Err(OktaError::rate_limit()),
        (None, Found::Nothing) => Err(OktaError::no_such_path()),
        (None, Found::WrongMethod) => Err(OktaError::method_not_allowed()),
        (None, Found::Route(route, parameters)) => {
            authorize(&state.org, route, authorization).and_then(|()| {
                let body = match body {
                    [] => None,
                    bytes => Some(serde_json::from_slice(bytes).map_err(|_| OktaError::malformed_body())?),
                };
                let call = Call {
                    path,
                    parameters,
                    query,
                    body,
                    now,
                    org_url: state.url.clone(),
                    page_size: state.settings.page_size,
                    search_lag_ms: state.settings.search_lag_ms,
                    jwks: state.jwks.clone(),
                };
                (route.handler)(&mut state.org, &call)
            })
        }
    };
    if action.drop == Some(Drop::After) {
        return Err(Dropped);
    }
    let reply = result.unwrap_or_else(|error| Reply::new(error.status, error.body(state.answers)));
    let remaining = if action.rate_limit { 0 } else { remaining };
    let headers = [
        ("date", http_date(now)),
        ("x-okta-request-id", format!("req{:022}", state.answers)),
        ("x-rate-limit-limit", limit.to_string()),
        ("x-rate-limit-remaining", remaining.to_string()),
        ("x-rate-limit-reset", reset.to_string()),
    ];
    let mut answer = respond(reply, &headers);
    if let Some(text) = &action.body {
        *answer.body_mut() = Full::from(text.clone());
    }
    Ok(answer)
}

/// The only role so far is that of the API token's owner, a super admin.
fn authorize(org: &Org, route: &Route, authorization: Option<&str>) -> Result<(), OktaError> {
    if route.auth == Auth::Public {
        return Ok(());
    }
    let token =
        authorization.and_then(|value| value.strip_prefix("SSWS ")).ok_or_else(OktaError::invalid_session)?;
    if org.api_tokens.contains_key(token) { Ok(()) } else { Err(OktaError::invalid_token()) }
}

fn respond(reply: Reply, headers: &[(&'static str, String)]) -> Answer {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in reply.headers.iter().chain(headers) {
        builder = builder.header(*name, value);
    }
    let body = match reply.body {
        Some(body) => {
            builder = builder.header("content-type", "application/json");
            Full::from(body.to_string())
        }
        None => Full::default(),
    };
    builder.body(body).unwrap_or_else(|_: hyper::http::Error| Response::new(Full::default()))
}
