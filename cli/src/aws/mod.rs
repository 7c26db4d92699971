//! `okta-dac aws`: AWS credentials through Okta.
//!
//! | module | what it has |
//! |---|---|
//! | [`commands`] | one file for each command |
//! | [`credentials`] | kept or new credentials of a role, for however many processes |
//! | [`session`] | an assertion or a token, with as little of a person as possible |
//! | [`sign_in`] | password and factors, device flow, private key |
//! | [`sts`] | AWS's Security Token Service |
//! | [`profiles`], [`ini`], [`names`] | profiles in AWS's files |
//! | [`vault`], [`state`], [`settings`] | what is kept: secrets, what is remembered, what was chosen |
//!
//! The way of a credential process whose credentials are kept reads settings, key and one
//! sealed file. It takes no lock, starts no runtime and opens no socket.

pub mod arguments;
pub mod arn;
pub mod commands;
pub mod context;
pub mod credentials;
pub mod files;
pub mod format;
pub mod http;
pub mod ini;
mod key_store;
pub mod names;
pub mod profiles;
pub mod saml;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod state;
pub mod sts;
pub mod totp;
pub mod vault;

use std::process::ExitCode;

use crate::aws::arguments::{AwsCommand, Verb};
use crate::aws::context::Base;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Printing;

/// Runs a command.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(command: &AwsCommand, printing: Printing, environment: &Environment) -> Result<ExitCode, Failure> {
    let base = Base::load(&command.options, printing, environment)?;
    match &command.verb {
        Verb::Init(arguments) => commands::init::run(base, arguments),
        Verb::Refresh(arguments) => commands::refresh::run(base, arguments),
        Verb::GetCred(arguments) => commands::get_cred::run(base, arguments),
        Verb::ExportCred(arguments) => commands::export_cred::run(base, arguments),
        Verb::AssumeRole(arguments) => commands::assume_role::run(base, arguments),
        Verb::Exec(arguments) => commands::exec::run(base, arguments),
        Verb::Console(arguments) => commands::console::run(base, arguments),
        Verb::List(arguments) => commands::list::run(base, arguments),
        Verb::Status(arguments) => commands::status::run(base, arguments),
        Verb::Logout(arguments) => commands::logout::run(base, arguments),
    }
}
