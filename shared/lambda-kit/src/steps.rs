//! Composite operations: steps, and how to take them back.
//!
//! ```text
//! let group = steps.create("create the group", okta.add_group(&profile), |made| …undo…).await?;
//! …
//! Err(failure) => steps.unwind(failure).await
//! ```
//!
//! - Steps may run at the same time; they are taken back one after the other,
//!   in the reverse of the order in which they were *begun*.
//! - A step whose answer was lost may have happened. Its undo is told so, looks
//!   for the object, and says if it cannot know.
//! - The first undo that fails ends the unwinding, because the earlier objects
//!   are what a repeated request recognises the half-made thing by. Everything
//!   that remains is named in the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use crate::{Object, Problem};

type OktaResult<T> = Result<T, okta_client::Error>;

/// Takes a step back. Lazy: nothing happens until it is awaited.
pub struct Undo {
    object: Object,
    action: Pin<Box<dyn Future<Output = OktaResult<Undone>> + Send>>,
}

impl Undo {
    /// An undo of the step that made or changed `object`.
    pub fn new(object: Object, action: impl Future<Output = OktaResult<Undone>> + Send + 'static) -> Self {
        Self { object, action: Box::pin(action) }
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
#[derive(Default)]
pub struct Steps {
    log: Mutex<Vec<Slot>>,
}

struct Slot {
    step: &'static str,
    completed: bool,
    undo: Option<Undo>,
}

/// A step that failed.
#[derive(Debug)]
pub struct Failure {
    /// What was tried.
    pub step: &'static str,
    /// Why it failed.
    pub source: okta_client::Error,
}

impl Steps {
    /// Runs a step that needs no undo of its own: an earlier one covers it.
    ///
    /// # Errors
    ///
    /// The step's failure.
    pub async fn run<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
    ) -> Result<T, Failure> {
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
    ) -> Result<T, Failure> {
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
    ) -> Result<T, Failure> {
        self.log_step(step, action, |_| Some(undo)).await
    }

    async fn log_step<T>(
        &self,
        step: &'static str,
        action: impl Future<Output = OktaResult<T>>,
        undo: impl FnOnce(Option<&T>) -> Option<Undo>,
    ) -> Result<T, Failure> {
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
        result.map_err(|source| Failure { step, source })
    }

    /// Takes everything back and says what became of it: the failure's own
    /// problem if nothing is left, else `operation-incomplete`.
    pub async fn unwind(&self, failure: Failure) -> Problem {
        match self.take_back().await {
            None => Problem::okta(failure.step, &failure.source),
            Some((mut problem, stuck)) => {
                problem.quote(&failure.source);
                let problem = problem.log(failure.step, &failure.source);
                match stuck {
                    Some(error) => problem.log("take a step back", &error),
                    None => problem,
                }
            }
        }
    }

    /// The same after something failed that is no step: its own problem if nothing
    /// is left.
    pub async fn unwind_after(&self, problem: Problem) -> Problem {
        match self.take_back().await {
            None => problem,
            Some((incomplete, Some(error))) => incomplete.log("take a step back", &error),
            Some((incomplete, None)) => incomplete,
        }
    }

    /// Takes everything back; if something is left, what says so, and why.
    async fn take_back(&self) -> Option<(Problem, Option<okta_client::Error>)> {
        let log = std::mem::take(&mut *self.lock());
        let completed: Vec<_> = log.iter().filter(|slot| slot.completed).map(|slot| slot.step).collect();
        let (mut undone, mut left_behind, mut stuck) = (Vec::new(), Vec::new(), None);
        for Undo { object, action } in log.into_iter().rev().filter_map(|slot| slot.undo) {
            if stuck.is_some() {
                left_behind.push(object);
                continue;
            }
            match action.await {
                Ok(Undone::Entirely) => undone.push(object),
                Ok(Undone::Unknown) => left_behind.push(object),
                Err(error) => {
                    stuck = Some(error);
                    left_behind.push(object);
                }
            }
        }
        (!left_behind.is_empty()).then(|| (Problem::incomplete(&completed, &undone, &left_behind), stuck))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
