//! Records of delegation: what was done in whose name. One line of log and one
//! item each; the item is the delegator's to read.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use operations::EnvVar;
use run_kit::{Clock, ConfigError, Environment, Run};

use crate::State;
use crate::table::{StateError, number, text};

/// Where records are, and how long: the function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsTable {
    /// Name of the table.
    pub name: String,
    /// Days for which a record is kept.
    pub days: u32,
}

impl RecordsTable {
    /// The table as the environment describes it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let name = environment.text(&EnvVar::DELEGATION_EVENTS_TABLE)?;
        Ok(Self { name, days: environment.number(&EnvVar::DELEGATION_EVENT_DAYS, 1..=3_650)? })
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Delegation was switched on.
    Activate,
    /// Delegation was switched off; nobody is an agent any more.
    Deactivate,
    /// An agent was nominated, or the nomination changed.
    Grant,
    /// An agent is none any more.
    Remove,
    /// An agent began to act.
    Start,
    /// A token says that the agent acts.
    Use,
}

impl Event {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Activate => "activate",
            Event::Deactivate => "deactivate",
            Event::Grant => "grant",
            Event::Remove => "remove",
            Event::Start => "start",
            Event::Use => "use",
        }
    }
}

/// One record. It holds ids and no token.
#[derive(Clone, Debug)]
pub struct Record<'r> {
    /// Where it is kept.
    pub table: &'r RecordsTable,
    /// Id of the user in whose name; empty, if that is not known: then there is a
    /// line of log alone.
    pub delegator: &'r str,
    /// What.
    pub event: Event,
    /// Id of the agent; empty where there is none.
    pub agent: &'r str,
    /// Id of the client.
    pub client: &'r str,
    /// Id of the request.
    pub request_id: &'r str,
    /// Why it was refused; `None` if it was done.
    pub refused: Option<&'static str>,
    /// Digest of the delegation's id, where there is one.
    pub delegation: &'r str,
}

/// A record as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place among the delegator's: the cursor of a page.
    pub at: String,
    /// When, RFC 3339, UTC.
    pub time: String,
    /// What: see [`Event::as_str`].
    pub event: String,
    /// Id of the agent.
    pub agent: String,
    /// Id of the client.
    pub client: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// How often in the same hour, where one record stands for several refusals.
    pub count: Option<u32>,
}

impl Record<'_> {
    fn outcome(&self) -> &'static str {
        if self.refused.is_some() { "refused" } else { "done" }
    }

    /// Writes the line of log.
    pub(crate) fn log(&self) {
        tracing::info!(
            delegator = self.delegator,
            event = self.event.as_str(),
            agent = self.agent,
            client = self.client,
            record_of = self.request_id,
            outcome = self.outcome(),
            reason = self.refused,
            delegation = self.delegation,
            "delegation"
        );
    }

    /// The item, name by name.
    fn item(&self, clock: &Clock) -> Vec<(&'static str, AttributeValue)> {
        let (now, time) = (clock.now_ms(), clock.time());
        let mut item = vec![
            ("delegator", text(self.delegator)),
            // The request makes it unique, and tells two of one millisecond apart.
            ("at", text(format!("{time}_{}_{}", self.request_id, self.event.as_str()))),
            ("time", text(time)),
            ("event", text(self.event.as_str())),
            ("agent", text(self.agent)),
            ("client", text(self.client)),
            ("outcome", text(self.outcome())),
            ("requestId", text(self.request_id)),
            ("delegation", text(self.delegation)),
            ("expires", number(now / 1_000 + i64::from(self.table.days) * 86_400)),
        ];
        item.extend(self.refused.map(|reason| ("reason", text(reason))));
        item
    }

    /// The write, as a part of a transaction.
    pub(crate) fn put(&self, clock: &Clock) -> Result<Put, Box<dyn std::error::Error + Send + Sync>> {
        let put = Put::builder().table_name(&self.table.name);
        let put = self.item(clock).into_iter().fold(put, |put, (name, value)| put.item(name, value));
        Ok(put.build()?)
    }
}

impl State {
    /// Keeps a record and logs it.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the record stands in the log alone, as refused.
    pub async fn record(&self, run: &Run, record: &Record<'_>) -> Result<(), StateError> {
        run.permit.wait().await?;
        let kept = self.keep(&run.clock, record).await;
        match &kept {
            Ok(()) => record.log(),
            Err(_) => {
                let refused = record.refused.or(Some("it could not be recorded"));
                Record { refused, ..record.clone() }.log();
            }
        }
        kept
    }

    /// Keeps a refusal and logs it: one record for each agent and hour, which counts. Who
    /// tries again and again fills nobody's records.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the record stands in the log alone.
    pub async fn record_refusal(&self, run: &Run, record: &Record<'_>) -> Result<(), StateError> {
        run.permit.wait().await?;
        record.log();
        if record.delegator.is_empty() {
            return Ok(());
        }
        // At the end of the hour: the record stands above those of the hour.
        let hour = run.clock.time().get(..13).unwrap_or_default().to_owned();
        let at = format!("{hour}:59:59.999Z_{}_{}", record.agent, record.event.as_str());
        let update = self.dynamodb.update_item().table_name(&record.table.name);
        let mut update = update.key("delegator", text(record.delegator)).key("at", text(at));
        let mut set = Vec::new();
        let item =
            record.item(&run.clock).into_iter().filter(|(name, _)| !["delegator", "at"].contains(name));
        for (name, value) in item {
            set.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let update = update
            .update_expression(format!("ADD #count :one SET {}", set.join(", ")))
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", number(1));
        update.send().await.map(drop).map_err(|error| StateError::new("keep the record", error))
    }

    async fn keep(&self, clock: &Clock, record: &Record<'_>) -> Result<(), StateError> {
        if record.delegator.is_empty() {
            return Ok(());
        }
        let put: PutItemFluentBuilder = self.dynamodb.put_item().table_name(&record.table.name);
        let put = record.item(clock).into_iter().fold(put, |put, (name, value)| put.item(name, value));
        put.send().await.map(drop).map_err(|error| StateError::new("keep the record", error))
    }

    /// The records that name `delegator`, newest first, and the cursor of the next
    /// page.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn records(
        &self,
        table: &RecordsTable,
        delegator: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Kept>, Option<String>), StateError> {
        let page = self.query_events(table, delegator, after, limit).await?;
        let next = page.last_evaluated_key().and_then(|key| key.get("at")?.as_s().ok().cloned());
        let kept = page.items().iter().map(|item| {
            let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            let member = |name: &str| value(name).unwrap_or_default();
            Kept {
                at: member("at"),
                time: member("time"),
                event: member("event"),
                agent: member("agent"),
                client: member("client"),
                outcome: member("outcome"),
                reason: value("reason"),
                count: item.get("count").and_then(|count| count.as_n().ok()?.parse().ok()),
            }
        });
        Ok((kept.collect(), next))
    }
}
