//! What STS answers: credentials, or an error and what it means.

use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::failure::{Exit, Failure};

/// Temporary credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// A secret.
    pub secret_access_key: String,
    /// A secret.
    pub session_token: String,
    /// The only truth about their end.
    pub expiration: Timestamp,
    /// When they were given out.
    pub issued: Timestamp,
    /// Seconds that AWS's clock is ahead of this machine's.
    #[serde(default)]
    pub server_offset: i64,
    /// ARN of the session.
    #[serde(default)]
    pub session_arn: String,
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.secret_access_key.zeroize();
        self.session_token.zeroize();
    }
}

/// Without the secrets.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// How long they are good, by AWS's clock.
    pub fn left(&self, now: Timestamp) -> SignedDuration {
        self.expiration.duration_since(now + SignedDuration::from_secs(self.server_offset))
    }

    /// Whether new ones are to be fetched. botocore asks again from 15 minutes before the
    /// end: what is handed out must be good for longer, or it would ask every time.
    pub fn are_due(&self, now: Timestamp) -> bool {
        let life =
            self.expiration.duration_since(self.issued + SignedDuration::from_secs(self.server_offset));
        let window =
            if life >= SignedDuration::from_hours(1) { SignedDuration::from_mins(16) } else { life / 4 };
        self.left(now) < window
    }
}

/// Why STS gave no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status; 0 if there was no answer.
    pub status: u16,
    /// AWS's code; empty if there was no answer.
    pub code: String,
    /// AWS's text, or what happened.
    pub message: String,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// Seconds that AWS's clock is ahead of this machine's, if AWS said its time.
    pub clock: Option<i64>,
}

impl Refused {
    fn without_answer(message: String) -> Self {
        Self { status: 0, code: String::new(), message, request_id: None, clock: None }
    }

    /// This program cannot make the request.
    pub(super) fn local(why: &str) -> Self {
        Self::without_answer(format!("the request cannot be made: {why}"))
    }

    /// No connection.
    pub(super) fn connection(url: &str, error: &reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { cause(error) };
        Self::without_answer(format!("{url}: {why}"))
    }

    /// The time is over.
    pub(super) fn late(url: &str) -> Self {
        Self::without_answer(format!("{url}: no answer in time"))
    }

    /// An answer that is none.
    pub(super) fn unreadable(action: &str) -> Self {
        Self { status: 200, ..Self::without_answer(format!("the answer to {action} cannot be read")) }
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_passing(&self) -> bool {
        self.status == 0
            || self.status >= 500
            || self.status == 429
            || matches!(self.code.as_str(), "Throttling" | "ThrottlingException" | "IDPCommunicationError")
    }

    /// The assertion, or the token, is too old.
    pub fn is_expired(&self) -> bool {
        matches!(self.code.as_str(), "ExpiredTokenException" | "ExpiredToken")
    }

    /// The role does not allow so long a session: an hour is the most that a chained role has.
    pub fn is_too_long(&self) -> Option<TooLong> {
        if self.code != "ValidationError" {
            None
        } else if self.message.contains("1 hour session limit") {
            Some(TooLong::Chained)
        } else {
            self.message.contains("MaxSessionDuration").then_some(TooLong::Role)
        }
    }

    /// How the command ends.
    pub fn failure(&self, role: &str) -> Failure {
        let failure = match (self.code.as_str(), self.status) {
            ("ValidationError" | "PackedPolicyTooLarge" | "MalformedPolicyDocument", _) => {
                Failure::new(Exit::Usage, format!("AWS refuses the request for {role}: {}", self.message))
            }
            ("ExpiredTokenException" | "ExpiredToken", _) => {
                let failure = Failure::new(
                    Exit::Assertion,
                    format!("AWS says that the sign-in is too old: {}", self.message),
                );
                match self.clock {
                    Some(seconds) => failure.hint(format!(
                        "this machine's clock differs from AWS's by {} s; set it if that is much",
                        seconds.abs()
                    )),
                    None => failure.hint("try again; look at this machine's clock"),
                }
            }
            ("InvalidIdentityToken", _) => {
                Failure::new(Exit::Assertion, format!("AWS does not take Okta's word for {role}: {}", self.message))
                    .hint("usual causes: the provider has another certificate, issuer or audience, or is in another partition")
            }
            ("IDPRejectedClaim" | "RegionDisabledException", _) => {
                Failure::new(Exit::Assertion, format!("AWS refuses {role}: {}", self.message))
            }
            ("AccessDenied", _) => {
                Failure::new(Exit::NotAllowed, format!("AWS does not let you take {role}: {}", self.message))
                    .hint("the role's trust policy must name the provider; `okta-dac aws list` shows what Okta grants")
            }
            ("InvalidClientTokenId" | "SignatureDoesNotMatch" | "MissingAuthenticationToken", _) => {
                Failure::new(Exit::Assertion, format!("AWS refuses the credentials of the first role: {}", self.message))
            }
            (_, 0 | 200) => Failure::new(Exit::Network, format!("no credentials from AWS: {}", self.message)),
            (code, status) => {
                let failure = Failure::new(Exit::Network, format!("AWS answers {status} {code}: {}", self.message));
                failure.hint("try again in a moment")
            }
        };
        match &self.request_id {
            Some(id) => failure.detail(format!("AWS's request id {id}, code {}", self.code)),
            None => failure,
        }
    }
}

/// Why a session may not last so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// `MaxSessionDuration` of the role.
    Role,
    /// An hour is the most.
    Chained,
}

/// The innermost cause of an error.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The text of the first element of this name; prefixes do not matter.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let text = find(&document.root(), name)?.text()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn find<'a, 'input>(node: &Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().find(|node| node.is_element() && node.tag_name().name() == name)
}

/// The credentials of an answer. All four values must be there.
pub(super) fn credentials(xml: &str, action: &str, date: Option<Timestamp>) -> Result<Credentials, Refused> {
    let unreadable = || Refused::unreadable(action);
    let of = |name: &str| element(xml, name).ok_or_else(unreadable);
    let now = Timestamp::now();
    Ok(Credentials {
        access_key_id: of("AccessKeyId")?,
        secret_access_key: of("SecretAccessKey")?,
        session_token: of("SessionToken")?,
        expiration: of("Expiration")?.parse().map_err(|_| unreadable())?,
        issued: now,
        server_offset: date.map_or(0, |date| date.duration_since(now).as_secs()),
        session_arn: element(xml, "Arn").unwrap_or_default(),
    })
}

/// What a refusal says.
pub(super) fn refusal(status: u16, xml: &str, date: Option<Timestamp>) -> Refused {
    let clock = date.map(|date| date.duration_since(Timestamp::now()).as_secs());
    match (element(xml, "Code"), element(xml, "Message")) {
        (Some(code), message) => Refused {
            status,
            code,
            message: message.unwrap_or_default(),
            request_id: element(xml, "RequestId"),
            clock,
        },
        (None, _) => Refused {
            status,
            code: String::new(),
            message: "no error of AWS".to_owned(),
            request_id: None,
            clock,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: i64) -> Credentials {
        let issued: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        Credentials {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            expiration: issued + SignedDuration::from_secs(seconds),
            issued,
            server_offset: 0,
            session_arn: String::new(),
        }
    }

    #[test]
    fn what_is_handed_out_is_good_for_longer_than_botocore_waits() {
        for (life, age, due) in [
            (3_600, 2_640, false),
            (3_600, 2_641, true),
            (43_200, 42_240, false),
            (900, 675, false),
            (900, 676, true),
        ] {
            let credentials = lasting(life);
            let now = credentials.issued + SignedDuration::from_secs(age);
            assert_eq!(credentials.are_due(now), due, "{life} s, after {age} s");
        }
        // AWS's clock is ten minutes ahead: its end comes earlier here.
        let mut ahead = lasting(3_600);
        ahead.server_offset = 600;
        ahead.expiration += SignedDuration::from_secs(600);
        assert_eq!(ahead.left(ahead.issued), SignedDuration::from_secs(3_600));
    }

    #[test]
    fn credentials_with_a_part_missing_are_none() {
        let whole = "<r xmlns='x'><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>\
                     <SessionToken>T</SessionToken><Expiration>2026-01-31T13:00:00Z</Expiration></Credentials></r>";
        assert_eq!(credentials(whole, "AssumeRole", None).unwrap().access_key_id, "A");
        for part in ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
            let (before, after) = whole.split_once(&format!("<{part}>")).unwrap();
            let (_, after) = after.split_once(&format!("</{part}>")).unwrap();
            let empty = format!("{before}<{part}></{part}>{after}");
            for broken in [format!("{before}{after}"), empty] {
                let refused = credentials(&broken, "AssumeRole", None).unwrap_err();
                assert_eq!(refused.failure("r").exit, Exit::Network, "{part}");
            }
        }
    }

    #[test]
    fn every_error_of_the_table() {
        let of = |status: u16, code: &str, message: &str| {
            refusal(
                status,
                &format!(
                    "<ErrorResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
                ),
                Some(Timestamp::now() + SignedDuration::from_secs(400)),
            )
        };
        let exit = |refused: &Refused| refused.failure("r").exit;
        let long = of(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        );
        assert_eq!(long.is_too_long(), Some(TooLong::Role));
        let chained = of(
            400,
            "ValidationError",
            "… exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
        assert_eq!(chained.is_too_long(), Some(TooLong::Chained));
        for (status, code, expected, passing) in [
            (400, "ValidationError", Exit::Usage, false),
            (400, "ExpiredTokenException", Exit::Assertion, false),
            (400, "InvalidIdentityToken", Exit::Assertion, false),
            (403, "IDPRejectedClaim", Exit::Assertion, false),
            (400, "IDPCommunicationError", Exit::Network, true),
            (403, "AccessDenied", Exit::NotAllowed, false),
            (403, "RegionDisabledException", Exit::Assertion, false),
            (400, "PackedPolicyTooLarge", Exit::Usage, false),
            (400, "MalformedPolicyDocument", Exit::Usage, false),
            (400, "Throttling", Exit::Network, true),
            (503, "ServiceUnavailable", Exit::Network, true),
        ] {
            let refused = of(status, code, "text");
            assert_eq!(
                (exit(&refused), refused.is_passing(), refused.is_too_long()),
                (expected, passing, None),
                "{code}"
            );
        }
        assert_eq!(exit(&refusal(502, "<html>", None)), Exit::Network);
        let hint = of(400, "ExpiredTokenException", "old").failure("r").hint.unwrap();
        assert!(hint.contains("by 400 s") || hint.contains("by 399 s"), "{hint}");
        let detail = of(403, "AccessDenied", "no").failure("r").detail.unwrap();
        assert!(detail.contains("r-1"), "{detail}");
    }
}
