//! Ends the responses whose time is over, and judges those whose run died.
//!
//! # Okta calls
//!
//! Those of [`crate::lift`], for each response that is due.
//!
//! Runs every minute. What one run does not get to, or what Okta does not do, the next one
//! does: a response stays due until it is ended.
//! Responses end also while `RESPONSE_MODE` is `off`: nobody stays suspended because the
//! deployment changed its mind.

use std::collections::BTreeMap;
use std::time::Duration;

use containment::{Response, State as Stand};
use futures::{StreamExt, stream};
use lambda_kit::Task;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Metric, Run, measures};
use serde::Serialize;
use serde_json::Value;
use state::{LockError, StateError};

use crate::due::time;
use crate::lift::{By, LiftError};
use crate::settings::Responding;

/// Responses of one page.
const PAGE: i32 = 100;

/// Users at the same time.
const AT_ONCE: usize = 4;

/// Time of one response.
const PIECE: Duration = Duration::from_secs(20);

/// The task `expire-responses`.
pub struct ExpireResponses {
    responding: Responding,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Responses that were due.
    pub due: u32,
    /// Those that ended.
    pub ended: u32,
    /// Those whose run had died: what it did is known now.
    pub judged: u32,
    /// Those that the next run tries again.
    pub left: u32,
}

/// Why a run did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExpireResponsesError {
    /// The table did not say what is due.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<ExpireResponsesError> for Failure {
    fn from(ExpireResponsesError::State(error): ExpireResponsesError) -> Self {
        error.into()
    }
}

impl Task for ExpireResponses {
    const OPERATION: &'static Operation = operations::get("expire-responses");
    type Event = Value;
    type Output = Report;
    type Error = ExpireResponsesError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { responding: Responding::prepare(environment)? })
    }

    async fn run(&self, run: &Run, _event: Value) -> Result<Report, ExpireResponsesError> {
        let responses = &self.responding.responses;
        let now = time(run, 0);
        let due = responses.state.due_responses(&responses.table, &now, PAGE).await?;
        // One after the other of each user: all of them have this run's locks.
        let mut users: BTreeMap<&str, Vec<&Response>> = BTreeMap::new();
        for response in &due {
            users.entry(&response.user).or_default().push(response);
        }
        let work: Vec<_> = users.into_values().map(|own| self.look_at_all(run, &now, own)).collect();
        let words: Vec<Vec<Word>> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        let words = words.concat();
        let count = |word| u32::try_from(words.iter().filter(|w| **w == word).count()).unwrap_or(u32::MAX);
        let report = Report {
            due: u32::try_from(due.len()).unwrap_or(u32::MAX),
            ended: count(Word::Ended),
            judged: count(Word::Judged),
            left: count(Word::Left) + count(Word::Busy),
        };
        let metrics = [
            Metric::count(&measures::RESPONSES_ENDED, report.ended),
            Metric::count(&measures::RESPONSES_JUDGED, report.judged),
            // Who holds the lock of a user gives the lock back: the next run is a minute away.
            Metric::count(&measures::RESPONSES_LEFT, count(Word::Left)),
        ];
        run.metrics.put(&[("operation", Self::OPERATION.name)], &metrics, run.clock.now_ms());
        Ok(report)
    }

    fn example() -> Value {
        lambda_kit::scheduled_event()
    }
}

/// What became of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Ended,
    Judged,
    Busy,
    Left,
}

impl ExpireResponses {
    async fn look_at_all(&self, run: &Run, now: &str, responses: Vec<&Response>) -> Vec<Word> {
        let mut words = Vec::new();
        for response in responses {
            words.push(self.look_at(run, now, response).await);
        }
        words
    }

    async fn look_at(&self, run: &Run, now: &str, response: &Response) -> Word {
        let piece = run.piece(PIECE);
        let is_over = response.lifted.is_some() || response.expires.as_deref().is_some_and(|end| end <= now);
        let result = match (is_over, response.status) {
            (true, _) => self.responding.lift(&piece, &response.id, By::Time).await.map(|_| Word::Ended),
            (false, Stand::Running) => {
                self.responding.judge(&piece, &response.id).await.map(|()| Word::Judged)
            }
            // The index is late: it was ended or changed meanwhile.
            (false, _) => Ok(Word::Judged),
        };
        result.unwrap_or_else(|error| {
            let is_busy = matches!(error, LiftError::Lock(LockError::Busy { .. }));
            let failure = Failure::from(error);
            let (id, error) = (&response.id, failure.log_text());
            match is_busy {
                true => {
                    tracing::info!(response = id, "the user of a response is being changed");
                    Word::Busy
                }
                false => {
                    tracing::warn!(response = id, error, "a response is not ended yet");
                    Word::Left
                }
            }
        })
    }
}
