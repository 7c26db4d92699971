//! Why a command stops before its end.

use okta_client::Error;

/// Exit codes of `connect` and `connection`: stable, and never used for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// A defect of the program.
    Defect = 1,
    /// An object of ours is not unique, or of somebody else.
    Ambiguous = 13,
    /// The state of the org does not allow it.
    State = 16,
    /// Something is left that a person has to look at; the message names it.
    Operator = 19,
    /// Okta is not available; the same command goes on.
    NotAvailable = 20,
    /// The token or the credential may not do it.
    NotPermitted = 21,
    /// The connection may do more than it should.
    TooStrong = 22,
    /// A probe failed: the connection does less than it should.
    TooWeak = 23,
    /// The bootstrap token still works, whatever else was done.
    TokenLives = 30,
    /// The command line.
    Usage = 64,
}

impl Code {
    /// Every code with its meaning, for `--help` and documents.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Defect, "a defect of the program"),
        (Self::Ambiguous, "an object of this name is not unique, or somebody else's"),
        (Self::State, "the state of the org does not allow it"),
        (Self::Operator, "something is left that a person has to look at; the message names it"),
        (Self::NotAvailable, "Okta is not available; the same command goes on"),
        (Self::NotPermitted, "the token or the credential may not do it"),
        (Self::TooStrong, "the connection may do more than it should; the message names what"),
        (Self::TooWeak, "the connection may do less than it should; the message names the probe"),
        (Self::TokenLives, "the bootstrap token still works, whatever else was done"),
        (Self::Usage, "the command line is wrong"),
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Why a command stopped: one sentence, and what is left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Stop {
    /// The exit code.
    pub code: Code,
    /// What happened. It has no secret.
    pub sentence: String,
    /// What the run made and could not take back, by id.
    pub left: Vec<String>,
}

impl Stop {
    /// A stop that leaves nothing.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), left: Vec::new() }
    }

    /// What an error of Okta means for a step that is called `doing`.
    pub fn of(doing: &str, error: &Error) -> Self {
        let code = match error {
            _ if error.is_rejected_credential() => Code::NotPermitted,
            Error::Api(api) if matches!(api.status, 401 | 403) => Code::NotPermitted,
            Error::Token { status, .. } if *status >= 500 => Code::NotAvailable,
            Error::Token { .. } => Code::NotPermitted,
            Error::Communication { .. } | Error::RateLimited { .. } | Error::Unexpected { .. } => {
                Code::NotAvailable
            }
            Error::Api(api) if api.status >= 500 => Code::NotAvailable,
            Error::Api(_) => Code::State,
            _ => Code::Defect,
        };
        Self::new(code, format!("{doing}: {error}"))
    }
}
