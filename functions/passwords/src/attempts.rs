//! Failed sign-ins of a user, in the table: Secrets Manager repeats a rotation that failed, and
//! must not lock the user out.

use std::sync::atomic::{AtomicBool, Ordering};

use rotation::end::Code;
use rotation::ports::{Attempts, Trouble};
use run_kit::Run;
use state::{SIGN_INS, State, StateError};

/// Of one user, for one run.
pub(crate) struct Remembered<'r> {
    state: &'r State,
    run: &'r Run,
    /// Login or id, as the secret names the user.
    user: &'r str,
    /// Some are counted.
    some: AtomicBool,
}

impl<'r> Remembered<'r> {
    pub(crate) const fn of(state: &'r State, run: &'r Run, user: &'r str) -> Self {
        Self { state, run, user, some: AtomicBool::new(false) }
    }
}

fn trouble(error: StateError) -> Trouble {
    tracing::warn!(error = %run_kit::chain(&error), "failed sign-ins cannot be counted");
    Trouble { code: Code::NotAvailable, error_id: None }
}

impl Attempts for Remembered<'_> {
    async fn left(&self) -> Result<u8, Trouble> {
        let left = self.state.sign_ins_left(self.run, self.user).await.map_err(trouble)?;
        self.some.fetch_or(left < SIGN_INS, Ordering::Relaxed);
        Ok(left)
    }

    async fn failed(&self) -> Result<(), Trouble> {
        self.some.store(true, Ordering::Relaxed);
        self.state.count_failed_sign_in(self.run, self.user).await.map_err(trouble)
    }

    async fn proven(&self) -> Result<(), Trouble> {
        match self.some.swap(false, Ordering::Relaxed) {
            true => self.state.forget_failed_sign_ins(self.user).await.map_err(trouble),
            false => Ok(()),
        }
    }
}
