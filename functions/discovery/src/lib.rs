//! Discovery: from a login to the identity provider of its tenant, without a routing rule.
//!
//! One module is one operation.

mod find_idp;

pub use find_idp::FindIdp;

/// The operations of this package.
pub const ENDPOINTS: &[lambda_kit::Description] = &[lambda_kit::Description::of_forward::<FindIdp>()];
