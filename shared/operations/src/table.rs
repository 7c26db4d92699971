//! The table itself.

use crate::Access::{AnyUser, HookSecret, IdpAdmin, ManagedAccess, OktaToken, Superuser, TenantAdmin};
use crate::Method::{Any, Delete, Get, Post, Put};
use crate::Operation;
use crate::ProblemCode::{
    AgentNotFound, AppNotFound, AttributesWouldBeLost, DelegationNotActive, DnsUnavailable,
    DomainAlreadyVerified, DomainNotFound, DomainNotVerified, DomainTaken, IdempotencyKeyReused, IdpNotFound,
    LastAdmin, MemberNotEditable, NameTaken, NotAMember, OperationIncomplete, OutcomeUnknown,
    PayloadTooLarge, RequestInProgress, StateUnavailable, TenantAlreadyExists, TenantAppNotFound,
    TenantBroken, TenantBusy, TenantNotFound, TooManyAgents, UnsupportedMediaType, UserBusy, UserNotActive,
};
use crate::Resource::{Apps, Delegation, Idps, OktaProxy, TenantAdmins, TenantApps, TenantDomains, Tenants};
use crate::StateUse::{Consumes, Locks, ReadsRecords, Records, Replays, Revokes, Starts};

/// Every operation, ordered by resource, then name.
#[rustfmt::skip] // One field group per line reads as a table.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "assign-app-to-tenant", resource: Apps, method: Put, path: "/apps/{appId}/tenants/{tenant}", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, TenantAppNotFound, TenantBroken, OperationIncomplete],
        summary: "Give an app to all users of a tenant.", replaces: Some("assignAppToTenant"),
    },
    Operation {
        name: "get-app", resource: Apps, method: Get, path: "/apps/{appId}", access: AnyUser, success: 200, state: &[],
        problems: &[AppNotFound],
        summary: "Get an app that the caller sees.", replaces: Some("getApp"),
    },
    Operation {
        name: "list-apps", resource: Apps, method: Get, path: "/apps", access: AnyUser, success: 200, state: &[],
        problems: &[],
        summary: "List the apps that the caller sees, page by page.", replaces: Some("listApps"),
    },
    Operation {
        name: "add-delegation-agent", resource: Delegation, method: Post, path: "/delegator/agents/add", access: ManagedAccess, success: 200, state: &[Locks, Records],
        problems: &[AgentNotFound, DelegationNotActive, TooManyAgents, UserBusy, UserNotActive, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, OperationIncomplete],
        summary: "Let another user act for the caller.", replaces: None,
    },
    Operation {
        name: "enrich-agent-token", resource: Delegation, method: Post, path: "/tokenEnrichment/agent", access: HookSecret, success: 200, state: &[Consumes],
        problems: &[],
        summary: "Tell Okta whom the user of a token acts for.", replaces: None,
    },
    Operation {
        name: "enrich-entity-token", resource: Delegation, method: Post, path: "/tokenEnrichment/entity", access: HookSecret, success: 200, state: &[],
        problems: &[],
        summary: "Tell Okta which entity the user of a token belongs to.", replaces: None,
    },
    Operation {
        name: "list-delegation-agents", resource: Delegation, method: Get, path: "/delegator/agents", access: ManagedAccess, success: 200, state: &[],
        problems: &[],
        summary: "List the users who may act for the caller.", replaces: None,
    },
    Operation {
        name: "list-delegation-events", resource: Delegation, method: Get, path: "/delegator/events", access: ManagedAccess, success: 200, state: &[ReadsRecords],
        problems: &[StateUnavailable],
        summary: "List what was done in the name of the caller, newest first, page by page.", replaces: None,
    },
    Operation {
        name: "list-delegators", resource: Delegation, method: Get, path: "/agent", access: ManagedAccess, success: 200, state: &[],
        problems: &[],
        summary: "List the users whom the caller may act for.", replaces: None,
    },
    Operation {
        name: "remove-delegation-agent", resource: Delegation, method: Post, path: "/delegator/agents/remove", access: ManagedAccess, success: 200, state: &[Locks, Records],
        problems: &[AgentNotFound, UserBusy, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, OperationIncomplete],
        summary: "Let another user act for the caller no longer.", replaces: None,
    },
    Operation {
        name: "set-delegation", resource: Delegation, method: Post, path: "/delegator/delegation", access: ManagedAccess, success: 200, state: &[Locks, Records],
        problems: &[AttributesWouldBeLost, DelegationNotActive, UserBusy, UserNotActive, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, OperationIncomplete],
        summary: "Make the caller somebody who can nominate agents, or undo it.", replaces: None,
    },
    Operation {
        name: "start-delegation", resource: Delegation, method: Post, path: "/agent", access: ManagedAccess, success: 200, state: &[Records, Starts],
        problems: &[PayloadTooLarge, UnsupportedMediaType, StateUnavailable],
        summary: "Begin to act for another user: the id makes the next token say so.", replaces: None,
    },
    Operation {
        name: "get-idp", resource: Idps, method: Get, path: "/idps/{idpId}", access: IdpAdmin, success: 200, state: &[],
        problems: &[IdpNotFound],
        summary: "Get the identity provider of a tenant.", replaces: Some("getIdp"),
    },
    Operation {
        name: "get-idp-metadata", resource: Idps, method: Get, path: "/idps/{idpId}/metadata.xml", access: IdpAdmin, success: 200, state: &[],
        problems: &[IdpNotFound],
        summary: "Get the SAML metadata of Okta as the service provider of a tenant's identity provider.", replaces: Some("getIdpMetadata"),
    },
    Operation {
        name: "list-idps", resource: Idps, method: Get, path: "/idps", access: AnyUser, success: 200, state: &[],
        problems: &[],
        summary: "List the identity providers of the caller's tenants, page by page.", replaces: Some("listIdps"),
    },
    Operation {
        name: "update-idp", resource: Idps, method: Put, path: "/idps/{idpId}", access: IdpAdmin, success: 200, state: &[Locks],
        problems: &[MemberNotEditable, IdpNotFound, TenantBusy, TenantBroken, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, OperationIncomplete],
        summary: "Change where a tenant's users sign in, and what their assertions are signed with.", replaces: Some("updateIdp"),
    },
    Operation {
        name: "okta-proxy", resource: OktaProxy, method: Any, path: "/api/v1/{proxy+}", access: OktaToken, success: 200, state: &[],
        problems: &[PayloadTooLarge, OutcomeUnknown],
        summary: "Call Okta's API for users and groups with the caller's own token.", replaces: Some("o4oProxy"),
    },
    Operation {
        name: "assign-tenant-admin", resource: TenantAdmins, method: Put, path: "/tenants/{tenant}/admins/{userId}", access: TenantAdmin, success: 200, state: &[],
        problems: &[NotAMember, TenantNotFound, TenantBroken, UserNotActive, OperationIncomplete],
        summary: "Make a user of a tenant its admin.", replaces: Some("assignTenantAdmin"),
    },
    Operation {
        name: "list-tenant-admins", resource: TenantAdmins, method: Get, path: "/tenants/{tenant}/admins", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, TenantBroken],
        summary: "List the admins of a tenant, page by page.", replaces: Some("listTenantAdmins"),
    },
    Operation {
        name: "unassign-tenant-admin", resource: TenantAdmins, method: Delete, path: "/tenants/{tenant}/admins/{userId}", access: TenantAdmin, success: 204, state: &[Revokes],
        problems: &[TenantNotFound, TenantBroken, LastAdmin, StateUnavailable, OperationIncomplete],
        summary: "Take an admin's rights away; the user stays.", replaces: None,
    },
    Operation {
        name: "activate-tenant-app", resource: TenantApps, method: Put, path: "/tenants/{tenant}/apps/{appId}", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, AppNotFound, TenantAppNotFound, TenantBroken, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        summary: "Entitle a tenant to an app (superuser, without a body), or give it to all its users.", replaces: Some("activateTenantApp"),
    },
    Operation {
        name: "deactivate-tenant-app", resource: TenantApps, method: Delete, path: "/tenants/{tenant}/apps/{appId}", access: Superuser, success: 204, state: &[],
        problems: &[TenantNotFound, TenantAppNotFound, TenantBroken, OperationIncomplete],
        summary: "End a tenant's entitlement to an app; nobody of the tenant keeps it.", replaces: Some("deactivateTenantApp"),
    },
    Operation {
        name: "list-tenant-apps", resource: TenantApps, method: Get, path: "/tenants/{tenant}/apps", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, TenantBroken],
        summary: "List the apps that a tenant is entitled to, page by page.", replaces: Some("listTenantApps"),
    },
    Operation {
        name: "add-tenant-domain", resource: TenantDomains, method: Post, path: "/tenants/{tenant}/domains", access: TenantAdmin, success: 201, state: &[Locks, Replays],
        problems: &[TenantNotFound, TenantBroken, TenantBusy, DomainAlreadyVerified, DomainTaken, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, RequestInProgress, IdempotencyKeyReused, OperationIncomplete],
        summary: "Add an e-mail domain to a tenant, to be verified through its DNS.", replaces: Some("addTenantDomain"),
    },
    Operation {
        name: "delete-tenant-domain", resource: TenantDomains, method: Delete, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 204, state: &[Locks],
        problems: &[TenantNotFound, DomainNotFound, TenantBroken, TenantBusy, StateUnavailable, OperationIncomplete],
        summary: "Take an e-mail domain from a tenant, verified or not.", replaces: Some("deleteTenantDomain"),
    },
    Operation {
        name: "get-tenant-domain", resource: TenantDomains, method: Get, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, DomainNotFound, TenantBroken],
        summary: "Get an e-mail domain of a tenant.", replaces: Some("getTenantDomain"),
    },
    Operation {
        name: "list-tenant-domains", resource: TenantDomains, method: Get, path: "/tenants/{tenant}/domains", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, TenantBroken],
        summary: "List the e-mail domains of a tenant, page by page.", replaces: Some("listTenantDomains"),
    },
    Operation {
        name: "verify-tenant-domain", resource: TenantDomains, method: Put, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 200, state: &[Locks],
        problems: &[TenantNotFound, DomainNotFound, TenantBroken, TenantBusy, DomainTaken, DomainNotVerified, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, DnsUnavailable, OperationIncomplete],
        summary: "Verify an e-mail domain through its DNS.", replaces: Some("verifyTenantDomain"),
    },
    Operation {
        name: "add-tenant", resource: Tenants, method: Post, path: "/tenants", access: Superuser, success: 201, state: &[Replays],
        problems: &[TenantAlreadyExists, NameTaken, TenantBusy, PayloadTooLarge, UnsupportedMediaType, RequestInProgress, IdempotencyKeyReused, StateUnavailable, OperationIncomplete],
        summary: "Create a tenant.", replaces: Some("addTenant"),
    },
    Operation {
        name: "delete-tenant", resource: Tenants, method: Delete, path: "/tenants/{tenant}", access: Superuser, success: 204, state: &[Locks, Revokes],
        problems: &[TenantNotFound, TenantBusy, StateUnavailable, OperationIncomplete],
        summary: "Delete a tenant and everything that carries its name; its users stay.", replaces: Some("deleteTenant"),
    },
    Operation {
        name: "get-tenant", resource: Tenants, method: Get, path: "/tenants/{tenant}", access: TenantAdmin, success: 200, state: &[],
        problems: &[TenantNotFound, TenantBroken],
        summary: "Get a tenant by its name.", replaces: Some("getTenant"),
    },
    Operation {
        name: "list-tenants", resource: Tenants, method: Get, path: "/tenants", access: Superuser, success: 200, state: &[],
        problems: &[],
        summary: "List the tenants, page by page.", replaces: Some("listTenants"),
    },
    Operation {
        name: "update-tenant", resource: Tenants, method: Put, path: "/tenants/{tenant}", access: Superuser, success: 200, state: &[Locks, Revokes],
        problems: &[TenantNotFound, TenantAlreadyExists, NameTaken, TenantBusy, TenantBroken, PayloadTooLarge, UnsupportedMediaType, StateUnavailable, OperationIncomplete],
        summary: "Rename, suspend or resume a tenant.", replaces: Some("updateTenant"),
    },
];

/// The operation called `name`.
///
/// Meant for constants: a name that is not in the table does not compile.
///
/// # Panics
///
/// If there is no such operation.
#[expect(clippy::panic, reason = "evaluated at compile time, where it is an error message")]
pub const fn get(name: &str) -> &'static Operation {
    let mut index = 0;
    while index < OPERATIONS.len() {
        if same(OPERATIONS[index].name.as_bytes(), name.as_bytes()) {
            return &OPERATIONS[index];
        }
        index += 1;
    }
    panic!("no operation has this name: see shared/operations/src/table.rs")
}

/// `==` for byte strings in constants.
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
