//! The function around a task.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use lambda_http::lambda_runtime::{self, Diagnostic, LambdaEvent};
use lambda_http::service_fn;
use okta_client::{ApiToken, Client, OrgUrl};
use operations::{OktaUse, Operation, ProblemCode, Trigger};
use run_kit::{
    Actor, Audit, ConfigError, EmbeddedMetrics, Environment, Failure, Metric, Metrics, OktaAccess,
    OktaClients, Permit, Record, Run, UNDO, measures,
};
use serde_json::Value;

use super::start;
use crate::event::Times;
use crate::{Exit, Task};

/// Runs the function of a task: the whole `main` of its binary.
pub fn serve_task<T: Task>() -> Exit {
    start(T::OPERATION, TaskService::<T>::prepare, |service, runtime| {
        let handler = service_fn(|event| service.handle(event));
        runtime.block_on(lambda_runtime::run(handler))
    })
}

/// A task, and what its function keeps between invocations.
pub struct TaskService<T> {
    task: T,
    /// None, if the operation does nothing in the org.
    okta: Option<OktaAccess>,
    audit: Arc<dyn Audit>,
}

/// What an invocation that failed shows: the code as the type, and the sentence. Both
/// are for the person who may invoke the function; neither holds what the log alone may say.
#[derive(Debug)]
pub struct TaskFailed(Failure);

impl From<TaskFailed> for Diagnostic {
    fn from(TaskFailed(failure): TaskFailed) -> Self {
        Diagnostic {
            error_type: failure.code().as_str().to_owned(),
            error_message: failure.detail().to_owned(),
        }
    }
}

impl<T: Task> TaskService<T> {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let okta = match T::OPERATION.okta {
            OktaUse::None => None,
            _ => Some(OktaAccess::prepare(environment)?),
        };
        let task = T::prepare(environment)?;
        Ok(Self { okta, task, audit: super::audit(T::OPERATION, environment)? })
    }

    /// Does the work of one invocation within the time there is. Whatever becomes of
    /// it, there is one line of log and one line of metrics.
    ///
    /// # Errors
    ///
    /// [`TaskFailed`]: Lambda shows it as `FunctionError`.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, TaskFailed> {
        let times = Times::of_context(&event.context);
        let okta_in_use = OnceLock::new();
        // Boxed: a task's future is deep, and what the runtime wraps around it is, too.
        let work = Box::pin(self.run(event.payload, &times, &okta_in_use));
        let work = AssertUnwindSafe(work).catch_unwind();
        let result = match tokio::time::timeout_at(times.deadline, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                Err(Failure::new(ProblemCode::Internal, "the task failed; the log of the run says where"))
            }
            Err(_elapsed) => Err(Failure::new(
                ProblemCode::OperationIncomplete,
                "the time for this task is used up; the next run goes on",
            )),
        };
        if let Err(failure) = &result
            && failure.is_rejected_credential()
            && let Some(okta) = &self.okta
        {
            okta.reject().await;
        }
        let okta_calls = okta_in_use.get().map_or(0, OktaClients::calls);
        summarise(T::OPERATION, &times, okta_calls, result.as_ref().err());
        result.map_err(TaskFailed)
    }

    async fn run(
        &self,
        event: Value,
        times: &Times,
        okta_in_use: &OnceLock<OktaClients>,
    ) -> Result<Value, Failure> {
        let event = serde_json::from_value(event).map_err(|error| {
            Failure::new(ProblemCode::InvalidRequest, "the event is not what the task is for")
                .log("read the event", &error)
        })?;
        // Nobody waits for a task.
        let client = match &self.okta {
            Some(okta) => okta.client().await?.patient(),
            None => no_org()?,
        };
        let changes = !T::OPERATION.is_safe();
        let reserve = if changes { UNDO } else { Duration::ZERO };
        let actor = actor(T::OPERATION);
        let run = Run::new(&client, times.deadline, reserve, actor.clone(), &times.request_id);
        let (name, id) = (T::OPERATION.name, &*times.request_id);
        let record = Record::new(self.audit.clone(), id, actor, name, Vec::new());
        let run = run.changing_if(Permit::granted(), record);
        let _ = okta_in_use.set(run.okta.clone());
        let work = async { self.task.run(&run, event).await.map_err(Into::into) };
        let result = if changes { run.audited(work).await } else { work.await };
        let unusable = |_| Failure::new(ProblemCode::Internal, "the answer cannot be written");
        serde_json::to_value(result?).map_err(unusable)
    }
}

/// The client of a task that does nothing in the org: the top-level domain is nobody's
/// (RFC 2606), and every call fails.
fn no_org() -> Result<Client, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::new(ProblemCode::Internal, "the task cannot begin").log("make a client", error)
    };
    let org = OrgUrl::parse("https://okta.invalid").map_err(|error| failed(&error))?;
    Client::new(org, ApiToken::from(String::new())).map_err(|error| failed(&error))
}

/// Who starts the runs of a task.
fn actor(operation: &Operation) -> Actor {
    match operation.trigger {
        Trigger::SecretRotation => Actor::SecretsManager,
        Trigger::Bus { .. } => Actor::EventBus,
        _ => Actor::Schedule,
    }
}

/// The one line of log and the one line of metrics.
fn summarise(operation: &Operation, times: &Times, okta_calls: u32, failure: Option<&Failure>) {
    let duration = times.started.elapsed();
    let run_id = &times.request_id;
    let (operation, duration_ms) = (operation.name, duration.as_millis() as u64);
    match failure {
        None => tracing::info!(operation, run_id, duration_ms, okta_calls, "task"),
        Some(failure) => {
            let (code, detail) = (failure.code().as_str(), failure.detail());
            let (error, left_behind) = (failure.log_text(), failure.left_behind());
            tracing::error!(
                operation,
                run_id,
                code,
                detail,
                duration_ms,
                okta_calls,
                error,
                left_behind,
                "task"
            );
        }
    }
    let metrics = [
        Metric::count(&measures::RUNS, 1),
        Metric::count(&measures::FAILURES, u32::from(failure.is_some())),
        Metric::count(&measures::OKTA_CALLS, okta_calls),
        Metric::of(&measures::RUN_DURATION, duration.as_secs_f64() * 1_000.0),
    ];
    EmbeddedMetrics.put(&[("operation", operation)], &metrics, run_kit::Clock::system().now_ms());
}
