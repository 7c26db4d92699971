//! `export-cred`: credentials for a shell to evaluate.

use std::process::ExitCode;

use crate::aws::arguments::ExportCred;
use crate::aws::context::Base;
use crate::aws::credentials::{self, How, Wanted};
use crate::aws::format::{Extra, Format};
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes; stdout is empty then.
pub fn run(mut base: Base<'_>, arguments: &ExportCred) -> Result<ExitCode, Failure> {
    let which = &arguments.which;
    let role = super::role(&mut base, which.role_arn.as_ref(), which.profile.as_deref())?;
    let own = base.environment.text("SHELL").and_then(|shell| shell.rsplit('/').next());
    let format = arguments.shell.unwrap_or(match own {
        Some("fish") => Format::Fish,
        Some("pwsh") => Format::Powershell,
        None if cfg!(windows) => Format::Powershell,
        _ => Format::Sh,
    });
    let endpoints = base.endpoints();
    let region = endpoints.known_region(&role);
    let credentials = credentials::get(base, &Wanted::role(role), How::default())?;
    let extra = Extra { region, legacy: arguments.legacy, ..Extra::default() };
    crate::print(format.write(&credentials, &extra).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
