//! `get-cred`: one role's credentials on stdout, or nothing.

use std::process::ExitCode;

use crate::aws::arguments::GetCred;
use crate::aws::context::Base;
use crate::aws::credentials::{self, How, Wanted};
use crate::aws::format::Extra;
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes; stdout is empty then.
pub fn run(mut base: Base<'_>, arguments: &GetCred) -> Result<ExitCode, Failure> {
    let which = &arguments.which;
    let role = super::role(&mut base, which.role_arn.as_ref(), which.profile.as_deref())?;
    let mut wanted = Wanted::role(role);
    wanted.duration = arguments.duration;
    let how = How { kept: !arguments.no_cache, max_stale: arguments.max_stale, short: true };
    let endpoints = base.endpoints();
    let region = endpoints.known_region(&wanted.role);
    let credentials = credentials::get(base, &wanted, how)?;
    let extra = Extra {
        account_id: arguments.account_id.then(|| wanted.role.account()),
        region,
        profile: which.profile.as_deref(),
        legacy: false,
    };
    crate::print(arguments.format.write(&credentials, &extra).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
