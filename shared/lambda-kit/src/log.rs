//! One JSON object per line on standard error, which Lambda keeps.

use std::process::{ExitCode, Termination};

use operations::EnvVar;
use tracing_subscriber::EnvFilter;

/// Sets the format up: no time, because Lambda adds one.
pub fn init() {
    let level = crate::read(&EnvVar::AWS_LAMBDA_LOG_LEVEL).unwrap_or_default();
    // Other crates at debug level print headers and bodies.
    let filter = EnvFilter::new(format!("warn,{}", OURS.map(|name| format!("{name}={level}")).join(",")));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .without_time()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .try_init();
}

/// The crates whose level can be set.
const OURS: [&str; 12] = [
    "lambda_kit",
    "okta_client",
    "state",
    "apps",
    "authorizer",
    "delegation",
    "idps",
    "okta_proxy",
    "tenant_admins",
    "tenant_apps",
    "tenant_domains",
    "tenants",
];

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
