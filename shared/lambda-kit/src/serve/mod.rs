//! The Lambda functions around operations, one module for each kind of trigger.

pub(crate) mod endpoint;
pub(crate) mod event_hook;
pub(crate) mod forward;
pub(crate) mod hook;
pub(crate) mod task;

use std::convert::Infallible;
use std::sync::Arc;

use guard::EventsTable;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{
    Adapter, Body, Error, LambdaEvent, Request, Response, Service, lambda_runtime, service_fn,
};
use operations::Operation;
use run_kit::{Audit, AuditLog, ConfigError, Environment};
use tokio::runtime::Runtime;

use crate::event::tame;
use crate::{Exit, fatal};

/// Where the records of an operation's runs go.
fn audit(operation: &Operation, environment: &Environment) -> Result<Arc<dyn Audit>, ConfigError> {
    Ok(match operation.is_audited() {
        true => Arc::new(EventsTable::prepare(environment)?),
        false => Arc::new(AuditLog),
    })
}

/// Serves requests of API Gateway. In contrast to `lambda_http::run`, each value of a
/// repeated header reaches the handler, which can refuse it; API Gateway gives them all.
async fn serve_requests<'s, S>(handler: S) -> Result<(), Error>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 's,
{
    let mut adapter = Adapter::from(handler);
    let service = service_fn(move |mut event: LambdaEvent<LambdaRequest>| {
        // Nothing but a REST API calls these functions: anything else is a request with nothing in it,
        // which is refused.
        if !matches!(event.payload, LambdaRequest::ApiGatewayV1(_)) {
            event.payload = LambdaRequest::ApiGatewayV1(ApiGatewayProxyRequest::default());
        }
        let LambdaRequest::ApiGatewayV1(request) = &mut event.payload else { return adapter.call(event) };
        // The last value alone stands in `headers`, and would replace all others.
        if !request.multi_value_headers.is_empty() {
            request.headers.clear();
        }
        tame(request);
        adapter.call(event)
    });
    lambda_runtime::run(service).await
}

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
