//! Apps as a caller sees them: a superuser all that tenants can be entitled to,
//! an admin those of their tenants.
//!
//! One module is one operation.

mod assign_app_to_tenant;
mod get_app;
mod list_apps;
#[cfg(test)]
mod testing;
mod visible;

pub use assign_app_to_tenant::AssignAppToTenant;
pub use get_app::GetApp;
pub use list_apps::ListApps;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AssignAppToTenant>(),
    lambda_kit::Description::of::<GetApp>(),
    lambda_kit::Description::of::<ListApps>(),
];
