//! The apps that a tenant is entitled to.
//!
//! An entitlement is the group `APPUSERS_<tenant>_<appId>`: see [`tenancy::App`].
//! Only superusers entitle; the tenant's admins decide who of their users has
//! an app, one by one through Okta itself, or all at once.
//!
//! One module is one operation.

mod activate_tenant_app;
mod deactivate_tenant_app;
mod list_tenant_apps;
#[cfg(test)]
mod testing;

pub use activate_tenant_app::ActivateTenantApp;
pub use deactivate_tenant_app::DeactivateTenantApp;
pub use list_tenant_apps::ListTenantApps;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<ActivateTenantApp>(),
    lambda_kit::Description::of::<DeactivateTenantApp>(),
    lambda_kit::Description::of::<ListTenantApps>(),
];
