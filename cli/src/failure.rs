//! How a command ends when it does not succeed.

use std::fmt::Write;
use std::process::ExitCode;

/// Exit codes of the group `aws`: stable, and never used for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A defect of the program.
    Defect = 1,
    /// The command line.
    Usage = 2,
    /// Settings are missing or wrong.
    Configuration = 3,
    /// Okta refused password, client or key.
    Refused = 4,
    /// The second factor was refused, rejected or too late.
    Factor = 5,
    /// The account, or a policy, needs a person.
    Account = 6,
    /// Not allowed: app not assigned, role not in the assertion, refused by STS.
    NotAllowed = 7,
    /// No answer, or none that can be read.
    Network = 8,
    /// A limit that lasts longer than there is time.
    RateLimited = 9,
    /// A person is needed, and there is no terminal.
    PersonNeeded = 10,
    /// The store of secrets cannot be used.
    Store = 11,
    /// A file cannot be edited safely.
    File = 12,
    /// STS refused token or assertion.
    Assertion = 13,
    /// `status --check`: nothing is there that gives credentials without a sign-in.
    NoCredentials = 20,
    /// Waited too long for another process.
    Busy = 75,
    /// `exec`: the program cannot be run.
    NotExecutable = 126,
    /// `exec`: there is no such program.
    NotFound = 127,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Every code, with its meaning and what to do, as docs/aws-credentials.md prints them.
    pub const ALL: [(Self, &'static str, &'static str); 18] = [
        (Self::Defect, "a defect of the program", "report it, with the request id that `-v` prints"),
        (Self::Usage, "the command line is wrong", "`--help`"),
        (Self::Configuration, "settings are missing or wrong", "`okta-dac aws init`"),
        (Self::Refused, "Okta refused password, client or key", "`okta-dac aws init` with the right one"),
        (
            Self::Factor,
            "the second factor was refused, rejected or too late",
            "try again, or another factor: `--factor`",
        ),
        (Self::Account, "account or policy needs a person", "open the address that the message names"),
        (
            Self::NotAllowed,
            "app not assigned, role not granted, or STS refuses the role",
            "`okta-dac aws list --online`",
        ),
        (
            Self::Network,
            "no answer from Okta or AWS, or none that can be read",
            "try again; look at the network",
        ),
        (Self::RateLimited, "a limit lasts longer than `--timeout`", "wait as long as the message says"),
        (
            Self::PersonNeeded,
            "a person is needed, and there is no terminal",
            "`okta-dac aws refresh` in a terminal",
        ),
        (Self::Store, "the store of secrets cannot be used", "`okta-dac aws init --store file`"),
        (
            Self::File,
            "a file cannot be edited safely; it is unchanged",
            "mend the lines that the message names",
        ),
        (Self::Assertion, "STS refused token or assertion", "look at provider, audience and clock"),
        (
            Self::NoCredentials,
            "`status --check`: neither credentials, nor a session, nor a machine's key is there",
            "`okta-dac aws refresh`",
        ),
        (
            Self::Busy,
            "waited longer than `--timeout` for another process",
            "look at the process that the message names",
        ),
        (Self::NotExecutable, "`exec`: the program cannot be run", "look at its permissions"),
        (Self::NotFound, "`exec`: there is no such program", "look at `PATH`"),
        (Self::Interrupted, "Ctrl-C", "the message says what was done; the same command goes on"),
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().map(|(code, ..)| code).find(|code| code.number() == number)
    }
}

/// Why a command did not succeed: one sentence, what to do, and details for `-v`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened. It has no secret.
    pub sentence: String,
    /// What to do, if that is known.
    pub hint: Option<String>,
    /// For `-v`: ids of requests, answers of others.
    pub detail: Option<String>,
}

impl Failure {
    /// A failure.
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into(), hint: None, detail: None }
    }

    /// A defect of this program.
    pub fn defect(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Defect, sentence)
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a detail for `-v`.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The exit code of the process.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.exit.number())
    }

    /// What is written to stderr.
    pub fn message(&self, verbose: bool) -> String {
        let mut text = format!("okta-dac: {}\n", self.sentence);
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  {hint}");
        }
        if let Some(detail) = self.detail.as_ref().filter(|_| verbose) {
            let _ = writeln!(text, "  ({detail})");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        for (index, (code, ..)) in Exit::ALL.iter().enumerate() {
            assert_eq!(Exit::from_number(code.number()), Some(*code));
            assert!(Exit::ALL[..index].iter().all(|(other, ..)| other != code));
        }
    }

    #[test]
    fn details_are_for_verbose_alone() {
        let failure =
            Failure::new(Exit::Network, "Okta does not answer").hint("try again").detail("request 7");
        assert_eq!(failure.message(false), "okta-dac: Okta does not answer\n  try again\n");
        assert_eq!(failure.message(true), "okta-dac: Okta does not answer\n  try again\n  (request 7)\n");
    }
}
