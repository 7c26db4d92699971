//! How a rotation ends.

use serde::Serialize;

use crate::policy::Reason;

/// Exit codes of `okta-dac rotate`: stable, and never used for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The new password is proven.
    Verified = 0,
    /// The input cannot be read.
    Input = 10,
    /// There is no usable record with the credential of the API.
    Record = 11,
    /// There is no such user.
    NotFound = 12,
    /// Several users, or records, fit.
    Ambiguous = 13,
    /// The old password is not right.
    OldWrong = 14,
    /// The policy refuses the new password.
    Policy = 15,
    /// The user's status or directory does not allow it.
    State = 16,
    /// The password was changed, and not proven.
    Unverified = 17,
    /// The password was changed, not proven, and set back.
    RolledBack = 18,
    /// A person has to look.
    Operator = 19,
    /// Okta is not available: nothing was changed, or the same call may be made again.
    NotAvailable = 20,
    /// The credential may not do it.
    NotPermitted = 21,
    /// The command line.
    Usage = 64,
}

impl Code {
    /// Every code with its meaning, for `--help` and documents.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Verified, "the new password is in use, and that was proven"),
        (Self::Input, "the input cannot be read"),
        (Self::Record, "there is no usable record with the credential of the API"),
        (Self::NotFound, "there is no such user"),
        (Self::Ambiguous, "several users, or records, fit"),
        (Self::OldWrong, "the old password is not right; nothing was changed"),
        (Self::Policy, "the policy refuses the new password; nothing was changed"),
        (Self::State, "the user's status or directory does not allow it; nothing was changed"),
        (Self::Unverified, "the password was changed, and could not be proven"),
        (Self::RolledBack, "the password was changed, could not be proven, and was set back"),
        (Self::Operator, "a person has to look"),
        (Self::NotAvailable, "Okta is not available; the same call may be made again"),
        (Self::NotPermitted, "the credential may not do it; nothing was changed"),
        (Self::Usage, "the command line is wrong"),
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// In one word, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// This run changed the password.
    Rotated,
    /// It was changed before.
    Already,
    /// An admin's right set it, since the old one was not known.
    Reconciled,
    /// Nothing was changed.
    Refused,
    /// It was changed, and not proven.
    Unverified,
    /// It was changed, not proven, and set back.
    RolledBack,
    /// Old or new, or something else.
    Unknown,
}

/// The end of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Exit code.
    pub code: Code,
    /// In one word.
    pub outcome: Outcome,
    /// Whether the same call may succeed later, without anybody's doing.
    pub retryable: bool,
    /// Why the policy refuses the password; empty for other ends.
    pub policy: Vec<Reason>,
}

impl End {
    /// Success.
    pub const fn verified(outcome: Outcome) -> Self {
        Self { code: Code::Verified, outcome, retryable: false, policy: Vec::new() }
    }

    /// Nothing was changed, and the same call does not help.
    pub const fn refused(code: Code) -> Self {
        Self { code, outcome: Outcome::Refused, retryable: false, policy: Vec::new() }
    }

    /// It is not known which password is in use.
    pub const fn unknown(code: Code) -> Self {
        Self { code, outcome: Outcome::Unknown, retryable: false, policy: Vec::new() }
    }

    /// The same call may succeed later.
    #[must_use]
    pub const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The line that says how a rotation ended. It has no secret, and no e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Of this format.
    pub v: u8,
    /// In one word.
    pub outcome: Outcome,
    /// Exit code.
    pub code: u8,
    /// Id of the user, where one was found.
    pub user_id: Option<String>,
    /// The calls, in order.
    pub steps: Vec<&'static str>,
    /// Okta's id of the error, for Okta's support.
    pub okta_error_id: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Failed sign-ins of this run.
    pub wrong_attempts: u8,
    /// Why the policy refuses the password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<Reason>,
    /// Somebody was about to choose a password by a link: that link is void.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ended_recovery: bool,
    /// Milliseconds.
    pub ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        for (index, (code, _)) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..index].iter().all(|(other, _)| other.number() != code.number()));
        }
    }
}
