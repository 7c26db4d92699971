//! Records of who changed what, in the table of events.
//!
//! | attribute | what |
//! |---|---|
//! | `delegator` | `tenant#<tenantId>` or `org` ([`domain::event_partition`]) |
//! | `at` | time of the beginning, request id and operation: unique, in the order of time |
//! | `time`, `ended` | RFC 3339, UTC |
//! | `event` | name of the operation |
//! | `actor`, `client` | who: id of the user, of the client |
//! | `requestId` | id of the request |
//! | `objects` | ids of what the request is about, by parameter of its path |
//! | `outcome` | `open`, then `done`, `refused` or `incomplete` |
//! | `left` | kind and id of what was left behind |
//! | `tenant` | id of the tenant, once it is known |
//! | `open` | there while the run has not ended: the index of this name holds no others |
//! | `expires` | when DynamoDB may delete the record, in seconds since 1970 |

use std::time::Duration;

use domain::{OPEN, event_partition};
use futures::future::{BoxFuture, FutureExt};
use operations::{EnvVar, ProblemCode};
use run_kit::{Actor, Audit, AuditEntry, Clock, ConfigError, Environment, Failure, Outcome};
use serde_json::{Map, Value, json};

use crate::table::{Table, TableError};

/// Keeps records in the table.
#[derive(Debug)]
pub struct EventsTable {
    table: Table,
    days: u32,
}

impl EventsTable {
    /// The table as the environment describes it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let days = environment.number(&EnvVar::DELEGATION_EVENT_DAYS, 1..=3_650)?;
        Ok(Self { table: Table::prepare(environment, &EnvVar::DELEGATION_EVENTS_TABLE)?, days })
    }

    fn item(&self, entry: AuditEntry<'_>) -> Value {
        let AuditEntry { run_id, actor, operation, objects, begun, .. } = entry;
        let (who, client) = match actor {
            Actor::Caller { uid, client } => (uid.clone(), client.as_str()),
            other => (other.to_string(), ""),
        };
        let objects: Map<String, Value> =
            objects.iter().map(|(name, id)| (name.clone(), json!({ "S": id }))).collect();
        let expires = Clock::system().now_ms() / 1_000 + i64::from(self.days) * 86_400;
        let mut item = key(entry);
        for (name, value) in [
            ("time", begun),
            ("event", operation),
            ("actor", who.as_str()),
            ("client", client),
            ("requestId", run_id),
            ("outcome", "open"),
            ("open", OPEN),
        ] {
            item[name] = json!({ "S": value });
        }
        item["objects"] = json!({ "M": objects });
        item["expires"] = json!({ "N": expires.to_string() });
        if let Some(tenant) = entry.tenant {
            item["tenant"] = json!({ "S": tenant });
        }
        item
    }
}

fn key(entry: AuditEntry<'_>) -> Value {
    let at = format!("{}_{}_{}", entry.begun, entry.run_id, entry.operation);
    json!({ "delegator": { "S": event_partition(entry.tenant) }, "at": { "S": at } })
}

fn unavailable(error: &TableError) -> Failure {
    let detail = "okta-dac's own table does not answer; nothing was changed";
    Failure::new(ProblemCode::StateUnavailable, detail)
        .log("record who changes what", error)
        .retry_after(Duration::from_secs(5))
}

impl Audit for EventsTable {
    fn begin<'r>(&'r self, entry: AuditEntry<'r>) -> BoxFuture<'r, Result<(), Failure>> {
        let put = self.table.write("PutItem", json!({ "Item": self.item(entry) }));
        async { put.await.map_err(|error| unavailable(&error)) }.boxed()
    }

    fn end<'r>(
        &'r self,
        first: AuditEntry<'r>,
        tenant: Option<&'r str>,
        outcome: Outcome,
        left: &'r [String],
    ) -> BoxFuture<'r, Result<(), Failure>> {
        let left: Vec<Value> = left.iter().map(|object| json!({ "S": object })).collect();
        let mut values = json!({
            ":outcome": { "S": outcome.as_str() }, ":ended": { "S": Clock::system().time() },
            ":left": { "L": left },
        });
        let mut names = json!({ "#outcome": "outcome", "#ended": "ended", "#left": "left", "#open": "open" });
        let mut set = "SET #outcome = :outcome, #ended = :ended, #left = :left".to_owned();
        if let Some(tenant) = tenant {
            values[":tenant"] = json!({ "S": tenant });
            names["#tenant"] = "tenant".into();
            set.push_str(", #tenant = :tenant");
        }
        let update = json!({
            "Key": key(first), "UpdateExpression": format!("{set} REMOVE #open"),
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
        });
        let mut copy = None;
        if first.tenant.is_none()
            && let Some(tenant) = tenant
        {
            // The tenant was not there when the record was begun.
            let mut item = self.item(AuditEntry { tenant: Some(tenant), ..first });
            item["outcome"] = json!({ "S": outcome.as_str() });
            item["ended"] = json!({ "S": Clock::system().time() });
            item.as_object_mut().map(|item| item.remove("open"));
            copy = Some(self.table.write("PutItem", json!({ "Item": item })));
        }
        let update = self.table.write("UpdateItem", update);
        async {
            update.await.map_err(|error| unavailable(&error))?;
            match copy {
                Some(copy) => copy.await.map_err(|error| unavailable(&error)),
                None => Ok(()),
            }
        }
        .boxed()
    }
}
