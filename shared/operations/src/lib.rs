//! The table of operations: what okta-dac can do, what starts it, who may do it, what
//! can go wrong, and what its functions need.
//!
//! Everything else is derived from this crate or checked against it by
//! `tests/contract`: the binaries, the functions in `template.yaml`, the authorizer's
//! policy, the sample events, the OpenAPI document and the pages under `docs/`.
//! No I/O and no async code live here.

mod env_var;
mod needs;
mod operation;
mod package;
mod problem_code;
mod routes;
mod table;
mod trigger;

pub use env_var::EnvVar;
pub use needs::{OktaUse, Permission, Settings, Size, StateUse};
pub use operation::{Operation, VERBS};
pub use package::Package;
pub use problem_code::ProblemCode;
pub use routes::{Match, Routes};
pub use table::{OPERATIONS, get};
pub use trigger::{
    Access, DAC_ADMIN, DAC_RESPOND, Every, Http, MANAGED_ACCESS, Method, SCOPES, Throttle, Trigger,
};
