//! What can happen to a call.

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;

/// Why a call to Okta failed. No variant carries the credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call cannot be expressed: an id that is no path segment.
    #[error("call Okta: `{0}` cannot be part of a path")]
    InvalidRequest(String),
    /// The call would change something, and the client's permit says no: nothing was
    /// sent.
    #[error("change something in Okta without a permit")]
    NotPermitted,
    /// No answer: the connection failed, or the deadline passed.
    #[error("reach Okta: {reason}")]
    Communication {
        /// What failed, without URL and credential.
        reason: String,
        /// Whether Okta cannot have received the call.
        never_sent: bool,
    },
    /// Okta's rate limit is used up for longer than the deadline allows to wait.
    #[error("stay within Okta's rate limit: it resets in {} s", retry_after.as_secs())]
    RateLimited {
        /// When the limit resets.
        retry_after: Duration,
    },
    /// Okta refused, with its error object.
    #[error("get Okta to agree: {} {} {}{} ({})", .0.status, .0.code, .0.summary, .0.causes_text(), .0.error_id)]
    Api(ApiError),
    /// Okta gives the OAuth client no access token.
    #[error("get an access token from Okta: {status} {code} {description}")]
    Token {
        /// HTTP status.
        status: u16,
        /// `invalid_client`, … (RFC 6749, 5.2).
        code: String,
        /// Text for people; may change.
        description: String,
    },
    /// The answer is not what Okta documents.
    #[error("understand Okta's answer to {operation_id} at `{path}`")]
    Undecodable {
        /// Okta's operationId of the call.
        operation_id: &'static str,
        /// Place in the JSON of the answer.
        path: String,
    },
    /// An answer without Okta's error object, as from a proxy between.
    #[error("get an answer from Okta: status {status} without an error object")]
    Unexpected {
        /// HTTP status.
        status: u16,
    },
}

/// Okta's error object and the status that it came with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// `E0000007`: the only member that is contract.
    #[serde(rename = "errorCode")]
    pub code: String,
    /// Text for people; may change.
    #[serde(rename = "errorSummary", default, deserialize_with = "crate::models::null_is_default")]
    pub summary: String,
    /// For Okta's support.
    #[serde(default, deserialize_with = "crate::models::null_is_default")]
    pub error_id: String,
    /// What is wrong in detail.
    #[serde(rename = "errorCauses", default, deserialize_with = "crate::models::null_is_default")]
    pub causes: Vec<ErrorCause>,
    /// The access token lacks the scope, whatever the role allows (RFC 6750, 3.1).
    #[serde(skip)]
    pub insufficient_scope: bool,
}

/// One element of `errorCauses`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorCause {
    /// Text for people; may change.
    #[serde(default, deserialize_with = "crate::models::null_is_default")]
    pub error_summary: String,
}

impl ApiError {
    /// With what the answer says beside the object.
    pub(crate) fn with(self, status: u16, headers: &HeaderMap) -> Self {
        let mut challenges =
            headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let insufficient_scope = challenges.any(|text| text.contains("insufficient_scope"));
        Self { status, insufficient_scope, ..self }
    }

    fn causes_text(&self) -> String {
        self.causes.iter().map(|cause| format!(": {}", cause.error_summary)).collect()
    }
}

impl Error {
    /// Whether Okta does not accept the credential, whatever its form: an API token that is
    /// revoked, an OAuth client whose secret or key is gone.
    pub fn is_rejected_credential(&self) -> bool {
        match self {
            Error::Api(error) => error.code == "E0000011",
            Error::Token { code, .. } => code == "invalid_client",
            _ => false,
        }
    }

    /// Whether the same call may succeed later: no answer, rate limit, Okta's
    /// own failure, and the two codes that mean "somebody else is changing
    /// this" (see [`crate::retry`]).
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::InvalidRequest(_) | Error::NotPermitted | Error::Undecodable { .. } => false,
            Error::Communication { .. } | Error::RateLimited { .. } => true,
            Error::Api(error) => error.status >= 500 || error.is_contention(),
            Error::Token { status, .. } | Error::Unexpected { status } => *status >= 500,
        }
    }

    /// Whether Okta may have done what the call asked for although the call
    /// failed. A caller that creates something must look for it then.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Error::InvalidRequest(_)
            | Error::NotPermitted
            | Error::RateLimited { .. }
            | Error::Token { .. } => false,
            Error::Communication { never_sent, .. } => !never_sent,
            Error::Api(error) => error.status >= 500,
            Error::Undecodable { .. } | Error::Unexpected { .. } => true,
        }
    }

    /// Whether Okta says that the object is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Api(error) if error.status == 404)
    }

    /// Whether the old password of a change was not right: 403 E0000014 with a
    /// cause that begins with `oldPassword:`, which tells it from a new one that
    /// the policy does not allow.
    pub fn is_wrong_password(&self) -> bool {
        let old = |cause: &ErrorCause| cause.error_summary.starts_with("oldPassword:");
        matches!(self, Error::Api(error) if error.code == "E0000014" && error.causes.iter().any(old))
    }

    /// Whether Okta says that an object with this name is there already:
    /// E0000001 with this cause, as third parties recorded it, or a 409.
    pub fn is_duplicate(&self) -> bool {
        match self {
            Error::Api(error) => {
                let taken = |cause: &ErrorCause| cause.error_summary.contains("already exists");
                !error.is_contention()
                    && (error.status == 409 || (error.status == 400 && error.causes.iter().any(taken)))
            }
            _ => false,
        }
    }
}

impl ApiError {
    /// E0000239 (policy priorities are being reconciled) and E0000268
    /// (concurrent role change): Okta did nothing, and the call may be repeated.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self.code.as_str(), "E0000239" | "E0000268")
    }
}

/// For deletions that converge: an object that is gone already is a success.
pub trait OkIfAbsent {
    /// The result, with "not found" as success.
    ///
    /// # Errors
    ///
    /// Every error but "not found".
    fn ok_if_absent(self) -> Result<(), Error>;
}

impl<T> OkIfAbsent for Result<T, Error> {
    fn ok_if_absent(self) -> Result<(), Error> {
        match self {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_with_nulls_keeps_its_code() {
        let error = r#"{"errorCode":"E0000007","errorSummary":null,"errorId":null,"errorCauses":null}"#;
        let error: ApiError = serde_json::from_str(error).unwrap();
        assert_eq!((error.code.as_str(), error.causes.len()), ("E0000007", 0));
    }
}
