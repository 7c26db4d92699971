//! Failures as callers of the API see them: RFC 9457 problem documents.

use operations::{Operation, ProblemCode};
use run_kit::{Failure, Violation};
use serde_json::{Value, json};

/// A [`Failure`] with an HTTP status and a document.
#[derive(Debug)]
pub struct Problem(Failure);

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl Problem {
    /// Its code; the status follows from the code.
    pub fn code(&self) -> ProblemCode {
        self.0.code()
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.code().status()
    }

    /// The broken rules.
    pub fn violations(&self) -> &[Violation] {
        self.0.violations()
    }

    /// `Retry-After` in whole seconds.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.wait().map(|wait| wait.as_secs_f64().ceil() as u64)
    }

    /// The document for clients of the predecessor, too, which read the member `error`.
    pub(crate) fn document_of(&self, operation: &Operation, request_id: &str) -> Value {
        let mut document = self.document(request_id);
        if operation.replaces().is_some() {
            document["error"] = self.0.detail().into();
        }
        document
    }

    /// The document.
    pub fn document(&self, request_id: &str) -> Value {
        let (code, detail) = (self.code(), self.0.detail());
        let mut document = json!({
            "type": format!("/problems/{}", code.as_str()),
            "title": code.title(),
            "status": code.status(),
            "detail": detail,
            "instance": request_id,
            "code": code.as_str(),
            "retryable": code.is_retryable(),
            "message": detail,
        });
        if let Some(document) = document.as_object_mut() {
            if !self.violations().is_empty() {
                let error = |of: &Violation| json!({ "pointer": of.pointer, "detail": of.detail });
                let errors: Vec<Value> = self.violations().iter().map(error).collect();
                document.insert("errors".to_owned(), errors.into());
            }
            document.extend(self.0.members().clone());
        }
        document
    }
}
