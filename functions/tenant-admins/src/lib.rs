//! The admins of a tenant: the members of `ADMINS_<tenant>`.
//!
//! Membership gives the `tenants` and `groups` claims and, with the group's
//! role, rights over the tenant's users in Okta itself. It is given to users of
//! the tenant only, and the last admin is not taken away by accident.
//!
//! `revoke-user` ends all tokens of one user, whoever it is. `end-user-rights` does so
//! when a right ends in Okta itself.
//!
//! One module is one operation.

mod assign_tenant_admin;
mod end_user_rights;
mod list_tenant_admins;
mod revoke_user;
#[cfg(test)]
mod testing;
mod unassign_tenant_admin;

pub use assign_tenant_admin::AssignTenantAdmin;
pub use end_user_rights::EndUserRights;
pub use list_tenant_admins::ListTenantAdmins;
pub use revoke_user::RevokeUser;
pub use unassign_tenant_admin::UnassignTenantAdmin;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AssignTenantAdmin>(),
    lambda_kit::Description::of_event_hook::<EndUserRights>(),
    lambda_kit::Description::of::<ListTenantAdmins>(),
    lambda_kit::Description::of::<RevokeUser>(),
    lambda_kit::Description::of::<UnassignTenantAdmin>(),
];

/// States in which a user can sign in, or will be able to without an
/// administrator's help.
const WORKING: [&str; 5] = ["ACTIVE", "PROVISIONED", "STAGED", "RECOVERY", "PASSWORD_EXPIRED"];

/// Whether a user can work as an admin.
fn is_working(user: &okta_client::models::User) -> bool {
    WORKING.contains(&user.status.as_str())
}
