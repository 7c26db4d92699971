//! Errors as AWS answers them.

use http::StatusCode;

/// An error of AWS's query protocol (STS API Reference, "Common Errors").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl AwsError {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// An error of the JSON protocol.
    pub(crate) fn json(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
        ))
    }

    pub(crate) fn invalid_action(action: &str) -> Self {
        Self::new(400, "InvalidAction", format!("Could not find operation {action} for version 2011-06-15"))
    }

    pub(crate) fn invalid_identity_token(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidIdentityToken", message)
    }

    pub(crate) fn expired_token(message: impl Into<String>) -> Self {
        Self::new(400, "ExpiredTokenException", message)
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub(crate) fn rejected_claim(message: impl Into<String>) -> Self {
        Self::new(403, "IDPRejectedClaim", message)
    }

    pub(crate) fn communication(message: impl Into<String>) -> Self {
        Self::new(400, "IDPCommunicationError", message)
    }

    pub(crate) fn region_disabled(region: &str) -> Self {
        let message = format!(
            "STS is not activated in the requested region: {region}. Your account administrator can activate STS in this region using the IAM Console."
        );
        Self::new(403, "RegionDisabledException", message)
    }

    pub(crate) fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    pub(crate) fn invalid_client_token() -> Self {
        Self::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    pub(crate) fn expired_credentials() -> Self {
        Self::new(403, "ExpiredToken", "The security token included in the request is expired")
    }

    pub(crate) fn missing_token() -> Self {
        Self::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    }

    /// As the query protocol has it.
    pub(crate) fn xml(&self, namespace: &str, request_id: &str) -> String {
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let (code, message) = (escaped(&self.code), escaped(&self.message));
        format!(
            "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{code}</Code>\n    \
             <Message>{message}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Text for XML or HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
