//! Finds changes of rotated passwords that no rotation made.
//!
//! # Okta calls
//!
//! Those of [`system_log`]: the events `user.account.update_password` and
//! `user.account.reset_password` since the last run.
//!
//! # What is somebody else's
//!
//! `rotate-user-secret` notes from when until when a run could change a user's password
//! ([`state::RotatedSecret`]). A change that lies in none of these times is somebody else's: the user's,
//! an administrator's, or that of a person who rotates with the operator's program. Who the
//! event's actor is proves nothing: whoever has the functions' credential is the same actor.
//!
//! Such a change is reported once, in the log and as the metric `PasswordsChangedElsewhere`.
//! With `ROTATION_CHANGED_ELSEWHERE=rotate`, a rotation begins besides; one begins per second,
//! and what one run does not get to, the next one does. A user whose password no function has
//! rotated yet is not watched.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_kit::Task;
use okta_client::Error;
use okta_client::models::LogEvent;
use operations::{EnvVar, Operation, ProblemCode};
use rotation::secrets_manager::SecretsManager;
use rotation::vault::VaultError;
use run_kit::{ConfigError, Environment, Failure, Metric, Run, measures};
use serde::Serialize;
use serde_json::Value;
use state::{State, StateError};
use system_log::{Reading, read_on};

use crate::settings::{secrets_manager, word};
use crate::start_rotations::PACE;

const READING: Reading = Reading {
    operation: WatchPasswords::OPERATION.name,
    task: "passwords",
    events: &["user.account.update_password", "user.account.reset_password"],
    time: Duration::from_secs(90),
    // Runs that failed kept no place yet.
    first: SignedDuration::from_hours(24),
};

/// Rotations that one run begins at most.
const MOST: usize = 60;

/// Time for a call of Secrets Manager, the pace before it, and what is noted afterwards.
const CALL: Duration = Duration::from_secs(12);

/// The task `watch-passwords`.
pub struct WatchPasswords {
    state: State,
    /// For `rotate`.
    vault: Option<SecretsManager>,
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Changes of somebody else.
    pub changed: Vec<Changed>,
}

/// A change of a password that no rotation made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Id of the user.
    pub user_id: String,
    /// ARN of the secret, whose password is not Okta's any more.
    pub secret: String,
    /// When, RFC 3339.
    pub at: String,
    /// Type of Okta's event.
    pub event_type: String,
    /// Whether a rotation began.
    pub rotates: bool,
}

/// Why a run ended early; the next one goes on where this one was.
#[derive(Debug)]
pub enum WatchPasswordsError {
    /// The log cannot be read.
    Okta(Error),
    /// The table did not answer.
    State(StateError),
    /// Secrets Manager did not answer.
    Vault(VaultError),
    /// As many rotations began as one run begins, or its time is over.
    Enough,
}

impl From<Error> for WatchPasswordsError {
    fn from(error: Error) -> Self {
        Self::Okta(error)
    }
}

impl From<StateError> for WatchPasswordsError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<WatchPasswordsError> for Failure {
    fn from(error: WatchPasswordsError) -> Self {
        match error {
            WatchPasswordsError::Okta(error) => Failure::okta("read the System Log", &error),
            WatchPasswordsError::State(error) => error.into(),
            WatchPasswordsError::Vault(error) => Failure::new(ProblemCode::Internal, error.to_string()),
            WatchPasswordsError::Enough => {
                Failure::new(ProblemCode::Internal, "the time is over; the next run goes on")
            }
        }
    }
}

impl Task for WatchPasswords {
    const OPERATION: &'static Operation = operations::get("watch-passwords");
    type Event = Value;
    type Output = Report;
    type Error = WatchPasswordsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let rotates =
            word(environment, &EnvVar::ROTATION_CHANGED_ELSEWHERE, &[("report", false), ("rotate", true)])?;
        let vault = rotates.then(|| secrets_manager(environment)).transpose()?;
        Ok(Self { state: State::prepare(environment)?, vault })
    }

    async fn run(&self, run: &Run, _event: Value) -> Result<Report, WatchPasswordsError> {
        let mut reader = Reader { task: self, report: Report::default(), begun: 0 };
        let read = read_on(run, &self.state, &READING, &mut reader).await;
        let changed = u32::try_from(reader.report.changed.len()).unwrap_or(u32::MAX);
        let metric = Metric::count(&measures::PASSWORDS_CHANGED_ELSEWHERE, changed);
        run.metrics.put(&[("operation", Self::OPERATION.name)], &[metric], run.clock.now_ms());
        match read {
            Ok(()) | Err(WatchPasswordsError::Enough) => Ok(reader.report),
            Err(error) => Err(error),
        }
    }

    fn example() -> Value {
        lambda_kit::scheduled_event()
    }
}

struct Reader<'r> {
    task: &'r WatchPasswords,
    report: Report,
    /// Rotations that began, or should have.
    begun: usize,
}

impl system_log::Reader for Reader<'_> {
    type Error = WatchPasswordsError;

    async fn event(&mut self, run: &Run, event: &LogEvent) -> Result<(), WatchPasswordsError> {
        let (Some(user), true) = (event.target_of("User"), event.is_done()) else { return Ok(()) };
        let Ok(at) = event.published.parse::<Timestamp>() else { return Ok(()) };
        let at = at.as_millisecond();
        let known = self.task.state.rotated_secrets(&user.id).await?;
        if known.iter().any(|known| known.was_rotated(at)) {
            return Ok(());
        }
        for known in known.into_iter().filter(|known| known.is_news(at)) {
            // Begun twice is better than not at all: the note comes after.
            let rotates = self.rotate(run, &known.secret).await?;
            self.task.state.report_change(&known, at).await?;
            let actor = event.actor.as_ref().map(|actor| actor.id.as_str());
            let (event_id, event_type) = (&event.uuid, &event.event_type);
            let (user_id, secret) = (&user.id, &known.secret);
            tracing::warn!(
                event_id,
                event_type,
                actor,
                user_id,
                secret,
                rotates,
                "somebody else changed a password that is rotated"
            );
            self.report.changed.push(Changed {
                user_id: user_id.clone(),
                secret: secret.clone(),
                at: event.published.clone(),
                event_type: event_type.clone(),
                rotates,
            });
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// Whether a rotation began.
    async fn rotate(&mut self, run: &Run, secret: &str) -> Result<bool, WatchPasswordsError> {
        let Some(vault) = &self.task.vault else { return Ok(false) };
        if self.begun >= MOST || tokio::time::Instant::now() + CALL >= run.deadline {
            return Err(WatchPasswordsError::Enough);
        }
        if self.begun > 0 {
            tokio::time::sleep(PACE).await;
        }
        self.begun += 1;
        match vault.rotate(secret).await {
            Ok(()) => Ok(true),
            Err(error) if error.retryable => Err(WatchPasswordsError::Vault(error)),
            // A rotation is under way, or the secret is gone: the report says so.
            Err(error) => {
                tracing::warn!(secret, error = error.message, "a rotation did not begin");
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use operation_testing::TestOrg;
    use run_kit::Actor;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/demo-AbCdEf";
    const SECOND: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/second-AbCdEf";
    const LOGIN: &str = "user@acme.test";

    async fn watch(org: &TestOrg) -> Result<Vec<Changed>, WatchPasswordsError> {
        let task = org.task::<WatchPasswords>();
        let report = task.run(&org.run(Actor::Schedule), json!({})).await?;
        Ok(report.changed)
    }

    async fn set(org: &TestOrg, password: &str) {
        let id = org.user(LOGIN).await;
        let body = json!({ "credentials": { "password": { "value": password } } });
        org.prepare("POST", &format!("/api/v1/users/{id}"), body).await;
    }

    /// A rotation, as the function notes it.
    async fn rotate(org: &TestOrg, secret: &str, password: &str) {
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        let begun = state.begin_rotation(&run, secret).await.unwrap();
        set(org, password).await;
        let id = org.user(LOGIN).await;
        state.end_rotation(&run, begun, Some(&id)).await.unwrap();
    }

    async fn pass(org: &TestOrg, seconds: u64) {
        org.advance_clock(Duration::from_secs(seconds));
    }

    fn kinds(changed: &[Changed]) -> Vec<&str> {
        changed.iter().map(|changed| changed.event_type.as_str()).collect()
    }

    #[tokio::test]
    async fn every_change_of_somebody_else_is_reported_once() {
        let org = TestOrg::start().await;
        let id = org.user(LOGIN).await;
        // Nobody rotates the password yet.
        set(&org, "Before-Any-Rotation-1").await;
        pass(&org, 30).await;
        assert_eq!(watch(&org).await.unwrap(), []);
        // Somebody made two secrets for one user.
        for (n, secret) in [SECRET, SECOND].into_iter().enumerate() {
            rotate(&org, secret, &format!("Rotated-Passw0rd-{n}")).await;
            pass(&org, 60).await;
            assert_eq!(watch(&org).await.unwrap(), []);
        }
        set(&org, "Somebody-Elses-1").await;
        pass(&org, 60).await;
        let changed = watch(&org).await.unwrap();
        assert_eq!(kinds(&changed), ["user.account.update_password"; 2]);
        assert!(changed.iter().all(|changed| changed.user_id == id));
        assert!([SECRET, SECOND].iter().all(|secret| changed.iter().any(|of| of.secret == *secret)));
        // Events of the last two minutes come again.
        assert_eq!(watch(&org).await.unwrap(), []);
        org.prepare(
            "POST",
            &format!("/api/v1/users/{id}/lifecycle/reset_password?sendEmail=false"),
            json!({}),
        )
        .await;
        pass(&org, 60).await;
        assert_eq!(kinds(&watch(&org).await.unwrap()), ["user.account.reset_password"; 2]);
        pass(&org, 600).await;
        assert_eq!(watch(&org).await.unwrap(), []);
    }

    /// Secrets Manager repeats a sequence: the times of earlier runs stay known.
    #[tokio::test]
    async fn a_rotation_that_was_repeated_is_no_news() {
        let org = TestOrg::start().await;
        for n in 0..20 {
            rotate(&org, SECRET, &format!("Rotated-Passw0rd-{n}")).await;
            pass(&org, 7).await;
        }
        assert_eq!(watch(&org).await.unwrap().len(), 0, "the oldest four are before what is known");
        assert_eq!(org.items("rotated#"), [format!("rotated#{SECRET}")]);
    }

    /// A run that was killed while it changed the password did so within a minute.
    #[tokio::test]
    async fn a_run_that_was_killed_is_known() {
        let org = TestOrg::start().await;
        let state = State::prepare(&org.environment()).unwrap();
        rotate(&org, SECRET, "Rotated-Passw0rd-0").await;
        pass(&org, 60).await;
        state.begin_rotation(&org.run(Actor::SecretsManager), SECRET).await.unwrap();
        pass(&org, 20).await;
        set(&org, "Rotated-Passw0rd-1").await;
        pass(&org, 90).await;
        set(&org, "Somebody-Elses-1").await;
        pass(&org, 10).await;
        assert_eq!(watch(&org).await.unwrap().len(), 1);
    }

    /// The secret was given to another user since: what the first one does is their own affair.
    #[tokio::test]
    async fn a_secret_that_is_another_users_by_now_is_no_news() {
        let org = TestOrg::start().await;
        rotate(&org, SECRET, "Rotated-Passw0rd-1").await;
        pass(&org, 60).await;
        let state = State::prepare(&org.environment()).unwrap();
        let run = org.run(Actor::SecretsManager);
        let begun = state.begin_rotation(&run, SECRET).await.unwrap();
        let other = org.user("admin@acme.test").await;
        state.end_rotation(&run, begun, Some(&other)).await.unwrap();
        pass(&org, 60).await;
        set(&org, "Their-Own-Passw0rd-1").await;
        pass(&org, 60).await;
        assert_eq!(watch(&org).await.unwrap(), []);
    }

    /// What was not reported because the table did not answer is, later.
    #[tokio::test]
    async fn nothing_is_lost_where_the_table_does_not_answer() {
        let org = TestOrg::start().await;
        rotate(&org, SECRET, "Rotated-Passw0rd-1").await;
        pass(&org, 60).await;
        set(&org, "Somebody-Elses-1").await;
        pass(&org, 60).await;
        let mut reported = 0;
        for nth in 1..=12 {
            org.break_dynamodb(nth, 3, false);
            if let Ok(changed) = watch(&org).await {
                reported += changed.len();
            }
            org.break_dynamodb(1, 0, false);
            // As the schedule comes by; a lease of before is over.
            pass(&org, 300).await;
        }
        reported += watch(&org).await.unwrap().len();
        // A run whose place could not be kept failed, and had said it in the log.
        assert!(reported <= 1 && org.tables().contains("reported"), "{reported}");
    }
}
