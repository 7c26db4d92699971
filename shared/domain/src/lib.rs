//! The rules of okta-dac: what a tenant is called, what its Okta objects are
//! called, what a claim grants and who may call what. Pure: no I/O, no clock.

mod audit;
mod caller;
mod description;
mod email_domain;
mod index;
mod names;
mod rights;
mod subject_filter;

pub use audit::{OPEN, OPEN_INDEX, event_partition, grants_item};
pub use caller::{CLOCK_SKEW_SECONDS, Caller, TenantClaim, TenantClaimError, is_okta_id, permits};
pub use description::{AdminsDescription, Resume, TenantStatus, USERS_DESCRIPTION};
pub use email_domain::{EmailDomain, EmailDomainError, NewEmailDomain, verification_name};
pub use index::{
    Discovery, Ending, Holder, Holders, INDEX_ITEM, IndexState, Meeting, TenantDomains, ending_item, endings,
    holders_item, tenant_domains_item,
};
pub use names::{
    NewTenantName, TenantName, TenantNameError, admins_group, app_of_appusers_group, appusers_group,
    appusers_prefix, empty_group_prefix, idp_name, pending_rule_name, rule_name, users_group,
};
pub use rights::{
    BUDGET_PREFIX, Question, Revoked, RightsItem, Standing, TOKEN_LIFETIME_SECONDS, budget_item, tenant_item,
};
pub use subject_filter::{is_limited, is_same_filter, subject_filter};

/// Group whose members may do everything.
pub const SUPERUSERS: &str = "SUPERUSERS";

/// The group whose members respond; its configured id counts, and not its name.
pub const RESPONDERS: &str = "RESPONDERS";

/// Common name of the certificate that an IdP without one of its own trusts: nobody has its
/// private key, and no tenant's certificate may have the name.
pub const PLACEHOLDER: &str = "okta-dac placeholder";

/// The types of events that end rights. A user who is locked out keeps them: anybody can
/// lock a user out.
pub const ENDING_EVENTS: [&str; 7] = [
    "group.application_assignment.remove",
    "group.lifecycle.delete",
    "group.privilege.revoke",
    "group.user_membership.remove",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "user.lifecycle.suspend",
];
