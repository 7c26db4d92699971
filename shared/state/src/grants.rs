//! Grants: whom a user lets act for them.
//!
//! A user's profile has the grants, too, for other software to read; there an
//! administrator of the user's tenant can write. The table alone says that the user
//! granted it. All grants of a user are one item, which is replaced as a whole under the
//! user's lock, in one transaction with the record of the change.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::grants_item;
use run_kit::Run;

use crate::State;
use crate::delegations::transact;
use crate::records::Record;
use crate::table::{StateError, text};

/// A grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Names this grant, and no later one of the same agent: id of the request.
    pub id: String,
    /// Id of the user who may act.
    pub agent: String,
    /// When it ends, RFC 3339; never, if absent.
    pub until: Option<String>,
    /// Why, in the words of the user who is acted for.
    pub reason: Option<String>,
}

impl Grant {
    fn of(value: &AttributeValue) -> Option<Self> {
        let members = value.as_m().ok()?;
        let member = |name: &str| members.get(name).and_then(|value| value.as_s().ok()).cloned();
        Some(Self {
            id: member("id")?,
            agent: member("agent")?,
            until: member("until"),
            reason: member("reason"),
        })
    }

    fn to_value(&self) -> AttributeValue {
        let mut members = HashMap::new();
        members.insert("id".to_owned(), text(&self.id));
        members.insert("agent".to_owned(), text(&self.agent));
        members.extend(self.until.as_ref().map(|until| ("until".to_owned(), text(until))));
        members.extend(self.reason.as_ref().map(|reason| ("reason".to_owned(), text(reason))));
        AttributeValue::M(members)
    }
}

/// What the table has of a user's grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptGrants {
    /// The grants, in the order in which they were made.
    pub current: Vec<Grant>,
    /// Ids of users who had a grant, the newest first; at most [`FORMER`].
    pub former: Vec<String>,
}

/// Former agents that are remembered.
const FORMER: usize = 50;

impl KeptGrants {
    /// Whether a user has or had a grant.
    pub fn knows(&self, agent: &str) -> bool {
        self.current.iter().any(|grant| grant.agent == agent) || self.former.iter().any(|id| id == agent)
    }

    /// The same with other grants.
    #[must_use]
    pub fn replaced_by(&self, current: Vec<Grant>) -> Self {
        let known = self.current.iter().map(|grant| &grant.agent).chain(&self.former);
        let is_over = |agent: &&String| current.iter().all(|grant| grant.agent != **agent);
        let former = known.filter(is_over).take(FORMER).cloned().collect();
        Self { current, former }
    }
}

impl State {
    /// What the table has of a user's grants.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn grants(&self, delegator: &str) -> Result<KeptGrants, StateError> {
        let key = text(grants_item(delegator));
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", key).consistent_read(true);
        let read = read.send().await.map_err(|error| StateError::new("read the grants", error))?;
        let item = read.item.unwrap_or_default();
        let list = |name: &str| item.get(name).and_then(|list| list.as_l().ok()).into_iter().flatten();
        Ok(KeptGrants {
            current: list("grants").filter_map(Grant::of).collect(),
            former: list("former").filter_map(|agent| agent.as_s().ok().cloned()).collect(),
        })
    }

    /// Replaces the grants of a user, and keeps the record of the change: both or nothing.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn record_grants(
        &self,
        run: &Run,
        record: &Record<'_>,
        grants: &KeptGrants,
    ) -> Result<(), StateError> {
        run.before_change().await?;
        let failed = |source| StateError::new("keep the grants", source);
        let put = Put::builder().table_name(&self.table).item("id", text(grants_item(record.delegator)));
        let put = put
            .item("grants", AttributeValue::L(grants.current.iter().map(Grant::to_value).collect()))
            .item("former", AttributeValue::L(grants.former.iter().map(text).collect()));
        let put = put.build().map_err(|error| failed(error.into()))?;
        let writes = vec![
            TransactWriteItem::builder().put(put).build(),
            TransactWriteItem::builder().put(record.put(&run.clock).map_err(failed)?).build(),
        ];
        match transact(self, writes).await {
            Ok(true) => {
                record.log();
                Ok(())
            }
            Ok(false) => Err(failed("a condition that was not asked for".into())),
            Err(error) => Err(failed(error)),
        }
    }
}
