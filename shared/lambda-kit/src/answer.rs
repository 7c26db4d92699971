//! From a result to an answer of API Gateway, with one line of log.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use futures::FutureExt;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use lambda_http::{Body, Response};
use operations::{Operation, ProblemCode};
use run_kit::{Actor, EmbeddedMetrics, Failure, Metric, Metrics, OktaAccess, Run, measures};
use serde::Serialize;

use crate::event::Times;
use crate::{Problem, Success};

/// Headers that a browser shows to a page of another origin: those of our own answers, and those
/// that the proxy passes.
const EXPOSED: &str = "ETag, Link, Location, Retry-After, X-Okta-Request-Id, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Reset, X-Request-Id";

/// What every function of the API keeps between requests.
pub(crate) struct Answering {
    /// `Access-Control-Allow-Origin`.
    pub(crate) cors_origin: String,
    /// Told when Okta rejects the credential; `None` where there is none.
    pub(crate) okta: Option<OktaAccess>,
}

impl Answering {
    /// Does the work within the time there is, writes the line of log, and makes
    /// an answer of the result. `known`, the run, is kept outside the work, which may be
    /// dropped.
    pub(crate) async fn answer(
        &self,
        operation: &'static Operation,
        times: &Times,
        known: &OnceLock<Run>,
        work: impl Future<Output = Result<Answer, Failure>>,
    ) -> Response<Body> {
        let work = AssertUnwindSafe(work).catch_unwind();
        let result = match tokio::time::timeout_at(times.deadline, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                Err(Failure::new(ProblemCode::Internal, "okta-dac failed; report the request id"))
            }
            Err(_elapsed) => Err(timed_out(operation)),
        };
        if let (Some(okta), Err(failure)) = (&self.okta, &result)
            && failure.is_rejected_credential()
        {
            okta.reject().await;
        }
        let request_id = &times.request_id;
        let run = known.get();
        let okta_calls = run.map_or(0, |run| run.okta.calls());
        let okta_request_ids = run.map(|run| run.okta.request_ids().join(" "));
        let okta_request_ids = okta_request_ids.filter(|ids| !ids.is_empty());
        let tenant = run.and_then(|run| run.record.tenant());
        let (uid, client) = match run.map(|run| &run.actor) {
            Some(Actor::Caller { uid, client }) => (Some(uid.as_str()), Some(client.as_str())),
            _ => (None, None),
        };
        let gateway_request_id = times.gateway_request_id.as_deref();
        let failure = result.as_ref().err();
        let code = failure.map(|failure| failure.code().as_str());
        let error = failure.and_then(Failure::log_text).map(str::to_owned);
        let left_behind = failure.and_then(Failure::left_behind);
        let answer = respond(result.map_err(Problem::from), operation, request_id, &self.cors_origin);
        let duration_ms = times.started.elapsed().as_millis() as u64;
        let (operation, status) = (operation.name, answer.status().as_u16());
        let least = run.and_then(|run| run.okta.least_remaining());
        // A request that ran out of time cannot name what it left.
        let left = left_behind.is_some() || code == Some(ProblemCode::OperationIncomplete.as_str());
        count(status, code, duration_ms, okta_calls, left, least);
        if status >= 500 {
            tracing::error!(
                operation,
                request_id,
                status,
                code,
                duration_ms,
                okta_calls,
                uid,
                tenant,
                client,
                gateway_request_id,
                okta_request_ids,
                error,
                left_behind,
                "request"
            );
        } else {
            tracing::info!(
                operation,
                request_id,
                status,
                code,
                duration_ms,
                okta_calls,
                uid,
                tenant,
                client,
                gateway_request_id,
                okta_request_ids,
                error,
                "request"
            );
        }
        answer
    }
}

/// One line of metrics beside the line of log.
fn count(
    status: u16,
    code: Option<&str>,
    duration_ms: u64,
    okta_calls: u32,
    left_behind: bool,
    least: Option<(&str, f64)>,
) {
    // What is passed on from Okta has no code of ours.
    let is_limited = code == Some(ProblemCode::RateLimited.as_str()) || (code.is_none() && status == 429);
    #[expect(clippy::cast_precision_loss, reason = "a time")]
    let duration = Metric::of(&measures::DURATION, duration_ms as f64);
    let mut metrics = vec![
        Metric::count(&measures::REQUESTS, 1),
        duration,
        Metric::count(&measures::SERVER_ERRORS, u32::from(status >= 500)),
        Metric::count(&measures::RATE_LIMITED, u32::from(is_limited)),
        Metric::count(&measures::LEFT_BEHIND, u32::from(left_behind)),
        Metric::count(&measures::OKTA_CALLS, okta_calls),
    ];
    let mut dimensions = Vec::new();
    if let Some(code) = code {
        dimensions.push(("code", code));
        metrics.push(Metric::count(&measures::PROBLEMS, 1));
    }
    if let Some((class, left)) = least {
        dimensions.push(("class", class));
        metrics.push(Metric::of(&measures::OKTA_REMAINING, left));
    }
    EmbeddedMetrics.put(&dimensions, &metrics, run_kit::Clock::system().now_ms());
}

/// The time is used up: where something may have been changed, sending the same
/// request again completes it.
fn timed_out(operation: &Operation) -> Failure {
    let code = match operation.is_safe() {
        true => ProblemCode::OktaUnavailable,
        false => ProblemCode::OperationIncomplete,
    };
    Failure::new(code, "the time for this request is used up; send the same request again")
}

/// A successful answer, ready to be sent.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn of<T: Serialize>(success: Success<T>, operation: &Operation) -> Result<Self, Failure> {
        let unusable = || Failure::new(ProblemCode::Internal, "the answer cannot be written");
        let mut headers = Vec::new();
        for (name, value) in success.headers {
            let value = HeaderValue::try_from(value).map_err(|_| unusable())?;
            headers.push((HeaderName::from_static(name), value));
        }
        let (media_type, body) = match (success.text, success.body) {
            (Some((media_type, bytes)), _) => {
                let text = String::from_utf8(bytes);
                (Some(media_type), text.map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text))
            }
            (None, Some(body)) => {
                let text = serde_json::to_string(&body).map_err(|_| unusable())?;
                (Some("application/json"), Body::Text(text))
            }
            (None, None) => (None, Body::Empty),
        };
        headers.extend(media_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))));
        Ok(Self { status: success.status.unwrap_or(operation.success()), headers, body })
    }
}

fn respond(
    result: Result<Answer, Problem>,
    operation: &Operation,
    request_id: &str,
    cors_origin: &str,
) -> Response<Body> {
    let mut builder = Response::builder()
        .header("access-control-allow-origin", cors_origin)
        .header("access-control-expose-headers", EXPOSED)
        .header("cache-control", "no-store")
        .header("x-request-id", request_id);
    let body = match result {
        Ok(answer) => {
            builder = builder.status(answer.status);
            // What everybody may read says itself who may keep it, and which pages may read it.
            for own in answer.headers.iter().map(|(name, _)| name) {
                if let Some(headers) = builder.headers_mut()
                    && [CACHE_CONTROL, ACCESS_CONTROL_ALLOW_ORIGIN].contains(own)
                {
                    headers.remove(own);
                }
            }
            for (name, value) in answer.headers {
                builder = builder.header(name, value);
            }
            answer.body
        }
        Err(problem) => {
            builder = builder.status(problem.status()).header("content-type", "application/problem+json");
            if let Some(seconds) = problem.retry_after_seconds() {
                builder = builder.header("retry-after", seconds);
            }
            Body::Text(problem.document_of(operation, request_id).to_string())
        }
    };
    builder.body(body).unwrap_or_else(|_| failed())
}

/// The answer when there is none: a header value that no header can carry.
fn failed() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = lambda_http::http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
