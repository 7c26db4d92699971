//! What an operation needs: tables, the org, settings, memory and time.

use crate::EnvVar;

/// What an operation does with okta-dac's own tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateUse {
    /// Records who changes what.
    Audits,
    /// Uses up a delegation that was started, and records it.
    Consumes,
    /// Counts failed sign-ins of a user, across runs.
    CountsSignIns,
    /// Ends the records of runs that died.
    EndsRecords,
    /// Changes whom a user lets act for them.
    Grants,
    /// Changes something that Okta replaces as a whole, under a lock.
    Locks,
    /// Works piece by piece: keeps its place under a lease, and looks whether somebody
    /// holds a lock.
    Progresses,
    /// Reads whom a user lets act for them.
    ReadsGrants,
    /// Reads the records of delegation, or of who changed what.
    ReadsRecords,
    /// Reads responses.
    ReadsResponses,
    /// Looks when a user's password was rotated, and notes what was somebody else's change.
    ReadsRotations,
    /// Reads what ended of the caller's rights.
    ReadsRights,
    /// Looks whether a tenant is suspended.
    ReadsSuspensions,
    /// Records what it does with delegation.
    Records,
    /// Notes when it changes a user's password.
    RecordsRotations,
    /// Keeps its answer for an `Idempotency-Key`.
    Replays,
    /// Reads the index of domains.
    ReadsDomains,
    /// Keeps the index of domains.
    KeepsDomains,
    /// Keeps responses: before they are done, with each outcome, and their ends.
    Responds,
    /// Looks for responses whose time is over, or whose run died.
    EndsResponses,
    /// Takes rights away: writes a revocation.
    Revokes,
    /// Counts what the party of a request uses of Okta's limits.
    Spends,
    /// Starts a delegation.
    Starts,
    /// Suspends tenants, or changes what a suspended one gets back.
    Suspends,
}

impl StateUse {
    /// What it needs to do with the tables.
    pub const fn permissions(self) -> &'static [Permission] {
        const EVENTS: &str = "DelegationEventsTable";
        const STATE: &str = "StateTable";
        const RESPONSES: &str = "ResponsesTable";
        const fn on(resource: &'static str, actions: &'static [&'static str]) -> Permission {
            Permission { resource, actions, leading_keys: None }
        }
        match self {
            StateUse::Audits => const { &[on(EVENTS, &["PutItem", "UpdateItem"])] },
            StateUse::Consumes => {
                const { &[on(EVENTS, &["PutItem"]), on(STATE, &["GetItem", "UpdateItem"])] }
            }
            StateUse::CountsSignIns => {
                const { &[on(STATE, &["DeleteItem", "GetItem", "PutItem", "UpdateItem"])] }
            }
            StateUse::EndsRecords => {
                const { &[on(EVENTS, &["UpdateItem"]), on("DelegationEventsTable/index/open", &["Query"])] }
            }
            StateUse::Grants => const { &[on(EVENTS, &["PutItem"]), on(STATE, &["GetItem", "PutItem"])] },
            StateUse::ReadsGrants => const { &[on(STATE, &["GetItem"])] },
            StateUse::Locks | StateUse::Replays => const { &[on(STATE, &["DeleteItem", "PutItem"])] },
            StateUse::Progresses | StateUse::ReadsRotations | StateUse::RecordsRotations => {
                const { &[on(STATE, &["GetItem", "UpdateItem"])] }
            }
            StateUse::ReadsRecords => const { &[on(EVENTS, &["Query"])] },
            StateUse::ReadsSuspensions => const { &[on(STATE, &["GetItem"])] },
            StateUse::ReadsResponses => {
                const { &[on(RESPONSES, &["GetItem", "Query"]), on("ResponsesTable/index/all", &["Query"])] }
            }
            StateUse::Responds => const { &[on(RESPONSES, &["GetItem", "PutItem", "Query", "UpdateItem"])] },
            StateUse::EndsResponses => const { &[on("ResponsesTable/index/open", &["Query"])] },
            StateUse::ReadsRights | StateUse::ReadsDomains => const { &[on(STATE, &["BatchGetItem"])] },
            StateUse::KeepsDomains => const { &[on(STATE, &["BatchGetItem", "DeleteItem", "PutItem"])] },
            StateUse::Records => const { &[on(EVENTS, &["PutItem"])] },
            StateUse::Revokes | StateUse::Suspends => {
                const { &[on(STATE, &["DeleteItem", "GetItem", "PutItem"])] }
            }
            StateUse::Spends => {
                const { &[Permission { leading_keys: Some("budget#*"), ..on(STATE, &["UpdateItem"]) }] }
            }
            StateUse::Starts => const { &[on(EVENTS, &["UpdateItem"]), on(STATE, &["PutItem"])] },
        }
    }
}

/// What a function may do with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The table, by its logical id in `template.yaml`, or an index, as
    /// `<table>/index/<name>`.
    pub resource: &'static str,
    /// Actions of DynamoDB.
    pub actions: &'static [&'static str],
    /// Which items, by a pattern for their keys (`dynamodb:LeadingKeys`); `None`: all.
    pub leading_keys: Option<&'static str>,
}

/// What an operation does in the org: with which credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OktaUse {
    /// Nothing; it has no credential.
    None,
    /// Reads.
    Read,
    /// Changes tenants: groups, roles, apps, IdPs, rules.
    Tenants,
    /// Changes who delegates to whom: users.
    Delegation,
    /// Contains users: suspends, ends sessions, changes memberships.
    Response,
    /// Changes passwords of users.
    Rotation,
}

impl OktaUse {
    /// The parameters of the template that may name the credential, the narrowest first: one
    /// that is left empty gives way to the next, and the last is never empty.
    pub const fn credentials(self) -> &'static [&'static str] {
        match self {
            OktaUse::None => &[],
            OktaUse::Read => {
                &["OktaReadCredentialSecretArn", "OktaTenantsCredentialSecretArn", "OktaCredentialSecretArn"]
            }
            OktaUse::Tenants => &["OktaTenantsCredentialSecretArn", "OktaCredentialSecretArn"],
            OktaUse::Delegation => &["OktaDelegationCredentialSecretArn", "OktaCredentialSecretArn"],
            OktaUse::Response => &["OktaResponseCredentialSecretArn", "OktaCredentialSecretArn"],
            OktaUse::Rotation => &["OktaRotationCredentialSecretArn", "OktaCredentialSecretArn"],
        }
    }
}

/// A group of environment variables that an operation needs besides those that follow
/// from the rest of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// The okta-dac app.
    App,
    /// Whose keys are shown.
    ConnectionKeys,
    /// How delegation is configured.
    Delegation,
    /// How users find the IdP of their tenant.
    Discovery,
    /// Resolvers of DNS over HTTPS.
    Dns,
    /// Which grants of delegation count.
    Grants,
    /// What becomes of a token when a hook is in doubt.
    Doubt,
    /// The org's address alone.
    Org,
    /// The placeholder certificate.
    Placeholder,
    /// The table of records, of delegation and of who changed what.
    Records,
    /// Where responses are kept, and who may ask for them.
    Responders,
    /// What responses may do.
    Responses,
    /// Which events lead to responses.
    ResponseRules,
    /// How passwords are rotated, and the secrets that have them.
    Rotation,
    /// Which secrets are rotated.
    StartsRotations,
    /// Which tokens are accepted.
    Tokens,
    /// What follows a change of a password that is rotated.
    WatchesPasswords,
}

impl Settings {
    /// The variables.
    pub const fn variables(self) -> &'static [EnvVar] {
        match self {
            Settings::App => &[EnvVar::OKTA_DAC_APP_ID],
            Settings::ConnectionKeys => &[EnvVar::CONNECTION_KEYS],
            Settings::Delegation => &[
                EnvVar::DELEGATION_SECONDS,
                EnvVar::DELEGATION_ACTOR_CLAIMS,
                EnvVar::DELEGATION_AGENTS,
                EnvVar::DELEGATION_GRANTS,
                EnvVar::DELEGATION_OF_ADMINS,
                EnvVar::DELEGATED_SUB,
                EnvVar::DELEGATED_ACCESS_CLAIMS,
                EnvVar::DELEGATED_IDENTITY_CLAIMS,
                EnvVar::DELEGATED_USER_TYPE_ID,
                EnvVar::USER_TYPE_ID,
            ],
            Settings::Discovery => &[EnvVar::DISCOVERY_BY],
            Settings::Dns => &[EnvVar::DNS_RESOLVERS],
            Settings::Grants => &[EnvVar::DELEGATION_GRANTS],
            Settings::Doubt => &[EnvVar::DELEGATION_FAIL],
            Settings::Org => &[EnvVar::OKTA_ORG_URL],
            Settings::Placeholder => &[EnvVar::PLACEHOLDER_KEY_ID],
            Settings::Records => &[EnvVar::DELEGATION_EVENTS_TABLE, EnvVar::DELEGATION_EVENT_DAYS],
            Settings::Responders => &[
                EnvVar::RESPONSES_TABLE,
                EnvVar::RESPONSE_DAYS,
                EnvVar::RESPONDERS_GROUP_ID,
                EnvVar::RESPONSE_MODE,
            ],
            Settings::Responses => &[
                EnvVar::RESPONSE_MAX_PER_HOUR,
                EnvVar::RESPONSE_ACTIONS,
                EnvVar::RESPONSE_QUARANTINE_GROUP,
                EnvVar::RESPONSE_PROTECTED_GROUP,
            ],
            Settings::ResponseRules => &[EnvVar::RESPONSE_RULES],
            Settings::Rotation => &[
                EnvVar::ROTATION_VERIFY,
                EnvVar::ROTATION_MISMATCH,
                EnvVar::ROTATION_REVOKE,
                EnvVar::ROTATION_UNLOCK,
                EnvVar::ROTATION_STRICT,
                EnvVar::ROTATION_LENGTH,
                EnvVar::ROTATION_EXCLUDE,
            ],
            Settings::StartsRotations => &[EnvVar::ROTATION_SECRET_PREFIX],
            Settings::Tokens => &[EnvVar::TOKEN_ISSUER, EnvVar::TOKEN_AUDIENCES, EnvVar::TOKEN_CLIENT_IDS],
            Settings::WatchesPasswords => &[EnvVar::ROTATION_CHANGED_ELSEWHERE],
        }
    }
}

/// What Lambda gives a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Memory, in MiB; the processor grows with it.
    pub memory_mib: u32,
    /// Seconds until Lambda ends the function.
    pub timeout_seconds: u32,
    /// Environments that are kept free for the function, and that it has at most, where
    /// the deployment reserves any.
    pub reserved_concurrency: Option<u32>,
}

impl Size {
    /// An operation of the API: one second less than API Gateway waits.
    pub const API: Size = Size { memory_mib: 256, timeout_seconds: 28, reserved_concurrency: None };

    /// The same with reserved concurrency.
    pub const fn reserving(self, concurrency: u32) -> Self {
        Size { reserved_concurrency: Some(concurrency), ..self }
    }
}
