//! The handlers, one module per resource of Okta's API; each is named by its
//! operationId.

pub(crate) mod apps;
pub(crate) mod authorization_servers;
pub(crate) mod group_roles;
pub(crate) mod groups;
pub(crate) mod idp_keys;
pub(crate) mod idps;
pub(crate) mod policies;
pub(crate) mod users;
