//! Prepares an Okta org for okta-dac: what it has once, besides tenants.
//!
//! | module | what it has |
//! |---|---|
//! | [`doctor`] | what is not as it has to be, and its cure |
//! | [`hooks`] | the hooks, once the API's address is known |
//! | [`migrate`] | an org of the predecessor, taken over |
//! | [`plan`] | what is wanted, what is there, and the step that comes next: pure |
//! | [`remove`] | everything that was made, taken out |
//! | [`seen`] | what is there, read from the org |
//! | [`setup`] | one step after the other, until nothing lacks |
//!
//! A run looks at the org, makes what lacks, and ends where nothing lacks: a run that was killed,
//! or whose answer was lost, is completed by the next one, and a second run changes nothing. What
//! the run makes bears a mark. An object of somebody else that has the name of one of ours stops
//! the run before its first change, unless it is to be adopted.

pub mod doctor;
pub mod hooks;
pub mod migrate;
pub mod plan;
pub mod remove;
pub mod seen;
pub mod setup;
