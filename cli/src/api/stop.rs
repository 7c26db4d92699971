//! How a command of the API ends when it does not succeed.

use crate::failure::{Exit, Failure};

/// Exit codes of `login`, `logout`, `whoami` and of the commands of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// It did not succeed.
    Failed = 1,
    /// The command line.
    Usage = 2,
    /// The caller may not, or is not signed in.
    Refused = 3,
    /// No answer, or not now.
    NotAvailable = 20,
}

impl Code {
    /// Every code, with its meaning.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Failed, "refused by the API, for a reason that the message says"),
        (Self::Usage, "the command line is wrong"),
        (Self::Refused, "not signed in, or not allowed"),
        (Self::NotAvailable, "no answer, or not now: run the same again"),
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The exit code.
    pub code: Code,
    /// What happened, and what to do. It has no secret.
    pub text: String,
}

impl Stop {
    /// A stop.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let code = match failure.exit {
            Exit::Usage | Exit::Configuration => Code::Usage,
            Exit::Refused | Exit::Factor | Exit::NotAllowed | Exit::PersonNeeded => Code::Refused,
            Exit::Network | Exit::RateLimited | Exit::Busy => Code::NotAvailable,
            _ => Code::Failed,
        };
        let hint = failure.hint.map(|hint| format!("\n  {hint}")).unwrap_or_default();
        Self::new(code, failure.sentence + &hint)
    }
}
