//! The table itself.

use crate::Access::{AnyUser, IdpAdmin, ManagedAccess, Responder, Superuser, TenantAdmin};
use crate::Method::{Delete, Get, Post, Put};
use crate::OktaUse::Read;
use crate::Package::{
    Apps, Authorizer, Idps, OktaProxy, Responses, TenantAdmins, TenantApps, TenantDomains, Tenants,
};
use crate::ProblemCode::{
    ActionNotPossible, AdminNotFound, AgentNotFound, AppNotFound, AttributesWouldBeLost, ConnectionNotFound,
    DelegationNotActive, DnsUnavailable, DomainAlreadyVerified, DomainNotFound, DomainTaken,
    IdempotencyKeyReused, IdpNotFound, InvalidRequest, LastAdmin, LastSuperAdmin, MemberNotEditable,
    NameTaken, NotAMember, OperationIncomplete, OutcomeUnknown, PayloadTooLarge, RequestInProgress,
    ResponseNotFound, ResponsesDisabled, StateUnavailable, TenantAlreadyExists, TenantAppNotFound,
    TenantBroken, TenantBusy, TenantNotFound, TenantSuspended, TooManyAgents, TooManyResponses,
    UnsupportedMediaType, UserBusy, UserNotActive, UserNotFound, UserProtected,
};
use crate::Settings::{App, Dns, Doubt, Org, Placeholder, Responders, ResponseRules, Tokens};
use crate::StateUse::{
    Consumes, CountsSignIns, EndsRecords, EndsResponses, KeepsDomains, Locks, Progresses, ReadsDomains,
    ReadsGrants, ReadsRecords, ReadsResponses, ReadsRotations, ReadsSuspensions, Records, RecordsRotations,
    Responds, Revokes, Starts, Suspends,
};
use crate::Trigger::{EventHook, Http as HttpTrigger, InlineHook, Proxy};
use crate::{Every, Http, OktaUse, Operation, Package, Settings, Size, StateUse, Trigger};

const API: Size = Size::API;

/// Every operation, ordered by package, then name.
#[rustfmt::skip] // One group of fields per line reads as a table.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "assign-app-to-tenant", package: Apps, okta: OktaUse::Tenants, state: &[Locks, ReadsSuspensions], settings: &[App], size: API,
        summary: "Give an app to all users of a tenant.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/apps/{appId}/tenants/{tenant}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("assignAppToTenant"),
            problems: &[TenantNotFound, TenantAppNotFound, TenantBroken, TenantBusy, OperationIncomplete],
        }),
    },
    Operation {
        name: "get-app", package: Apps, okta: OktaUse::Tenants, state: &[], settings: &[], size: API,
        summary: "Get an app that the caller sees.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/apps/{appId}", access: AnyUser, success: 200, idempotent: false, replaces: Some("getApp"),
            problems: &[AppNotFound],
        }),
    },
    Operation {
        name: "list-apps", package: Apps, okta: OktaUse::Tenants, state: &[], settings: &[], size: API,
        summary: "List the apps that the caller sees, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/apps", access: AnyUser, success: 200, idempotent: false, replaces: Some("listApps"),
            problems: &[],
        }),
    },
    Operation {
        name: "authorizer", package: Authorizer, okta: OktaUse::None, state: &[], settings: &[Tokens],
        // API Gateway waits ten seconds for an authorizer.
        size: Size { timeout_seconds: 8, ..API },
        summary: "Say which methods of a path the bearer of a token may use.",
        trigger: Trigger::Authorizer,
    },
    Operation {
        name: "get-connection-keys", package: Package::ConnectionKeys, okta: OktaUse::None, state: &[], settings: &[Settings::ConnectionKeys], size: API,
        summary: "Get the public keys of a connection, as Okta reads them.",
        trigger: Trigger::Public { path: "/.well-known/okta-dac/{connection}/jwks.json", problems: &[ConnectionNotFound] },
    },
    Operation {
        name: "add-delegation-agent", package: Package::Delegation, okta: OktaUse::Delegation, state: &[StateUse::Grants, Locks, Records], settings: &[Settings::Delegation, Doubt, Settings::Records], size: API,
        summary: "Let another user act for the caller.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/delegator/agents/add", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[AgentNotFound, DelegationNotActive, TooManyAgents, UserBusy, UserNotActive, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "enrich-agent-token", package: Package::Delegation, okta: Read, state: &[Consumes, ReadsGrants], settings: &[Settings::Delegation, Doubt, Settings::Records], size: API,
        summary: "Tell Okta whom the user of a token acts for.",
        trigger: InlineHook { path: "/tokenEnrichment/agent" },
    },
    Operation {
        name: "enrich-entity-token", package: Package::Delegation, okta: Read, state: &[], settings: &[Doubt], size: API,
        summary: "Tell Okta which entity the user of a token belongs to.",
        trigger: InlineHook { path: "/tokenEnrichment/entity" },
    },
    Operation {
        name: "list-delegation-agents", package: Package::Delegation, okta: Read, state: &[ReadsGrants], settings: &[Settings::Grants], size: API,
        summary: "List the users who may act for the caller.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/delegator/agents", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[],
        }),
    },
    Operation {
        name: "list-delegation-events", package: Package::Delegation, okta: Read, state: &[ReadsRecords], settings: &[Settings::Records], size: API,
        summary: "List what was done in the name of the caller, newest first, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/delegator/events", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[],
        }),
    },
    Operation {
        name: "list-delegators", package: Package::Delegation, okta: Read, state: &[ReadsGrants], settings: &[Settings::Grants], size: API,
        summary: "List the users whom the caller may act for.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/agent", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[],
        }),
    },
    Operation {
        name: "remove-delegation-agent", package: Package::Delegation, okta: OktaUse::Delegation, state: &[StateUse::Grants, Locks, Records], settings: &[Settings::Delegation, Doubt, Settings::Records], size: API,
        summary: "Let another user act for the caller no longer.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/delegator/agents/remove", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[AgentNotFound, UserBusy, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "set-delegation", package: Package::Delegation, okta: OktaUse::Delegation, state: &[StateUse::Grants, Locks, Records], settings: &[Settings::Delegation, Doubt, Settings::Records], size: API,
        summary: "Make the caller somebody who can nominate agents, or undo it.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/delegator/delegation", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[AttributesWouldBeLost, DelegationNotActive, UserBusy, UserNotActive, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "start-delegation", package: Package::Delegation, okta: Read, state: &[ReadsGrants, Records, Starts], settings: &[Settings::Delegation, Doubt, Settings::Records], size: API,
        summary: "Begin to act for another user: the id makes the next token say so.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/agent", access: ManagedAccess, success: 200, idempotent: false, replaces: None,
            problems: &[PayloadTooLarge, UnsupportedMediaType],
        }),
    },
    Operation {
        name: "find-idp", package: Package::Discovery, okta: OktaUse::None, state: &[ReadsDomains], settings: &[Settings::Discovery, Org], size: API,
        summary: "Find the identity provider of a login, as RFC 7033 has it.",
        trigger: Trigger::Public { path: "/.well-known/webfinger", problems: &[InvalidRequest, DomainNotFound, StateUnavailable] },
    },
    Operation {
        name: "get-idp", package: Idps, okta: Read, state: &[], settings: &[Placeholder], size: API,
        summary: "Get the identity provider of a tenant.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/idps/{idpId}", access: IdpAdmin, success: 200, idempotent: false, replaces: Some("getIdp"),
            problems: &[IdpNotFound],
        }),
    },
    Operation {
        name: "get-idp-metadata", package: Idps, okta: Read, state: &[], settings: &[], size: API,
        summary: "Get the SAML metadata of Okta as the service provider of a tenant's identity provider.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/idps/{idpId}/metadata.xml", access: IdpAdmin, success: 200, idempotent: false, replaces: Some("getIdpMetadata"),
            problems: &[IdpNotFound],
        }),
    },
    Operation {
        name: "list-idps", package: Idps, okta: Read, state: &[], settings: &[Placeholder], size: API,
        summary: "List the identity providers of the caller's tenants, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/idps", access: AnyUser, success: 200, idempotent: false, replaces: Some("listIdps"),
            problems: &[],
        }),
    },
    Operation {
        name: "update-idp", package: Idps, okta: OktaUse::Tenants, state: &[Locks, ReadsSuspensions], settings: &[App, Placeholder], size: API,
        summary: "Change where a tenant's users sign in, and what their assertions are signed with.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/idps/{idpId}", access: IdpAdmin, success: 200, idempotent: false, replaces: Some("updateIdp"),
            problems: &[MemberNotEditable, IdpNotFound, TenantBusy, TenantBroken, TenantSuspended, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "okta-proxy", package: OktaProxy, okta: OktaUse::None, state: &[], settings: &[Org],
        // Longer than the function waits for Okta.
        size: Size { timeout_seconds: 10, ..API }.reserving(10),
        summary: "Call Okta's API for users and groups with the caller's own token.",
        trigger: Proxy { path: "/api/v1/{proxy+}", problems: &[PayloadTooLarge, OutcomeUnknown], replaces: Some("o4oProxy") },
    },
    Operation {
        name: "rotate-user-secret", package: Package::Passwords, okta: OktaUse::Rotation, state: &[CountsSignIns, Locks, RecordsRotations], settings: &[Settings::Rotation],
        // Okta's limit is what is scarce.
        size: API.reserving(2),
        summary: "Rotate the password of an Okta user, whose secret Secrets Manager keeps.",
        trigger: Trigger::SecretRotation,
    },
    Operation {
        name: "start-rotations", package: Package::Passwords, okta: OktaUse::None, state: &[], settings: &[Settings::StartsRotations],
        // One rotation begins per second.
        size: Size { timeout_seconds: 300, ..API }.reserving(1),
        summary: "Start the rotation of passwords that are due, or of all with a tag.",
        trigger: Trigger::Schedule { every: Every::Hours(1), enabled_by: Some("RotationSchedule") },
    },
    Operation {
        name: "watch-passwords", package: Package::Passwords, okta: Read, state: &[Progresses, ReadsRotations], settings: &[Settings::WatchesPasswords],
        // Runs do not overlap: a schedule fires every five minutes.
        size: Size { timeout_seconds: 120, ..API }.reserving(1),
        summary: "Look in Okta's System Log for changes of rotated passwords that no rotation made.",
        trigger: Trigger::Schedule { every: Every::Minutes(5), enabled_by: Some("PasswordWatchSchedule") },
    },
    Operation {
        name: "reconcile", package: Package::Reconcile, okta: OktaUse::Tenants, state: &[EndsRecords, Locks, Progresses, Revokes, KeepsDomains], settings: &[App],
        // Runs do not overlap: a schedule fires every five minutes.
        size: Size { timeout_seconds: 240, ..API },
        summary: "Look for what a run that was killed left, cure it or report it, and end the rights that ended in Okta.",
        trigger: Trigger::Schedule { every: Every::Minutes(5), enabled_by: Some("ReconcileSchedule") },
    },
    Operation {
        name: "add-response", package: Responses, okta: OktaUse::Response, state: &[Locks, Responds], settings: &[Responders, Settings::Responses], size: API,
        summary: "Contain a user: suspend, end sessions, reset, quarantine.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/responses", access: Responder, success: 201, idempotent: true, replaces: None,
            problems: &[ResponsesDisabled, UserProtected, UserNotFound, LastSuperAdmin, ActionNotPossible, UserBusy, PayloadTooLarge, UnsupportedMediaType, RequestInProgress, IdempotencyKeyReused, OperationIncomplete],
        }),
    },
    Operation {
        name: "add-tenant-response", package: Responses, okta: OktaUse::Response, state: &[Locks, Responds], settings: &[App, Responders, Settings::Responses], size: API,
        summary: "Contain a user of a tenant.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/tenants/{tenant}/responses", access: TenantAdmin, success: 201, idempotent: true, replaces: None,
            problems: &[ResponsesDisabled, UserProtected, NotAMember, TenantNotFound, TenantBroken, ActionNotPossible, UserBusy, TooManyResponses, PayloadTooLarge, UnsupportedMediaType, RequestInProgress, IdempotencyKeyReused, OperationIncomplete],
        }),
    },
    Operation {
        name: "expire-responses", package: Responses, okta: OktaUse::Response, state: &[EndsResponses, Locks, Responds], settings: &[Responders, Settings::Responses],
        // The next run takes what this one leaves.
        size: Size { timeout_seconds: 55, ..API },
        summary: "End the responses whose time is over, and judge those whose run died.",
        trigger: Trigger::Schedule { every: Every::Minutes(1), enabled_by: Some("ResponseSchedule") },
    },
    Operation {
        name: "get-response", package: Responses, okta: Read, state: &[ReadsResponses], settings: &[Responders], size: API,
        summary: "Get a response, with what became of each action.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/responses/{responseId}", access: Responder, success: 200, idempotent: false, replaces: None,
            problems: &[ResponsesDisabled, ResponseNotFound],
        }),
    },
    Operation {
        name: "lift-response", package: Responses, okta: OktaUse::Response, state: &[Locks, Responds], settings: &[Responders, Settings::Responses], size: API,
        summary: "End a response: take back what it changed and what is still as it left it.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/responses/{responseId}/lift", access: Responder, success: 200, idempotent: false, replaces: None,
            problems: &[ResponsesDisabled, ResponseNotFound, UserProtected, UserBusy, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "list-responses", package: Responses, okta: Read, state: &[ReadsResponses], settings: &[Responders], size: API,
        summary: "List responses, newest first, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/responses", access: Responder, success: 200, idempotent: false, replaces: None,
            problems: &[ResponsesDisabled],
        }),
    },
    Operation {
        name: "respond-to-event", package: Responses, okta: OktaUse::Response, state: &[Locks, Responds], settings: &[Responders, Settings::Responses, ResponseRules],
        size: Size { timeout_seconds: 60, ..API },
        summary: "Contain the user of an event, by a rule or as the event says.",
        trigger: Trigger::Bus { bus: "ResponseEventBus", sources: &["okta-dac.response", "aws.partner/okta.com/*"] },
    },
    Operation {
        name: "assign-tenant-admin", package: TenantAdmins, okta: OktaUse::Tenants, state: &[Locks], settings: &[App], size: API,
        summary: "Make a user of a tenant its admin.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/tenants/{tenant}/admins/{userId}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("assignTenantAdmin"),
            problems: &[NotAMember, TenantNotFound, TenantBroken, TenantBusy, UserNotActive, OperationIncomplete],
        }),
    },
    Operation {
        name: "end-user-rights", package: TenantAdmins, okta: Read, state: &[Revokes], settings: &[App], size: API.reserving(10),
        summary: "End what the tokens of users give whose rights ended in Okta.",
        trigger: EventHook { path: "/events/okta" },
    },
    Operation {
        name: "list-tenant-admins", package: TenantAdmins, okta: Read, state: &[], settings: &[App], size: API,
        summary: "List the admins of a tenant, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}/admins", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("listTenantAdmins"),
            problems: &[TenantNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "revoke-user", package: TenantAdmins, okta: Read, state: &[Revokes], settings: &[], size: API,
        summary: "Refuse every token that a user has now, whatever it is for.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/users/{userId}/revocation", access: Superuser, success: 204, idempotent: false, replaces: None,
            problems: &[UserNotFound, PayloadTooLarge, UnsupportedMediaType],
        }),
    },
    Operation {
        name: "unassign-tenant-admin", package: TenantAdmins, okta: OktaUse::Tenants, state: &[Locks, Revokes], settings: &[App], size: API,
        summary: "Take an admin's rights away; the user stays.",
        trigger: HttpTrigger(Http {
            method: Delete, path: "/tenants/{tenant}/admins/{userId}", access: TenantAdmin, success: 204, idempotent: false, replaces: None,
            problems: &[TenantNotFound, AdminNotFound, TenantBroken, TenantBusy, LastAdmin, OperationIncomplete],
        }),
    },
    Operation {
        name: "activate-tenant-app", package: TenantApps, okta: OktaUse::Tenants, state: &[Locks, Suspends], settings: &[App], size: API,
        summary: "Entitle a tenant to an app (superuser, without a body), or give it to all its users.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/tenants/{tenant}/apps/{appId}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("activateTenantApp"),
            problems: &[TenantNotFound, AppNotFound, TenantAppNotFound, NameTaken, TenantBroken, TenantBusy, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
    },
    Operation {
        name: "deactivate-tenant-app", package: TenantApps, okta: OktaUse::Tenants, state: &[Locks, ReadsSuspensions], settings: &[App], size: API,
        summary: "End a tenant's entitlement to an app; nobody of the tenant keeps it.",
        trigger: HttpTrigger(Http {
            method: Delete, path: "/tenants/{tenant}/apps/{appId}", access: Superuser, success: 204, idempotent: false, replaces: Some("deactivateTenantApp"),
            problems: &[TenantNotFound, TenantAppNotFound, TenantBroken, TenantBusy, OperationIncomplete],
        }),
    },
    Operation {
        name: "list-tenant-apps", package: TenantApps, okta: OktaUse::Tenants, state: &[], settings: &[App], size: API,
        summary: "List the apps that a tenant is entitled to, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}/apps", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("listTenantApps"),
            problems: &[TenantNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "add-tenant-domain", package: TenantDomains, okta: OktaUse::Tenants, state: &[Locks, KeepsDomains], settings: &[App, Settings::Discovery], size: API,
        summary: "Add an e-mail domain to a tenant, to be verified through its DNS.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/tenants/{tenant}/domains", access: TenantAdmin, success: 201, idempotent: true, replaces: Some("addTenantDomain"),
            problems: &[TenantNotFound, TenantBroken, TenantBusy, DomainAlreadyVerified, DomainTaken, PayloadTooLarge, UnsupportedMediaType, RequestInProgress, IdempotencyKeyReused, OperationIncomplete],
        }),
    },
    Operation {
        name: "delete-tenant-domain", package: TenantDomains, okta: OktaUse::Tenants, state: &[Locks, KeepsDomains], settings: &[App, Settings::Discovery], size: API,
        summary: "Take an e-mail domain from a tenant, verified or not.",
        trigger: HttpTrigger(Http {
            method: Delete, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 204, idempotent: false, replaces: Some("deleteTenantDomain"),
            problems: &[TenantNotFound, DomainNotFound, TenantBroken, TenantBusy, OperationIncomplete],
        }),
    },
    Operation {
        name: "get-tenant-domain", package: TenantDomains, okta: Read, state: &[ReadsDomains], settings: &[App, Settings::Discovery], size: API,
        summary: "Get an e-mail domain of a tenant.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("getTenantDomain"),
            problems: &[TenantNotFound, DomainNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "list-tenant-domains", package: TenantDomains, okta: Read, state: &[ReadsDomains], settings: &[App, Settings::Discovery], size: API,
        summary: "List the e-mail domains of a tenant, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}/domains", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("listTenantDomains"),
            problems: &[TenantNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "verify-tenant-domain", package: TenantDomains, okta: OktaUse::Tenants, state: &[Locks, KeepsDomains], settings: &[App, Settings::Discovery, Dns], size: API,
        summary: "Verify an e-mail domain through its DNS.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/tenants/{tenant}/domains/{domain}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("verifyTenantDomain"),
            problems: &[TenantNotFound, DomainNotFound, TenantBroken, TenantBusy, DomainTaken, PayloadTooLarge, UnsupportedMediaType, DnsUnavailable, OperationIncomplete],
        }),
    },
    Operation {
        name: "add-tenant", package: Tenants, okta: OktaUse::Tenants, state: &[], settings: &[App, Placeholder], size: API,
        summary: "Create a tenant.",
        trigger: HttpTrigger(Http {
            method: Post, path: "/tenants", access: Superuser, success: 201, idempotent: true, replaces: Some("addTenant"),
            problems: &[TenantAlreadyExists, NameTaken, TenantBusy, PayloadTooLarge, UnsupportedMediaType, RequestInProgress, IdempotencyKeyReused, OperationIncomplete],
        }),
    },
    Operation {
        name: "delete-tenant", package: Tenants, okta: OktaUse::Tenants, state: &[Locks, Revokes, Suspends, KeepsDomains], settings: &[App, Placeholder], size: API,
        summary: "Delete a tenant and everything that carries its name; its users stay.",
        trigger: HttpTrigger(Http {
            method: Delete, path: "/tenants/{tenant}", access: Superuser, success: 204, idempotent: false, replaces: Some("deleteTenant"),
            problems: &[TenantNotFound, TenantBusy, TenantBroken, OperationIncomplete],
        }),
    },
    Operation {
        name: "get-tenant", package: Tenants, okta: Read, state: &[], settings: &[App], size: API,
        summary: "Get a tenant by its name.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}", access: TenantAdmin, success: 200, idempotent: false, replaces: Some("getTenant"),
            problems: &[TenantNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "list-tenant-events", package: Tenants, okta: Read, state: &[ReadsRecords], settings: &[App, Settings::Records], size: API,
        summary: "List who changed what of a tenant, newest first, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants/{tenant}/events", access: TenantAdmin, success: 200, idempotent: false, replaces: None,
            problems: &[TenantNotFound, TenantBroken],
        }),
    },
    Operation {
        name: "list-tenants", package: Tenants, okta: Read, state: &[], settings: &[App], size: API,
        summary: "List the tenants, page by page.",
        trigger: HttpTrigger(Http {
            method: Get, path: "/tenants", access: Superuser, success: 200, idempotent: false, replaces: Some("listTenants"),
            problems: &[],
        }),
    },
    Operation {
        name: "update-tenant", package: Tenants, okta: OktaUse::Tenants, state: &[Locks, Suspends, ReadsDomains], settings: &[App], size: API,
        summary: "Rename, suspend or resume a tenant.",
        trigger: HttpTrigger(Http {
            method: Put, path: "/tenants/{tenant}", access: Superuser, success: 200, idempotent: false, replaces: Some("updateTenant"),
            problems: &[TenantNotFound, TenantAlreadyExists, NameTaken, TenantBusy, TenantBroken, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        }),
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
