//! Tenants over one Okta org.
//!
//! A tenant is six Okta objects that belong together: an identity provider
//! `DAC_<name>`, whose id is the tenant's id; the groups `USERS_<name>` and
//! `ADMINS_<name>`; an admin role of `ADMINS_<name>` that is limited to these
//! two groups; and the assignment of `ADMINS_<name>` to the okta-dac app, which
//! puts the `tenants` claim into its members' tokens. The description of
//! `ADMINS_<name>` is the tenant's record ([`domain::AdminsDescription`]).
//!
//! One module is one operation.

mod abandoned;
mod add_tenant;
mod creation;
mod delete_tenant;
mod get_tenant;
mod list_tenant_events;
mod list_tenants;
mod lookup;
mod rename;
mod resume;
mod suspend;
mod tenant_change;
#[cfg(test)]
mod testing;
mod update_tenant;

pub use add_tenant::AddTenant;
pub use delete_tenant::DeleteTenant;
pub use get_tenant::GetTenant;
pub use list_tenant_events::ListTenantEvents;
pub use list_tenants::ListTenants;
pub use update_tenant::UpdateTenant;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AddTenant>().served_as::<idempotency::Once<AddTenant>>(),
    lambda_kit::Description::of::<DeleteTenant>(),
    lambda_kit::Description::of::<GetTenant>(),
    lambda_kit::Description::of::<ListTenantEvents>(),
    lambda_kit::Description::of::<ListTenants>(),
    lambda_kit::Description::of::<UpdateTenant>(),
];
