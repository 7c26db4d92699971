//! The public keys of connections that `okta-dac connect --jwks-uri` made.
//!
//! One module is one operation.

mod get_connection_keys;

pub use get_connection_keys::GetConnectionKeys;

/// The operations of this package.
pub const ENDPOINTS: &[lambda_kit::Description] =
    &[lambda_kit::Description::of_forward::<GetConnectionKeys>()];
