//! The Management API, one file per resource.

pub(crate) mod app_credentials;
pub(crate) mod apps;
pub(crate) mod authn;
pub(crate) mod authorization_server_policies;
pub(crate) mod authorization_servers;
pub(crate) mod client_roles;
pub(crate) mod event_hooks;
pub(crate) mod factor_challenges;
pub(crate) mod factors;
pub(crate) mod group_roles;
pub(crate) mod groups;
pub(crate) mod idp_keys;
pub(crate) mod idps;
pub(crate) mod inline_hooks;
pub(crate) mod linked_objects;
pub(crate) mod logs;
pub(crate) mod passwords;
pub(crate) mod policies;
pub(crate) mod schemas;
pub(crate) mod sessions;
pub(crate) mod trusted_origins;
pub(crate) mod user_lifecycle;
pub(crate) mod user_object;
pub(crate) mod user_roles;
pub(crate) mod user_types;
pub(crate) mod users;
