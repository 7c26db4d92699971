//! Passes a request for users or groups on to Okta, with the caller's own token:
//! Okta shows and changes what the bearer's admin role allows.
//!
//! # Okta calls
//!
//! The caller's, once: neither repeated nor changed. Only the address differs, and
//! of the headers only those that matter to Okta's API are passed, in both
//! directions.
//!
//! Nothing of ours goes to Okta: the function has no credential.

use std::time::Duration;

use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH, LINK,
    LOCATION, RETRY_AFTER,
};
use http::{HeaderName, HeaderValue, Method};
use lambda_kit::{Example, Forward, ForwardRequest, Forwarded};
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, OrgUrl, http_client};

use crate::path::{self, PathError};
use crate::refused::Refused;
use crate::token;

/// The operation `okta-proxy`.
pub struct OktaProxy {
    org: OrgUrl,
    /// Without any credential.
    http: reqwest::Client,
    refused: Refused,
}

/// Longest wait for Okta.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Largest body, as everywhere.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Headers of the request that Okta gets.
const REQUEST: [HeaderName; 5] = [AUTHORIZATION, ACCEPT, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH];

/// Headers of the answer that the caller gets; `Link` and `Location` lead here.
const ANSWER: [HeaderName; 9] = [
    CONTENT_TYPE,
    ETAG,
    LINK,
    LOCATION,
    RETRY_AFTER,
    HeaderName::from_static("x-okta-request-id"),
    HeaderName::from_static("x-rate-limit-limit"),
    HeaderName::from_static("x-rate-limit-remaining"),
    HeaderName::from_static("x-rate-limit-reset"),
];

impl Forward for OktaProxy {
    const OPERATION: &'static Operation = operations::get("okta-proxy");

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let org = OrgUrl::parse(&environment.text(&EnvVar::OKTA_ORG_URL)?)?;
        let http = http_client(TIMEOUT).map_err(|error| ConfigError::System(error.to_string()))?;
        Ok(Self { org, http, refused: Refused::default() })
    }

    async fn call(&self, request: ForwardRequest) -> Result<Forwarded, Failure> {
        let org = self.org.as_str();
        let unauthorized = |detail: &str| Failure::new(ProblemCode::Unauthorized, detail);
        let sent: Vec<&HeaderValue> = request.headers.get_all(AUTHORIZATION).iter().collect();
        let [authorization] = sent[..] else {
            return Err(unauthorized("send one `Authorization: Bearer` with an access token of the org"));
        };
        token::check(authorization.to_str().ok(), org, now()).map_err(unauthorized)?;
        if self.refused.contains(authorization.as_bytes()) {
            return Err(unauthorized("Okta refused this token a moment ago; send another one"));
        }
        let authorization = authorization.clone();
        let mut url = path::url(org, &request.path).map_err(|error| match error {
            PathError::Malformed => {
                let detail =
                    "must be segments that are neither empty nor hold dots, slashes or encodings of them";
                Failure::violation("path.proxy", detail.to_owned())
            }
            PathError::Elsewhere => {
                Failure::new(ProblemCode::Forbidden, "only `users` and `groups` are passed on to Okta")
            }
        })?;
        if request.body.len() > MAX_BODY_BYTES {
            let detail = format!("the body has {} bytes; send at most {MAX_BODY_BYTES}", request.body.len());
            return Err(Failure::pointing(ProblemCode::PayloadTooLarge, "", detail));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        // Okta answers 411 to a PUT or POST that does not say how long it is.
        let says_length = request.body.is_empty() && [Method::POST, Method::PUT].contains(&request.method);
        let (reads, base_url) = (request.method.is_safe(), request.base_url);
        let mut passed = self.http.request(request.method, url);
        if says_length {
            passed = passed.header(CONTENT_LENGTH, 0);
        }
        for name in REQUEST {
            for value in request.headers.get_all(&name) {
                passed = passed.header(&name, value);
            }
        }
        let sent = passed.body(request.body).send().await;
        let answer = sent.map_err(|error| lost(reads || error.is_connect()))?;
        let (status, headers) = (answer.status().as_u16(), headers(answer.headers(), org, &base_url));
        let body = answer.bytes().await.map_err(|_| lost(reads))?.to_vec();
        if status == 401 {
            self.refused.remember(authorization.as_bytes());
        }
        Ok(Forwarded { status, headers, body })
    }

    fn example() -> Example {
        Example { target: "/api/v1/users/me", body: None, answer: None }
    }
}

/// There is no answer; `harmless` if nothing can have been changed.
fn lost(harmless: bool) -> Failure {
    match harmless {
        true => Failure::new(ProblemCode::OktaUnavailable, "Okta does not answer; send the request again"),
        false => Failure::new(
            ProblemCode::OutcomeUnknown,
            "the answer of Okta is lost; look whether it did what was asked before you send it again",
        ),
    }
}

/// The headers that the caller gets.
fn headers(answer: &HeaderMap, org: &str, base_url: &str) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for name in ANSWER {
        for value in answer.get_all(&name) {
            let leads = name == LINK || name == LOCATION;
            let value = match value.to_str() {
                // Okta's own addresses are of no use to somebody who calls here.
                Ok(text) if leads => HeaderValue::try_from(text.replace(org, base_url)).ok(),
                _ => Some(value.clone()),
            };
            headers.extend(value.map(|value| (name.clone(), value)));
        }
    }
    headers
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
