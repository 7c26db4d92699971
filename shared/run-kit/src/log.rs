//! One JSON object per line on standard error, which Lambda keeps.

use operations::{EnvVar, Package};
use tracing_subscriber::EnvFilter;

use crate::Environment;

/// Sets the format up. Each line has `timestamp`, RFC 3339, and `level`: Lambda's filter
/// by level takes a line without them for INFO (Lambda Developer Guide, "Log-level
/// filtering").
pub fn init(environment: &Environment) {
    let level = environment.get(&EnvVar::AWS_LAMBDA_LOG_LEVEL).unwrap_or_default();
    let filter = EnvFilter::new(filter(&level));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .try_init();
}

/// The crates under `shared/` that log; those under `functions/` are in the table.
const SHARED: [&str; 6] = ["idempotency", "lambda_kit", "okta_client", "rights", "run_kit", "state"];

/// The Lambda runtime's line about a handler that failed: an error in the shape that
/// programmers read, beside the line that says the same for operators.
const REPEATED: &str = "lambda_runtime::layers::panic=off";

/// `warn`, and the level for our own crates: others at debug level print headers and
/// bodies.
fn filter(level: &str) -> String {
    let functions = Package::ALL.iter().map(|package| package.crate_name());
    let ours = SHARED.iter().map(|&name| name.to_owned()).chain(functions);
    ours.fold(format!("warn,{REPEATED}"), |filter, name| format!("{filter},{name}={level}"))
}
