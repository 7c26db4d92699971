//! Composite operations: steps, and how to take them back.
//!
//! ```text
//! let steps = Steps::of(run);
//! let group = steps.create("create the group", okta.add_group(&profile), |made| …undo…).await?;
//! …
//! Err(failure) => steps.unwind(failure).await
//! ```
//!
//! - Steps may run at the same time; they are taken back one after the other,
//!   in the reverse of the order in which they were *begun*.
//! - A step whose answer was lost may have happened. Its undo is told so, looks
//!   for the object, and says if it cannot know.
//! - An undo gets the run's own client for undoing, with its own time, and beyond
//!   the share of Okta's limits: an operation cannot choose another one.
//! - The first undo that fails ends the unwinding, because the earlier objects
//!   are what a repeated run recognises the half-made thing by. Everything that
//!   remains is named in the failure.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use okta_client::Client;
use operations::ProblemCode;
use serde_json::json;

use crate::{Failure, Object, Run};

type OktaResult<T> = Result<T, okta_client::Error>;
type UndoAction = Box<dyn FnOnce(Client) -> Pin<Box<dyn Future<Output = OktaResult<Undone>> + Send>> + Send>;

/// Takes a step back. Nothing happens until the steps are unwound.
pub struct Undo {
    object: Object,
    action: UndoAction,
}

/// What an undo finds of an object whose creation lost its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<I> {
    /// It is there, and it is the one that the step made.
    Ours(I),
    /// It was not made.
    Absent,
    /// Nothing can be said: a search may be late, or the object may be somebody
    /// else's.
    Unknown,
}

impl Undo {
    /// An undo of the step that made or changed `object`; `action` gets the client
    /// for undoing.
    pub fn new<F>(object: Object, action: impl FnOnce(Client) -> F + Send + 'static) -> Self
    where
        F: Future<Output = OktaResult<Undone>> + Send + 'static,
    {
        Self { object, action: Box::new(move |okta| Box::pin(action(okta))) }
    }

    /// An undo of a creation. The object is deleted by the id that its creation gave
    /// (`made`); where that answer was lost, by the id that `find` gives.
    pub fn of_creation<I, F, D>(
        kind: &'static str,
        name: impl Into<String>,
        made: Option<I>,
        find: impl FnOnce(Client) -> F + Send + 'static,
        delete: impl FnOnce(Client, I) -> D + Send + 'static,
    ) -> Self
    where
        I: ToString + Send + 'static,
        F: Future<Output = OktaResult<Found<I>>> + Send + 'static,
        D: Future<Output = OktaResult<()>> + Send + 'static,
    {
        let object = match &made {
            Some(id) => Object::new(kind, name, id.to_string()),
            None => Object::unknown(kind, name),
        };
        Self::new(object, move |okta| async move {
            let id = match made {
                Some(id) => id,
                None => match find(okta.clone()).await? {
                    Found::Ours(id) => id,
                    Found::Absent => return Ok(Undone::Entirely),
                    Found::Unknown => return Ok(Undone::Unknown),
                },
            };
            delete(okta, id).await.map(|()| Undone::Entirely)
        })
    }
}

/// What an undo achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// As if the step had not happened.
    Entirely,
    /// Whether it happened is not known; nothing was found.
    Unknown,
}

/// The steps of one run.
pub struct Steps {
    undo: Client,
    log: Mutex<Vec<Slot>>,
}

struct Slot {
    step: &'static str,
    completed: bool,
    undo: Option<Undo>,
}

/// A step that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct StepFailure {
    /// What was tried, as it reads after "failed to".
    pub step: &'static str,
    /// Why it failed.
    pub source: okta_client::Error,
}

impl From<StepFailure> for Failure {
    fn from(StepFailure { step, source }: StepFailure) -> Self {
        Failure::okta(step, &source)
    }
}

/// A run that stopped, and what became of what it had done.
#[derive(Debug)]
pub enum Stopped<C = StepFailure> {
    /// Everything is as it was: what stopped the run is all there is to say.
    TakenBack(C),
    /// Something is left.
    Incomplete(Box<Incomplete>),
}

/// What a run that stopped half-way has done, taken back and left.
#[derive(Debug)]
pub struct Incomplete {
    /// The steps that were done, in their order.
    pub completed: Vec<&'static str>,
    /// What was taken back.
    pub undone: Vec<Object>,
    /// What remains, or may remain.
    pub left_behind: Vec<Object>,
    /// The step of Okta's that stopped the run, if it was one.
    pub cause: Option<StepFailure>,
    /// Why not everything was taken back.
    pub stuck: Option<okta_client::Error>,
}

impl Incomplete {
    /// A run that stopped after steps that nothing takes back.
    pub fn after(completed: &[&'static str], left_behind: Vec<Object>) -> Self {
        Self { completed: completed.to_vec(), undone: Vec::new(), left_behind, cause: None, stuck: None }
    }

    /// The same, stopped by this call.
    #[must_use]
    pub fn because(self, step: &'static str, source: okta_client::Error) -> Self {
        Self { cause: Some(StepFailure { step, source }), ..self }
    }
}

impl<C: Into<Failure>> From<Stopped<C>> for Failure {
    fn from(stopped: Stopped<C>) -> Self {
        match stopped {
            Stopped::TakenBack(cause) => cause.into(),
            Stopped::Incomplete(incomplete) => (*incomplete).into(),
        }
    }
}

impl From<Incomplete> for Failure {
    fn from(incomplete: Incomplete) -> Self {
        let Incomplete { completed, undone, left_behind, cause, stuck } = incomplete;
        let names: Vec<_> = left_behind.iter().map(|o| format!("{} `{}`", o.kind, o.name)).collect();
        let detail = format!(
            "the operation stopped half-way; these objects remain or may remain: {}; send the same request again to complete it",
            names.join(", ")
        );
        let mut failure = Failure::new(ProblemCode::OperationIncomplete, detail)
            .member("completed", json!(completed))
            .member("undone", json!(undone))
            .member("leftBehind", json!(left_behind))
            .retry_after(Duration::from_secs(1));
        if let Some(StepFailure { step, source }) = &cause {
            failure = failure.quoting(source).log(step, source);
        }
        match &stuck {
            Some(error) => failure.log("take a step back", error),
            None => failure,
        }
    }
}

impl Steps {
    /// The steps of a run: what takes them back uses the run's client for undoing.
    pub fn of(run: &Run) -> Self {
        Self { undo: run.okta.undo().clone(), log: Mutex::default() }
    }

    /// Runs a step that needs no undo of its own: an earlier one covers it.
    ///
    /// # Errors
    ///
    /// The step's failure.
    pub async fn run<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
    ) -> Result<T, StepFailure> {
        self.log_step(step, action, |_| None).await
    }

    /// Runs a step that makes something. `undo` gets what was made, or `None`
    /// if it may have been made and the answer was lost.
    ///
    /// # Errors
    ///
    /// The step's failure.
    pub async fn create<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
        undo: impl FnOnce(Option<&T>) -> Undo,
    ) -> Result<T, StepFailure> {
        self.log_step(step, action, |made| Some(undo(made))).await
    }

    /// Runs a step that changes something; `undo` sets it back and may be run
    /// whether or not the change happened.
    ///
    /// # Errors
    ///
    /// The step's failure.
    pub async fn change<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
        undo: Undo,
    ) -> Result<T, StepFailure> {
        self.log_step(step, action, |_| Some(undo)).await
    }

    async fn log_step<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
        undo: impl FnOnce(Option<&T>) -> Option<Undo>,
    ) -> Result<T, StepFailure> {
        // The slot is taken before the step runs: steps that run at the same
        // time are undone in a fixed order.
        let slot = {
            let mut log = self.lock();
            log.push(Slot { step, completed: false, undo: None });
            log.len() - 1
        };
        let result = action.await;
        let undo = match &result {
            Ok(made) => undo(Some(made)),
            Err(error) if error.may_have_happened() => undo(None),
            Err(_) => None,
        };
        let mut log = self.lock();
        log[slot].completed = result.is_ok();
        log[slot].undo = undo;
        drop(log);
        result.map_err(|source| StepFailure { step, source })
    }

    /// Takes everything back after a step failed, and says what became of it.
    pub async fn unwind(&self, failure: StepFailure) -> Stopped {
        match self.take_back().await {
            None => Stopped::TakenBack(failure),
            Some(incomplete) => {
                Stopped::Incomplete(Box::new(Incomplete { cause: Some(failure), ..incomplete }))
            }
        }
    }

    /// The same after something failed that is no step.
    pub async fn unwind_after<C>(&self, cause: C) -> Stopped<C> {
        match self.take_back().await {
            None => Stopped::TakenBack(cause),
            Some(incomplete) => Stopped::Incomplete(Box::new(incomplete)),
        }
    }

    /// Takes everything back; gives what is left, if something is.
    async fn take_back(&self) -> Option<Incomplete> {
        let log = std::mem::take(&mut *self.lock());
        let completed = log.iter().filter(|slot| slot.completed).map(|slot| slot.step).collect();
        let (mut undone, mut left_behind, mut stuck) = (Vec::new(), Vec::new(), None);
        for Undo { object, action } in log.into_iter().rev().filter_map(|slot| slot.undo) {
            if stuck.is_some() {
                left_behind.push(object);
                continue;
            }
            match action(self.undo.clone()).await {
                Ok(Undone::Entirely) => undone.push(object),
                Ok(Undone::Unknown) => left_behind.push(object),
                Err(error) => {
                    stuck = Some(error);
                    left_behind.push(object);
                }
            }
        }
        (!left_behind.is_empty()).then_some(Incomplete { completed, undone, left_behind, cause: None, stuck })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
