//! `logout`: forgets what a sign-in left.

use std::process::ExitCode;

use crate::aws::arguments::Logout;
use crate::aws::context::{Base, SECRETS};
use crate::aws::files::Place;
use crate::aws::state::State;
use crate::aws::{credentials, files, vault};
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
///
/// [`crate::failure::Exit::Store`].
pub fn run(base: Base<'_>, arguments: &Logout) -> Result<ExitCode, Failure> {
    let place = &base.place;
    forget_sessions(place)?;
    State::forget(place, base.deadline)?;
    if arguments.all {
        files::remove(&place.file(SECRETS))?;
        vault::forget_key(place)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes kept credentials and sessions away.
pub(super) fn forget_sessions(place: &Place) -> Result<(), Failure> {
    for name in credentials::files(place)? {
        files::remove(&place.file(&name))?;
    }
    for entry in std::fs::read_dir(place.folder()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("session-") && name.ends_with(".bin") {
            files::remove(&entry.path())?;
        }
    }
    Ok(())
}
