//! Okta's error object.

use serde_json::{Value, json};

/// A refusal, as Okta words it. Codes and statuses: Okta's error-code table.
#[derive(Debug)]
pub(crate) struct OktaError {
    pub(crate) status: u16,
    code: &'static str,
    summary: String,
    causes: Vec<String>,
    /// Headers that the answer carries beside the object.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl OktaError {
    /// An error of the table of codes; the named constructors are for those that
    /// several endpoints give.
    pub(crate) fn new(status: u16, code: &'static str, summary: impl Into<String>) -> Self {
        Self { status, code, summary: summary.into(), causes: Vec::new(), headers: Vec::new() }
    }

    /// E0000001: a field breaks a rule.
    pub(crate) fn validation(field: &str, cause: impl Into<String>) -> Self {
        Self::new(400, "E0000001", format!("Api validation failed: {field}")).because(cause)
    }

    /// E0000001 as Okta words a name that is taken (third-party recordings; the
    /// exact summary is not verified).
    pub(crate) fn duplicate(field: &str) -> Self {
        Self::validation(
            field,
            format!("{field}: An object with this field already exists in the current organization"),
        )
    }

    /// The same error with one more cause.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// E0000001 for a member that must be there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::validation(field, format!("{field}: The field cannot be left blank"))
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

    /// E0000006 for an access token without the scope (support article "403
    /// insufficient_scope").
    pub(crate) fn insufficient_scope(scope: &str) -> Self {
        let mut error = Self::forbidden();
        let challenge = format!(
            "Bearer scope=\"{scope}\", error=\"insufficient_scope\", \
             error_description=\"The access token provided does not contain the required scopes.\""
        );
        error.headers.push(("www-authenticate", challenge));
        error
    }

    /// E0000007.
    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        Self::new(404, "E0000007", format!("Not found: Resource not found: {id} ({kind})"))
    }

    /// E0000004: a wrong password, and everything else that a sign-in must not
    /// tell apart from it.
    pub(crate) fn authentication_failed() -> Self {
        Self::new(401, "E0000004", "Authentication failed")
    }

    /// E0000014: a password was not changed.
    pub(crate) fn credentials_not_updated(cause: impl Into<String>) -> Self {
        Self::new(403, "E0000014", "Update of credentials failed").because(cause)
    }

    /// E0000038: the user's status does not allow it.
    pub(crate) fn wrong_status() -> Self {
        Self::new(403, "E0000038", "This operation is not allowed in the user's current status.")
    }

    /// E0000008: no such path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "E0000008", "The requested path was not found")
    }

    /// E0000011.
    pub(crate) fn invalid_token() -> Self {
        Self::new(401, "E0000011", "Invalid token provided")
    }

    /// E0000011 for a token that is bound to a key and comes without its proof
    /// (okta-sdk-nodejs issue 453).
    pub(crate) fn invalid_proof(why: &str) -> Self {
        let mut error = Self::invalid_token();
        let challenge = format!(
            "DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", error=\"invalid_dpop_proof\", error_description=\"{why}\""
        );
        error.headers.push(("www-authenticate", challenge));
        error
    }

    /// E0000018 and E0000021: a body without a content type, or of another one
    /// than JSON.
    pub(crate) fn content_type(missing: bool) -> Self {
        if missing {
            let text = "Bad request. Accept and/or Content-Type headers are likely not set.";
            return Self::new(400, "E0000018", text);
        }
        let text = "Bad request. Accept and/or Content-Type headers likely do not match supported values.";
        Self::new(400, "E0000021", text)
    }

    /// E0000239: another change of the same policy is under way.
    pub(crate) fn being_reconciled() -> Self {
        Self::new(423, "E0000239", "Policy priorities are being reconciled. Please try again later.")
    }

    /// E0000022: the path exists, the method does not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "E0000022", "The endpoint does not support the provided HTTP method")
    }

    /// E0000031: the `search` or `filter` expression cannot be read.
    pub(crate) fn invalid_search(detail: impl Into<String>) -> Self {
        Self::new(400, "E0000031", format!("Invalid search criteria. {}", detail.into()))
    }

    /// E0000033: two ways to search at once.
    pub(crate) fn query_and_filter() -> Self {
        Self::new(400, "E0000033", "Invalid search criteria.")
            .because("Can't specify a search query and filter in the same request.")
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
        Self::new(409, "E0000001", "Api validation failed: group")
            .because("The group is the last target of an admin role.")
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
