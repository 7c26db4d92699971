//! Sending calls: credential, deadline, retries, errors.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{Stream, TryStreamExt, try_unfold};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::fmt::rfc2822;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::budget::Budget;
use crate::credential::Credential;
use crate::error::ApiError;
use crate::limits::{self, Limits};
use crate::permit::Permit;
use crate::token::{AccessToken, Tokens};
use crate::transport::{ATTEMPT_TIMEOUT, communication};
use crate::{Error, OrgUrl, link, retry};

/// Ids of answers that are kept of one request.
const REQUEST_IDS: usize = 30;

/// Deadline of a client that [`Client::until`] has not given another.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// A client of one org. Cloning is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    org: Arc<OrgUrl>,
    pub(crate) authorization: Authorization,
    limits: Arc<Limits>,
    /// What the party may use for whom the calls are made.
    budget: Option<Budget>,
    /// Whether the share of the rate limits does not count.
    beyond_share: bool,
    permit: Option<Permit>,
    /// Longest wait for a limit.
    patience: Duration,
    deadline: Option<Instant>,
    calls: Arc<AtomicU32>,
    /// Okta's ids of the last answers.
    request_ids: Arc<Mutex<Vec<String>>>,
    /// `Date` of the newest answer, in seconds since 1970; 0 before the first.
    pub(crate) clock: Arc<AtomicI64>,
}

/// What every call carries.
#[derive(Clone, Debug)]
pub(crate) enum Authorization {
    /// The header of an API token.
    Fixed(HeaderValue),
    OAuth(Arc<Tokens>),
    /// None: for what everybody may call.
    Nobody,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The elements.
    pub items: Vec<T>,
    /// Okta's cursor after them; `None` on the last page.
    pub after: Option<String>,
    pub(crate) next: Option<Url>,
}

/// A list, page after page, as one stream of elements.
pub type Pages<'c, T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send + 'c>>;

/// An answer with a body that was understood.
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    pub(crate) headers: HeaderMap,
}

impl Client {
    /// A client that authenticates with `credential`, and uses
    /// [`crate::DEFAULT_SHARE`] percent of Okta's rate limits.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for a token with characters that no header
    /// can carry, [`Error::Communication`] if there is no TLS on this system.
    pub fn new(org: OrgUrl, credential: impl Into<Credential>) -> Result<Self, Error> {
        let authorization = match credential.into() {
            Credential::ApiToken(token) => {
                Authorization::Fixed(sensitive(&format!("SSWS {}", token.0.expose_secret()))?)
            }
            Credential::OAuth(client) => {
                let endpoint = org.path(&["oauth2", "v1", "token"]);
                let endpoint = endpoint.ok_or_else(|| Error::InvalidRequest("the org".to_owned()))?;
                Authorization::OAuth(Arc::new(Tokens::new(client, endpoint)))
            }
        };
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .user_agent(concat!("okta-dac/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Communication { reason: error.to_string(), never_sent: true })?;
        Ok(Self {
            http,
            org: Arc::new(org),
            authorization,
            limits: Arc::new(Limits::new(limits::DEFAULT_SHARE)),
            budget: None,
            beyond_share: false,
            permit: None,
            patience: limits::PATIENCE,
            deadline: None,
            calls: Arc::default(),
            request_ids: Arc::default(),
            clock: Arc::default(),
        })
    }

    /// The same client for one request: no call is begun after `deadline`, and
    /// calls are counted from zero.
    #[must_use]
    pub fn for_request(&self, deadline: Instant) -> Self {
        let (calls, request_ids) = (Arc::default(), Arc::default());
        Self { deadline: Some(deadline), calls, request_ids, ..self.clone() }
    }

    /// The same request with another deadline.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same client with another share of Okta's rate limits, 1 to 100
    /// percent. What it has learned of the limits begins anew.
    #[must_use]
    pub fn with_share(&self, percent: u8) -> Self {
        Self { limits: Arc::new(Limits::new(percent)), ..self.clone() }
    }

    /// The same client, whose own calls use at most so many percent, 1 to 100, of its
    /// share of Okta's rate limits. What it has learned of the limits begins anew.
    #[must_use]
    pub fn with_part_of_share(&self, percent: u8) -> Self {
        Self { limits: Arc::new(self.limits.part(percent)), ..self.clone() }
    }

    /// The same client, whose calls are made for a party with this budget.
    #[must_use]
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self.clone() }
    }

    /// The same client for work that nobody waits for: a used-up limit is waited for as
    /// long as the deadline allows.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { patience: Duration::MAX, ..self.clone() }
    }

    /// The same client, for calls that undo a change: they may use all of a
    /// rate limit, and more than a budget.
    #[must_use]
    pub fn beyond_share(&self) -> Self {
        Self { beyond_share: true, ..self.clone() }
    }

    /// The same client, which waits with every call that changes something until
    /// `permit` is known, and sends none if `permit` says no. Reads wait for nothing.
    #[must_use]
    pub fn changing_if(&self, permit: impl Future<Output = bool> + Send + 'static) -> Self {
        Self { permit: Some(Permit::when(permit)), ..self.clone() }
    }

    /// Whether a request that will make calls of these resources (`groups`,
    /// `apps`) has to wait longer than its
    /// deadline allows, going by what earlier answers said. To be asked before
    /// the first change.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`].
    pub fn check_limits(&self, resources: &[&str]) -> Result<(), Error> {
        let classes: Vec<String> = resources.iter().map(|name| format!("/api/v1/{name}")).collect();
        let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
        let deadline = self.deadline.unwrap_or_else(|| Instant::now() + DEFAULT_DEADLINE);
        let budget =
            self.budget.iter().flat_map(|budget| classes.iter().filter_map(|of| budget.wait_for(of)));
        match self.limits.wait_for(&classes).into_iter().chain(budget).max() {
            Some(wait) if wait > self.patience || Instant::now() + wait >= deadline => {
                Err(Error::RateLimited { retry_after: wait })
            }
            _ => Ok(()),
        }
    }

    /// Id of the OAuth client that calls are made by; [`None`] for an API token, whose calls
    /// are its owner's.
    pub fn client_id(&self) -> Option<&str> {
        match &self.authorization {
            Authorization::OAuth(tokens) => Some(tokens.client_id()),
            Authorization::Fixed(_) | Authorization::Nobody => None,
        }
    }

    /// Calls sent so far, repeated ones included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The class of Okta's limits, of [`crate::CLASSES`], of which least is left in its present minute,
    /// and how much of it, in percent; `None` before the first answer.
    pub fn least_remaining(&self) -> Option<(&'static str, f64)> {
        self.limits.least_remaining()
    }

    /// Okta's ids of the answers so far, for Okta's support and the System Log; at most the
    /// first 30.
    pub fn request_ids(&self) -> Vec<String> {
        self.request_ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A URL of this org.
    pub(crate) fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        self.org.api(segments).ok_or_else(|| Error::InvalidRequest(segments.join("/")))
    }

    /// A URL of this org outside the Management API.
    pub(crate) fn path(&self, segments: &[&str]) -> Result<Url, Error> {
        self.org.path(segments).ok_or_else(|| Error::InvalidRequest(segments.join("/")))
    }

    /// Origin of the org, as issuers name it.
    pub(crate) fn org_url(&self) -> &str {
        self.org.as_str()
    }

    /// Sends a call whose answer is given back as it is.
    pub(crate) async fn bytes(&self, operation_id: &'static str, url: Url) -> Result<Vec<u8>, Error> {
        self.send(operation_id, Method::GET, url, None).await.map(|raw| raw.bytes)
    }

    /// Sends a call without a body.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        operation_id: &'static str,
        method: Method,
        url: Url,
    ) -> Result<Answer<T>, Error> {
        self.send(operation_id, method, url, None).await.and_then(|raw| raw.decode(operation_id))
    }

    /// Sends a call with a JSON body.
    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        operation_id: &'static str,
        method: Method,
        url: Url,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(|error| Error::InvalidRequest(error.to_string()))?;
        let raw = self.send(operation_id, method, url, Some(body)).await?;
        raw.decode(operation_id).map(|answer| answer.body)
    }

    /// Sends a call whose answer has no body that matters.
    pub(crate) async fn command(
        &self,
        operation_id: &'static str,
        method: Method,
        url: Url,
    ) -> Result<(), Error> {
        self.send(operation_id, method, url, None).await.map(drop)
    }

    /// One page of a list.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        operation_id: &'static str,
        url: Url,
    ) -> Result<Page<T>, Error> {
        let answer: Answer<Vec<T>> = self.call(operation_id, Method::GET, url).await?;
        let next = match link::next(&answer.headers) {
            None => None,
            Some(target) => {
                let foreign = || Error::Undecodable { operation_id, path: "Link".to_owned() };
                // A link to elsewhere would carry the credential there.
                let url = Url::parse(&target).ok().filter(|url| self.org.is_origin_of(url));
                Some(url.ok_or_else(foreign)?)
            }
        };
        let after = next.as_ref().and_then(|url| {
            url.query_pairs().find(|(name, _)| name == "after").map(|(_, value)| value.into_owned())
        });
        Ok(Page { items: answer.body, after, next })
    }

    /// All elements of a list, from the page at `url` on.
    pub(crate) fn pages<T>(&self, operation_id: &'static str, url: Result<Url, Error>) -> Pages<'_, T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let start = async move { url.map(|url| (VecDeque::new(), Some(url))) };
        let pages = futures::stream::once(start).map_ok(move |state| {
            try_unfold(state, move |(mut items, mut next): (VecDeque<T>, Option<Url>)| async move {
                while items.is_empty() {
                    let Some(url) = next.take() else { return Ok(None) };
                    let page = self.page(operation_id, url).await?;
                    (items, next) = (page.items.into(), page.next);
                }
                Ok(items.pop_front().map(|item| (item, (items, next))))
            })
        });
        Box::pin(pages.try_flatten())
    }

    /// Sends a call, and sends it again as [`retry`] says.
    async fn send(
        &self,
        operation_id: &'static str,
        method: Method,
        url: Url,
        body: Option<Vec<u8>>,
    ) -> Result<Raw, Error> {
        if let Some(permit) = self.permit.as_ref().filter(|_| method != Method::GET)
            && !permit.is_given().await
        {
            return Err(Error::NotPermitted);
        }
        let deadline = self.deadline.unwrap_or_else(|| Instant::now() + DEFAULT_DEADLINE);
        let mut attempt = 1;
        // All waits of one call for limits together.
        let mut patience = self.patience;
        // A rejected token is replaced once, and a missing nonce added once.
        let mut refreshed = false;
        // The first failure after which the call may have been done: a later
        // refusal does not say that it was not.
        let mut lost = None;
        loop {
            // Boxed: operations join many calls, and each would hold one of these.
            let answer = Box::pin(async {
                let class = limits::class_of(&method, url.path());
                if let Some(budget) = self.budget.as_ref().filter(|_| !self.beyond_share) {
                    budget.check(&class)?;
                }
                let admitted = self.limits.admit(&class, deadline, &mut patience, self.beyond_share);
                let _permit = admitted.await?;
                if let Some(budget) = &self.budget {
                    budget.count(&class);
                }
                self.attempt(&method, &url, &class, body.clone(), deadline).await
            });
            let error = match answer.await {
                Ok(raw) => return Ok(raw),
                Err(Attempt::Unauthenticated(_)) if !refreshed => {
                    refreshed = true;
                    continue;
                }
                Err(Attempt::Failed(error) | Attempt::Unauthenticated(error)) => error,
            };
            let wait = retry::wait(&method, &error, attempt, patience);
            let wait = wait.filter(|wait| Instant::now() + *wait < deadline);
            tracing::debug!(okta.operation_id = operation_id, attempt, error = %error, "call to Okta failed");
            let may_have_happened = method != Method::GET && error.may_have_happened();
            let Some(wait) = wait else {
                // The object is gone, as the deletion wanted; who did it does not matter.
                let settled = may_have_happened || (method == Method::DELETE && error.is_not_found());
                return Err(if settled { error } else { lost.unwrap_or(error) });
            };
            if may_have_happened && lost.is_none() {
                lost = Some(error);
            }
            patience = patience.saturating_sub(wait);
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        method: &Method,
        url: &Url,
        class: &str,
        body: Option<Vec<u8>>,
        deadline: Instant,
    ) -> Result<Raw, Attempt> {
        let mut request = self.http.request(method.clone(), url.clone()).header("accept", "application/json");
        let mut token: Option<Arc<AccessToken>> = None;
        match &self.authorization {
            Authorization::Fixed(header) => request = request.header("authorization", header.clone()),
            Authorization::OAuth(tokens) => {
                let used = tokens.get(&self.http, deadline).await?;
                for (name, value) in tokens.headers(&used, method, url).await? {
                    request = request.header(name, sensitive(value.expose_secret())?);
                }
                token = Some(used);
            }
            Authorization::Nobody => {}
        }
        match body {
            Some(body) => request = request.header("content-type", "application/json").body(body),
            // Okta answers 411 without a length.
            None if *method != Method::GET => request = request.header("content-length", "0"),
            None => {}
        }
        // After the token was fetched, which takes time, too.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let reason = "the deadline has passed".to_owned();
            return Err(Error::Communication { reason, never_sent: true }.into());
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let response = request.timeout(left.min(ATTEMPT_TIMEOUT)).send().await.map_err(communication)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(id) = headers.get("x-okta-request-id").and_then(|id| id.to_str().ok()) {
            let mut ids = self.request_ids.lock().unwrap_or_else(PoisonError::into_inner);
            if ids.len() < REQUEST_IDS {
                ids.push(id.to_owned());
            }
        }
        self.limits.learn(class, &headers);
        if let Some(budget) = &self.budget {
            budget.learn_share(class, self.limits.share_of(class));
        }
        let date = headers.get("date").and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        if let Some(date) = date {
            self.clock.store(date.timestamp().as_second(), Ordering::Relaxed);
        }
        let bytes = response.bytes().await.map_err(communication)?;
        if status.is_success() {
            return Ok(Raw { headers, bytes: bytes.into() });
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::RateLimited { retry_after: retry::until_reset(&headers) }.into());
        }
        let error = match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => Error::Api(error.with(status.as_u16(), &headers)),
            Err(_) => Error::Unexpected { status: status.as_u16() },
        };
        if let (Authorization::OAuth(tokens), Some(token)) = (&self.authorization, token)
            && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST)
        {
            let nonce = tokens.learn_nonce(&headers).await;
            if status == StatusCode::UNAUTHORIZED && !nonce {
                tokens.reject(&token).await;
            }
            if nonce || status == StatusCode::UNAUTHORIZED {
                return Err(Attempt::Unauthenticated(error));
            }
        }
        Err(error.into())
    }
}

/// Why an attempt failed.
enum Attempt {
    Failed(Error),
    /// Okta wants another token, or a nonce: nothing was done.
    Unauthenticated(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A header that is not printed.
fn sensitive(value: &str) -> Result<HeaderValue, Error> {
    let mut header =
        HeaderValue::try_from(value).map_err(|_| Error::InvalidRequest("the credential".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// A successful answer, not yet understood.
struct Raw {
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Raw {
    fn decode<T: DeserializeOwned>(self, operation_id: &'static str) -> Result<Answer<T>, Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.bytes);
        let body = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| Error::Undecodable { operation_id, path: error.path().to_string() })?;
        Ok(Answer { body, headers: self.headers })
    }
}
