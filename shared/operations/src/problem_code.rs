//! Everything that can go wrong, as callers see it.

/// A kind of failure: the last segment of a problem's `type` and its `code`
/// member (RFC 9457). The HTTP status follows from the code, never the other
/// way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemCode {
    /// 400: the request breaks a rule that is named in `errors`.
    InvalidRequest,
    /// 401: no token, or one that is not accepted.
    Unauthorized,
    /// 403: the caller has no right to this operation on this tenant.
    Forbidden,
    /// 403: the user is none of the tenant's.
    NotAMember,
    /// 403: the request changes a member that is okta-dac's own.
    MemberNotEditable,
    /// 403: nothing is done to this user, or not by the caller.
    UserProtected,
    /// 403: responses are switched off.
    ResponsesDisabled,
    /// 404: no such tenant.
    TenantNotFound,
    /// 404: no such app, for this caller.
    AppNotFound,
    /// 404: nobody of this id or login can be an agent of the caller.
    AgentNotFound,
    /// 404: the user is no admin of the tenant, and was none lately.
    AdminNotFound,
    /// 404: no such user.
    UserNotFound,
    /// No connection of this name has its keys here.
    ConnectionNotFound,
    /// 404: no such response.
    ResponseNotFound,
    /// 404: the tenant is not entitled to the app.
    TenantAppNotFound,
    /// 404: the tenant has no such domain.
    DomainNotFound,
    /// 404: no such identity provider of a tenant.
    IdpNotFound,
    /// 409: the name belongs to a tenant already.
    TenantAlreadyExists,
    /// 409: the name is taken by an Okta object that is no tenant's.
    NameTaken,
    /// 409: another request is changing this tenant.
    TenantBusy,
    /// 409: the tenant lacks an Okta object that it cannot be without.
    TenantBroken,
    /// 409: the tenant is suspended.
    TenantSuspended,
    /// 409: the user cannot sign in.
    UserNotActive,
    /// 409: the tenant would be left without an admin.
    LastAdmin,
    /// 409: nobody could administer the org any more.
    LastSuperAdmin,
    /// 409: the deployment, or the state of the user, has no room for the action.
    ActionNotPossible,
    /// 409: the tenant has the domain already.
    DomainAlreadyVerified,
    /// 409: the domain is somebody else's, or overlaps with theirs.
    DomainTaken,
    /// 409: the caller cannot nominate agents.
    DelegationNotActive,
    /// 409: the caller has as many agents as one can have.
    TooManyAgents,
    /// 409: the other type of users lacks attributes that the caller has.
    AttributesWouldBeLost,
    /// 409: another request is changing the same user.
    UserBusy,
    /// 409: the same request is being executed.
    RequestInProgress,
    /// 413: the body is larger than 1 MiB.
    PayloadTooLarge,
    /// 415: the body is not `application/json`.
    UnsupportedMediaType,
    /// 422: the key was sent with another request.
    IdempotencyKeyReused,
    /// 429: the tenant's admins have responded to as many users as they may in an hour.
    TooManyResponses,
    /// 429: Okta's rate limit is used up.
    RateLimited,
    /// 500: a defect of okta-dac.
    Internal,
    /// 502: Okta gave an answer that cannot be right.
    OktaInvalidResponse,
    /// 503: Okta cannot be reached, failed, or was too slow.
    OktaUnavailable,
    /// 503: okta-dac's own table cannot be reached.
    StateUnavailable,
    /// 503: no resolver answered.
    DnsUnavailable,
    /// 503: the operation stopped half-way and could not be undone entirely.
    OperationIncomplete,
    /// 504: what was passed on to Okta was sent, but its answer is lost.
    OutcomeUnknown,
}

impl ProblemCode {
    /// Every code, for generated documents.
    pub const ALL: &'static [ProblemCode] = &[
        ProblemCode::InvalidRequest,
        ProblemCode::Unauthorized,
        ProblemCode::Forbidden,
        ProblemCode::NotAMember,
        ProblemCode::MemberNotEditable,
        ProblemCode::UserProtected,
        ProblemCode::ResponsesDisabled,
        ProblemCode::TenantNotFound,
        ProblemCode::AppNotFound,
        ProblemCode::AgentNotFound,
        ProblemCode::AdminNotFound,
        ProblemCode::UserNotFound,
        ProblemCode::ConnectionNotFound,
        ProblemCode::ResponseNotFound,
        ProblemCode::TenantAppNotFound,
        ProblemCode::DomainNotFound,
        ProblemCode::IdpNotFound,
        ProblemCode::TenantAlreadyExists,
        ProblemCode::NameTaken,
        ProblemCode::TenantBusy,
        ProblemCode::TenantBroken,
        ProblemCode::TenantSuspended,
        ProblemCode::UserNotActive,
        ProblemCode::LastAdmin,
        ProblemCode::LastSuperAdmin,
        ProblemCode::ActionNotPossible,
        ProblemCode::DomainAlreadyVerified,
        ProblemCode::DomainTaken,
        ProblemCode::DelegationNotActive,
        ProblemCode::TooManyAgents,
        ProblemCode::AttributesWouldBeLost,
        ProblemCode::UserBusy,
        ProblemCode::RequestInProgress,
        ProblemCode::PayloadTooLarge,
        ProblemCode::UnsupportedMediaType,
        ProblemCode::IdempotencyKeyReused,
        ProblemCode::TooManyResponses,
        ProblemCode::RateLimited,
        ProblemCode::Internal,
        ProblemCode::OktaInvalidResponse,
        ProblemCode::OktaUnavailable,
        ProblemCode::StateUnavailable,
        ProblemCode::DnsUnavailable,
        ProblemCode::OperationIncomplete,
        ProblemCode::OutcomeUnknown,
    ];

    /// What every operation can answer.
    pub const COMMON: &'static [ProblemCode] = &[
        ProblemCode::InvalidRequest,
        ProblemCode::Unauthorized,
        ProblemCode::Forbidden,
        ProblemCode::RateLimited,
        ProblemCode::Internal,
        ProblemCode::OktaInvalidResponse,
        ProblemCode::OktaUnavailable,
    ];

    /// `tenant-already-exists`: stable, for programs.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// HTTP status.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Whether the same request may succeed when it is sent again unchanged.
    pub const fn is_retryable(self) -> bool {
        self.row().2
    }

    /// The problem's `title`: the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.row().3
    }

    /// What the caller does about it.
    pub const fn caller(self) -> &'static str {
        self.row().4
    }

    /// What the operator of the deployment does about it.
    pub const fn operator(self) -> &'static str {
        self.row().5
    }

    /// Code, status, retryable, title, what the caller does, what the operator does.
    #[rustfmt::skip] // A table.
    const fn row(self) -> (&'static str, u16, bool, &'static str, &'static str, &'static str) {
        match self {
            ProblemCode::InvalidRequest => (
                "invalid-request", 400, false, "The request is not valid",
                "Change what `errors` points at.", "Nothing.",
            ),
            ProblemCode::Unauthorized => (
                "unauthorized", 401, false, "No accepted access token",
                "Get a new token with the scope `dac.admin`, `managed.access` for delegation, or `dac.respond` for responses.",
                "If it concerns every caller: compare issuer, audiences and client ids of the deployment with the tokens.",
            ),
            ProblemCode::Forbidden => (
                "forbidden", 403, false, "Not allowed",
                "Ask a superuser, or an admin of the tenant.", "Nothing.",
            ),
            ProblemCode::NotAMember => (
                "not-a-member", 403, false, "The user is not the tenant's",
                "Add the user to the tenant first.", "Nothing.",
            ),
            ProblemCode::MemberNotEditable => (
                "member-not-editable", 403, false, "The member cannot be changed",
                "Leave the member out that `errors` points at, or send it as it is.", "Nothing.",
            ),
            ProblemCode::UserProtected => (
                "user-protected", 403, false, "Nothing is done to this user",
                "Ask a superuser, if the user is an administrator.",
                "If somebody must respond to the user: do it in Okta.",
            ),
            ProblemCode::ResponsesDisabled => (
                "responses-disabled", 403, false, "Responses are switched off",
                "Ask an operator.", "Set `RESPONSE_MODE` to `observe` or `act`.",
            ),
            ProblemCode::TenantNotFound => (
                "tenant-not-found", 404, false, "No such tenant",
                "Check the name; names are lower case.", "Nothing.",
            ),
            ProblemCode::AppNotFound => (
                "app-not-found", 404, false, "No such app",
                "Check the id; `GET /apps` lists the apps that you see.",
                "If tenants are to have it: let its label begin with `DAC_`, and activate it.",
            ),
            ProblemCode::AgentNotFound => (
                "agent-not-found", 404, false, "No such agent",
                "Check id or login; the user must be active, and of a tenant of yours.", "Nothing.",
            ),
            ProblemCode::AdminNotFound => (
                "admin-not-found", 404, false, "No such admin",
                "Check the id; `GET /tenants/{tenant}/admins` lists them.", "Nothing.",
            ),
            ProblemCode::UserNotFound => (
                "user-not-found", 404, false, "No such user",
                "Check the id: it is the user's id in Okta.", "Nothing.",
            ),
            ProblemCode::ConnectionNotFound => (
                "connection-not-found", 404, false, "No such connection",
                "Check the name; `ConnectionKeys` of the deployment names those whose keys are shown.", "Nothing.",
            ),
            ProblemCode::ResponseNotFound => (
                "response-not-found", 404, false, "No such response",
                "Check the id; `GET /responses` lists them.", "Nothing.",
            ),
            ProblemCode::TenantAppNotFound => (
                "tenant-app-not-found", 404, false, "The tenant does not have the app",
                "Ask a superuser to entitle the tenant to it.", "Nothing.",
            ),
            ProblemCode::DomainNotFound => (
                "domain-not-found", 404, false, "The tenant has no such domain",
                "Add the domain first; `GET /tenants/{tenant}/domains` lists them.", "Nothing.",
            ),
            ProblemCode::IdpNotFound => (
                "idp-not-found", 404, false, "No such identity provider",
                "Check the id: it is the id of the tenant.", "Nothing.",
            ),
            ProblemCode::TenantAlreadyExists => (
                "tenant-already-exists", 409, false, "The tenant exists already",
                "Use the tenant named by `existingId`, or choose another name.", "Nothing.",
            ),
            ProblemCode::NameTaken => (
                "name-taken", 409, false, "The name is taken by another Okta object",
                "Choose another name.",
                "Rename or delete the object that `detail` names, if nobody needs it.",
            ),
            ProblemCode::TenantBusy => (
                "tenant-busy", 409, true, "The tenant is being changed",
                "Send the request again after `Retry-After` seconds.", "Nothing.",
            ),
            ProblemCode::TenantBroken => (
                "tenant-broken", 409, false, "The tenant lacks a part",
                "Report it to a superuser.",
                "Restore the object that `detail` names, or delete the tenant.",
            ),
            ProblemCode::TenantSuspended => (
                "tenant-suspended", 409, false, "The tenant is suspended",
                "Ask a superuser to resume the tenant first.", "Nothing.",
            ),
            ProblemCode::UserNotActive => (
                "user-not-active", 409, false, "The user cannot sign in",
                "Activate the user first.", "Nothing.",
            ),
            ProblemCode::LastAdmin => (
                "last-admin", 409, false, "The last admin of the tenant",
                "Assign another admin first, or ask a superuser.", "Nothing.",
            ),
            ProblemCode::LastSuperAdmin => (
                "last-super-admin", 409, false, "The last super admin",
                "Make another user a super admin first.", "Nothing.",
            ),
            ProblemCode::ActionNotPossible => (
                "action-not-possible", 409, false, "The action is not possible",
                "Leave the action out that `detail` names.",
                "If the deployment shall have it: see `RESPONSE_ACTIONS` and `RESPONSE_QUARANTINE_GROUP`.",
            ),
            ProblemCode::DomainAlreadyVerified => (
                "domain-already-verified", 409, false, "The tenant has the domain already",
                "Nothing: logins of the domain go to the tenant's IdP.", "Nothing.",
            ),
            ProblemCode::DomainTaken => (
                "domain-taken", 409, false, "The domain is somebody else's",
                "Add a domain that is the tenant's own; if it is, report it to a superuser.",
                "Look for the routing rule that has the domain, or one above or below it.",
            ),
            ProblemCode::DelegationNotActive => (
                "delegation-not-active", 409, false, "Delegation is not switched on for the user",
                "Send `{\"op\": \"ACTIVATE\"}` to `/delegator/delegation` first.",
                "If that fails: set `DELEGATED_USER_TYPE_ID` to a type of users with the attributes `delegatedAgents` and `delegationGrants`.",
            ),
            ProblemCode::TooManyAgents => (
                "too-many-agents", 409, false, "The user has too many agents",
                "Remove an agent that is not needed first.", "Nothing.",
            ),
            ProblemCode::AttributesWouldBeLost => (
                "attributes-would-be-lost", 409, false, "The other type of users lacks attributes",
                "Report it to an administrator of the org.",
                "Add the attributes that `detail` names to the type.",
            ),
            ProblemCode::UserBusy => (
                "user-busy", 409, true, "The user is being changed",
                "Send the request again after `Retry-After` seconds.", "Nothing.",
            ),
            ProblemCode::RequestInProgress => (
                "request-in-progress", 409, true, "The same request is being executed",
                "Send the request again, with the same key, after `Retry-After` seconds.", "Nothing.",
            ),
            ProblemCode::PayloadTooLarge => (
                "payload-too-large", 413, false, "The body is too large",
                "Send at most 1 MiB.", "Nothing.",
            ),
            ProblemCode::UnsupportedMediaType => (
                "unsupported-media-type", 415, false, "The body is not JSON",
                "Send `Content-Type: application/json`.", "Nothing.",
            ),
            ProblemCode::IdempotencyKeyReused => (
                "idempotency-key-reused", 422, false, "The key belongs to another request",
                "Use another `Idempotency-Key` for another request.", "Nothing.",
            ),
            ProblemCode::TooManyResponses => (
                "too-many-responses", 429, true, "Too many responses in an hour",
                "Send the request again after `Retry-After` seconds, or ask a responder.",
                "Look at who the users are; `RESPONSE_MAX_PER_HOUR` is the number.",
            ),
            ProblemCode::RateLimited => (
                "rate-limited", 429, true, "Okta's rate limit is used up",
                "Send the request again after `Retry-After` seconds.",
                "Look for the client that uses the limit up, or ask Okta for a higher one.",
            ),
            ProblemCode::Internal => (
                "internal", 500, false, "A defect of okta-dac",
                "Report it with the request id.", "Look for the request id in the log.",
            ),
            ProblemCode::OktaInvalidResponse => (
                "okta-invalid-response", 502, true, "Okta gave an answer that cannot be right",
                "Send the request again later.",
                "Look for the request id in the log; check the credential and its admin role.",
            ),
            ProblemCode::OktaUnavailable => (
                "okta-unavailable", 503, true, "Okta is not available",
                "Send the request again later; nothing was changed.", "Check Okta's status page.",
            ),
            ProblemCode::StateUnavailable => (
                "state-unavailable", 503, true, "okta-dac's own table is not available",
                "Send the request again later; nothing was changed.",
                "Look for the request id in the log; check the table, and the permissions of the function.",
            ),
            ProblemCode::DnsUnavailable => (
                "dns-unavailable", 503, true, "The DNS cannot be asked",
                "Send the request again later; nothing was changed.",
                "Check that the function reaches the resolvers in `DNS_RESOLVERS`.",
            ),
            ProblemCode::OperationIncomplete => (
                "operation-incomplete", 503, true, "Stopped half-way",
                "Send the same request again: it completes what `leftBehind` names.",
                "If repeating does not help: look for the request id in the log.",
            ),
            ProblemCode::OutcomeUnknown => (
                "outcome-unknown", 504, false, "It is not known whether Okta did it",
                "Look whether it is done; send the request again only if it is not.", "Check Okta's status page.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_in_order() {
        assert!(ProblemCode::ALL.is_sorted_by(|a, b| a < b));
        // The last variant: `ALL` is complete when it ends there without a gap.
        assert_eq!(ProblemCode::ALL.len(), ProblemCode::OutcomeUnknown as usize + 1);
    }
}
