//! The function around an operation that Okta calls.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt;
use lambda_http::{Body, Response, service_fn};
use operations::EnvVar;
use run_kit::{
    Actor, ConfigError, EmbeddedMetrics, Environment, Failure, Metric, Metrics, OktaAccess, Run, measures,
};
use serde_json::Value;
use tokio::time::Instant;

use super::{serve_requests, start};
use crate::answer::{Answer, Answering};
use crate::event::Times;
use crate::hook::{self, Hook, HookCaller};
use crate::{Exit, Success};

/// Runs the function of an operation that Okta calls: the whole `main` of its
/// binary.
pub fn serve_hook<H: Hook>() -> Exit {
    start(H::OPERATION, HookService::<H>::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle(event).await) });
        runtime.block_on(serve_requests(handler))
    })
}

/// A hook, and what its function keeps between calls.
pub struct HookService<H> {
    hook: H,
    caller: HookCaller,
    answering: Answering,
}

impl<H: Hook> HookService<H> {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let cors_origin = environment.text(&EnvVar::CORS_ALLOW_ORIGIN)?;
        let (caller, okta) = (HookCaller::prepare(environment)?, Some(OktaAccess::prepare(environment)?));
        Ok(Self { hook: H::prepare(environment)?, caller, answering: Answering { cors_origin, okta } })
    }

    /// Answers one call of Okta's. A caller without the hook's secret gets 401.
    /// Everything else that may go wrong is a doubt, and a doubt also has an answer.
    pub async fn handle(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let deadline = times.deadline.min(Instant::now() + hook::DEADLINE);
        let known = OnceLock::new();
        let work = async {
            let asked = async {
                Ok::<_, Failure>(match self.caller.is_okta(&event).await? {
                    true => self.commands(&event, &times, deadline, &known).await,
                    false => None,
                })
            };
            let asked = AssertUnwindSafe(asked).catch_unwind();
            let commands = match tokio::time::timeout_at(deadline, asked).await {
                Ok(Ok(result)) => result?,
                Ok(Err(_panic)) => None,
                Err(_elapsed) => {
                    tracing::error!("the hook had no time to decide");
                    None
                }
            };
            let commands = commands.unwrap_or_else(|| {
                let doubt = Metric::count(&measures::HOOK_DOUBTS, 1);
                let dimensions = [("operation", H::OPERATION.name)];
                EmbeddedMetrics.put(&dimensions, &[doubt], run_kit::Clock::system().now_ms());
                self.hook.doubt()
            });
            Answer::of(Success::new(commands), H::OPERATION)
        };
        self.answering.answer(H::OPERATION, &times, &known, work).await
    }

    /// `None` if there is nothing to decide by.
    async fn commands(
        &self,
        event: &lambda_http::Request,
        times: &Times,
        deadline: Instant,
        known: &OnceLock<Run>,
    ) -> Option<Value> {
        let payload = serde_json::from_slice(event.body())
            .inspect_err(|_| tracing::warn!("the payload is not JSON"))
            .ok()?;
        if let Some(answer) = H::unasked(&payload) {
            return Some(answer);
        }
        let okta = self.answering.okta.as_ref()?;
        let called = async {
            let client = okta.client().await?;
            let deadline = deadline - hook::RECORD;
            let run = Run::new(&client, deadline, Duration::ZERO, Actor::OktaHook, &times.request_id);
            let _ = known.set(run.clone());
            self.hook.call(&run, payload).await
        };
        match called.await {
            Ok(commands) => Some(commands),
            Err(failure) => {
                let code = failure.code().as_str();
                tracing::error!(code, error = failure.log_text(), "the hook is in doubt");
                if failure.is_rejected_credential() {
                    okta.reject().await;
                }
                None
            }
        }
    }
}
