//! Looks for what a run that was killed left in the org, and for what somebody did who is
//! no operator.
//!
//! The crate `examination` says what is wrong with an object, and cures what can be cured; this
//! package walks through the org, and reports.
//!
//! - `pass`: a walk through the whole org that can stop and go on anywhere.
//! - `ended_rights`: rights that ended in Okta without a word.
//! - `reconcile`: the task, which walks piece by piece.

mod domains;
mod ended_rights;
mod pass;
mod reconcile;
#[cfg(test)]
mod testing;

pub use reconcile::{Reconcile, ReconcileError, Report};

/// The tasks of this package.
pub const TASKS: &[lambda_kit::TaskDescription] = &[lambda_kit::TaskDescription::of::<Reconcile>()];
