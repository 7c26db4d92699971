//! What every run has, whoever started it: a request of a caller, a hook of
//! Okta's, a schedule, or an operator at a terminal.
//!
//! - [`Run`]: two clients of the org, a deadline, a clock, who acts, an id.
//! - [`Permit`]: whether the run may change something.
//! - [`Steps`]: the steps of a composite operation, and how to take them back.
//! - [`Failure`]: why a run did not do what it was for, without a transport.
//! - [`Environment`]: what a function is configured with, read when it starts.
//! - [`Secrets`]: secrets with a time to live.
//! - [`Audit`] and [`Metrics`]: where records and numbers of runs go.
//!
//! This crate knows neither HTTP servers nor Lambda: the crates that find tenants
//! and keep state stand on it, and so can a program for a terminal.

mod actor;
mod audit;
mod aws;
mod clock;
mod environment;
mod failure;
mod http;
mod log;
mod metrics;
mod okta_access;
mod permit;
mod run;
mod secrets;
mod steps;

pub use actor::Actor;
pub use audit::{Audit, AuditEntry, AuditLog, Outcome, Record};
pub use aws::AwsAccess;
pub use clock::Clock;
pub use environment::{ConfigError, Environment};
pub use failure::{Failure, Object, Violation, chain};
pub use http::http_client;
pub use log::init as init_log;
pub use metrics::{EmbeddedMetrics, Measure, Metric, Metrics, Unit, measures};
pub use okta_access::OktaAccess;
pub use okta_client::OrgUrl;
pub use permit::{Denied, Permit};
pub use run::{OktaClients, Run, UNDO};
pub use secrets::{Secret, SecretError, Secrets};
pub use steps::{Found, Incomplete, StepFailure, Steps, Stopped, Undo, Undone};
