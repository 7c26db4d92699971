//! `assume-role`: further roles, taken from one that Okta grants.

use std::process::ExitCode;

use crate::aws::arguments::AssumeRole;
use crate::aws::context::Base;
use crate::aws::credentials::{self, How, Wanted};
use crate::aws::format::Extra;
use crate::aws::sts::{Chain, Limits, session_name};
use crate::failure::{Exit, Failure};

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes; stdout is empty then.
pub fn run(mut base: Base<'_>, arguments: &AssumeRole) -> Result<ExitCode, Failure> {
    let from = &arguments.from;
    let role = super::role(&mut base, from.from_role_arn.as_ref(), from.from_profile.as_deref())?;
    let mut with = Chain {
        session_name: arguments.session_name.as_deref().map(session_name).unwrap_or_default(),
        external_id: arguments.external_id.clone(),
        tags: arguments.tag.iter().cloned().collect(),
        transitive_tags: arguments.transitive_tag.clone(),
        source_identity: arguments.source_identity.clone(),
        mfa: None,
    };
    with.check()?;
    let policy = match &arguments.policy {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            Failure::new(Exit::Usage, format!("the policy {} cannot be read: {error}", path.display()))
        })?),
        None => None,
    };
    let mut wanted = Wanted::role(role);
    wanted.chain.clone_from(&arguments.to_role_arn);
    wanted.limits = Limits { policy, policy_arns: arguments.policy_arn.clone() };
    wanted.duration = arguments.duration;
    wanted.with = with.clone();
    // A code is asked for only where credentials have to be fetched.
    if let Some(serial) = &arguments.mfa_serial {
        let vault = base.vault()?;
        wanted.with.mfa = Some((serial.clone(), String::new()));
        if credentials::kept(&vault, base.org()?, &wanted)?.is_none() {
            with.mfa = Some((serial.clone(), base.terminal.ask(&format!("Code of {serial}"))?));
            with.check()?;
            wanted.with = with;
        }
    }
    let endpoints = base.endpoints();
    let region = endpoints.known_region(wanted.last());
    let credentials = credentials::get(base, &wanted, How::default())?;
    let extra = Extra { region, ..Extra::default() };
    crate::print(arguments.format.write(&credentials, &extra).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
