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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use operation_testing::TestOrg;
    use run_kit::Actor;

    use super::*;

    /// Two in the hour that begins with the first, of each user; a password that is proven ends
    /// the count.
    #[tokio::test]
    async fn two_sign_ins_may_fail_in_an_hour() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        let of = |user| Remembered::of(&state, &run, user);
        let one = of("one@acme.test");
        assert_eq!(one.left().await.unwrap(), 2);
        one.failed().await.unwrap();
        org.advance_clock(Duration::from_secs(50 * 60));
        of("one@acme.test").failed().await.unwrap();
        assert_eq!(of("one@acme.test").left().await.unwrap(), 0);
        assert_eq!(of("other@acme.test").left().await.unwrap(), 2);
        org.advance_clock(Duration::from_secs(11 * 60));
        assert_eq!(of("one@acme.test").left().await.unwrap(), 2);
        // The next one begins another hour.
        of("one@acme.test").failed().await.unwrap();
        let later = of("one@acme.test");
        assert_eq!(later.left().await.unwrap(), 1);
        later.proven().await.unwrap();
        assert_eq!(of("one@acme.test").left().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn where_nobody_can_count_nothing_is_tried() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        org.stop_dynamodb();
        let trouble = Remembered::of(&state, &run, "one@acme.test").left().await.unwrap_err();
        assert_eq!(trouble.code, Code::NotAvailable);
    }
}
