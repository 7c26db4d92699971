//! `exec`: a program with credentials in its environment.

use std::process::{Command, ExitCode};

use crate::aws::arguments::Exec;
use crate::aws::context::Base;
use crate::aws::credentials::{self, How, Wanted};
use crate::aws::format::{Extra, expiration, variables};
use crate::failure::{Exit, Failure};

/// What the program does not inherit: it would win over, or contradict, what it gets.
const REPLACED: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
];

/// Names of a profile, which `--keep-profile` leaves.
const PROFILES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Runs the command. On Unix the program takes this process's place: its code, signals and
/// terminal are its own.
///
/// # Errors
///
/// By the table of exit codes.
pub fn run(mut base: Base<'_>, arguments: &Exec) -> Result<ExitCode, Failure> {
    let which = &arguments.which;
    let mut wanted = Wanted::role(super::role(&mut base, which.role_arn.as_ref(), which.profile.as_deref())?);
    wanted.chain.clone_from(&arguments.chain);
    let endpoints = base.endpoints();
    let region = endpoints.known_region(wanted.last());
    let [program, rest @ ..] = arguments.program.as_slice() else {
        return Err(Failure::new(Exit::Usage, "no program is named"));
    };
    let credentials = credentials::get(base, &wanted, How::default())?;
    let end = expiration(&credentials);
    let mut command = Command::new(program);
    command.args(rest);
    for name in REPLACED {
        command.env_remove(name);
    }
    if !arguments.keep_profile {
        for name in PROFILES {
            command.env_remove(name);
        }
    }
    command.envs(variables(&credentials, &end, &Extra { region, ..Extra::default() }));
    crate::allow_core_dumps_as_before();
    let error = replace(&mut command)?;
    let exit =
        if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::NotExecutable };
    Err(Failure::new(exit, format!("{}: {error}", program.to_string_lossy())))
}

/// Becomes the program; comes back only where that fails.
#[cfg(unix)]
fn replace(command: &mut Command) -> Result<std::io::Error, Failure> {
    Ok(std::os::unix::process::CommandExt::exec(command))
}

/// Runs the program and ends with its code.
#[cfg(not(unix))]
fn replace(command: &mut Command) -> Result<std::io::Error, Failure> {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => Ok(error),
    }
}
