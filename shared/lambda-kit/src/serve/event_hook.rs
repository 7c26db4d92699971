//! The function around an operation that Okta tells of what happened.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use lambda_http::{Body, Response, service_fn};
use operations::{EnvVar, ProblemCode};
use run_kit::{Actor, Audit, ConfigError, Environment, Failure, OktaAccess, Permit, Record, Run};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{serve_requests, start};
use crate::answer::{Answer, Answering};
use crate::event::Times;
use crate::event_hook::{self, EventHook};
use crate::hook::{DEADLINE, HookCaller};
use crate::{Exit, Success};

/// Runs the function of an operation that Okta tells of what happened: the whole `main`
/// of its binary.
pub fn serve_event_hook<H: EventHook>() -> Exit {
    start(H::OPERATION, EventHookService::<H>::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle(event).await) });
        runtime.block_on(serve_requests(handler))
    })
}

/// An event hook, and what its function keeps between calls.
pub struct EventHookService<H> {
    hook: H,
    caller: HookCaller,
    audit: Arc<dyn Audit>,
    answering: Answering,
}

impl<H: EventHook> EventHookService<H> {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let cors_origin = environment.text(&EnvVar::CORS_ALLOW_ORIGIN)?;
        let (caller, okta) = (HookCaller::prepare(environment)?, Some(OktaAccess::prepare(environment)?));
        let (hook, audit) = (H::prepare(environment)?, super::audit(H::OPERATION, environment)?);
        Ok(Self { hook, caller, audit, answering: Answering { cors_origin, okta } })
    }

    /// Answers one call of Okta's: the challenge of the verification, or events.
    pub async fn handle(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let known = OnceLock::new();
        let work = async {
            let answer = self.run(&event, &times, &known).await?;
            Answer::of(answer, H::OPERATION)
        };
        self.answering.answer(H::OPERATION, &times, &known, work).await
    }

    async fn run(
        &self,
        event: &lambda_http::Request,
        times: &Times,
        known: &OnceLock<Run>,
    ) -> Result<Success<Value>, Failure> {
        if !self.caller.is_okta(event).await? {
            return Err(Failure::new(ProblemCode::Internal, "the secret of the hook cannot be read"));
        }
        if event.method() == Method::GET {
            return event_hook::verification(event);
        }
        let events = event_hook::events(event.body())?;
        let deadline = times.deadline.min(Instant::now() + DEADLINE);
        let work = async {
            // INVARIANT: an event hook has access to Okta.
            let client = match &self.answering.okta {
                Some(okta) => okta.client().await?,
                None => return Err(Failure::new(ProblemCode::Internal, "okta-dac has no Okta credential")),
            };
            let (id, actor) = (&*times.request_id, Actor::OktaHook);
            let run = Run::new(&client, deadline, Duration::ZERO, actor.clone(), id);
            let record = Record::new(Arc::clone(&self.audit), id, actor, H::OPERATION.name, Vec::new());
            let run = run.changing_if(Permit::granted(), record);
            let _ = known.set(run.clone());
            run.audited(self.hook.call(&run, events)).await
        };
        let too_late = || Failure::new(ProblemCode::OktaUnavailable, "the hook had no time");
        let done = tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_elapsed| Err(too_late()));
        match done {
            Err(failure) if failure.code() == ProblemCode::StateUnavailable => return Err(failure),
            Err(failure) => {
                let code = failure.code().as_str();
                let error = failure.log_text().unwrap_or(failure.detail());
                tracing::error!(code, error, "events are left to the System Log");
                if let Some(okta) = self.answering.okta.as_ref().filter(|_| failure.is_rejected_credential())
                {
                    okta.reject().await;
                }
            }
            Ok(()) => {}
        }
        Ok(Success::new(json!({})))
    }
}
