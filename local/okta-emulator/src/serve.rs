//! Answering a call: limits, faults, credentials, the handler, an inline hook,
//! the journal.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::api::{api_tokens, policies, trusted_origins};
use crate::clock::{http_date, now};
use crate::error::OktaError;
use crate::faults::{Action, Drop, hit};
use crate::{access, control, exchanges, hooks, limits};

use crate::call::{Auth, Body, Call, Caller, HookCall, Outcome, Reply, Route, Who};
use crate::journal::Entry;
use crate::json::text;
use crate::oauth::{client, introspection, remote_keys};
use crate::org::Org;
use crate::routes::{Found, find};
use crate::state::{State, lock};

/// Calls per minute that an endpoint class allows. Okta's default buckets of
/// a paid org, rounded; an org may differ. One user by id or login has two of its own: to read
/// it, and to change it.
const LIMITS: &[(&str, u32)] = &[
    (READ_USER, 600),
    (CHANGE_USER, 600),
    ("/api/v1/apps", 100),
    ("/api/v1/groups", 500),
    ("/api/v1/idps", 500),
    ("/api/v1/logs", 120),
    ("/api/v1/users", 600),
    ("", 1_200),
];

/// `GET /api/v1/users/{id}`.
const READ_USER: &str = "GET /api/v1/users/";

/// `POST`, `PUT` and `DELETE` of the same.
const CHANGE_USER: &str = "change /api/v1/users/";

/// The class of a call.
fn class_of(method: &str, path: &str) -> &'static str {
    let of_one_user = path.strip_prefix("/api/v1/users/").is_some_and(|rest| !rest.contains('/'));
    match (of_one_user, method) {
        (true, "GET") => READ_USER,
        (true, _) => CHANGE_USER,
        _ => LIMITS.iter().map(|(class, _)| *class).find(|class| path.starts_with(class)).unwrap_or(""),
    }
}

/// What the headers say while there are no limits.
const PLENTY: u32 = 100_000;

/// Calls that an org may have under way at once.
const MAX_CONCURRENT: u32 = 75;

pub(crate) async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
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

/// A call as it came in.
struct Received {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: hyper::HeaderMap,
    body: Bytes,
}

async fn serve(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Err(Dropped) };
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let request = Received {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    if request.path == "/dns-query" {
        return Ok(respond(control::dns_query(&lock(&state), &request.query), &[]));
    }
    if request.method == "POST" && request.path == "/_emulator/deliver" {
        return Ok(respond(control::deliver(&state, &request.body).await, &[]));
    }
    if request.path.starts_with("/_emulator") {
        let reply =
            control::answer(&mut lock(&state), &request.method, &request.path, &request.query, &request.body);
        return Ok(respond(reply.unwrap_or_else(|| Reply::new(404, Value::Null)), &[]));
    }
    let origin = request.headers.get("origin").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let cors = cross_origin(&lock(&state).org, &request.path, origin.as_deref());
    if request.method == "OPTIONS" && origin.is_some() {
        return Ok(respond(preflight(&request), &cors));
    }
    let found = find(&request.method, &request.path);
    let (operation_id, policy) = match &found {
        Found::Route(route, parameters) => {
            let policy = policies::locked_policy(route.operation_id, parameters);
            (Some(route.operation_id), policy.map(str::to_owned))
        }
        _ => (None, None),
    };
    let arrived = Instant::now();
    let (latency, action, at_ms, busy) = {
        let mut state = lock(&state);
        state.arrivals.send_modify(|arrived| *arrived += 1);
        let action = hit(&mut state.faults, &request.method, &request.path, operation_id).unwrap_or_default();
        let busy = policy.as_ref().is_some_and(|policy| !state.begin_change(policy));
        state.in_flight += 1;
        (state.settings.latency_ms, action, state.started.elapsed().as_secs_f64() * 1e3, busy)
    };
    let under_way = UnderWay { state: Arc::clone(&state), policy: policy.filter(|_| !busy) };
    let wait = Duration::from_millis(latency + action.delay_ms);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    if matches!(found, Found::Route(route, _) if route.auth == Auth::Public) {
        remote_keys::read(&state, &request.body).await;
    }
    let mut outcome = begin(&mut lock(&state), &request, found, &action, busy);
    if let Ok(Handled { reply: Ok(reply), call: Some(call), .. }) = &mut outcome
        && let Some(hook) = reply.hook.take()
    {
        let http = lock(&state).http.clone();
        let HookCall { uri, headers, payload, then } = *hook;
        let answer = hooks::fire(&http, &uri, headers, payload.as_ref()).await;
        let after = then(&mut lock(&state).org, call, answer);
        if let Ok(handled) = &mut outcome {
            handled.reply = after;
        }
    }
    drop(under_way);
    let mut state = lock(&state);
    state.send_events();
    let answer =
        outcome.and_then(|handled| finish(&mut state, &request, operation_id, handled, &action, &cors));
    let seq = state.journal.len() as u64 + 1;
    state.journal.push(Entry {
        seq,
        at_ms,
        duration_ms: arrived.elapsed().as_secs_f64() * 1e3,
        method: request.method,
        path: request.path,
        operation_id,
        status: answer.as_ref().map_or(0, |answer| answer.status().as_u16()),
        bytes: answer
            .as_ref()
            .ok()
            .and_then(|answer| hyper::body::Body::size_hint(answer.body()).exact())
            .unwrap_or_default(),
    });
    answer
}

/// A call that is being answered. It ends however it ends: the future of a call
/// whose client has gone is dropped.
struct UnderWay {
    state: Arc<Mutex<State>>,
    policy: Option<String>,
}

impl std::ops::Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.in_flight -= 1;
        if let Some(policy) = self.policy.take() {
            state.end_change(policy);
        }
    }
}

impl State {
    /// Counts the call; gives limit, remaining calls and the reset as epoch
    /// seconds, and whether the class was used up before.
    ///
    /// Without limits the headers tell of plenty, or a client that stays below
    /// a share of them would hold back.
    fn count(&mut self, method: &str, path: &str) -> (u32, u32, i64, bool) {
        if !self.settings.rate_limits {
            let now = now(self.settings.clock_offset_ms).as_second();
            return (PLENTY, PLENTY, now + 60, false);
        }
        let class = class_of(method, path);
        let limit = LIMITS.iter().find(|(of, _)| *of == class).map_or(1_200, |(_, limit)| *limit);
        let length = self.settings.rate_limit_window_seconds.max(1);
        let window = now(self.settings.clock_offset_ms).as_second() / length;
        let used = self.used.entry(class).or_insert((window, 0));
        if used.0 != window {
            *used = (window, 0);
        }
        let over = used.1 >= limit;
        used.1 += u32::from(!over);
        (limit, limit - used.1, (window + 1) * length, over)
    }

    /// Begins a change of the rules of a policy; `false` while another one is
    /// under way (423 E0000239).
    fn begin_change(&mut self, policy: &str) -> bool {
        match self.changing.get(policy) {
            Some(None) => return false,
            Some(Some(until)) if *until > Instant::now() => return false,
            _ => {}
        }
        self.changing.insert(policy.to_owned(), None);
        true
    }

    fn end_change(&mut self, policy: String) {
        let until = Instant::now() + Duration::from_millis(self.settings.rule_change_ms);
        self.changing.insert(policy, Some(until));
    }
}

/// Headers that let a page of another origin read the answer: of a trusted
/// origin everything, with cookies; what is public, everybody.
fn cross_origin(org: &Org, path: &str, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let Some(origin) = origin else { return Vec::new() };
    let exposed = "x-okta-request-id, x-rate-limit-limit, x-rate-limit-remaining, x-rate-limit-reset, link, date, dpop-nonce";
    if trusted_origins::trusts(org, origin, "CORS") {
        return vec![
            ("access-control-allow-origin", origin.to_owned()),
            ("access-control-allow-credentials", "true".to_owned()),
            ("access-control-expose-headers", exposed.to_owned()),
            ("vary", "Origin".to_owned()),
        ];
    }
    if path.ends_with("/v1/keys") || path.contains("/.well-known/") {
        return vec![("access-control-allow-origin", "*".to_owned())];
    }
    Vec::new()
}

fn preflight(request: &Received) -> Reply {
    let asked = request.headers.get("access-control-request-headers").and_then(|value| value.to_str().ok());
    Reply::no_content()
        .with("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS")
        .with("access-control-allow-headers", asked.unwrap_or_default())
        .with("access-control-max-age", "600")
}

/// What came of a call, before a hook is fired.
struct Handled {
    reply: Outcome,
    /// There is one if a handler ran.
    call: Option<Call>,
    limits: (u32, u32, i64),
}

/// Limits, faults, credentials, and then the handler.
fn begin(
    state: &mut State,
    request: &Received,
    found: Found,
    action: &Action,
    busy: bool,
) -> Result<Handled, Dropped> {
    if action.drop == Some(Drop::Before) {
        return Err(Dropped);
    }
    let now = now(state.settings.clock_offset_ms);
    state.answers += 1;
    let (mut limit, mut remaining, mut reset, over) = state.count(&request.method, &request.path);
    let injected = if action.rate_limit {
        (remaining, reset) = (0, now.as_second() + 2);
        Some(OktaError::rate_limit())
    } else if action.status == Some(429) {
        reset = now.as_second() + 60;
        Some(OktaError::rate_limit())
    } else {
        action.status.map(OktaError::injected)
    };
    let crowded = state.settings.rate_limits && state.in_flight > MAX_CONCURRENT;
    if crowded {
        // How Okta tells the limit of concurrent calls from the others.
        (limit, remaining) = (0, 0);
    }
    let limited = crowded || (state.settings.rate_limits && over);
    let mut made = None;
    let reply = match (injected, found) {
        (Some(error), _) => Err(error),
        (None, _) if limited => Err(OktaError::rate_limit()),
        (None, Found::Nothing) => Err(OktaError::no_such_path()),
        (None, Found::WrongMethod) => Err(OktaError::method_not_allowed()),
        (None, Found::Route(..)) if busy => Err(OktaError::being_reconciled()),
        (None, Found::Route(route, parameters)) => {
            prepare(state, request, route, parameters, now).and_then(|call| {
                let body = call.body.as_ref().and_then(serde_json::Value::as_object);
                let fits = body.map_or(Ok(()), |body| limits::check(route.operation_id, body));
                let reply = fits.and_then(|()| (route.handler)(&mut state.org, &call));
                made = Some(call);
                reply
            })
        }
    };
    Ok(Handled { reply, call: made, limits: (limit, remaining, reset) })
}

/// Reads a call and decides whether the caller may make it.
fn prepare(
    state: &mut State,
    request: &Received,
    route: &Route,
    mut parameters: Vec<(&'static str, String)>,
    now: jiff::Timestamp,
) -> Result<Call, OktaError> {
    let mut call = Call {
        path: request.path.clone(),
        parameters: Vec::new(),
        query: request.query.clone(),
        headers: request.headers.clone(),
        body: None,
        form: Vec::new(),
        caller: Caller::default(),
        now,
        org_url: state.url.clone(),
        settings: state.settings.clone(),
    };
    if route.auth != Auth::Public {
        let mut caller = authenticate(&mut state.org, &call, &request.method)?;
        for (name, value) in &mut parameters {
            // `me` is the owner of the token.
            if let ("id" | "userId" | "userIdOrLogin", "me", Who::User(id)) =
                (*name, value.as_str(), &caller.who)
            {
                id.clone_into(value);
            }
        }
        if let Err(refused) = access::authorize(&state.org, route, &mut caller, &parameters) {
            let absent = || state.org.absent(&parameters);
            return match call.settings.existence_before_rights {
                true => Err(absent().unwrap_or(refused)),
                false => Err(refused),
            };
        }
        call.caller = caller;
    }
    call.parameters = parameters;
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    if matches!(request.method.as_str(), "POST" | "PUT")
        && header("content-length").is_none()
        && header("transfer-encoding").is_none()
    {
        return Err(OktaError::new(411, "E0000003", "A Content-Length header is required."));
    }
    if request.body.is_empty() {
        return Ok(call);
    }
    let kind = header("content-type").unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") && !request.path.starts_with("/api/") {
        call.form = url::form_urlencoded::parse(&request.body).into_owned().collect();
    } else if kind.starts_with("application/json") {
        call.body = Some(serde_json::from_slice(&request.body).map_err(|_| OktaError::malformed_body())?);
    } else {
        return Err(OktaError::content_type(kind.is_empty()));
    }
    Ok(call)
}

/// Who calls: the owner of an API token, or whom an access token of the org is
/// for. A token that is bound to a key must come with a proof.
fn authenticate(org: &mut Org, call: &Call, method: &str) -> Result<Caller, OktaError> {
    let header = call.header("authorization").unwrap_or_default();
    // Okta's SDK for Python 3.4 sends no space after `SSWS`.
    let (scheme, token) = match header.strip_prefix("SSWS") {
        Some(token) => ("SSWS", token.trim_start()),
        None => header.split_once(' ').unwrap_or_default(),
    };
    match scheme {
        "SSWS" => api_tokens::caller(org, token, call.now),
        "Bearer" | "DPoP" => {
            let claims = introspection::accepted(org, token, call.now);
            let claims =
                claims.filter(|claims| text(claims, "iss") == call.org_url && claims.contains_key("scp"));
            let claims = claims.ok_or_else(OktaError::invalid_token)?;
            let bound = crate::json::at(&claims, "/cnf/jkt");
            let url = call.url(&call.path);
            let proof = client::dpop(org, call, method, &url, Some(token), false);
            let proof = proof.map_err(|error| OktaError::invalid_proof(&error.description))?;
            if (scheme == "DPoP") == bound.is_empty()
                || (!bound.is_empty() && proof.as_deref() != Some(bound))
            {
                return Err(OktaError::invalid_proof("The DPoP proof JWT header is missing."));
            }
            let scopes = crate::json::texts(&claims, "/scp").into_iter().map(str::to_owned).collect();
            let who = match text(&claims, "uid") {
                "" => Who::Client(text(&claims, "cid").to_owned()),
                id if org.users.get(id).is_some_and(|user| user.status == "ACTIVE") => {
                    Who::User(id.to_owned())
                }
                _ => return Err(OktaError::invalid_token()),
            };
            Ok(Caller { who, scopes: Some(scopes), ..Caller::default() })
        }
        _ => Err(OktaError::invalid_session()),
    }
}

/// Makes the answer, and notes the exchange for the check against Okta's
/// description.
fn finish(
    state: &mut State,
    request: &Received,
    operation_id: Option<&'static str>,
    handled: Handled,
    action: &Action,
    cors: &[(&'static str, String)],
) -> Result<Answer, Dropped> {
    if action.drop == Some(Drop::After) {
        return Err(Dropped);
    }
    let now = now(state.settings.clock_offset_ms);
    let reply = handled.reply.unwrap_or_else(|error| {
        let mut reply = Reply::new(error.status, error.body(state.answers));
        reply.headers.extend(error.headers);
        reply
    });
    if let Some(operation_id) = operation_id.filter(|_| *action == Action::default()) {
        exchanges::record(
            operation_id,
            &request.method,
            &request.path,
            &request.headers,
            &request.body,
            &reply,
        );
    }
    let (limit, remaining, reset) = handled.limits;
    let mut headers = vec![
        ("date", http_date(now)),
        ("x-okta-request-id", format!("req{:022}", state.answers)),
        ("x-rate-limit-limit", limit.to_string()),
        ("x-rate-limit-remaining", remaining.to_string()),
        ("x-rate-limit-reset", reset.to_string()),
    ];
    headers.extend(cors.iter().cloned());
    let mut answer = respond(reply, &headers);
    if let Some(text) = &action.body {
        *answer.body_mut() = Full::from(text.clone());
    }
    Ok(answer)
}

fn respond(reply: Reply, headers: &[(&'static str, String)]) -> Answer {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in reply.headers.iter().chain(headers) {
        builder = builder.header(*name, value);
    }
    let body = match reply.body {
        Body::Json(body) => {
            builder = builder.header("content-type", "application/json");
            Full::from(body.to_string())
        }
        Body::Text(kind, text) => {
            builder = builder.header("content-type", kind);
            Full::from(text)
        }
        Body::None => Full::default(),
    };
    builder.body(body).unwrap_or_else(|_: hyper::http::Error| Response::new(Full::default()))
}
