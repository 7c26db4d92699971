//! End to end: real binaries behind the local gateway, with Okta emulated. One
//! file per operation, and one for each thing that concerns all of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod activate_tenant_app;
mod add_delegation_agent;
mod add_response;
mod add_tenant;
mod add_tenant_domain;
mod add_tenant_response;
mod alarms;
mod assign_app_to_tenant;
mod assign_tenant_admin;
mod authorization;
mod commands;
mod common_problems;
mod credential;
mod data;
mod deactivate_tenant_app;
mod delegation;
mod delete_tenant;
mod delete_tenant_domain;
mod end_user_rights;
mod enrich_agent_token;
mod enrich_entity_token;
mod expire_responses;
mod field_reports;
mod find_idp;
mod gateway;
mod generated_events;
mod get_app;
mod get_connection_keys;
mod get_idp;
mod get_idp_metadata;
mod get_response;
mod get_tenant;
mod get_tenant_domain;
mod idempotency;
mod least_privilege;
mod lift_response;
mod list_apps;
mod list_delegation_agents;
mod list_delegation_events;
mod list_delegators;
mod list_idps;
mod list_responses;
mod list_tenant_admins;
mod list_tenant_apps;
mod list_tenant_domains;
mod list_tenant_events;
mod list_tenants;
mod local_stack;
mod logs;
mod neighbours;
mod okta_proxy;
mod predecessor;
mod predecessors_client;
mod readme;
mod reconcile;
mod remove_delegation_agent;
mod respond_to_event;
mod revocation;
mod revoke_user;
mod rotate_user_secret;
mod sample_events;
mod set_delegation;
mod start_delegation;
mod start_rotations;
mod suspension;
mod table_away;
mod triggers;
mod unassign_tenant_admin;
mod update_idp;
mod update_tenant;
mod verify_tenant_domain;
mod watch_passwords;

use okta_emulator::Action;
use okta_emulator::Drop;

/// Okta's own failure.
fn status(status: u16) -> Action {
    Action { status: Some(status), ..Action::default() }
}

/// A connection that is lost.
fn dropped(when: Drop) -> Action {
    Action { drop: Some(when), ..Action::default() }
}
