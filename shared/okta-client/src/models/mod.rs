//! The objects of Okta's API, as far as okta-dac reads or writes them.
//!
//! `other` keeps every member that this crate does not know.

mod apps;
mod groups;
mod idps;
mod ids;
mod policies;

pub use crate::error::{ApiError, ErrorCause};
pub use apps::ApplicationGroupAssignment;
pub use groups::{Group, GroupProfile, Role};
pub use idps::{IdentityProvider, IdpKey, NewIdentityProvider};
pub use ids::{AppId, GroupId, IdpId, KeyId, PolicyId, RoleAssignmentId, RuleId, UserId};
pub use policies::{Policy, PolicyRule};

/// `status` of an active IdP or rule.
pub const ACTIVE: &str = "ACTIVE";
