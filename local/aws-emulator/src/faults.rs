//! Faults that tests order for what stands beside the functions.
//!
//! ```json
//! {"service": "sts", "operation": "AssumeRoleWithSAML", "nth": 2, "times": 1, "action": {"drop": "after"}}
//! ```
//!
//! `service`, `operation`, `nth` and `times` may be left out: any, any, the next, all from
//! then on. The action is one of `{"error": {"status", "code", "message"}}`,
//! `{"delayMs": n}`, `{"drop": "before" | "after"}` (the answer is lost, and the call is done
//! or not) and `{"body": "…"}` (the call is done, and this text is the answer).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

/// A fault as it is ordered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    service: Option<Service>,
    /// AWS's name of the operation; of the secrets extension, the ARN of the secret.
    operation: Option<String>,
    /// Which of the calls from now on is the first that fails.
    #[serde(default = "first")]
    nth: u64,
    /// How many fail; all, if absent.
    times: Option<u64>,
    action: Action,
}

fn first() -> u64 {
    1
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Service {
    /// The tables.
    Dynamodb,
    /// The secrets extension beside each function.
    Extension,
    /// Identity and Access Management.
    Iam,
    /// Secrets Manager.
    SecretsManager,
    /// The sign-in host: `/federation`, `/saml`.
    Signin,
    /// Systems Manager.
    Ssm,
    /// The Security Token Service.
    Sts,
}

/// What happens instead of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// An error of the service.
    Error {
        /// HTTP status.
        status: u16,
        /// The service's code.
        code: String,
        /// For people.
        message: String,
    },
    /// The answer comes so much later.
    DelayMs(u64),
    /// The connection is lost.
    Drop(When),
    /// The call is done, and the answer is this text.
    Body(String),
}

/// When a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Nothing was done.
    Before,
    /// It was done.
    After,
}

/// The faults that are ordered.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// One more.
    pub fn order(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// None any more.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// What happens to a call: counts the call.
    pub fn take(&self, service: Service, operation: &str) -> Option<Action> {
        let mut faults = self.lock();
        let concerns = |fault: &&mut Fault| {
            fault.service.is_none_or(|of| of == service)
                && fault.operation.as_deref().is_none_or(|of| of == operation)
        };
        let mut taken = None;
        for fault in faults.iter_mut().filter(concerns) {
            if fault.nth > 1 {
                fault.nth -= 1;
            } else if taken.is_none() && fault.times != Some(0) {
                fault.times = fault.times.map(|times| times - 1);
                taken = Some(fault.action.clone());
            }
        }
        taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a call as its fault says; `call` is the call itself, `error` writes an error as
/// the service does.
pub async fn through(
    action: Option<Action>,
    call: impl Future<Output = Response>,
    error: impl FnOnce(StatusCode, &str, &str) -> Response,
) -> Response {
    match action {
        None => call.await,
        Some(Action::DelayMs(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            call.await
        }
        Some(Action::Error { status, code, message }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            error(status, &code, &message)
        }
        Some(Action::Drop(when)) => {
            if when == When::After {
                drop(call.await);
            }
            lost()
        }
        Some(Action::Body(text)) => {
            let (parts, _) = call.await.into_parts();
            (parts.status, text).into_response()
        }
    }
}

/// An answer that ends before its end.
fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("lost")) });
    let mut response = Response::new(Body::from_stream(broken));
    response.headers_mut().insert("content-length", http::HeaderValue::from_static("1000"));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(text: serde_json::Value) -> Fault {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_fault_counts_the_calls_that_concern_it() {
        let faults = Faults::default();
        faults.order(fault(json!({
            "service": "dynamodb", "operation": "PutItem", "nth": 2, "times": 1, "action": { "drop": "after" },
        })));
        assert!(faults.take(Service::Dynamodb, "PutItem").is_none());
        assert!(faults.take(Service::Dynamodb, "GetItem").is_none());
        assert!(faults.take(Service::Extension, "PutItem").is_none());
        assert_eq!(faults.take(Service::Dynamodb, "PutItem"), Some(Action::Drop(When::After)));
        assert!(faults.take(Service::Dynamodb, "PutItem").is_none());
        faults.order(fault(json!({ "action": { "delayMs": 5 } })));
        for _ in 0..3 {
            assert_eq!(faults.take(Service::Extension, "arn"), Some(Action::DelayMs(5)));
        }
        faults.clear();
        assert!(faults.take(Service::Extension, "arn").is_none());
    }
}
