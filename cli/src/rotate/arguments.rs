//! The command line of `rotate`.

use clap::{Args, Subcommand, ValueEnum};
use rotation::end::Code;
use rotation::facts::{Mismatch, Options, Verify};

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
    /// Where the new password is not proven: say so, or set the old one again
    #[arg(long, env = "OKTA_DAC_ROTATION_UNVERIFIED", value_enum, default_value_t)]
    pub on_unverified: OnUnverified,
    /// Unlock a user who is locked out
    #[arg(long, env = "OKTA_DAC_ROTATION_UNLOCK", value_enum, default_value_t)]
    pub unlock: Unlock,
    /// What ends with the old password
    #[arg(long, env = "OKTA_DAC_ROTATION_REVOKE", value_enum, default_value_t)]
    pub revoke: Revoke,
    /// The policy's minimum age, and for an admin's right its history, count
    #[arg(long, env = "OKTA_DAC_ROTATION_STRICT", action = clap::ArgAction::SetTrue)]
    pub strict: bool,
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
                By::Authn => Verify::SignIn,
                By::Change => Verify::Change,
            },
            mismatch: match self.on_mismatch {
                OnMismatch::Fail => Mismatch::Fail,
                OnMismatch::Reconcile => Mismatch::Reconcile { admins: self.allow_admins },
            },
            rollback: self.on_unverified == OnUnverified::Rollback,
            unlock: self.unlock == Unlock::Before,
        }
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
