//! The authorizer, compared with a second, naive model on generated claims, and
//! shown tokens that must be refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod model;
mod policies;
mod tokens;
