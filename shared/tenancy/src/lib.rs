//! A tenant's objects in Okta: how every operation finds them.
//!
//! Okta has no lookup by name that is both exact and current: `search` is
//! exact but lags behind ("typically less than one second"), reading by id is
//! current. So a name is searched for, and what is found is read again by id.
//! What a search does not show although it must be there is found through the
//! tenant's IdP, which names the users group by id.

mod apps;
mod domains;
mod ended;
mod groups;
mod rules;
mod tenant;

pub use apps::{APP_PREFIX, App, Entitlement, EntitlementError, app_group, apps, groups_of_ids, named_group};
pub use domains::{Pending, domains_of_rule};
pub use ended::{Ended, Ending, ended_at};
pub use groups::{
    Groups, Ids, Want, current_groups, delete_group, group_called, groups_of_tenant, if_present,
    indexed_groups, is_unused, of_type, read_groups, record_says, role_targets,
};
pub use rules::{
    EarlyRules, TenantsRules, holds_domains, is_active, is_pending_rule, is_recorded, routing, rules_of_ids,
};
pub use tenant::{Depth, INDEX_LAG, POLL, ROLE, Tenant, TenantError, Tenants, claims, idp_of, users_of_idp};
