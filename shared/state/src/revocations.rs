//! Revocations: rights that are gone although tokens still claim them. The crate
//! `rights` reads them in every function of the API.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{Revoked, TOKEN_LIFETIME_SECONDS};
use run_kit::{Metric, Run, chain, measures};

use crate::State;
use crate::table::{StateError, is_refused, number, text};

/// A revocation as it was written: to be taken back.
#[derive(Clone, Debug)]
pub struct Revocation {
    key: String,
    /// The run that wrote it; none, if as much or more was revoked already.
    owner: Option<String>,
    /// What it replaced.
    former: Option<i64>,
}

impl State {
    /// Ends what tokens that were issued until now give. Repeating it does no harm.
    ///
    /// "Now" is Okta's: the time of its newest answer, by which it dates tokens.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn revoke(&self, run: &Run, revoked: Revoked<'_>) -> Result<Revocation, StateError> {
        let before = run.okta.forward().now();
        self.revoke_until(run, revoked, before).await
    }

    /// Ends what tokens that were issued until `before`, in seconds since 1970, give.
    /// An earlier time than what is revoked already changes nothing: events may come
    /// twice, and in any order.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn revoke_until(
        &self,
        run: &Run,
        revoked: Revoked<'_>,
        before: i64,
    ) -> Result<Revocation, StateError> {
        run.before_change().await?;
        let key = revoked.key();
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", text(&key))
            .item("before", number(before))
            .item("owner", text(&run.id))
            .item("expires", number(before + TOKEN_LIFETIME_SECONDS))
            // Of two runs in one second the later one owns it: what the earlier one takes
            // back is not the later one's.
            .condition_expression("attribute_not_exists(id) OR #before <= :before")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":before", number(before))
            .return_values(ReturnValue::AllOld);
        match put.send().await {
            // As much or more is revoked already: a suspension is not lifted by less.
            Err(error) if is_refused(&error) => Ok(Revocation { key, owner: None, former: None }),
            Err(error) => Err(StateError::new("write the revocation", error)),
            Ok(put) => {
                run.metrics.put(&[], &[Metric::count(&measures::REVOCATIONS, 1)], run.clock.now_ms());
                let former = put.attributes().and_then(|old| old.get("before")?.as_n().ok()?.parse().ok());
                Ok(Revocation { key, owner: Some(run.id.clone()), former })
            }
        }
    }

    /// Ends rights that ended elsewhere: as [`State::revoke_until`], with a record of its own
    /// where they are a tenant's; `false` if as much is revoked already.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn revoke_once(
        &self,
        run: &Run,
        revoked: Revoked<'_>,
        before: i64,
    ) -> Result<bool, StateError> {
        let known = self.revoked_until(revoked).await?;
        if known.is_some_and(|known| known >= before) {
            return Ok(false);
        }
        let Some(tenant) = revoked.tenant() else {
            return self.revoke_until(run, revoked, before).await.map(|_| true);
        };
        let run = run.of_tenant(tenant);
        let done = self.revoke_until(&run, revoked, before).await;
        // What stopped half-way is repeated: by Okta, or from its log.
        if done.is_ok() {
            run.record.end(None).await;
        }
        done.map(|_| true)
    }

    /// Takes a revocation back, unless another run's replaced it. A failure is only
    /// logged: whoever was revoked gets a new token.
    pub async fn take_back(&self, revocation: Revocation) {
        let Revocation { key, owner: Some(owner), former } = revocation else { return };
        let failed = match former {
            Some(former) => {
                let put = self.dynamodb.put_item().table_name(&self.table).item("id", text(&key));
                put.item("before", number(former))
                    .item("expires", number(former.saturating_add(TOKEN_LIFETIME_SECONDS)))
                    .condition_expression("#owner = :owner")
                    .expression_attribute_names("#owner", "owner")
                    .expression_attribute_values(":owner", text(owner))
                    .send()
                    .await
                    .err()
                    .map(|error| StateError::new("restore the former revocation", error))
            }
            None => {
                let delete = self.dynamodb.delete_item().table_name(&self.table).key("id", text(&key));
                delete
                    .condition_expression("#owner = :owner")
                    .expression_attribute_names("#owner", "owner")
                    .expression_attribute_values(":owner", text(owner))
                    .send()
                    .await
                    .err()
                    .map(|error| StateError::new("delete the revocation", error))
            }
        };
        if let Some(error) = failed {
            tracing::warn!(error = %chain(&error), key, "a revocation stays");
        }
    }

    /// Whether something was revoked lately: while tokens live that the revocation is
    /// for.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn is_revoked_lately(&self, run: &Run, revoked: Revoked<'_>) -> Result<bool, StateError> {
        let before = self.revoked_until(revoked).await?;
        let now = run.okta.forward().now();
        Ok(before.is_some_and(|before| now <= before.saturating_add(TOKEN_LIFETIME_SECONDS)))
    }

    /// Until when tokens do not count, in seconds since 1970; `None` if nothing is
    /// revoked.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn revoked_until(&self, revoked: Revoked<'_>) -> Result<Option<i64>, StateError> {
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", text(revoked.key()));
        let read = read.consistent_read(true).send().await;
        let item = read.map_err(|error| StateError::new("look for a revocation", error))?.item;
        Ok(item.and_then(|item| item.get("before")?.as_n().ok()?.parse().ok()))
    }
}
