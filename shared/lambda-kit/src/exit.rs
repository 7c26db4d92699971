//! How a function's process ends.

use std::process::{ExitCode, Termination};

/// How a function's process ends.
#[derive(Debug)]
pub struct Exit(ExitCode);

impl Exit {
    /// The runtime stopped: it never does while Lambda runs the function.
    pub const STOPPED: Exit = Exit(ExitCode::SUCCESS);
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        self.0
    }
}

/// Logs why the function cannot start.
pub fn fatal(error: &dyn std::fmt::Display) -> Exit {
    tracing::error!(error = %error, "the function cannot start");
    Exit(ExitCode::FAILURE)
}
