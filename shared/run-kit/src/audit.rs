//! Who did what: a record of each run that changes something.

use std::sync::{Arc, OnceLock};

use futures::future::{BoxFuture, FutureExt};
use operations::ProblemCode;
use tokio::sync::OnceCell;

use crate::{Actor, Clock, Failure};

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
    /// Id of the tenant that the run changes, if it is one and is known yet.
    pub tenant: Option<&'r str>,
    /// Ids of the other objects that the run is about: name of the path's parameter, id.
    pub objects: &'r [(String, String)],
    /// When the record was begun, RFC 3339, UTC.
    pub begun: &'r str,
}

/// Where records go.
pub trait Audit: std::fmt::Debug + Send + Sync {
    /// Keeps the beginning of a record. A run whose record cannot be begun changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// Why the record is not kept.
    fn begin<'r>(&'r self, entry: AuditEntry<'r>) -> BoxFuture<'r, Result<(), Failure>>;

    /// Keeps how the run ended; `first` is the entry that was begun. `left` names what was
    /// left behind: kind and id of each object.
    ///
    /// # Errors
    ///
    /// Why the end is not kept: the record stays open.
    fn end<'r>(
        &'r self,
        first: AuditEntry<'r>,
        tenant: Option<&'r str>,
        outcome: Outcome,
        left: &'r [String],
    ) -> BoxFuture<'r, Result<(), Failure>>;
}

/// To the log alone: [`Record::end`] writes the line.
#[derive(Clone, Copy, Debug)]
pub struct AuditLog;

impl Audit for AuditLog {
    fn begin<'r>(&'r self, _: AuditEntry<'r>) -> BoxFuture<'r, Result<(), Failure>> {
        async { Ok(()) }.boxed()
    }

    fn end<'r>(
        &'r self,
        _: AuditEntry<'r>,
        _: Option<&'r str>,
        _: Outcome,
        _: &'r [String],
    ) -> BoxFuture<'r, Result<(), Failure>> {
        async { Ok(()) }.boxed()
    }
}

/// The record of one run. It is begun with the run's first change, and not before: a run
/// that is refused leaves a line of log alone.
#[derive(Clone, Debug)]
pub struct Record(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    sink: Arc<dyn Audit>,
    run_id: String,
    actor: Actor,
    operation: &'static str,
    objects: Vec<(String, String)>,
    clock: Clock,
    tenant: OnceLock<String>,
    begun: OnceCell<Begun>,
}

/// What became of the beginning.
#[derive(Debug)]
struct Begun {
    time: String,
    tenant: Option<String>,
    is_kept: bool,
}

impl Record {
    /// The record of a run, which is kept in `sink`.
    pub fn new(
        sink: Arc<dyn Audit>,
        run_id: impl Into<String>,
        actor: Actor,
        operation: &'static str,
        objects: Vec<(String, String)>,
    ) -> Self {
        let (run_id, clock) = (run_id.into(), Clock::system());
        let (tenant, begun) = (OnceLock::new(), OnceCell::new());
        Self(Arc::new(Parts { sink, run_id, actor, operation, objects, clock, tenant, begun }))
    }

    /// A record of its own for a part of the run, which has not begun.
    #[must_use]
    pub fn beside(&self) -> Self {
        let Parts { sink, run_id, actor, operation, .. } = &*self.0;
        Self::new(sink.clone(), run_id.clone(), actor.clone(), operation, Vec::new())
    }

    /// Says which tenant the run changes. The first tenant counts.
    pub fn concerns(&self, tenant_id: &str) {
        let _ = self.0.tenant.set(tenant_id.to_owned());
    }

    /// The tenant that the run changes, as far as it is known.
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.get().map(String::as_str)
    }

    /// Begins the record, once; `false` if it cannot be kept.
    pub async fn begin(&self) -> bool {
        let begun = self.0.begun.get_or_init(|| async {
            let (time, tenant) = (self.0.clock.time(), self.tenant().map(str::to_owned));
            let kept = self.0.sink.begin(self.entry(&time, tenant.as_deref())).await;
            if let Err(failure) = &kept {
                let (operation, error) = (self.0.operation, failure.log_text());
                tracing::error!(operation, error, "the begin of a run is not recorded; nothing is changed");
            }
            Begun { is_kept: kept.is_ok(), time, tenant }
        });
        begun.await.is_kept
    }

    /// Whether the record could not be begun: the run has changed nothing.
    pub fn is_lost(&self) -> bool {
        self.0.begun.get().is_some_and(|begun| !begun.is_kept)
    }

    /// Ends the record, if it was begun, and writes the line of log.
    pub async fn end(&self, failure: Option<&Failure>) {
        let outcome = Outcome::of(failure);
        let (actor, operation) = (self.0.actor.to_string(), self.0.operation);
        let (run_id, tenant) = (&self.0.run_id, self.tenant());
        let left = failure.map(Failure::left_behind_ids).unwrap_or_default();
        tracing::info!(operation, run_id, actor, tenant, outcome = outcome.as_str(), "audit");
        let Some(begun) = self.0.begun.get().filter(|begun| begun.is_kept) else { return };
        let first = self.entry(&begun.time, begun.tenant.as_deref());
        // The change is made; that its end is not recorded takes nothing back.
        if let Err(failure) = self.0.sink.end(first, tenant, outcome, &left).await {
            tracing::error!(operation, error = failure.log_text(), "the end of a run is not recorded");
        }
    }

    fn entry<'r>(&'r self, begun: &'r str, tenant: Option<&'r str>) -> AuditEntry<'r> {
        let Parts { run_id, actor, operation, objects, .. } = &*self.0;
        AuditEntry { run_id, actor, operation, tenant, objects, begun }
    }
}
