//! Revocations: rights that are gone although tokens still claim them.

use domain::{TOKEN_LIFETIME_SECONDS, revocation_id};
use run_kit::Run;

use crate::State;
use crate::table::{StateError, is_refused, number, text};

/// What API Gateway keeps of the authorizer's answers, of one stage.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizerCache<'a> {
    /// Id of the REST API.
    pub api_id: &'a str,
    /// Name of the stage.
    pub stage: &'a str,
}

impl State {
    /// Ends what tokens that were issued until now say about a tenant: of one user,
    /// or of everybody. Repeating it does no harm.
    ///
    /// "Now" is Okta's: the time of its newest answer, by which it dates tokens.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn revoke(
        &self,
        run: &Run,
        cache: AuthorizerCache<'_>,
        tenant_id: &str,
        user: Option<&str>,
    ) -> Result<(), StateError> {
        let before = run.okta.forward().now();
        let expires = Some(before + TOKEN_LIFETIME_SECONDS);
        self.write_revocation(cache, &revocation_id(tenant_id, user), before, expires).await
    }

    /// Ends what any token says about a tenant, also one that is still to be
    /// issued, until [`State::reinstate`].
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn suspend(&self, cache: AuthorizerCache<'_>, tenant_id: &str) -> Result<(), StateError> {
        self.write_revocation(cache, &revocation_id(tenant_id, None), i64::MAX, None).await
    }

    /// Ends a suspension: tokens count again.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the same call again completes it.
    pub async fn reinstate(&self, cache: AuthorizerCache<'_>, tenant_id: &str) -> Result<(), StateError> {
        let delete = self.dynamodb.delete_item().table_name(&self.table);
        let deleted = delete.key("id", text(revocation_id(tenant_id, None))).send().await;
        deleted.map_err(|error| StateError::new("delete the revocation", error))?;
        self.flush(cache).await
    }

    async fn write_revocation(
        &self,
        cache: AuthorizerCache<'_>,
        id: &str,
        before: i64,
        expires: Option<i64>,
    ) -> Result<(), StateError> {
        let mut put = self.dynamodb.put_item().table_name(&self.table);
        put = put
            .item("id", text(id))
            .item("before", number(before))
            .condition_expression("attribute_not_exists(id) OR #before < :before")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":before", number(before));
        if let Some(expires) = expires {
            put = put.item("expires", number(expires));
        }
        match put.send().await {
            // As much or more is revoked already: a suspension is not lifted by less.
            Err(error) if is_refused(&error) => {}
            result => drop(result.map_err(|error| StateError::new("write the revocation", error))?),
        }
        // In this order: an authorizer that is asked in between finds the revocation
        // already.
        self.flush(cache).await
    }

    /// Makes API Gateway forget what the authorizer said, for all callers: each is
    /// asked about once more.
    async fn flush(&self, cache: AuthorizerCache<'_>) -> Result<(), StateError> {
        let flush = self.apigateway.flush_stage_authorizers_cache();
        let flushed = flush.rest_api_id(cache.api_id).stage_name(cache.stage).send().await;
        let failed = |error| StateError::new("flush the authorizer's cache", error).after_writing();
        flushed.map(drop).map_err(failed)
    }
}
