//! Locks: at most one request at a time changes something that Okta replaces
//! as a whole.

use std::time::Duration;

use lambda_kit::{Context, Problem};
use operations::ProblemCode;
use tokio::time::Instant;

use crate::State;
use crate::table::{StateError, is_refused, now_ms, number, text};

/// Shortest and longest wait between two tries, in milliseconds.
const WAIT_MS: std::ops::Range<u64> = 20..120;

/// Time after the holder's deadline in which a call of it may still arrive.
const GRACE: Duration = Duration::from_secs(2);

/// A lock that is held. Release it; a holder that dies loses it soon after its
/// deadline.
#[derive(Debug)]
pub struct Lock {
    state: State,
    id: String,
    owner: String,
}

/// Why the lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Others held it all the time.
    #[error("get the lock `{0}`")]
    Busy(String),
    /// AWS did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<LockError> for Problem {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Busy(_) => Problem::new(
                ProblemCode::TenantBusy,
                "other requests are changing the same; nothing was changed",
            )
            .retry_after(Duration::from_secs(1)),
            LockError::State(error) => error.into(),
        }
    }
}

impl Lock {
    /// Waits for the lock called `name`, at most until `patience`; it is this
    /// request's until the request's deadline.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub async fn acquire(context: &Context, name: &str, patience: Instant) -> Result<Self, LockError> {
        let state = State::of(context).await;
        let (id, owner) = (format!("lock#{name}"), context.request_id.clone());
        loop {
            let now = now_ms();
            let lease = context.deadline.saturating_duration_since(Instant::now()) + GRACE;
            let until = now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
            let put = state
                .dynamodb
                .put_item()
                .table_name(&state.table)
                .item("id", text(&id))
                .item("owner", text(&owner))
                .item("until", number(until))
                .item("expires", number(until / 1_000 + 3_600))
                // The owner's own put may have been repeated after a lost answer.
                .condition_expression("attribute_not_exists(id) OR #until < :now OR #owner = :owner")
                .expression_attribute_names("#until", "until")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":now", number(now))
                .expression_attribute_values(":owner", text(&owner));
            match put.send().await {
                Ok(_) => return Ok(Self { state, id, owner }),
                Err(error) if !is_refused(&error) => {
                    return Err(StateError::new("get the lock", error).into());
                }
                Err(_) => {}
            }
            let wait = Duration::from_millis(fastrand::u64(WAIT_MS));
            if Instant::now() + wait > patience {
                return Err(LockError::Busy(name.to_owned()));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Gives the lock back. A failure is only logged: the lease ends it.
    pub async fn release(self) {
        let Self { state, id, owner } = self;
        let delete = state
            .dynamodb
            .delete_item()
            .table_name(&state.table)
            .key("id", text(&id))
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner));
        if let Err(error) = delete.send().await {
            tracing::warn!(error = %StateError::new("release the lock", error), lock = id, "a lock stays");
        }
    }
}
