//! Starts the rotation of secrets that are due, or of all with a tag, now.
//!
//! # Okta calls
//!
//! None: Secrets Manager invokes the rotation function of each secret.
//!
//! A secret with the tag `okta-dac:rotate` is due when its last rotation is as many days ago
//! as the tag's value says, or when there was none. A person who invokes the function names a
//! tag, and all secrets with that tag are due: `{"tag": "team-a"}`, with `limit` and `dryRun`.
//!
//! One rotation begins per second: each is three calls to Okta. What one run does not get to,
//! the next one does.

use std::time::Duration;

use lambda_kit::Task;
use operations::{EnvVar, Operation, ProblemCode};
use rotation::secrets_manager::{Listed, SecretsManager};
use rotation::vault::VaultError;
use run_kit::{ConfigError, Environment, Failure, Metric, Run, measures};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::settings::secrets_manager;

/// The tag of secrets that a schedule rotates; its value is a number of days.
const TAG: &str = "okta-dac:rotate";

/// Between the beginnings of two rotations.
pub(crate) const PACE: Duration = Duration::from_secs(1);

/// Rotations that one run begins, unless it is told otherwise.
const MOST: usize = 200;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The task `start-rotations`.
pub struct StartRotations {
    vault: SecretsManager,
    prefix: String,
}

/// What a schedule sends, which names nothing of these, or a person.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// All secrets with this tag are due.
    tag: Option<String>,
    /// Rotations that begin at most.
    limit: Option<usize>,
    /// Says what is due, and begins nothing.
    dry_run: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Secrets with the tag.
    pub tagged: usize,
    /// Names of those that are due, those that were rotated the longest ago first.
    pub due: Vec<String>,
    /// Rotations that began.
    pub started: usize,
    /// Those that did not; the log says why.
    pub failed: usize,
    /// Those that the next run begins.
    pub left: usize,
}

/// Why a run did nothing.
#[derive(Debug)]
pub enum StartRotationsError {
    /// The secrets cannot be listed.
    List(VaultError),
}

impl From<StartRotationsError> for Failure {
    fn from(StartRotationsError::List(error): StartRotationsError) -> Self {
        Failure::new(ProblemCode::Internal, error.to_string())
    }
}

impl Task for StartRotations {
    const OPERATION: &'static Operation = operations::get("start-rotations");
    type Event = Event;
    type Output = Report;
    type Error = StartRotationsError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let prefix = environment.text(&EnvVar::ROTATION_SECRET_PREFIX)?;
        Ok(Self { vault: secrets_manager(environment)?, prefix })
    }

    async fn run(&self, run: &Run, event: Event) -> Result<Report, StartRotationsError> {
        let tag = event.tag.as_deref().unwrap_or(TAG);
        let listed = self.vault.list(&self.prefix, tag).await.map_err(StartRotationsError::List)?;
        let now = run.clock.now_ms();
        let is_due = |secret: &&Listed| event.tag.is_some() || is_due(secret, now);
        let mut due: Vec<&Listed> = listed.iter().filter(is_due).collect();
        // The longest ago first: what this run does not get to is before the rest in the next.
        due.sort_by_key(|secret| secret.rotated);
        let most = event.limit.unwrap_or(MOST);
        let mut report = Report {
            tagged: listed.len(),
            due: due.iter().map(|secret| secret.name.clone()).collect(),
            ..Report::default()
        };
        for secret in due.iter().take(if event.dry_run { 0 } else { most }) {
            // The pace would pass the deadline: the next run goes on.
            if report.started + report.failed > 0 {
                if tokio::time::Instant::now() + PACE >= run.deadline {
                    break;
                }
                tokio::time::sleep(PACE).await;
            }
            match self.vault.rotate(&secret.arn).await {
                Ok(()) => report.started += 1,
                Err(error) => {
                    report.failed += 1;
                    tracing::warn!(secret = secret.name, error = error.message, "a rotation did not begin");
                }
            }
        }
        report.left = due.len() - report.started - report.failed;
        let metrics = [
            Metric::count(&measures::ROTATIONS_STARTED, u32::try_from(report.started).unwrap_or(u32::MAX)),
            Metric::count(&measures::ROTATIONS_NOT_STARTED, u32::try_from(report.failed).unwrap_or(u32::MAX)),
        ];
        run.metrics.put(&[("operation", Self::OPERATION.name)], &metrics, now);
        Ok(report)
    }

    fn example() -> Value {
        lambda_kit::scheduled_event()
    }
}

/// Whether the last rotation is as long ago as the tag says.
fn is_due(secret: &Listed, now: i64) -> bool {
    let Ok(days) = secret.tag.trim().parse::<i64>() else {
        tracing::warn!(
            secret = secret.name,
            "the tag `{TAG}` has no number of days: the secret is not rotated"
        );
        return false;
    };
    let last = secret.rotated.map(|time| time.as_millisecond());
    last.is_none_or(|last| now - last >= days.clamp(1, 1_000) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_due_after_the_days_of_its_tag() {
        let secret = |tag: &str, days_ago: Option<i64>| Listed {
            arn: String::new(),
            name: "okta-dac/users/one".to_owned(),
            tag: tag.to_owned(),
            rotated: days_ago
                .map(|days| jiff::Timestamp::from_millisecond(1_000 * DAY - days * DAY).unwrap()),
        };
        for (tag, days_ago, due) in [
            ("30", None, true),
            ("30", Some(30), true),
            ("30", Some(29), false),
            (" 1 ", Some(1), true),
            ("0", Some(0), false),
            ("-5", Some(0), false),
            ("yes", None, false),
            ("", Some(400), false),
        ] {
            assert_eq!(is_due(&secret(tag, days_ago), 1_000 * DAY), due, "{tag} {days_ago:?}");
        }
    }
}
