//! Failures as callers see them: RFC 9457 problem documents.

use std::error::Error as StdError;
use std::time::Duration;

use operations::ProblemCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Violation;

/// A failed request. What the caller sees and what the log sees are two
/// different members, so that nothing internal leaks.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: ProblemCode,
    detail: String,
    violations: Vec<Violation>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    log: Option<String>,
}

/// An Okta object, as problem documents and plans name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Object {
    /// `group`, `identityProvider`, `role`, `routingRule`, `certificate`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its id; absent where Okta's answer was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Object {
    /// An object whose id is known.
    pub fn new(kind: &'static str, name: impl Into<String>, id: impl ToString) -> Self {
        Self { kind, name: name.into(), id: Some(id.to_string()) }
    }

    /// An object that may exist: the answer of the call that makes it was lost.
    pub fn unknown(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), id: None }
    }
}

/// An error with its sources.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Self::violations_of(vec![violation])
    }
}

impl Problem {
    /// A problem with a sentence for this request: input in backticks, then
    /// what to do next.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            violations: Vec::new(),
            members: Map::new(),
            retry_after: None,
            log: None,
        }))
    }

    /// `invalid-request` with one broken rule.
    pub fn violation(pointer: &str, detail: String) -> Self {
        Violation { pointer: pointer.to_owned(), detail }.into()
    }

    /// A problem of another code with one broken rule.
    pub fn pointing(code: ProblemCode, pointer: &str, detail: String) -> Self {
        let mut problem = Self::violation(pointer, detail);
        problem.0.code = code;
        problem
    }

    /// `invalid-request` with all broken rules; there must be one.
    pub fn violations_of(violations: Vec<Violation>) -> Self {
        let sentences: Vec<_> = violations
            .iter()
            .map(|violation| match violation.pointer.as_str() {
                "" => violation.detail.clone(),
                pointer => format!("`{pointer}`: {}", violation.detail),
            })
            .collect();
        let mut problem = Self::new(ProblemCode::InvalidRequest, sentences.join("; "));
        problem.0.violations = violations;
        problem
    }

    /// A call to Okta failed and nothing was changed. The only place where an
    /// error of the client becomes a code.
    pub fn okta(step: &str, error: &okta_client::Error) -> Self {
        use okta_client::Error;
        let (code, detail, retry_after) = match error {
            Error::RateLimited { retry_after } => {
                let wait = *retry_after + Duration::from_secs(1);
                (ProblemCode::RateLimited, "Okta's rate limit is used up; nothing was changed", Some(wait))
            }
            Error::InvalidRequest(_) => (ProblemCode::Internal, "the call to Okta could not be made", None),
            error if error.is_retryable() => {
                (ProblemCode::OktaUnavailable, "Okta did not do its part; nothing was changed", None)
            }
            _ => (
                ProblemCode::OktaInvalidResponse,
                "Okta refused or gave an answer that cannot be right",
                None,
            ),
        };
        let mut problem = Self::new(code, detail).log(step, error);
        problem.0.retry_after = retry_after;
        problem.quote(error);
        problem
    }

    /// The operation stopped half-way and left objects behind.
    pub fn incomplete(completed: &[&'static str], undone: &[Object], left_behind: &[Object]) -> Self {
        let names: Vec<_> = left_behind.iter().map(|o| format!("{} `{}`", o.kind, o.name)).collect();
        let detail = format!(
            "the operation stopped half-way; these objects remain or may remain: {}; send the same request again to complete it",
            names.join(", ")
        );
        let mut problem = Self::new(ProblemCode::OperationIncomplete, detail)
            .member("completed", json!(completed))
            .member("undone", json!(undone))
            .member("leftBehind", json!(left_behind));
        problem.0.retry_after = Some(Duration::from_secs(1));
        problem
    }

    /// With one more member of the document.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// With what happened, for the log alone, after what was said before.
    #[must_use]
    pub fn log(mut self, step: &str, error: &dyn StdError) -> Self {
        let chain = format!("failed to {step}: failed to {}", chain(error));
        match &mut self.0.log {
            Some(log) => log.push_str(&format!("; {chain}")),
            log => *log = Some(chain),
        }
        self
    }

    /// With what Okta said, which clients of the predecessor read.
    pub fn quote(&mut self, error: &okta_client::Error) {
        if let okta_client::Error::Api(error) = error {
            self.0.members.insert("errorCode".to_owned(), error.code.clone().into());
            self.0.members.insert("errorSummary".to_owned(), error.summary.clone().into());
            self.0.members.insert("errorId".to_owned(), error.error_id.clone().into());
        }
    }

    /// Its code.
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The broken rules.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// What the log says beyond the document.
    pub(crate) fn log_text(&self) -> Option<&str> {
        self.0.log.as_deref()
    }

    /// `leftBehind` as text, for the log.
    pub(crate) fn left_behind(&self) -> Option<String> {
        self.0.members.get("leftBehind").map(Value::to_string)
    }

    /// Whether Okta refused our own credential.
    pub(crate) fn is_rejected_credential(&self) -> bool {
        self.0.members.get("errorCode") == Some(&Value::from("E0000011"))
    }

    /// `Retry-After` in whole seconds.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|wait| wait.as_secs_f64().ceil() as u64)
    }

    /// The document.
    pub fn document(&self, request_id: &str) -> Value {
        let mut document = json!({
            "type": format!("/problems/{}", self.0.code.as_str()),
            "title": self.0.code.title(),
            "status": self.0.code.status(),
            "detail": self.0.detail,
            "instance": request_id,
            "code": self.0.code.as_str(),
            "retryable": self.0.code.is_retryable(),
            "message": self.0.detail,
        });
        if let Some(document) = document.as_object_mut() {
            if !self.0.violations.is_empty() {
                let errors: Vec<Value> = self
                    .0
                    .violations
                    .iter()
                    .map(|violation| json!({ "pointer": violation.pointer, "detail": violation.detail }))
                    .collect();
                document.insert("errors".to_owned(), errors.into());
            }
            document.extend(self.0.members.clone());
        }
        document
    }
}
