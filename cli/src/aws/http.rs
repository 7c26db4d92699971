//! HTTP with Okta: one host, cookies, redirects followed by hand.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use cookie_store::CookieStore;
use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::sts::http_date;
use crate::failure::{Exit, Failure};

/// Connections that take longer are none.
const CONNECT: Duration = Duration::from_secs(10);

/// A call takes no longer.
pub(super) const TOTAL: Duration = Duration::from_secs(30);

/// Redirects in a row.
const REDIRECTS: usize = 10;

/// A client for Okta and AWS: no redirect is followed by itself.
///
/// # Errors
///
/// A defect: TLS cannot be set up.
pub fn client() -> Result<Client, Failure> {
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .user_agent(concat!("okta-dac/", env!("CARGO_PKG_VERSION")))
        .build();
    client.map_err(|error| Failure::defect(format!("HTTP cannot be set up: {error}")))
}

/// An Okta org.
pub struct Okta {
    http: Client,
    org: Url,
    cookies: Mutex<CookieStore>,
    deadline: Instant,
    /// Seconds that Okta's clock is ahead of this machine's.
    offset: Mutex<i64>,
}

/// An answer of Okta's.
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// The body, as text.
    pub body: String,
    /// `X-Okta-Request-Id`.
    pub request_id: Option<String>,
    /// Seconds until a limit ends, from `X-Rate-Limit-Reset`.
    pub reset: Option<i64>,
    /// `Content-Type`.
    pub media_type: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The body as a type.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`].
    pub fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            self.detailed(Failure::new(
                Exit::Network,
                format!("Okta's answer to {what} cannot be read: {error}"),
            ))
        })
    }

    /// `errorCode` of Okta's API.
    pub fn code(&self) -> String {
        self.json()["errorCode"].as_str().unwrap_or_default().to_owned()
    }

    /// What Okta says, for a person.
    pub fn summary(&self) -> String {
        let json = self.json();
        let of = |name: &str| json[name].as_str().filter(|text| !text.is_empty());
        let text = of("errorSummary").or_else(|| of("error_description")).or_else(|| of("error"));
        text.map_or_else(|| format!("status {}", self.status.as_u16()), str::to_owned)
    }

    /// A failure with what Okta's support asks for.
    pub fn detailed(&self, failure: Failure) -> Failure {
        let id = self.json()["errorId"].as_str().map(|id| format!(", error id {id}")).unwrap_or_default();
        match &self.request_id {
            Some(request) => failure.detail(format!("Okta's request id {request}{id}")),
            None => failure,
        }
    }

    /// A failure for an answer that nobody expects.
    pub fn unexpected(&self, what: &str) -> Failure {
        let exit =
            if self.status == StatusCode::TOO_MANY_REQUESTS { Exit::RateLimited } else { Exit::Network };
        let sentence = format!("{what}: Okta answers {} ({})", self.status.as_u16(), self.summary());
        self.detailed(Failure::new(exit, sentence))
    }
}

impl Okta {
    /// An org, with the cookies of an earlier session.
    pub fn new(http: Client, org: Url, cookies: CookieStore, deadline: Instant) -> Self {
        Self { http, org, cookies: Mutex::new(cookies), deadline, offset: Mutex::new(0) }
    }

    /// The org's URL, with a slash at its end.
    pub fn org(&self) -> &Url {
        &self.org
    }

    /// An address of the org.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`]: it is not one of the org.
    pub fn url(&self, path: &str) -> Result<Url, Failure> {
        let url = self.org.join(path).map_err(|error| Failure::defect(format!("{path}: {error}")))?;
        self.own(url)
    }

    /// Nothing is sent to another host: a password would be known there.
    fn own(&self, url: Url) -> Result<Url, Failure> {
        if url.origin() == self.org.origin() {
            return Ok(url);
        }
        let host = url.host_str().unwrap_or_default();
        Err(Failure::new(Exit::Configuration, format!("Okta leads to another host, `{host}`"))
            .hint(format!("if `{host}` is your org now, `okta-dac aws init --sso-url` takes its address")))
    }

    /// The cookies, to be kept.
    pub fn cookies(&self) -> CookieStore {
        self.cookies.lock().map(|cookies| cookies.clone()).unwrap_or_default()
    }

    /// Okta's time.
    pub fn now(&self) -> Timestamp {
        let offset = self.offset.lock().map(|offset| *offset).unwrap_or_default();
        Timestamp::now() + jiff::SignedDuration::from_secs(offset)
    }

    /// How long there is.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Gets a page; redirects within the org are followed.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`], [`Exit::Configuration`].
    pub async fn page(&self, url: Url) -> Result<Answer, Failure> {
        self.follow(Method::GET, url, None).await
    }

    /// Posts a form and reads the page that comes.
    ///
    /// # Errors
    ///
    /// As [`Self::page`].
    pub async fn page_of_form(&self, url: Url, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.follow(Method::POST, url, Some(form)).await
    }

    async fn follow(
        &self,
        method: Method,
        url: Url,
        form: Option<&[(&str, &str)]>,
    ) -> Result<Answer, Failure> {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..REDIRECTS {
            let request = self.http.request(method, self.own(url)?).header(header::ACCEPT, "text/html");
            let request = match form {
                Some(form) => with_form(request, form),
                None => request,
            };
            let (answer, location) = self.send(request).await?;
            let Some(location) = location.filter(|_| answer.status.is_redirection()) else {
                return Ok(answer);
            };
            (method, url, form) = (Method::GET, location, None);
        }
        Err(Failure::new(Exit::Network, "Okta redirects too often"))
    }

    /// Posts JSON.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`].
    pub async fn post(&self, url: Url, body: &Value) -> Result<Answer, Failure> {
        let request = self.http.post(self.own(url)?).header(header::ACCEPT, "application/json").json(body);
        self.send(request).await.map(|(answer, _)| answer)
    }

    /// Posts a form and reads JSON.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`].
    pub async fn form(&self, url: Url, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let request = self.http.post(self.own(url)?).header(header::ACCEPT, "application/json");
        self.send(with_form(request, form)).await.map(|(answer, _)| answer)
    }

    /// Gets JSON, with a bearer token if one is given.
    ///
    /// # Errors
    ///
    /// [`Exit::Network`].
    pub async fn get(&self, url: Url, token: Option<&str>) -> Result<Answer, Failure> {
        let request = self.http.get(self.own(url)?).header(header::ACCEPT, "application/json");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.send(request).await.map(|(answer, _)| answer)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(Answer, Option<Url>), Failure> {
        let mut request =
            request.build().map_err(|error| Failure::defect(error.without_url().to_string()))?;
        let url = request.url().clone();
        if let Ok(cookies) = self.cookies.lock() {
            let pairs = cookies.get_request_values(&url).map(|(name, value)| format!("{name}={value}"));
            let cookies = pairs.collect::<Vec<_>>().join("; ");
            if let Ok(mut value) = header::HeaderValue::from_str(&cookies)
                && !cookies.is_empty()
            {
                value.set_sensitive(true);
                request.headers_mut().insert(header::COOKIE, value);
            }
        }
        let host = url.host_str().unwrap_or_default();
        let answered = tokio::time::timeout(self.left(), async {
            let answer = self.http.execute(request).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.text().await?))
        });
        let silent = |why: String| Failure::new(Exit::Network, format!("no answer from {host}: {why}"));
        let (status, headers, body) = match answered.await {
            Ok(answered) => answered.map_err(|error| silent(reason(error)))?,
            Err(_) => return Err(silent("the time is over".to_owned()).hint("`--timeout` gives more")),
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(date) = text("date").as_deref().and_then(http_date)
            && let Ok(mut offset) = self.offset.lock()
        {
            *offset = date.duration_since(Timestamp::now()).as_secs();
        }
        if let Ok(mut cookies) = self.cookies.lock() {
            for cookie in headers.get_all(header::SET_COOKIE) {
                if let Ok(cookie) = cookie.to_str() {
                    let _ = cookies.parse(cookie, &url);
                }
            }
        }
        let reset = text("x-rate-limit-reset").and_then(|reset| reset.parse::<i64>().ok());
        let answer = Answer {
            status,
            body,
            request_id: text("x-okta-request-id"),
            reset: reset.map(|reset| (reset - self.now().as_second()).max(1)),
            media_type: text("content-type").unwrap_or_default(),
        };
        let location = text("location").and_then(|location| url.join(&location).ok());
        Ok((answer, location))
    }
}

fn with_form(request: reqwest::RequestBuilder, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

/// The innermost cause; a URL may have a token in its query.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
