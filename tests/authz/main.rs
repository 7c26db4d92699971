//! The authorizer, compared with a second, naive model on generated claims, and
//! shown tokens that must be refused.

mod model;
mod policies;
mod tokens;
