//! The function around an operation of the API.

use std::convert::Infallible;
use std::sync::OnceLock;
use std::time::Duration;

use lambda_http::{Body, Response, service_fn};
use operations::{EnvVar, ProblemCode};
use run_kit::{Actor, ConfigError, Environment, Failure, OktaAccess, OktaClients, Run};

use super::start;
use crate::answer::{Answer, Answering};
use crate::event::{Times, api_stage, base_url, caller, parts};
use crate::{Context, Decode, Endpoint, Exit, Request, Success};

/// Time between a run's own deadline and the last moment to answer: an operation that
/// stops at its deadline says better than we what is left.
const ANSWER: Duration = Duration::from_millis(1_000);

/// Runs the function of an operation: the whole `main` of its binary.
pub fn serve<E: Endpoint>() -> Exit {
    start(E::OPERATION, EndpointService::<E>::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle(event).await) });
        runtime.block_on(lambda_http::run(handler))
    })
}

/// An operation, and what its function keeps between requests.
pub struct EndpointService<E> {
    endpoint: E,
    answering: Answering,
}

impl<E: Endpoint> EndpointService<E> {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let cors_origin = environment.text(&EnvVar::CORS_ALLOW_ORIGIN)?;
        let okta = Some(OktaAccess::prepare(environment)?);
        Ok(Self { endpoint: E::prepare(environment)?, answering: Answering { cors_origin, okta } })
    }

    /// Answers one event; never fails, never panics.
    pub async fn handle(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let okta_in_use = OnceLock::new();
        let work = async {
            let success = self.run(&event, &times, &okta_in_use).await?;
            Answer::of(success, E::OPERATION)
        };
        self.answering.answer(E::OPERATION, &times, &okta_in_use, work).await
    }

    async fn run(
        &self,
        event: &lambda_http::Request,
        times: &Times,
        okta_in_use: &OnceLock<OktaClients>,
    ) -> Result<Success<E::Output>, Failure> {
        let request = Request { parts: parts(event), caller: caller(event)? };
        let parameter = |name: &str| request.parts.path.get(name).map(String::as_str);
        if !domain::permits(E::OPERATION, &request.caller, parameter) {
            return Err(Failure::new(ProblemCode::Forbidden, "the token gives no right to this operation"));
        }
        let input = E::Input::decode(&request)?;
        let caller = request.caller;
        let actor = Actor::Caller { uid: caller.uid.clone(), client: caller.client.clone() };
        let changes = !E::OPERATION.is_safe();
        let reserve = if changes { run_kit::UNDO } else { Duration::ZERO };
        // INVARIANT: an endpoint has access to Okta.
        let client = match &self.answering.okta {
            Some(okta) => okta.client().await?,
            None => return Err(Failure::new(ProblemCode::Internal, "okta-dac has no Okta credential")),
        };
        let run = Run::new(&client, times.deadline - ANSWER, reserve, actor, &times.request_id);
        let _ = okta_in_use.set(run.okta.clone());
        let context = Context { run, caller, api: api_stage(event), base_url: base_url(event) };
        if !changes {
            return self.endpoint.call(&context, input).await.map_err(Into::into);
        }
        let work = async { self.endpoint.call(&context, input).await.map_err(Into::into) };
        context.run.audited(E::OPERATION.name, work).await
    }
}
