//! Locks: at most one request at a time changes something that Okta replaces
//! as a whole.
//!
//! | lock | who changes what |
//! |---|---|
//! | `tenant#<name>` | the tenant's groups, rules and suspension; both names, for a rename |
//! | `idp#<id>` | the tenant's IdP |
//! | `rule-order` | the order of the routing rules, where domains end in the same letters |
//! | `user#<id>` | whether and to whom the user delegates; what responses do to the user |
//! | `rotation#<login or id>` | the user's password |
//! | `super-admins` | a response to a super admin |
//!
//! Taken in this order, names sorted: so no two requests wait for each other.
//! What a change starts from is read under the lock, the caller's rights included:
//! whoever takes rights over a tenant away holds the tenant's lock. `revoke-user` and
//! `end-user-rights` take no lock: a request that has its lock already may still end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::TenantName;
use operations::ProblemCode;
use run_kit::{Denied, Failure, Metric, Run, measures};
use tokio::time::Instant;

use crate::State;
use crate::table::{StateError, is_refused, number, text};

/// Time that a change takes at most, with what takes it back.
const CHANGE: Duration = Duration::from_secs(6);

/// Shortest and longest wait between two tries, in milliseconds.
const WAIT_MS: std::ops::Range<u64> = 20..120;

/// Time after the holder's deadline in which a call of it may still arrive.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// A lock that is held. Release it; a holder that dies loses it soon after its
/// deadline.
#[derive(Debug)]
struct Lock {
    state: State,
    id: String,
    owner: String,
}

/// The locks that a run holds. Clones hold the same ones.
#[derive(Clone, Debug)]
pub struct Locks(Arc<Held>);

#[derive(Debug)]
struct Held {
    state: State,
    run: Run,
    locks: Mutex<Vec<Lock>>,
}

impl State {
    /// Whether somebody holds the lock of a change now.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub async fn is_locked(&self, run: &Run, change: Change<'_>) -> Result<bool, StateError> {
        let id = text(format!("lock#{}", change.lock()));
        let read = self.dynamodb.get_item().table_name(&self.table).key("id", id).consistent_read(true);
        let read = read.send().await.map_err(|error| StateError::new("look at the lock", error))?;
        let until = read.item.and_then(|item| item.get("until")?.as_n().ok()?.parse::<i64>().ok());
        Ok(until.is_some_and(|until| until >= run.clock.now_ms()))
    }
}

/// Does work that takes locks, and gives them back when the work has ended, however it
/// ended.
pub async fn holding<T, F: Future<Output = T>>(state: &State, run: &Run, work: impl FnOnce(Locks) -> F) -> T {
    let held = Held { state: state.clone(), run: run.clone(), locks: Mutex::default() };
    let locks = Locks(Arc::new(held));
    let result = work(locks.clone()).await;
    locks.release().await;
    result
}

/// What is changed.
#[derive(Clone, Copy, Debug)]
pub enum Change<'c> {
    /// A tenant.
    Tenant(&'c TenantName),
    /// The IdP with this id.
    Idp(&'c str),
    /// In which order the routing rules stand.
    RuleOrder,
    /// The user with this id: delegation, and what responses do.
    User(&'c str),
    /// The password of the user with this login or id, as the secret says it.
    Password(&'c str),
    /// Whether a super admin is left.
    SuperAdmins,
}

impl Change<'_> {
    fn lock(self) -> String {
        match self {
            Change::Tenant(name) => format!("tenant#{name}"),
            Change::RuleOrder => "rule-order".to_owned(),
            Change::Idp(id) => format!("idp#{id}"),
            Change::User(id) => format!("user#{id}"),
            Change::Password(user) => format!("rotation#{user}"),
            Change::SuperAdmins => "super-admins".to_owned(),
        }
    }

    fn busy(self) -> ProblemCode {
        match self {
            Change::Tenant(_) | Change::Idp(_) | Change::RuleOrder => ProblemCode::TenantBusy,
            Change::User(_) | Change::Password(_) | Change::SuperAdmins => ProblemCode::UserBusy,
        }
    }
}

impl Locks {
    /// Takes the lock of a change besides those that are held, and asks once more what
    /// is left of the caller's rights. Waits no longer than leaves time for the change.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub async fn take(&self, change: Change<'_>) -> Result<(), LockError> {
        self.take_unasked(change).await?;
        Ok(self.0.run.permit.again().await?)
    }

    /// The same for a change that ends rights. Where others hold the lock, `meanwhile`
    /// ends the rights of those who wait for the lock, before this request waits, too:
    /// they leave the lock as soon as they get it, however many they are.
    ///
    /// # Errors
    ///
    /// [`LockError`], or what `meanwhile` fails with.
    pub async fn take_before_others<E: From<LockError>>(
        &self,
        change: Change<'_>,
        meanwhile: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        let Held { state, run, locks } = &*self.0;
        run.permit.wait().await.map_err(LockError::from)?;
        match Lock::acquire(state, run, change, Instant::now()).await {
            Err(LockError::Busy { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(lock) => {
                locks.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
                return Ok(run.permit.again().await.map_err(LockError::from)?);
            }
        }
        meanwhile.await?;
        Ok(self.take(change).await?)
    }

    /// The same for a caller who has just ended their own rights.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub async fn take_unasked(&self, change: Change<'_>) -> Result<(), LockError> {
        let Held { state, run, locks } = &*self.0;
        run.permit.wait().await?;
        let patience = run.deadline.checked_sub(CHANGE).unwrap_or(run.deadline);
        let lock = Lock::acquire(state, run, change, patience).await?;
        locks.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
        Ok(())
    }

    /// Gives all of them back.
    async fn release(&self) {
        let locks = std::mem::take(&mut *self.0.locks.lock().unwrap_or_else(PoisonError::into_inner));
        for lock in locks.into_iter().rev() {
            lock.release().await;
        }
    }
}

/// Why the lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Others held it all the time.
    #[error("get the lock `{lock}`")]
    Busy {
        /// Name of the lock.
        lock: String,
        /// What the caller is told.
        code: ProblemCode,
    },
    /// The caller may change nothing.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// AWS did not answer.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Busy { code, .. } => {
                let detail = "other requests are changing the same; nothing was changed";
                Failure::new(code, detail).retry_after(Duration::from_secs(1))
            }
            LockError::Denied(denied) => denied.into(),
            LockError::State(error) => error.into(),
        }
    }
}

impl Lock {
    /// Waits for the lock of `change`, at most until `patience`; it is this
    /// request's until the request's deadline.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    async fn acquire(
        state: &State,
        run: &Run,
        change: Change<'_>,
        patience: Instant,
    ) -> Result<Self, LockError> {
        let (id, owner) = (format!("lock#{}", change.lock()), run.id.clone());
        let began = Instant::now();
        let mut has_waited = false;
        let waited = || {
            let wait = Metric::of(&measures::LOCK_WAIT, began.elapsed().as_secs_f64() * 1_000.0);
            run.metrics.put(&[], &[wait], run.clock.now_ms());
        };
        loop {
            let now = run.clock.now_ms();
            let lease = run.deadline.saturating_duration_since(Instant::now()) + GRACE;
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
                Ok(_) => {
                    if has_waited {
                        waited();
                    }
                    return Ok(Self { state: state.clone(), id, owner });
                }
                Err(error) if !is_refused(&error) => {
                    return Err(StateError::new("get the lock", error).into());
                }
                Err(_) => {}
            }
            let wait = Duration::from_millis(fastrand::u64(WAIT_MS));
            if Instant::now() + wait > patience {
                waited();
                return Err(LockError::Busy { lock: change.lock(), code: change.busy() });
            }
            has_waited = true;
            tokio::time::sleep(wait).await;
        }
    }

    /// Gives the lock back. A failure is only logged: the lease ends it.
    async fn release(self) {
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
