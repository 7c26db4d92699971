//! Okta's own API, for the parts of a front end that need no composite
//! operation: users and groups, with the caller's own token.
//!
//! One module is one operation.

mod okta_proxy;
mod path;
mod refused;
mod token;

pub use okta_proxy::OktaProxy;

/// The operations of this package.
pub const ENDPOINTS: &[lambda_kit::Description] = &[lambda_kit::Description::of_forward::<OktaProxy>()];
