//! Okta's error object.

use serde_json::{Value, json};

/// A refusal, as Okta words it. Codes and statuses: Okta's error-code table.
#[derive(Debug)]
pub(crate) struct OktaError {
    pub(crate) status: u16,
    code: &'static str,
    summary: String,
    causes: Vec<String>,
}

impl OktaError {
    fn new(status: u16, code: &'static str, summary: impl Into<String>) -> Self {
        Self { status, code, summary: summary.into(), causes: Vec::new() }
    }

    /// E0000001: a field breaks a rule.
    pub(crate) fn validation(field: &str, cause: impl Into<String>) -> Self {
        let mut error = Self::new(400, "E0000001", format!("Api validation failed: {field}"));
        error.causes.push(cause.into());
        error
    }

    /// E0000001 as Okta words a name that is taken (third-party recordings; the
    /// exact summary is not verified).
    pub(crate) fn duplicate(field: &str) -> Self {
        Self::validation(
            field,
            format!("{field}: An object with this field already exists in the current organization"),
        )
    }

    /// E0000003: the body is no JSON.
    pub(crate) fn malformed_body() -> Self {
        Self::new(400, "E0000003", "The request body was not well-formed.")
    }

    /// E0000005: no `Authorization` header, or one of an unknown form. It is
    /// 403, not 401 (okta-powershell-cli issue 94).
    pub(crate) fn invalid_session() -> Self {
        Self::new(403, "E0000005", "Invalid session")
    }

    /// E0000006: the caller's admin role is not enough.
    pub(crate) fn forbidden() -> Self {
        Self::new(403, "E0000006", "You do not have permission to perform the requested action")
    }

    /// E0000007.
    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        Self::new(404, "E0000007", format!("Not found: Resource not found: {id} ({kind})"))
    }

    /// E0000008: no such path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "E0000008", "The requested path was not found")
    }

    /// E0000011.
    pub(crate) fn invalid_token() -> Self {
        Self::new(401, "E0000011", "Invalid token provided")
    }

    /// E0000022: the path exists, the method does not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "E0000022", "The endpoint does not support the provided HTTP method")
    }

    /// E0000031: the `search` or `filter` expression cannot be read.
    pub(crate) fn invalid_search(detail: impl Into<String>) -> Self {
        Self::new(400, "E0000031", format!("Invalid search criteria. {}", detail.into()))
    }

    /// E0000047.
    pub(crate) fn rate_limit() -> Self {
        Self::new(429, "E0000047", "API call exceeded rate limit due to too many requests.")
    }

    /// E0000263: the group has this standard role already.
    pub(crate) fn role_assigned() -> Self {
        Self::new(409, "E0000263", "The standard role specified is already assigned to the group.")
    }

    /// Deleting a group that is the last target of a role: no code is known.
    pub(crate) fn last_target() -> Self {
        let mut error = Self::new(409, "E0000001", "Api validation failed: group");
        error.causes.push("The group is the last target of an admin role.".to_owned());
        error
    }

    /// E0000096.
    pub(crate) fn certificate_uploaded(kid: &str) -> Self {
        Self::new(409, "E0000096", format!("This certificate has already been uploaded with kid={kid}."))
    }

    /// An error of any status, for injected faults.
    pub(crate) fn injected(status: u16) -> Self {
        match status {
            429 => Self::rate_limit(),
            503 => Self::new(503, "E0000010", "Service is in read only mode"),
            _ => Self::new(status, "E0000009", "Internal Server Error"),
        }
    }

    /// The error object. `errorId` is `oae` and 22 characters, unique per answer.
    pub(crate) fn body(&self, serial: u64) -> Value {
        let causes: Vec<Value> = self.causes.iter().map(|cause| json!({ "errorSummary": cause })).collect();
        json!({
            "errorCode": self.code, "errorSummary": self.summary, "errorLink": self.code,
            "errorId": format!("oae{serial:022}"), "errorCauses": causes,
        })
    }
}
