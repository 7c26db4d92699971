//! The place where a task stands, and the lease of the run that works on the task.
//!
//! Both are in one item: only the run that has the lease can move the place, and a run
//! that lost the lease learns of that when it tries to.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use run_kit::Run;

use crate::State;
use crate::locks::GRACE;
use crate::table::{StateError, is_refused_update, number, text};

/// The right of one run to work on a task, for a while.
#[derive(Debug)]
pub struct Lease {
    state: State,
    id: String,
    owner: String,
}

impl State {
    /// Takes the lease of a task for `length`; gives the lease, and the place that was
    /// kept last. `None`: another run has the lease.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn lease(
        &self,
        run: &Run,
        task: &str,
        length: Duration,
    ) -> Result<Option<(Lease, Option<String>)>, StateError> {
        // Lambda repeats an invocation under the same id: each execution is another owner.
        let lease = Lease {
            state: self.clone(),
            id: format!("task#{task}"),
            owner: format!("{}#{:08x}", run.id, fastrand::u32(..)),
        };
        let item = lease.write(run, None, length, "get the lease").await?;
        Ok(item.map(|item| {
            let place = item.get("place").and_then(|place| place.as_s().ok());
            (lease, place.filter(|place| !place.is_empty()).cloned())
        }))
    }
}

impl Lease {
    /// Keeps a place, and has the lease for another `length`; `false` if another run
    /// has the lease by now, and nothing was kept.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn keep(&self, run: &Run, place: &str, length: Duration) -> Result<bool, StateError> {
        Ok(self.write(run, Some(place), length, "keep the place").await?.is_some())
    }

    /// Gives the lease back. The place stays; an empty one is none.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the lease ends by itself.
    pub async fn release(self, place: &str) -> Result<(), StateError> {
        let update = self.state.dynamodb.update_item().table_name(&self.state.table);
        let released = update
            .key("id", text(&self.id))
            .update_expression("SET place = :place REMOVE #owner, #until")
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":owner", text(&self.owner))
            .expression_attribute_values(":place", text(place))
            .send()
            .await;
        match released {
            Err(error) if !is_refused_update(&error) => Err(StateError::new("release the lease", error)),
            _ => Ok(()),
        }
    }

    /// Writes owner and end of the lease, and the place if there is one; gives the
    /// item, or `None` if another run has the lease.
    async fn write(
        &self,
        run: &Run,
        place: Option<&str>,
        length: Duration,
        step: &'static str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, StateError> {
        let now = run.clock.now_ms();
        let length = i64::try_from((length + GRACE).as_millis()).unwrap_or(i64::MAX);
        let set = if place.is_some() { ", place = :place" } else { "" };
        let update = self.state.dynamodb.update_item().table_name(&self.state.table);
        let mut update = update
            .key("id", text(&self.id))
            .update_expression(format!("SET #owner = :owner, #until = :until{set}"))
            .condition_expression("attribute_not_exists(#until) OR #until < :now OR #owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":owner", text(&self.owner))
            .expression_attribute_values(":until", number(now.saturating_add(length)))
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllNew);
        if let Some(place) = place {
            update = update.expression_attribute_values(":place", text(place));
        }
        match update.send().await {
            Ok(written) => Ok(Some(written.attributes.unwrap_or_default())),
            Err(error) if is_refused_update(&error) => Ok(None),
            Err(error) => Err(StateError::new(step, error)),
        }
    }
}
