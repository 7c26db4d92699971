//! The calls, one module per resource of Okta's API.
//!
//! Every method fails as [`crate::Error`] says; only what is special about a
//! call is documented at the call.

mod apps;
mod groups;
mod idps;
mod oauth_clients;
mod policies;
mod users;

pub use groups::ListGroups;
pub use idps::ListIdentityProviders;

/// The page size that Okta allows for every list that okta-dac walks.
pub(crate) const PAGE_LIMIT: u32 = 200;
