//! The Lambda functions around operations, one module for each kind of trigger.

pub(crate) mod endpoint;
pub(crate) mod forward;
pub(crate) mod hook;
pub(crate) mod task;

use operations::Operation;
use run_kit::{ConfigError, Environment};
use tokio::runtime::Runtime;

use crate::{Exit, fatal};

/// Runs a function: log, configuration, runtime, in this order.
fn start<S>(
    operation: &Operation,
    prepare: impl FnOnce(&Environment) -> Result<S, ConfigError>,
    serve: impl FnOnce(&S, &Runtime) -> Result<(), lambda_http::Error>,
) -> Exit {
    let environment = Environment::of_process(operation);
    run_kit::init_log(&environment);
    let complete = environment.require_all();
    let started =
        complete.and_then(|()| prepare(&environment)).map_err(|error| fatal(&error)).and_then(|service| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Ok((service, runtime.map_err(|error| fatal(&error))?))
        });
    match started {
        Ok((service, runtime)) => match serve(&service, &runtime) {
            Ok(()) => Exit::STOPPED,
            Err(error) => fatal(&error),
        },
        Err(exit) => exit,
    }
}
