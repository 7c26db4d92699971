//! The table of operations: what okta-dac can do, who may do it, what can go
//! wrong, and which environment variables its functions read.
//!
//! Everything else is derived from this crate or checked against it by
//! `tests/contract`: the binaries, `template.yaml`, the authorizer's policy,
//! the sample events, the OpenAPI document and the pages under `docs/`.
//! No I/O and no async code live here.

mod env_var;
mod operation;
mod problem_code;
mod routes;
mod table;

pub use env_var::EnvVar;
pub use operation::{Access, DAC_ADMIN, MANAGED_ACCESS, Method, Operation, Resource, StateUse, VERBS};
pub use problem_code::ProblemCode;
pub use routes::{Match, Routes};
pub use table::{OPERATIONS, get};
