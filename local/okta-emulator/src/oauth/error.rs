//! How an OAuth endpoint refuses.

use serde_json::json;

use crate::call::{Outcome, Reply};

/// A refusal of an OAuth endpoint (RFC 6749, 5.2).
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl OAuthError {
    pub(crate) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into(), headers: Vec::new() }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(crate) fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", description)
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", description)
    }

    pub(crate) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_scope", description)
    }

    /// Okta's words for a request that no policy allows.
    pub(crate) fn no_policy() -> Self {
        let text = "Policy evaluation failed for this request, please check the policy configurations.";
        Self::new(400, "access_denied", text)
    }

    fn reply(self) -> Reply {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut reply = Reply::new(self.status, body).with("cache-control", "no-store");
        reply.headers.extend(self.headers);
        reply
    }
}

/// An OAuth refusal is an answer like any other.
pub(crate) fn answered(result: Result<Reply, OAuthError>) -> Outcome {
    Ok(result.unwrap_or_else(OAuthError::reply))
}
