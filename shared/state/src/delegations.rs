//! Delegations that were started and wait for their token.
//!
//! A delegation is bound to an agent, a client and a delegator; its id is 256
//! bits of randomness, of which the table holds the digest alone. It is used up by
//! one conditional write, in one transaction with its record: of two hook calls
//! with one id, one gets it.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Put, TransactWriteItem, Update};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use run_kit::{Clock, Run};

use crate::State;
use crate::records::Record;
use crate::table::{StateError, number, text};

/// What every id begins with: so that the `state` of an application's own is not
/// taken for one.
const PREFIX: &str = "dlg_";

/// Tries while another transaction holds the delegation.
const CONFLICTS: u64 = 6;

/// Who acts for whom, through which client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// Id of the user who acts.
    pub agent: String,
    /// Id of the client that gets the token.
    pub client: String,
    /// Id of the user who is acted for.
    pub delegator: String,
    /// Id of the grant that it stands on; empty, if the profile alone has the grant.
    pub grant: String,
}

/// How a hook call names a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'r> {
    /// By its id.
    Id(&'r str),
    /// The newest of this agent and client.
    Newest {
        /// Id of the agent.
        agent: &'r str,
        /// Id of the client.
        client: &'r str,
    },
}

/// A delegation that was found.
#[derive(Clone, Debug)]
pub struct Started {
    /// Who, for whom.
    pub delegation: Delegation,
    /// Digest of the id, which names the delegation where the id must not stand.
    pub fingerprint: String,
    /// Whether it can still be used.
    pub is_usable: bool,
}

/// Whether a text is meant as the id of a delegation.
///
/// ```
/// assert!(state::is_delegation_id("dlg_AAAA"));
/// assert!(!state::is_delegation_id("an application's own state"));
/// ```
pub fn is_delegation_id(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl State {
    /// Keeps a delegation for `seconds`, with the record of its start; gives its id.
    ///
    /// # Errors
    ///
    /// [`StateError`]: nothing, or nothing that anybody knows the id of, was kept.
    pub async fn start(
        &self,
        run: &Run,
        delegation: &Delegation,
        seconds: u32,
        record: &Record<'_>,
    ) -> Result<String, StateError> {
        run.before_change().await?;
        let clock = &run.clock;
        let failed = |source| StateError::new("start the delegation", source);
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| failed("there is no randomness".into()))?;
        let id = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        let fingerprint = fingerprint(&id);
        let until = clock.now_ms() + i64::from(seconds) * 1_000;
        let item = |key: String| {
            let Delegation { agent, client, delegator, grant } = delegation;
            let put = Put::builder().table_name(&self.table).item("id", text(key));
            put.item("agent", text(agent))
                .item("client", text(client))
                .item("delegator", text(delegator))
                .item("grant", text(grant))
                .item("fingerprint", text(&fingerprint))
                .item("until", number(until))
                .item("expires", number(until / 1_000 + 3_600))
        };
        let newest = newest_key(&delegation.agent, &delegation.client);
        let record = Record { delegation: &fingerprint, ..record.clone() };
        let mut writes = Vec::new();
        for key in [delegation_key(&fingerprint), newest] {
            let put = item(key).build().map_err(|error| failed(error.into()))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        writes.push(TransactWriteItem::builder().put(record.put(clock).map_err(failed)?).build());
        if !transact(self, writes).await.map_err(failed)? {
            return Err(failed("a condition that was not asked for".into()));
        }
        record.log();
        Ok(id)
    }

    /// The delegation that a hook call names, if there was one. The newest of an agent
    /// and client is none any more when it was used, or its time is over.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn find(&self, clock: &Clock, reference: Reference<'_>) -> Result<Option<Started>, StateError> {
        match reference {
            Reference::Id(id) => self.read_delegation(clock, delegation_key(&fingerprint(id))).await,
            Reference::Newest { agent, client } => {
                let Some(newest) = self.read_delegation(clock, newest_key(agent, client)).await? else {
                    return Ok(None);
                };
                let started = self.read_delegation(clock, delegation_key(&newest.fingerprint)).await?;
                Ok(started.filter(|started| started.is_usable))
            }
        }
    }

    async fn read_delegation(&self, clock: &Clock, key: String) -> Result<Option<Started>, StateError> {
        let read =
            self.dynamodb.get_item().table_name(&self.table).key("id", text(key)).consistent_read(true);
        let item = read.send().await.map_err(|error| StateError::new("read the delegation", error))?.item;
        let Some(item) = item else { return Ok(None) };
        let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let until = item.get("until").and_then(|until| until.as_n().ok()?.parse::<i64>().ok());
        let (Some(agent), Some(client), Some(delegator), Some(fingerprint)) =
            (value("agent"), value("client"), value("delegator"), value("fingerprint"))
        else {
            return Ok(None);
        };
        let grant = value("grant").unwrap_or_default();
        let is_usable = until.is_some_and(|until| clock.now_ms() < until) && !item.contains_key("used");
        Ok(Some(Started {
            delegation: Delegation { agent, client, delegator, grant },
            fingerprint,
            is_usable,
        }))
    }

    /// Uses a delegation up, with the record of its use; `false` if it is used up, or
    /// its time is over.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it may be used up all the same.
    pub async fn consume(
        &self,
        run: &Run,
        started: &Started,
        record: &Record<'_>,
    ) -> Result<bool, StateError> {
        let failed = |source| StateError::new("use the delegation up", source);
        let (clock, Delegation { agent, client, delegator, .. }) = (&run.clock, &started.delegation);
        // Some of them are reserved words.
        let names = ["agent", "client", "delegator", "until", "used"];
        let names = names.into_iter().map(|name| (format!("#{name}"), name.to_owned())).collect();
        let used = Update::builder()
        .table_name(&self.table)
        .key("id", text(delegation_key(&started.fingerprint)))
        .update_expression("SET #used = :request")
        // Our own write may have been repeated after a lost answer.
        .condition_expression(
            "#agent = :agent AND #client = :client AND #delegator = :delegator AND #until > :now AND (attribute_not_exists(#used) OR #used = :request)",
        )
        .set_expression_attribute_names(Some(names))
        .expression_attribute_values(":agent", text(agent))
        .expression_attribute_values(":client", text(client))
        .expression_attribute_values(":delegator", text(delegator))
        .expression_attribute_values(":now", number(clock.now_ms()))
        .expression_attribute_values(":request", text(&run.id))
        .build()
        .map_err(|error| failed(error.into()))?;
        let writes = vec![
            TransactWriteItem::builder().update(used).build(),
            TransactWriteItem::builder().put(record.put(clock).map_err(failed)?).build(),
        ];
        let consumed = transact(self, writes).await.map_err(failed)?;
        if consumed {
            record.log();
        }
        Ok(consumed)
    }
}

/// Writes all or nothing; `false` if a condition is not fulfilled. Another
/// transaction on the same items is waited for: the SDK does not.
pub(crate) async fn transact(
    state: &State,
    writes: Vec<TransactWriteItem>,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let mut tries = 0;
    loop {
        let write = state.dynamodb.transact_write_items().set_transact_items(Some(writes.clone()));
        let Err(error) = write.send().await else { return Ok(true) };
        let codes: Vec<&str> = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                canceled.cancellation_reasons().iter().filter_map(CancellationReason::code).collect()
            }
            _ => Vec::new(),
        };
        if codes.contains(&"ConditionalCheckFailed") {
            return Ok(false);
        }
        tries += 1;
        if !codes.contains(&"TransactionConflict") || tries == CONFLICTS {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(5..30) * tries)).await;
    }
}

fn delegation_key(fingerprint: &str) -> String {
    format!("delegation#{fingerprint}")
}

fn newest_key(agent: &str, client: &str) -> String {
    format!("delegation-of#{agent}#{client}")
}

fn fingerprint(id: &str) -> String {
    digest(&SHA256, id.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
