//! Items whose content is one text, changed together or not at all.
//!
//! A change reads the items, makes new contents of the old ones, and writes those that differ in
//! one transaction, on the condition that nobody has written one of them since. Where somebody
//! has, the change begins anew with what is there now: there is no lock to wait for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem};
use run_kit::Run;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::State;
use crate::delegations::transact;
use crate::table::{StateError, text};

/// Keys that DynamoDB takes in one `BatchGetItem`.
const KEYS: usize = 100;

/// Beginnings of a change until the items count as unavailable.
const TRIES: u64 = 8;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The items that a change looks at.
#[derive(Debug, Default)]
pub(crate) struct Documents(BTreeMap<String, Document>);

#[derive(Debug, Default)]
struct Document {
    version: Option<String>,
    old: Option<String>,
    new: Option<String>,
}

impl Documents {
    /// The content of an item; the default, if the item is not there.
    pub(crate) fn get<T: DeserializeOwned + Default>(&self, id: &str) -> Result<T, serde_json::Error> {
        match self.0.get(id).and_then(|document| document.new.as_deref()) {
            Some(content) => serde_json::from_str(content),
            None => Ok(T::default()),
        }
    }

    /// The content that the item is to have.
    pub(crate) fn set<T: Serialize>(&mut self, id: &str, content: &T) -> Result<(), serde_json::Error> {
        let content = serde_json::to_string(content)?;
        self.0.entry(id.to_owned()).or_default().new = Some(content);
        Ok(())
    }

    /// The item is to be gone.
    pub(crate) fn remove(&mut self, id: &str) {
        self.0.entry(id.to_owned()).or_default().new = None;
    }

    /// The contents as they were read.
    pub(crate) fn contents(self) -> BTreeMap<String, String> {
        self.0.into_iter().filter_map(|(id, document)| Some((id, document.old?))).collect()
    }
}

impl State {
    /// Reads items, as they are now.
    pub(crate) async fn documents(
        &self,
        step: &'static str,
        ids: &[String],
    ) -> Result<Documents, StateError> {
        let mut found = Documents(ids.iter().map(|id| (id.clone(), Document::default())).collect());
        for ids in ids.chunks(KEYS) {
            let mut left = Some(self.keys(ids).map_err(|error| StateError::new(step, error))?);
            for _ in 0..TRIES {
                let Some(keys) = left.take() else { break };
                let read = self.dynamodb.batch_get_item().request_items(&self.table, keys).send().await;
                let mut read = read.map_err(|error| StateError::new(step, error))?;
                for item in read.responses.take().into_iter().flat_map(HashMap::into_values).flatten() {
                    found.add(item);
                }
                left = read.unprocessed_keys.take().and_then(|mut keys| keys.remove(&self.table));
            }
            if left.is_some() {
                return Err(StateError::new(step, "DynamoDB left keys out"));
            }
        }
        Ok(found)
    }

    fn keys(&self, ids: &[String]) -> Result<KeysAndAttributes, Source> {
        let keys = KeysAndAttributes::builder().consistent_read(true);
        let key = |id: &String| HashMap::from([("id".to_owned(), text(id))]);
        Ok(keys.set_keys(Some(ids.iter().map(key).collect())).build()?)
    }

    /// Changes items together; gives what the last try of `change` gave.
    pub(crate) async fn change_documents<T>(
        &self,
        run: &Run,
        step: &'static str,
        ids: &[String],
        change: impl Fn(&mut Documents) -> Result<T, serde_json::Error>,
    ) -> Result<T, StateError> {
        let failed = |error: Source| StateError::new(step, error);
        run.permit.wait().await?;
        for nth in 0..TRIES {
            let mut documents = self.documents(step, ids).await?;
            let made = change(&mut documents).map_err(|error| failed(error.into()))?;
            let version = format!("{}#{:016x}", run.id, fastrand::u64(..));
            let writes = documents.writes(&self.table, &version).map_err(failed)?;
            if writes.is_empty() || transact(self, writes).await.map_err(failed)? {
                return Ok(made);
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(5..30) * (nth + 1))).await;
        }
        Err(StateError::new(step, "others change the same all the time"))
    }
}

impl Documents {
    fn add(&mut self, item: HashMap<String, AttributeValue>) {
        let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let Some(id) = value("id") else { return };
        let old = value("content");
        self.0.insert(id, Document { version: value("version"), new: old.clone(), old });
    }

    /// What must be written.
    fn writes(self, table: &str, version: &str) -> Result<Vec<TransactWriteItem>, Source> {
        let changed = self.0.into_iter().filter(|(_, document)| document.old != document.new);
        changed.map(|(id, document)| document.write(table, &id, version)).collect()
    }
}

impl Document {
    fn write(self, table: &str, id: &str, version: &str) -> Result<TransactWriteItem, Source> {
        let condition = match &self.version {
            Some(_) => "version = :was",
            None => "attribute_not_exists(id)",
        };
        let item = TransactWriteItem::builder();
        let item = match self.new {
            Some(content) => {
                let put =
                    Put::builder().table_name(table).item("id", text(id)).item("content", text(content));
                let put = put.item("version", text(version)).condition_expression(condition);
                let was = self.version.map(|was| HashMap::from([(":was".to_owned(), text(was))]));
                item.put(put.set_expression_attribute_values(was).build()?)
            }
            None => {
                let delete = Delete::builder().table_name(table).key("id", text(id));
                let was = self.version.map(|was| HashMap::from([(":was".to_owned(), text(was))]));
                let delete = delete.condition_expression(condition).set_expression_attribute_values(was);
                item.delete(delete.build()?)
            }
        };
        Ok(item.build())
    }
}
