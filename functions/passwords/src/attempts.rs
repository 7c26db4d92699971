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
    /// Id of the secret's version in use.
    version: &'r str,
    /// Some are counted.
    some: AtomicBool,
}

impl<'r> Remembered<'r> {
    pub(crate) const fn of(state: &'r State, run: &'r Run, user: &'r str, version: &'r str) -> Self {
        Self { state, run, user, version, some: AtomicBool::new(false) }
    }
}

fn trouble(error: StateError) -> Trouble {
    tracing::warn!(error = %run_kit::chain(&error), "failed sign-ins cannot be counted");
    Trouble { code: Code::NotAvailable, error_id: None }
}

impl Attempts for Remembered<'_> {
    async fn left(&self) -> Result<u8, Trouble> {
        let left = self.state.sign_ins_left(self.run, self.user, self.version).await.map_err(trouble)?;
        self.some.fetch_or(left < SIGN_INS, Ordering::Relaxed);
        Ok(left)
    }

    async fn failed(&self) -> Result<(), Trouble> {
        self.some.store(true, Ordering::Relaxed);
        self.state.count_failed_sign_in(self.run, self.user, self.version).await.map_err(trouble)
    }

    async fn proven(&self) -> Result<(), Trouble> {
        match self.some.swap(false, Ordering::Relaxed) {
            true => self.state.forget_failed_sign_ins(self.user).await.map_err(trouble),
            false => Ok(()),
        }
    }

    async fn note_set(&self, version: &str) -> Result<(), Trouble> {
        self.state.note_set(self.run, self.user, self.version, version).await.map_err(trouble)
    }

    async fn is_set(&self, version: &str) -> Result<bool, Trouble> {
        self.state.is_set(self.user, version).await.map_err(trouble)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use operation_testing::TestOrg;
    use run_kit::Actor;

    use super::*;

    /// Two for each version of a secret; after both, nothing is tried until the secret is
    /// corrected, however often a schedule comes by.
    #[tokio::test]
    async fn two_sign_ins_may_fail_until_the_secret_is_corrected() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        let of = |user, version| Remembered::of(&state, &run, user, version);
        let one = of("one@acme.test", "v1");
        assert_eq!(one.left().await.unwrap(), 2);
        one.failed().await.unwrap();
        // One failed, and an hour passed: two again.
        org.advance_clock(Duration::from_secs(61 * 60));
        assert_eq!(of("one@acme.test", "v1").left().await.unwrap(), 2);
        for _ in 0..2 {
            of("one@acme.test", "v1").failed().await.unwrap();
        }
        for _ in 0..48 {
            assert_eq!(of("one@acme.test", "v1").left().await.unwrap(), 0);
            org.advance_clock(Duration::from_secs(60 * 60));
        }
        assert_eq!(of("other@acme.test", "v1").left().await.unwrap(), 2);
        // Somebody corrected the secret.
        let corrected = of("one@acme.test", "v2");
        assert_eq!(corrected.left().await.unwrap(), 2);
        corrected.failed().await.unwrap();
        let later = of("one@acme.test", "v2");
        assert_eq!(later.left().await.unwrap(), 1);
        later.proven().await.unwrap();
        assert_eq!(of("one@acme.test", "v2").left().await.unwrap(), 2);
    }

    /// What an admin's right set is known to other processes, for this version alone, and only
    /// where no sign-in is left that would show it.
    #[tokio::test]
    async fn a_password_that_was_set_is_known() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        let one = || Remembered::of(&state, &run, "one@acme.test", "v1");
        one().note_set("v2").await.unwrap();
        assert!(!one().is_set("v2").await.unwrap());
        one().failed().await.unwrap();
        one().note_set("v2").await.unwrap();
        assert!(!one().is_set("v2").await.unwrap(), "a sign-in is left");
        one().failed().await.unwrap();
        one().note_set("v2").await.unwrap();
        assert!(one().is_set("v2").await.unwrap() && !one().is_set("v3").await.unwrap());
        assert_eq!(one().left().await.unwrap(), 0);
        let other = Remembered::of(&state, &run, "one@acme.test", "v2");
        other.failed().await.unwrap();
        assert!(!one().is_set("v2").await.unwrap());
    }

    #[tokio::test]
    async fn where_nobody_can_count_nothing_is_tried() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        org.stop_dynamodb();
        let trouble = Remembered::of(&state, &run, "one@acme.test", "v1").left().await.unwrap_err();
        assert_eq!(trouble.code, Code::NotAvailable);
    }
}
