//! Contains the user of an event: by a rule, if the event is one of Okta's System Log, or as
//! the event itself says.
//!
//! # Okta calls
//!
//! 1. With an API token and an event of the System Log `getUser`, for its owner: what
//!    okta-dac itself does leads to nothing.
//! 2. Those of [`crate::respond`].
//!
//! # What an event is
//!
//! An event of EventBridge. If its source is Okta, `detail` is an event of the System Log
//! (schema `LogEvent`), and the first rule of `RESPONSE_RULES` that is for it says what is
//! done. Otherwise `detail` is the body of `add-response`: whoever may put events of that
//! source alone cannot speak for Okta.
//!
//! The same event leads to one response, however often it comes in a day: the id of the
//! response is kept with the event before anything is done, and an invocation that failed
//! half-way is completed by the next one. More users in an hour than allowed are kept as
//! `planned`, and nothing is done to them.

use containment::{Actor, Limits, LogEvent, Mode, Order, Outcome, Response, Rules, State as Stand, Who};
use jiff::Timestamp;
use lambda_kit::Task;
use okta_client::models::UserId;
use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Metric, Run, Secret, Secrets, measures};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state::{Change, Counted, KeptResponse, StateError, holding};

use crate::facts;
use crate::respond::{Asked, RespondError, id_for, invalid};
use crate::settings::Responding;

/// Seconds after which an event is too old to act on.
const OLD: i64 = 15 * 60;

/// Users that all events together may act on in an hour.
const MOST: u32 = 50;

/// Beginning of the sources of Okta's partner event buses.
const OKTA: &str = "aws.partner/okta.com/";

/// Seconds for which the rules are kept.
const RULES: u64 = 60;

/// The task `respond-to-event`.
pub struct RespondToEvent {
    responding: Responding,
    /// None, if there are no rules.
    rules: Option<Secret<Rules>>,
}

/// An event of EventBridge.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its id.
    id: String,
    /// Who put it on the bus: EventBridge alone writes the sources of its partners.
    source: String,
    /// What happened, or what is wanted.
    detail: Value,
}

/// What an invocation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `responded`, `observed`, or why nothing was done: `off`, `old`, `own`, `no-rule`,
    /// `no-user`, `refused`.
    pub outcome: &'static str,
    /// Id of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why an invocation failed: it is repeated.
#[derive(Debug)]
pub enum RespondToEventError {
    /// The event is neither of both.
    Event(Failure),
    /// The rules cannot be read.
    Rules(Failure),
    /// Okta or the table did not do its part.
    Respond(RespondError),
}

impl From<RespondToEventError> for Failure {
    fn from(error: RespondToEventError) -> Self {
        match error {
            RespondToEventError::Event(failure) | RespondToEventError::Rules(failure) => failure,
            RespondToEventError::Respond(error) => error.into(),
        }
    }
}

impl From<StateError> for RespondToEventError {
    fn from(error: StateError) -> Self {
        Self::Respond(RespondError::State(error))
    }
}

/// What an event wants.
struct Wanted {
    order: Order,
    /// The event's own id.
    event: String,
    /// By which it is known again.
    key: String,
    /// Name of the rule.
    rule: Option<String>,
    mode: Mode,
}

impl Task for RespondToEvent {
    const OPERATION: &'static Operation = operations::get("respond-to-event");
    type Event = Event;
    type Output = Report;
    type Error = RespondToEventError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let name = environment.text(&EnvVar::RESPONSE_RULES)?;
        let secrets = Secrets::prepare(environment)?;
        let time_to_live = std::time::Duration::from_secs(RULES);
        let parse = |text: &secrecy::SecretString| Rules::parse(text.expose_secret());
        let rules = (!name.is_empty()).then(|| Secret::of_parameter(secrets, name, time_to_live, parse));
        Ok(Self { responding: Responding::prepare(environment)?, rules })
    }

    async fn run(&self, run: &Run, event: Event) -> Result<Report, RespondToEventError> {
        let report = match self.wanted(run, event).await? {
            Ok(wanted) => self.respond(run, wanted).await?,
            Err(outcome) => Report { outcome, response: None, detail: None },
        };
        tracing::info!(outcome = report.outcome, response = report.response, detail = report.detail, "event");
        Ok(report)
    }

    fn example() -> Value {
        json!({
            "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Respond",
            "source": "okta-dac.response", "account": "000000000000", "time": "2026-01-31T12:00:00Z",
            "region": "us-east-1", "resources": [],
            "detail": { "user": "user@acme.test", "actions": ["clear-sessions"], "reason": "scheduled" },
        })
    }
}

impl RespondToEvent {
    /// What the event wants, or why it wants nothing.
    async fn wanted(
        &self,
        run: &Run,
        event: Event,
    ) -> Result<Result<Wanted, &'static str>, RespondToEventError> {
        let mode = self.responding.responses.mode;
        if mode == Mode::Off {
            return Ok(Err("off"));
        }
        let unreadable = |error: serde_json::Error| {
            let detail = "`detail` is neither an event of the System Log nor the body of `add-response`";
            RespondToEventError::Event(
                Failure::new(ProblemCode::InvalidRequest, detail).log("read the event", &error),
            )
        };
        if !event.source.starts_with(OKTA) {
            let request: containment::Request = serde_json::from_value(event.detail).map_err(unreadable)?;
            let order =
                request.check(Limits::Job).map_err(|broken| RespondToEventError::Event(invalid(broken)))?;
            return Ok(Ok(Wanted { order, key: event.id.clone(), event: event.id, rule: None, mode }));
        }
        let log: LogEvent = serde_json::from_value(event.detail).map_err(unreadable)?;
        let published: Option<Timestamp> = log.published.parse().ok();
        let age = published.map(|published| run.clock.now_ms() / 1_000 - published.as_second());
        if age.is_none_or(|age| age > OLD) {
            return Ok(Err("old"));
        }
        if self.is_own(run, &log).await.map_err(RespondError::Okta).map_err(RespondToEventError::Respond)? {
            return Ok(Err("own"));
        }
        let rules = self.rules().await?;
        let Some(rule) = rules.first(&log) else { return Ok(Err("no-rule")) };
        let Some(user) = log.user() else { return Ok(Err("no-user")) };
        let order = rule.order(user).map_err(|broken| RespondToEventError::Rules(invalid(broken)))?;
        let (name, mode) = (rule.name.clone(), rule.mode.min(mode));
        Ok(Ok(Wanted { order, key: format!("{}#{name}", log.uuid), event: log.uuid, rule: Some(name), mode }))
    }

    async fn rules(&self) -> Result<Rules, RespondToEventError> {
        let Some(rules) = &self.rules else { return Ok(Rules::default()) };
        rules.get().await.map_err(|error| {
            let detail =
                "the rules of `RESPONSE_RULES` cannot be used; `okta-dac response check-rules` says why";
            RespondToEventError::Rules(
                Failure::new(ProblemCode::Internal, detail).log("read the rules", &error),
            )
        })
    }

    /// Whether okta-dac itself caused an event.
    async fn is_own(&self, run: &Run, log: &LogEvent) -> Result<bool, okta_client::Error> {
        let okta = run.okta.forward();
        match okta.client_id() {
            Some(client) => Ok(log.actor() == client),
            None => Ok(okta.get_user("me").await?.id.as_str() == log.actor()),
        }
    }

    async fn respond(&self, run: &Run, wanted: Wanted) -> Result<Report, RespondToEventError> {
        let Wanted { order, event, key, rule, mut mode } = wanted;
        let responses = &self.responding.responses;
        let refused = |error: RespondError| match error {
            RespondError::NotFound(_) | RespondError::Refused(_) => {
                let detail = Some(Failure::from(error).detail().to_owned());
                Ok(Report { outcome: "refused", response: None, detail })
            }
            error => Err(RespondToEventError::Respond(error)),
        };
        let user = facts::user_id(run.okta.forward(), &order.user).await;
        let user = user.map_err(RespondError::Okta).map_err(RespondToEventError::Respond)?;
        let Some(user) = user else { return refused(RespondError::NotFound(order.user)) };
        let order = Order { user: user.to_string(), ..order };
        if order.dry_run {
            return Ok(Report { outcome: "dry-run", response: None, detail: None });
        }
        let id = id_for(run, user.as_str())?;
        let id = responses.state.response_of_event(run, &responses.table, &key, &id).await?;
        if let Some(kept) = responses.state.response(&responses.table, &id).await? {
            return self.complete(run, kept, &user).await;
        }
        if mode == Mode::Act && !self.is_within(run, rule.as_deref(), user.as_str()).await? {
            mode = Mode::Observe;
        }
        let actor = Actor { id: None, client: None, source_ip: None, request_id: event, rule };
        let asked = Asked { actor, who: Who::Job, mode, tenant: None, id: Some(id) };
        match self.responding.respond(run, asked, &order).await {
            Ok(response) => Ok(report(&response)),
            Err(error) => refused(error),
        }
    }

    /// Whether one more user may be acted on in this hour.
    async fn is_within(&self, run: &Run, rule: Option<&str>, user: &str) -> Result<bool, StateError> {
        let (state, table) = (&self.responding.responses.state, &self.responding.responses.table);
        let whose = format!("rule#{}", rule.unwrap_or_default());
        let within = state.count_response(run, table, &whose, user, self.responding.most).await?
            == Counted::Within
            && state.count_response(run, table, "events", user, MOST).await? == Counted::Within;
        if !within {
            tracing::error!(rule, user, "more users than events may act on in an hour; nothing is done");
            let metric = [Metric::count(&measures::RESPONSES_ABOVE_LIMIT, 1)];
            run.metrics.put(&[("operation", Self::OPERATION.name)], &metric, run.clock.now_ms());
        }
        Ok(within)
    }

    /// The event came before. If its run died, this one takes the steps that are left.
    async fn complete(
        &self,
        run: &Run,
        kept: KeptResponse,
        user: &UserId,
    ) -> Result<Report, RespondToEventError> {
        if kept.response.status != Stand::Running {
            return Ok(report(&kept.response));
        }
        let responses = &self.responding.responses;
        let completed = holding(&responses.state, run, |locks| async move {
            locks.take(Change::User(user.as_str())).await.map_err(RespondError::Lock)?;
            let kept = responses.state.response(&responses.table, &kept.response.id).await;
            let Some(mut kept) = kept.map_err(RespondError::State)? else { return Ok(None) };
            let actions = kept.response.actions.iter().map(|taken| taken.action).collect();
            let current = facts::current(run.okta.forward(), user, &actions).await;
            if kept.response.status == Stand::Running
                && let Some(now) = current.map_err(RespondError::Okta)?
            {
                let before = kept.response.actions.clone();
                kept.response.settle(&now);
                // What was not done is done now.
                for (taken, before) in kept.response.actions.iter_mut().zip(before) {
                    if taken.outcome == Outcome::Failed && before.outcome == Outcome::Planned {
                        *taken = before;
                    }
                }
                kept.response.status = Stand::Running;
                self.responding.take_steps(run, &mut kept, user).await?;
            }
            Ok(Some(kept.response))
        });
        let response = completed.await.map_err(RespondToEventError::Respond)?;
        Ok(response.as_ref().map_or(Report { outcome: "no-user", response: None, detail: None }, report))
    }
}

fn report(response: &Response) -> Report {
    let outcome = if response.status == Stand::Planned { "observed" } else { "responded" };
    Report { outcome, response: Some(response.id.clone()), detail: None }
}
