//! The objects of Okta's API, as far as okta-dac reads or writes them.
//!
//! `other` keeps every member that this crate does not know.

pub(crate) mod apps;
mod connections;
mod groups;
mod idps;
mod ids;
mod logs;
mod named;
mod policies;
mod users;

pub use crate::error::{ApiError, ErrorCause};
pub use apps::{Application, ApplicationGroupAssignment, ClientSecret, JsonWebKey, ScopeGrant};
pub use connections::{ApiToken, ApiTokenNetwork, CustomRole, ResourceSet, ServiceIntegration};
pub use groups::{Group, GroupProfile, Role};
pub use idps::{IdentityProvider, IdpKey, NewIdentityProvider};
pub use ids::{
    AppId, ClientSecretId, CustomRoleId, GrantId, GroupId, IdpId, JsonWebKeyId, KeyId, PolicyId,
    ResourceSetId, RoleAssignmentId, RuleId, UserId, UserTypeId,
};
pub use logs::{LogEvent, LogOutcome, LogTarget};
pub use named::Named;
pub use policies::{NewPolicyRule, Policy, PolicyRule};
pub use users::{PasswordChange, RiskLevel, User, UserSchema, UserType, UserTypeRef};

/// Reads a member that Okta leaves out or prints as null where there is nothing: what Okta
/// completes it also shows as null, and replaceIdentityProvider says null of `created`.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `status` of an active IdP or rule.
pub const ACTIVE: &str = "ACTIVE";
