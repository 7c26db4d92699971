//! Looks for what a run that was killed left in the org, and for what somebody did who is
//! no operator.
//!
//! A composite operation takes its steps back when a step fails. Nothing takes them
//! back when the process dies: then a half-made object stays until somebody sends the
//! same request again. This package finds such objects, cures those that nobody has to
//! decide about, and reports each.
//!
//! - `finding`: the kinds of damage, and what is said of one.
//! - `pass`: a walk through the whole org that can stop and go on anywhere.
//! - `org`: the superusers' group, and runs that died.
//! - `tenant`: what can be wrong with one tenant.
//! - `entitlement`: what can be wrong with one app group.
//! - `strays`: objects that belong to no tenant any more.
//! - `cure`: what is done about it.
//! - `ended_rights`: rights that ended in Okta without a word.
//! - `reconcile`: the task, which walks piece by piece.

mod cure;
mod ended_rights;
mod entitlement;
mod finding;
mod org;
mod pass;
mod reconcile;
mod strays;
mod tenant;
#[cfg(test)]
mod testing;

pub use finding::{Finding, Kind};
pub use reconcile::{Reconcile, ReconcileError, Report};

/// The tasks of this package.
pub const TASKS: &[lambda_kit::TaskDescription] = &[lambda_kit::TaskDescription::of::<Reconcile>()];
