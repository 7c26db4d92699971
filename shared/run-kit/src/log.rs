//! One JSON object per line on standard error, which Lambda keeps.

use operations::EnvVar;
use tracing_subscriber::EnvFilter;

use crate::Environment;

/// Sets the format up: no time, because Lambda adds one.
pub fn init(environment: &Environment) {
    let level = environment.get(&EnvVar::AWS_LAMBDA_LOG_LEVEL).unwrap_or_default();
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
const OURS: [&str; 13] = [
    "lambda_kit",
    "okta_client",
    "run_kit",
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
