//! Records of who changed what. The crate `guard` writes them, and says what they hold.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{OPEN, OPEN_INDEX, event_partition};
use run_kit::Run;

use crate::State;
use crate::records::RecordsTable;
use crate::table::{StateError, is_refused_update, text};

/// A record of a change, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its place among the tenant's: the cursor of a page.
    pub at: String,
    /// When the change began, RFC 3339, UTC.
    pub time: String,
    /// When it ended; none while it has not, or if its run died.
    pub ended: Option<String>,
    /// Name of the operation.
    pub operation: String,
    /// Id of the user who sent the request.
    pub actor: String,
    /// Id of the client.
    pub client: String,
    /// Id of the request.
    pub request_id: String,
    /// `open`, `done`, `refused`, `incomplete` or `died`.
    pub outcome: String,
    /// Ids of what the request was about, by parameter of its path.
    pub objects: Vec<(String, String)>,
    /// Kind and id of what was left behind.
    pub left: Vec<String>,
}

impl Changed {
    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let member = |name: &str| value(name).unwrap_or_default();
        let objects = item.get("objects").and_then(|objects| objects.as_m().ok());
        let mut objects: Vec<(String, String)> = objects
            .into_iter()
            .flatten()
            .filter_map(|(name, id)| Some((name.clone(), id.as_s().ok()?.clone())))
            .collect();
        objects.sort();
        let left = item.get("left").and_then(|left| left.as_l().ok()).into_iter().flatten();
        Self {
            at: member("at"),
            time: member("time"),
            ended: value("ended"),
            operation: member("event"),
            actor: member("actor"),
            client: member("client"),
            request_id: member("requestId"),
            outcome: member("outcome"),
            objects,
            left: left.filter_map(|object| object.as_s().ok().cloned()).collect(),
        }
    }
}

/// A record of a run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRecord {
    /// `tenant#<tenantId>` or `org`.
    pub partition: String,
    /// Its place in the partition.
    pub at: String,
    /// When the run began, RFC 3339, UTC.
    pub time: String,
    /// Name of the operation.
    pub operation: String,
    /// Id of the request or of the invocation.
    pub request_id: String,
}

impl OpenRecord {
    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let member = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let member = |name: &str| member(name).unwrap_or_default();
        Self {
            partition: member("delegator"),
            at: member("at"),
            time: member("time"),
            operation: member("event"),
            request_id: member("requestId"),
        }
    }
}

impl State {
    /// The records that were begun before `before`, RFC 3339, UTC, and have no end:
    /// the oldest, one page of them.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn open_records(
        &self,
        table: &RecordsTable,
        before: &str,
    ) -> Result<Vec<OpenRecord>, StateError> {
        let query = self
            .dynamodb
            .query()
            .table_name(&table.name)
            .index_name(OPEN_INDEX)
            .key_condition_expression("#open = :open AND #at < :before")
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":open", text(OPEN))
            .expression_attribute_values(":before", text(before));
        let page = query.send().await.map_err(|error| StateError::new("read the open records", error))?;
        Ok(page.items().iter().map(OpenRecord::of).collect())
    }

    /// Ends the record of a run that died; `false` if the record has ended meanwhile.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn end_record(
        &self,
        run: &Run,
        table: &RecordsTable,
        record: &OpenRecord,
    ) -> Result<bool, StateError> {
        run.before_change().await?;
        let update = self
            .dynamodb
            .update_item()
            .table_name(&table.name)
            .key("delegator", text(&record.partition))
            .key("at", text(&record.at))
            .update_expression("SET #outcome = :died REMOVE #open")
            .condition_expression("attribute_exists(#open)")
            .expression_attribute_names("#outcome", "outcome")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":died", text("died"));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_refused_update(&error) => Ok(false),
            Err(error) => Err(StateError::new("end the record", error)),
        }
    }

    /// The changes of a tenant, newest first, and the cursor of the next page.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn changes(
        &self,
        table: &RecordsTable,
        tenant_id: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Changed>, Option<String>), StateError> {
        let partition = event_partition(Some(tenant_id));
        let page = self.query_events(table, &partition, after, limit).await?;
        let next = page.last_evaluated_key().and_then(|key| key.get("at")?.as_s().ok().cloned());
        Ok((page.items().iter().map(Changed::of).collect(), next))
    }

    /// A page of one partition of the table of events, newest first.
    pub(crate) async fn query_events(
        &self,
        table: &RecordsTable,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<aws_sdk_dynamodb::operation::query::QueryOutput, StateError> {
        let mut query = self
            .dynamodb
            .query()
            .table_name(&table.name)
            .key_condition_expression("delegator = :partition")
            .expression_attribute_values(":partition", text(partition))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let Some(after) = after {
            query = query
                .exclusive_start_key("delegator", text(partition))
                .exclusive_start_key("at", text(after));
        }
        query.send().await.map_err(|error| StateError::new("read the records", error))
    }
}
