//! The function around an operation of the API.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::{Question, Standing};
use futures::future::{Either, FutureExt, select};
use guard::Rights;
use lambda_http::{Body, Response, service_fn};
use operations::{EnvVar, ProblemCode};

use run_kit::{Actor, Audit, ConfigError, Denied, Environment, Failure, OktaAccess, Permit, Record, Run};

use super::{serve_requests, start};
use crate::answer::{Answer, Answering};
use crate::event::{Times, base_url, caller, parts, source_ip};
use crate::{Context, Decode, Endpoint, Exit, Request, Success};

/// Time between a run's own deadline and the last moment to answer: an operation that
/// stops at its deadline says better than we what is left.
const ANSWER: Duration = Duration::from_millis(1_000);

/// Runs the function of an operation: the whole `main` of its binary.
pub fn serve<E: Endpoint>() -> Exit {
    start(E::OPERATION, EndpointService::<E>::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle(event).await) });
        runtime.block_on(serve_requests(handler))
    })
}

/// An operation, and what its function keeps between requests.
pub struct EndpointService<E> {
    endpoint: E,
    rights: Rights,
    audit: Arc<dyn Audit>,
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
        let (endpoint, rights) = (E::prepare(environment)?, Rights::prepare(environment)?);
        let audit = super::audit(E::OPERATION, environment)?;
        Ok(Self { endpoint, rights, audit, answering: Answering { cors_origin, okta } })
    }

    /// Answers one event; never fails, never panics.
    pub async fn handle(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let known = OnceLock::new();
        let work = async {
            let success = self.run(&event, &times, &known).await?;
            Answer::of(success, E::OPERATION)
        };
        self.answering.answer(E::OPERATION, &times, &known, work).await
    }

    async fn run(
        &self,
        event: &lambda_http::Request,
        times: &Times,
        known: &OnceLock<Run>,
    ) -> Result<Success<E::Output>, Failure> {
        let (caller, issued) = caller(event)?;
        let request = Request { parts: parts(event), caller };
        let parameter = |name: &str| request.parts.path.get(name).map(String::as_str);
        if !domain::permits(E::OPERATION, &request.caller, parameter) {
            return Err(Failure::new(ProblemCode::Forbidden, "the token gives no right to this operation"));
        }
        let input = E::Input::decode(&request)?;
        let question = Question::of(E::OPERATION, &request.caller, issued, parameter);
        let objects = request.parts.path.iter().filter(|(name, _)| name.ends_with("Id"));
        let objects = objects.map(|(name, id)| (name.clone(), id.clone())).collect();
        let actor = Actor::Caller { uid: request.caller.uid.clone(), client: request.caller.client.clone() };
        let reserve = if E::OPERATION.is_safe() { Duration::ZERO } else { run_kit::UNDO };
        // INVARIANT: an endpoint has access to Okta.
        let client = match &self.answering.okta {
            Some(okta) => okta.client().await?,
            None => return Err(Failure::new(ProblemCode::Internal, "okta-dac has no Okta credential")),
        };
        let record = Record::new(
            Arc::clone(&self.audit),
            &*times.request_id,
            actor.clone(),
            E::OPERATION.name,
            objects,
        );
        let mut run = Run::new(&client, times.deadline - ANSWER, reserve, actor, &times.request_id);
        let budget = self.rights.budget(&question);
        if let Some(budget) = &budget {
            run = run.paid_by(budget.budget());
        }
        let _ = known.set(Run { record: record.clone(), ..run.clone() });
        let context = Context {
            run,
            caller: request.caller.clone(),
            base_url: base_url(event),
            source_ip: source_ip(event),
        };
        let again = || E::Input::decode(&request);
        let ask = {
            let (rights, budget) = (self.rights.clone(), budget.clone());
            let may_read = request.caller.superuser && E::OPERATION.is_safe();
            move || {
                let (rights, budget, question) = (rights.clone(), budget.clone(), question.clone());
                async move { decide(rights.look(&question, budget.as_ref()).await, may_read) }
            }
        };
        let result = guarded(ask, &self.endpoint, context, input, record, again).await;
        if let Some(budget) = &budget {
            self.rights.keep(budget).await;
        }
        result
    }
}

/// Runs an operation while the table says what is left of its caller's rights: what it
/// reads of the org costs no more time, and what it changes waits. A caller whose rights
/// have ended gets no answer of the operation's.
async fn guarded<E, F>(
    ask: impl Fn() -> F + Send + Sync + 'static,
    endpoint: &E,
    context: Context,
    input: E::Input,
    record: Record,
    input_again: impl Fn() -> Result<E::Input, Failure>,
) -> Result<Success<E::Output>, Failure>
where
    E: Endpoint,
    F: Future<Output = Result<BTreeSet<String>, Denied>> + Send + 'static,
{
    let decision = ask().boxed().shared();
    let first = decision.clone();
    let permit = Permit::when(async move { first.await.map(drop) }, move || {
        let asked = ask();
        async move { asked.await.map(drop) }
    });
    let run = context.run.clone().changing_if(permit, record);
    let context = Context { run, ..context };
    let call = pin!(execute(endpoint, &context, input));
    let (without, result) = match select(pin!(decision), call).await {
        Either::Left((decision, call)) => (decision?, call.await),
        Either::Right((result, decision)) => (decision.await?, result),
    };
    if without.is_empty() {
        return result;
    }
    // The operation counted tenants whose rights have ended: it is run for those that
    // are left. It only reads (`Access::AnyUser`).
    let context = Context { caller: context.caller.without(&without), ..context.clone() };
    execute(endpoint, &context, input_again()?).await
}

/// The tenants whose rights have ended, or why the request is refused. A superuser may
/// read without the table: the right comes from a group that only Okta changes.
fn decide(standing: Result<Standing, Denied>, may_read: bool) -> Result<BTreeSet<String>, Denied> {
    match standing {
        Ok(Standing::Without(tenants)) => Ok(tenants),
        Ok(Standing::Ended) => Err(Denied::Ended),
        Err(Denied::Unknown) if may_read => Ok(BTreeSet::new()),
        Err(denied) => Err(denied),
    }
}

async fn execute<E: Endpoint>(
    endpoint: &E,
    context: &Context,
    input: E::Input,
) -> Result<Success<E::Output>, Failure> {
    // Boxed: an operation's future is deep, and what stands around it is, too.
    let work = endpoint.call(context, input).map(|result| result.map_err(Into::into)).boxed();
    match E::OPERATION.is_safe() {
        true => work.await,
        false => context.run.audited(work).await,
    }
}
