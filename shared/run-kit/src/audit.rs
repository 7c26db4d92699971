//! Who did what: a record of each run that changes something.

use futures::future::{BoxFuture, FutureExt};
use operations::ProblemCode;

use crate::{Actor, Failure};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// It changed nothing: refused, or taken back.
    Refused,
    /// It stopped half-way; something is left.
    Incomplete,
}

impl Outcome {
    /// How a run with this failure, or without one, ended.
    pub fn of(failure: Option<&Failure>) -> Self {
        match failure {
            None => Outcome::Done,
            Some(failure) if failure.code() == ProblemCode::OperationIncomplete => Outcome::Incomplete,
            Some(_) => Outcome::Refused,
        }
    }

    /// As records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
            Outcome::Incomplete => "incomplete",
        }
    }
}

/// A record: ids alone, no names and no payloads.
#[derive(Clone, Copy, Debug)]
pub struct AuditEntry<'r> {
    /// Id of the run.
    pub run_id: &'r str,
    /// Who started the run.
    pub actor: &'r Actor,
    /// Name of the operation.
    pub operation: &'static str,
    /// How the run ended; `None` where it ends is not known yet.
    pub outcome: Option<Outcome>,
}

/// Where records go.
pub trait Audit: std::fmt::Debug + Send + Sync {
    /// Keeps a record. A run whose record cannot be begun changes nothing.
    ///
    /// # Errors
    ///
    /// Why the record is not kept.
    fn record<'r>(&'r self, entry: AuditEntry<'r>) -> BoxFuture<'r, Result<(), Failure>>;
}

/// To the log: a line when the run has ended.
#[derive(Clone, Copy, Debug)]
pub struct AuditLog;

impl Audit for AuditLog {
    fn record<'r>(&'r self, entry: AuditEntry<'r>) -> BoxFuture<'r, Result<(), Failure>> {
        let AuditEntry { run_id, actor, operation, outcome } = entry;
        if let Some(outcome) = outcome {
            let (actor, outcome) = (actor.to_string(), outcome.as_str());
            tracing::info!(operation, run_id, actor, outcome, "audit");
        }
        async { Ok(()) }.boxed()
    }
}
