//! Why a run did not do what it was for.

use std::error::Error as StdError;
use std::time::Duration;

use operations::ProblemCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// A failed run, whoever started it. What the caller sees and what the log sees are
/// two different members: nothing internal leaks.
#[derive(Debug)]
pub struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: ProblemCode,
    detail: String,
    violations: Vec<Violation>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    log: Option<String>,
    /// Okta does not accept our credential.
    rejected: bool,
}

/// One rule that an input breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into a body, or `query.<name>`, `path.<name>`.
    pub pointer: String,
    /// The rule, as a fragment of a sentence.
    pub detail: String,
}

/// An Okta object, as failures and plans name it.
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

/// An error with its sources, in one line.
pub fn chain(error: &dyn StdError) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::violations_of(vec![violation])
    }
}

impl Failure {
    /// A failure with a sentence for this run: input in backticks, then what to do
    /// next.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            violations: Vec::new(),
            members: Map::new(),
            retry_after: None,
            log: None,
            rejected: false,
        }))
    }

    /// `invalid-request` with one broken rule.
    pub fn violation(pointer: &str, detail: String) -> Self {
        Violation { pointer: pointer.to_owned(), detail }.into()
    }

    /// A failure of another code with one broken rule.
    pub fn pointing(code: ProblemCode, pointer: &str, detail: String) -> Self {
        let mut failure = Self::violation(pointer, detail);
        failure.0.code = code;
        failure
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
        let mut failure = Self::new(ProblemCode::InvalidRequest, sentences.join("; "));
        failure.0.violations = violations;
        failure
    }

    /// A call to Okta failed and nothing was changed. The only place where an error
    /// of the client becomes a code.
    pub fn okta(step: &str, error: &okta_client::Error) -> Self {
        use okta_client::Error;
        let (code, detail, retry_after) = match error {
            Error::RateLimited { retry_after } => {
                let wait = *retry_after + Duration::from_secs(1);
                (
                    ProblemCode::RateLimited,
                    "what this tenant, or okta-dac, may use of Okta's rate limits is used up; nothing was changed",
                    Some(wait),
                )
            }
            Error::InvalidRequest(_) | Error::NotPermitted => {
                (ProblemCode::Internal, "the call to Okta could not be made", None)
            }
            error if error.is_retryable() => {
                (ProblemCode::OktaUnavailable, "Okta did not do its part; nothing was changed", None)
            }
            _ => (
                ProblemCode::OktaInvalidResponse,
                "Okta refused or gave an answer that cannot be right",
                None,
            ),
        };
        let mut failure = Self::new(code, detail).log(step, error);
        failure.0.retry_after = retry_after;
        failure.quoting(error)
    }

    /// With one more member for the caller.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// With the time after which the same run may succeed.
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

    /// With Okta's own words, which clients of the predecessor read.
    #[must_use]
    pub fn quoting(mut self, error: &okta_client::Error) -> Self {
        self.0.rejected |= error.is_rejected_credential();
        if let okta_client::Error::Api(error) = error {
            self.0.members.insert("errorCode".to_owned(), error.code.clone().into());
            self.0.members.insert("errorSummary".to_owned(), error.summary.clone().into());
            self.0.members.insert("errorId".to_owned(), error.error_id.clone().into());
        }
        self
    }

    /// Its code.
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The broken rules.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// Further members for the caller.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// The time after which the same run may succeed, if it is known.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the log says beyond the sentence.
    pub fn log_text(&self) -> Option<&str> {
        self.0.log.as_deref()
    }

    /// What remains of a run that stopped half-way, as text for the log.
    pub fn left_behind(&self) -> Option<String> {
        self.0.members.get("leftBehind").map(Value::to_string)
    }

    /// Kind and id of each object that remains, without its name.
    pub fn left_behind_ids(&self) -> Vec<String> {
        let text = |object: &Value, member: &str| object[member].as_str().unwrap_or("unknown").to_owned();
        let left = self.0.members.get("leftBehind").and_then(Value::as_array).into_iter().flatten();
        left.map(|object| format!("{}:{}", text(object, "kind"), text(object, "id"))).collect()
    }

    /// The same, because Okta does not accept our credential for it.
    #[must_use]
    pub fn with_rejected_credential(mut self) -> Self {
        self.0.rejected = true;
        self
    }

    /// Whether Okta refused our own credential.
    pub fn is_rejected_credential(&self) -> bool {
        self.0.rejected
    }
}
