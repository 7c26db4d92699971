//! Revocations: rights that are gone although tokens still claim them.

use domain::{TOKEN_LIFETIME_SECONDS, revocation_id};
use lambda_kit::Context;

use crate::State;
use crate::table::{StateError, is_refused, number, text};

/// Ends what tokens that were issued until now say about a tenant: of one user,
/// or of everybody. Repeating it does no harm.
///
/// "Now" is Okta's: the time of its newest answer, by which it dates tokens.
///
/// # Errors
///
/// [`StateError`]: the same call again completes it.
pub async fn revoke(context: &Context, tenant_id: &str, user: Option<&str>) -> Result<(), StateError> {
    let before = context.okta.now();
    let expires = Some(before + TOKEN_LIFETIME_SECONDS);
    write(context, &revocation_id(tenant_id, user), before, expires).await
}

/// Ends what any token says about a tenant, also one that is still to be
/// issued, until [`reinstate`].
///
/// # Errors
///
/// [`StateError`]: the same call again completes it.
pub async fn suspend(context: &Context, tenant_id: &str) -> Result<(), StateError> {
    write(context, &revocation_id(tenant_id, None), i64::MAX, None).await
}

/// Ends a suspension: tokens count again.
///
/// # Errors
///
/// [`StateError`]: the same call again completes it.
pub async fn reinstate(context: &Context, tenant_id: &str) -> Result<(), StateError> {
    let state = State::of(context).await;
    let delete = state.dynamodb.delete_item().table_name(&state.table);
    let deleted = delete.key("id", text(revocation_id(tenant_id, None))).send().await;
    deleted.map_err(|error| StateError::new("delete the revocation", error))?;
    flush(context, &state).await
}

async fn write(context: &Context, id: &str, before: i64, expires: Option<i64>) -> Result<(), StateError> {
    let state = State::of(context).await;
    let mut put = state.dynamodb.put_item().table_name(&state.table);
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
    // In this order: an authorizer that is asked in between finds it already.
    flush(context, &state).await
}

/// Makes API Gateway forget what the authorizer said, for all callers: each is
/// asked about once more.
async fn flush(context: &Context, state: &State) -> Result<(), StateError> {
    let flush = state.apigateway.flush_stage_authorizers_cache();
    let flush = flush.rest_api_id(&context.api.id).stage_name(&context.api.stage);
    let flushed = flush.send().await;
    flushed.map(drop).map_err(|error| StateError::new("flush the authorizer's cache", error).after_writing())
}
