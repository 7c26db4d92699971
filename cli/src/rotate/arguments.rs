//! The command line of `rotate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use connections::sink::Sink;
use rotation::end::Code;
use rotation::facts::{self, Mismatch, Options};
use rotation::password::Recipe;

use crate::arguments::exit_codes;

/// `okta-dac rotate`.
#[derive(Debug, Args)]
#[command(after_help = exit_codes(Code::ALL.map(|(code, meaning)| (code.number(), meaning))))]
pub struct RotateCommand {
    /// What is to be done.
    #[command(subcommand)]
    pub what: Rotate,
}

/// What is done with passwords.
#[derive(Debug, Subcommand)]
pub enum Rotate {
    /// Rotate a password for Keeper: its post-rotation command, with Keeper's parameters on stdin
    Keeper(Keeper),
    /// Rotate the password of a secret of Secrets Manager, by hand
    User(User),
    /// Prove that a secret of Secrets Manager has the password that Okta has; nothing is changed
    Verify(Verify),
    /// Rotate the passwords of many secrets; a run that was killed goes on
    Batch(Batch),
    /// See what a credential may do with passwords, and what a sign-in proves, on one user
    Doctor(Doctor),
}

/// `rotate doctor`.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// The org.
    #[command(flatten)]
    pub org: Org,
    /// Login or id of a user without an admin role, whose password is changed by this; the
    /// present one may come on stdin
    #[arg(long, value_name = "LOGIN")]
    pub canary: String,
    /// How fast Okta is called.
    #[command(flatten)]
    pub pace: Pace,
    /// Look for the user, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// The org, and who calls.
#[derive(Clone, Debug, Args)]
pub struct Org {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ROTATION_ORG", value_name = "URL")]
    pub org: String,
    /// Where the credential of a connection with the preset `rotation` is: file:PATH,
    /// secretsmanager:NAME or ssm:/NAME
    #[arg(long, env = "OKTA_DAC_ROTATION_CREDENTIAL", value_name = "PLACE")]
    pub credential: Sink,
}

/// `rotate user`.
#[derive(Clone, Debug, Args)]
pub struct User {
    /// The org.
    #[command(flatten)]
    pub org: Org,
    /// Name or ARN of the secret, which has `username` and `password`
    #[arg(long, value_name = "ID")]
    pub secret_id: String,
    /// How it is done.
    #[command(flatten)]
    pub how: How,
    /// The new password.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `rotate verify`.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// URL of the org
    #[arg(long, env = "OKTA_DAC_ROTATION_ORG", value_name = "URL")]
    pub org: String,
    /// Name or ARN of the secret
    #[arg(long, value_name = "ID", required_unless_present = "all")]
    pub secret_id: Option<String>,
    /// Look at all secrets whose names begin so
    #[arg(long, value_name = "PREFIX", conflicts_with = "secret_id")]
    pub all: Option<String>,
    /// Where a credential is, for a secret that names its user by id
    #[arg(long, env = "OKTA_DAC_ROTATION_CREDENTIAL", value_name = "PLACE")]
    pub credential: Option<Sink>,
    /// How fast Okta is called.
    #[command(flatten)]
    pub pace: Pace,
}

/// `rotate batch`.
#[derive(Clone, Debug, Args)]
pub struct Batch {
    /// The org.
    #[command(flatten)]
    pub org: Org,
    /// Lines of JSON: {"secretId": "…"}, with "login" where that is to be checked
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// Which have ended [default: FILE.state]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Go on with a run that ended early
    #[arg(long)]
    pub resume: bool,
    /// How it is done.
    #[command(flatten)]
    pub how: How,
    /// The new passwords.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Say for each what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `rotate keeper`.
#[derive(Clone, Debug, Args)]
pub struct Keeper {
    /// Uid of the record with URL and credential of Okta's API
    #[arg(long, env = "OKTA_DAC_RECORD_UID", value_name = "UID", conflicts_with = "record_title")]
    pub record_uid: Option<String>,
    /// Title of that record [default: `Okta API Access Details` or `ROT5: Okta API Access Details`]
    #[arg(long, env = "OKTA_DAC_RECORD_TITLE", value_name = "TITLE")]
    pub record_title: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub how: How,
    /// Where the new password is not proven: say so, or set the old one again
    #[arg(long, env = "OKTA_DAC_ROTATION_UNVERIFIED", value_enum, default_value_t)]
    pub on_unverified: OnUnverified,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How a password is rotated.
#[derive(Clone, Copy, Debug, Args)]
pub struct How {
    /// Where Okta has another password than the vault: stop, or set the new one as an admin
    #[arg(long, env = "OKTA_DAC_ROTATION_MISMATCH", value_enum, default_value_t)]
    pub on_mismatch: OnMismatch,
    /// Set it also for a user with an admin role
    #[arg(long)]
    pub allow_admins: bool,
    /// What proves the new password: a sign-in, or the date of the change
    #[arg(long, env = "OKTA_DAC_ROTATION_VERIFY", value_enum, default_value_t)]
    pub verify: By,
    /// Unlock a user who is locked out
    #[arg(long, env = "OKTA_DAC_ROTATION_UNLOCK", value_enum, default_value_t)]
    pub unlock: Unlock,
    /// What ends with the old password
    #[arg(long, env = "OKTA_DAC_ROTATION_REVOKE", value_enum, default_value_t)]
    pub revoke: Revoke,
    /// The policy's minimum age, and for an admin's right its history, count
    #[arg(long, env = "OKTA_DAC_ROTATION_STRICT", action = clap::ArgAction::SetTrue)]
    pub strict: bool,
    /// How fast Okta is called.
    #[command(flatten)]
    pub pace: Pace,
}

/// How fast Okta is called.
#[derive(Clone, Copy, Debug, Args)]
pub struct Pace {
    /// Percent of Okta's rate limits that may be used
    #[arg(
        long,
        env = "OKTA_DAC_RATE_LIMIT_SHARE",
        value_name = "PERCENT",
        default_value_t = 50,
        value_parser = clap::value_parser!(u8).range(1..=100)
    )]
    pub share: u8,
}

impl How {
    /// In words of a rotation.
    pub fn options(&self) -> Options {
        Options {
            verify: match self.verify {
                By::Authn => facts::Verify::SignIn,
                By::Change => facts::Verify::Change,
            },
            mismatch: match self.on_mismatch {
                OnMismatch::Fail => Mismatch::Fail,
                OnMismatch::Reconcile => Mismatch::Reconcile { admins: self.allow_admins },
            },
            later: false,
            rollback: false,
            unlock: self.unlock == Unlock::Before,
        }
    }
}

/// How a new password is made.
#[derive(Clone, Debug, Args)]
pub struct Drawn {
    /// Characters of a password that is drawn here, 16 to 64
    #[arg(long, env = "OKTA_DAC_ROTATION_LENGTH", default_value_t = 32, value_name = "N")]
    pub length: usize,
    /// Characters that such a password does not have
    #[arg(long, env = "OKTA_DAC_ROTATION_EXCLUDE", value_name = "TEXT", hide_default_value = true, default_value_t = Recipe::default().exclude)]
    pub exclude: String,
}

impl Drawn {
    /// Passwords that are drawn here.
    pub fn recipe(&self) -> Recipe {
        Recipe { length: self.length, exclude: self.exclude.clone() }
    }
}

/// Where Okta has another password than the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnMismatch {
    /// Stop.
    #[default]
    Fail,
    /// Set the new one as an admin.
    Reconcile,
}

/// What proves the new password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// A sign-in.
    #[default]
    Authn,
    /// The date of the change.
    Change,
}

/// Where the new password is not proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnUnverified {
    /// Say so.
    #[default]
    Report,
    /// Set the old one again.
    Rollback,
}

/// Whether a user who is locked out is unlocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Unlock {
    /// No.
    #[default]
    Never,
    /// Before the rotation.
    Before,
}

/// What ends with the old password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Revoke {
    /// Nothing.
    None,
    /// Sessions of Okta.
    #[default]
    Sessions,
    /// Sessions, and OAuth tokens.
    #[value(name = "sessions+tokens")]
    SessionsAndTokens,
}
