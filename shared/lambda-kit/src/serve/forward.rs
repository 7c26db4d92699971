//! The function around an operation that passes requests on.

use std::convert::Infallible;
use std::sync::OnceLock;

use lambda_http::{Body, RequestExt, Response, service_fn};
use operations::EnvVar;
use run_kit::{ConfigError, Environment};

use super::{serve_requests, start};
use crate::Exit;
use crate::answer::{Answer, Answering};
use crate::event::{Times, base_url};
use crate::forward::{Forward, ForwardRequest};

/// Runs the function of an operation that passes requests on: the whole `main` of
/// its binary.
pub fn serve_forward<F: Forward>() -> Exit {
    start(F::OPERATION, ForwardService::<F>::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle(event).await) });
        runtime.block_on(serve_requests(handler))
    })
}

/// An operation that passes requests on, and what its function keeps between them.
pub struct ForwardService<F> {
    forward: F,
    answering: Answering,
}

impl<F: Forward> ForwardService<F> {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let cors_origin = environment.text(&EnvVar::CORS_ALLOW_ORIGIN)?;
        Ok(Self { forward: F::prepare(environment)?, answering: Answering { cors_origin, okta: None } })
    }

    /// Answers one event; never fails, never panics.
    pub async fn handle(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let work = async {
            let path = event.path_parameters_ref();
            let path = path.and_then(|parameters| parameters.iter().next()).map(|(_, value)| value);
            let query = event.query_string_parameters_ref();
            let query = query.into_iter().flat_map(|map| map.iter());
            let request = ForwardRequest {
                method: event.method().clone(),
                path: path.unwrap_or_default().to_owned(),
                query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                headers: event.headers().clone(),
                body: event.body().to_vec(),
                base_url: base_url(&event),
            };
            let forwarded = self.forward.call(request).await?;
            let body = String::from_utf8(forwarded.body)
                .map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
            Ok(Answer { status: forwarded.status, headers: forwarded.headers, body })
        };
        self.answering.answer(F::OPERATION, &times, &OnceLock::new(), work).await
    }
}
