//! Identity providers of tenants, as their admins may see and change them.
//!
//! The IdP's id is the tenant's id. Its admin sets where users sign in and what
//! the assertions are signed with; whom the IdP may sign in and what they become
//! is okta-dac's, and cannot be changed here.
//!
//! One module is one operation.

mod certificate;
mod edits;
mod get_idp;
mod get_idp_metadata;
mod list_idps;
mod saml_metadata;
#[cfg(test)]
mod testing;
mod update_idp;
mod visible;

pub use get_idp::GetIdp;
pub use get_idp_metadata::GetIdpMetadata;
pub use list_idps::ListIdps;
pub use update_idp::UpdateIdp;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<GetIdp>(),
    lambda_kit::Description::of::<GetIdpMetadata>(),
    lambda_kit::Description::of::<ListIdps>(),
    lambda_kit::Description::of::<UpdateIdp>(),
];
