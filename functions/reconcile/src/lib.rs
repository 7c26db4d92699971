//! Looks for what a run that was killed left in the org.
//!
//! A composite operation takes its steps back when a step fails. Nothing takes them
//! back when the process dies: then a half-made object stays until somebody sends the
//! same request again. This package finds such objects, and reports each of them. It
//! changes nothing in the org.
//!
//! - `finding`: the twelve kinds of damage, and what is said of one.
//! - `pass`: a walk through the whole org that can stop and go on anywhere.
//! - `tenant`: what can be wrong with one tenant.
//! - `entitlement`: what can be wrong with one app group.
//! - `strays`: objects that belong to no tenant any more.
//! - `reconcile`: the task, which walks piece by piece.

mod entitlement;
mod finding;
mod pass;
mod reconcile;
mod strays;
mod tenant;
#[cfg(test)]
mod testing;

pub use finding::{Finding, Kind};
pub use reconcile::{Reconcile, Report};

/// The tasks of this package.
pub const TASKS: &[lambda_kit::TaskDescription] = &[lambda_kit::TaskDescription::of::<Reconcile>()];
