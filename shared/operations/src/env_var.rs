//! The environment variables of the functions.

/// An environment variable that a function reads when it starts.
///
/// `template.yaml`, the local stack and `docs/configuration.md` are checked
/// against [`EnvVar::ALL`]. None of them holds a secret: a credential is named
/// by its id in Secrets Manager and read at run time.
#[derive(Debug)]
pub struct EnvVar {
    /// Name of the variable.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// A value that works.
    pub example: &'static str,
    /// Value when the variable is unset or empty; without one it is required.
    pub default: Option<&'static str>,
}

impl EnvVar {
    /// Origin of the Okta org.
    pub const OKTA_ORG_URL: EnvVar = EnvVar {
        name: "OKTA_ORG_URL",
        meaning: "Origin of the Okta org; `https`, except on a loopback address",
        example: "https://example.okta.com",
        default: None,
    };
    /// Name of the secret with the Okta credential.
    pub const OKTA_CREDENTIAL_SECRET_ID: EnvVar = EnvVar {
        name: "OKTA_CREDENTIAL_SECRET_ID",
        meaning: "Name or ARN of the Secrets Manager secret with the Okta credential: `{\"apiToken\": \"…\"}`, `{\"clientId\", \"clientSecret\", \"scopes\"}` or `{\"clientId\", \"privateKey\", \"keyId\", \"scopes\"}`, read through the AWS Parameters and Secrets extension",
        example: "okta-dac/okta-credential",
        default: None,
    };
    /// Port of the secrets extension.
    pub const SECRETS_EXTENSION_PORT: EnvVar = EnvVar {
        name: "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT",
        meaning: "Port of the AWS Parameters and Secrets extension on localhost; the extension reads the same variable",
        example: "2773",
        default: Some("2773"),
    };
    /// How long the extension keeps a secret.
    pub const SECRETS_MANAGER_TTL: EnvVar = EnvVar {
        name: "SECRETS_MANAGER_TTL",
        meaning: "Seconds, 0 to 300, for which the secrets extension keeps a secret; a function keeps the Okta credential as long again. The extension reads the same variable",
        example: "150",
        default: Some("150"),
    };
    /// Token for the secrets extension, set by Lambda itself.
    pub const AWS_SESSION_TOKEN: EnvVar = EnvVar {
        name: "AWS_SESSION_TOKEN",
        meaning: "Set by Lambda; shown to the secrets extension as proof that the caller is this function",
        example: "(set by Lambda)",
        default: Some(""),
    };
    /// Share of Okta's rate limits.
    pub const OKTA_RATE_LIMIT_SHARE: EnvVar = EnvVar {
        name: "OKTA_RATE_LIMIT_SHARE",
        meaning: "Percent of each of Okta's rate limits that calls may use, counting those of other clients of the org",
        example: "50",
        default: Some("50"),
    };
    /// Part of a tenant.
    pub const OKTA_TENANT_SHARE: EnvVar = EnvVar {
        name: "OKTA_TENANT_SHARE",
        meaning: "Percent of `OKTA_RATE_LIMIT_SHARE` that the requests of one tenant, or of one user, may use in a minute; superusers are not counted, and `100` counts nobody",
        example: "30",
        default: Some("30"),
    };
    /// Client id of the okta-dac app.
    pub const OKTA_DAC_APP_ID: EnvVar = EnvVar {
        name: "OKTA_DAC_APP_ID",
        meaning: "Id of the okta-dac app in Okta, to which the ADMINS groups are assigned",
        example: "0oa1dacapp0000000001",
        default: None,
    };
    /// Key id of the placeholder certificate.
    pub const PLACEHOLDER_KEY_ID: EnvVar = EnvVar {
        name: "PLACEHOLDER_KEY_ID",
        meaning: "Key id of the throw-away certificate that a new tenant's IdP trusts until its admin uploads one; `make placeholder-key` makes it",
        example: "22f53eb4-89d7-40cc-8b91-4157cf9042b5",
        default: None,
    };
    /// The DynamoDB table.
    pub const STATE_TABLE: EnvVar = EnvVar {
        name: "STATE_TABLE",
        meaning: "Name of the DynamoDB table with locks and revocations",
        example: "okta-dac-state",
        default: None,
    };
    /// DNS over HTTPS.
    pub const DNS_RESOLVERS: EnvVar = EnvVar {
        name: "DNS_RESOLVERS",
        meaning: "Addresses of resolvers that answer DNS over HTTPS in JSON, separated by commas; they are asked at the same time",
        example: "https://cloudflare-dns.com/dns-query,https://dns.google/resolve",
        default: Some("https://cloudflare-dns.com/dns-query,https://dns.google/resolve"),
    };
    /// Origins for CORS.
    pub const CORS_ALLOW_ORIGIN: EnvVar = EnvVar {
        name: "CORS_ALLOW_ORIGIN",
        meaning: "Origin of the browser application that may read answers (`Access-Control-Allow-Origin`)",
        example: "https://admin.example.com",
        default: None,
    };
    /// Issuer of accepted tokens.
    pub const TOKEN_ISSUER: EnvVar = EnvVar {
        name: "TOKEN_ISSUER",
        meaning: "Exact issuer of accepted access tokens: a custom authorization server",
        example: "https://example.okta.com/oauth2/aus1dac000000000001",
        default: None,
    };
    /// Accepted audiences.
    pub const TOKEN_AUDIENCES: EnvVar = EnvVar {
        name: "TOKEN_AUDIENCES",
        meaning: "Accepted audiences, separated by commas",
        example: "api://okta-dac",
        default: None,
    };
    /// Accepted clients.
    pub const TOKEN_CLIENT_IDS: EnvVar = EnvVar {
        name: "TOKEN_CLIENT_IDS",
        meaning: "Accepted client ids, separated by commas; empty accepts every client of the authorization server",
        example: "0oa1dacapp0000000001",
        default: Some(""),
    };
    /// Region, set by Lambda itself.
    pub const AWS_REGION: EnvVar = EnvVar {
        name: "AWS_REGION",
        meaning: "Set by Lambda; where the table is",
        example: "us-east-1",
        default: None,
    };
    /// Credential of the function's role, set by Lambda itself.
    pub const AWS_ACCESS_KEY_ID: EnvVar = EnvVar {
        name: "AWS_ACCESS_KEY_ID",
        meaning: "Set by Lambda; signs requests to AWS in the name of the function's role",
        example: "(set by Lambda)",
        default: None,
    };
    /// Credential of the function's role, set by Lambda itself.
    pub const AWS_SECRET_ACCESS_KEY: EnvVar = EnvVar {
        name: "AWS_SECRET_ACCESS_KEY",
        meaning: "Set by Lambda; the same",
        example: "(set by Lambda)",
        default: None,
    };
    /// Another address of all of AWS.
    pub const AWS_ENDPOINT_URL: EnvVar = EnvVar {
        name: "AWS_ENDPOINT_URL",
        meaning: "Address of AWS's services, where it is not AWS's: emulators set it",
        example: "http://127.0.0.1:4566",
        default: Some(""),
    };
    /// Another address of DynamoDB.
    pub const AWS_ENDPOINT_URL_DYNAMODB: EnvVar = EnvVar {
        name: "AWS_ENDPOINT_URL_DYNAMODB",
        meaning: "Address of DynamoDB, where it is not AWS's: the local stack sets it",
        example: "http://127.0.0.1:8000",
        default: Some(""),
    };
    /// Where Secrets Manager is.
    pub const AWS_ENDPOINT_URL_SECRETS_MANAGER: EnvVar = EnvVar {
        name: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        meaning: "Address of Secrets Manager, for the local stack; unset on AWS",
        example: "http://127.0.0.1:4600",
        default: Some(""),
    };
    /// The table of delegation's records.
    pub const DELEGATION_EVENTS_TABLE: EnvVar = EnvVar {
        name: "DELEGATION_EVENTS_TABLE",
        meaning: "Name of the DynamoDB table with the records of delegation, and of who changed what",
        example: "okta-dac-delegation-events",
        default: None,
    };
    /// How long the records are kept.
    pub const DELEGATION_EVENT_DAYS: EnvVar = EnvVar {
        name: "DELEGATION_EVENT_DAYS",
        meaning: "Days for which records of delegation and of changes are kept, 1 to 3650",
        example: "365",
        default: Some("365"),
    };
    /// How long a delegation may wait for its token.
    pub const DELEGATION_SECONDS: EnvVar = EnvVar {
        name: "DELEGATION_SECONDS",
        meaning: "Seconds between the start of a delegation and its token, 10 to 300",
        example: "60",
        default: Some("60"),
    };
    /// What becomes of a token in doubt.
    pub const DELEGATION_FAIL: EnvVar = EnvVar {
        name: "DELEGATION_FAIL",
        meaning: "What becomes of a token when the hook cannot confirm a delegation, or an entity: `keep` leaves it as it was, `deny` lets Okta issue none, also while Okta's API or the table is away",
        example: "keep",
        default: Some("keep"),
    };
    /// RFC 8693.
    pub const DELEGATION_ACTOR_CLAIMS: EnvVar = EnvVar {
        name: "DELEGATION_ACTOR_CLAIMS",
        meaning: "`true` adds the claims `act` (RFC 8693) and `delegation_id` to delegated access tokens",
        example: "true",
        default: Some("false"),
    };
    /// Who may be nominated.
    pub const DELEGATION_AGENTS: EnvVar = EnvVar {
        name: "DELEGATION_AGENTS",
        meaning: "Who may be an agent: `same-tenant`, users of a tenant of the delegator's, or, for users without a tenant, others without one; `any`, every active user of the org",
        example: "same-tenant",
        default: Some("same-tenant"),
    };
    /// Admins as delegators.
    pub const DELEGATION_OF_ADMINS: EnvVar = EnvVar {
        name: "DELEGATION_OF_ADMINS",
        meaning: "Whether somebody may act for an administrator of the org, a superuser or an admin of a tenant: `refuse` or `allow`",
        example: "refuse",
        default: Some("refuse"),
    };
    /// Who is acted for.
    pub const DELEGATED_SUB: EnvVar = EnvVar {
        name: "DELEGATED_SUB",
        meaning: "Attribute of the delegator's profile that the claim `on_behalf_sub` holds: `login`, as `sub` of access tokens, another one, or `id` for the user's id",
        example: "login",
        default: Some("login"),
    };
    /// Claims of access tokens.
    pub const DELEGATED_ACCESS_CLAIMS: EnvVar = EnvVar {
        name: "DELEGATED_ACCESS_CLAIMS",
        meaning: "Attributes of the delegator's profile that become claims of delegated access tokens, separated by commas",
        example: "department,costCenter",
        default: Some(""),
    };
    /// Claims of ID tokens.
    pub const DELEGATED_IDENTITY_CLAIMS: EnvVar = EnvVar {
        name: "DELEGATED_IDENTITY_CLAIMS",
        meaning: "Attributes of the delegator's profile that become claims of the ID tokens beside them, separated by commas",
        example: "department",
        default: Some(""),
    };
    /// Type of delegators.
    pub const DELEGATED_USER_TYPE_ID: EnvVar = EnvVar {
        name: "DELEGATED_USER_TYPE_ID",
        meaning: "Id of the type of users who can nominate agents; empty: every user whose type has the attributes can, and nobody switches it on or off",
        example: "oty1delegator0000001",
        default: Some(""),
    };
    /// How users find the IdP of their tenant.
    pub const DISCOVERY_BY: EnvVar = EnvVar {
        name: "DISCOVERY_BY",
        meaning: "How users find the IdP of their tenant: `routing-rules`, Okta's own, one for each tenant; `webfinger`, from the index of verified domains by `find-idp`, and a verified domain makes no routing rule",
        example: "routing-rules",
        default: Some("routing-rules"),
    };
    /// Which grants count.
    pub const DELEGATION_GRANTS: EnvVar = EnvVar {
        name: "DELEGATION_GRANTS",
        meaning: "Which grants of delegation count: `table`, those that the state table and the profile have; `profile`, also those that the profile alone has, which an administrator of the user can write",
        example: "table",
        default: Some("table"),
    };
    /// Type of all others.
    pub const USER_TYPE_ID: EnvVar = EnvVar {
        name: "USER_TYPE_ID",
        meaning: "Id of the type of all other users; empty: the org's default type",
        example: "oty1user000000000001",
        default: Some(""),
    };
    /// Name of the secret with the hook secrets.
    pub const HOOK_SECRET_ID: EnvVar = EnvVar {
        name: "HOOK_SECRET_ID",
        meaning: "Name or ARN of the Secrets Manager secret with what Okta sends as `Authorization` of its hooks: `{\"current\": \"…\", \"previous\": \"…\"}`, each of at least 32 bytes; `previous` may be left out",
        example: "okta-dac/hook-secret",
        default: None,
    };
    /// Whether responses are done.
    pub const RESPONSE_MODE: EnvVar = EnvVar {
        name: "RESPONSE_MODE",
        meaning: "How far responses go: `off` refuses all of them, `observe` says and keeps what would be done, `act` does it",
        example: "act",
        default: Some("off"),
    };
    /// What responses may do.
    pub const RESPONSE_ACTIONS: EnvVar = EnvVar {
        name: "RESPONSE_ACTIONS",
        meaning: "Actions that responses may have, separated by commas; the credential needs the rights for each",
        example: "suspend,expire-password,reset-password,reset-factors,remove-from-groups,quarantine,clear-sessions",
        default: Some(
            "suspend,expire-password,reset-password,reset-factors,remove-from-groups,quarantine,clear-sessions",
        ),
    };
    /// Where users in quarantine are.
    pub const RESPONSE_QUARANTINE_GROUP: EnvVar = EnvVar {
        name: "RESPONSE_QUARANTINE_GROUP",
        meaning: "Id of the group that `quarantine` puts a user into; a sign-on policy of yours denies its members; empty: there is no `quarantine`",
        example: "00g1quarantine000001",
        default: Some(""),
    };
    /// Users whom no response touches.
    pub const RESPONSE_PROTECTED_GROUP: EnvVar = EnvVar {
        name: "RESPONSE_PROTECTED_GROUP",
        meaning: "Id of the group whose members no response does anything to, as accounts for emergencies; empty: there is none",
        example: "00g1breakglass000001",
        default: Some(""),
    };
    /// Who may respond.
    pub const RESPONDERS_GROUP_ID: EnvVar = EnvVar {
        name: "RESPONDERS_GROUP_ID",
        meaning: "Id of the group `RESPONDERS`, whose members may use responses; empty: superusers alone may",
        example: "00g1responders000001",
        default: Some(""),
    };
    /// How many users events may concern.
    pub const RESPONSE_MAX_PER_HOUR: EnvVar = EnvVar {
        name: "RESPONSE_MAX_PER_HOUR",
        meaning: "Users that one rule, or the admins of one tenant, may act on in an hour, 1 to 50; all events together may act on 50. What a rule asks for above is kept and not done, a tenant's admin is refused",
        example: "20",
        default: Some("20"),
    };
    /// How long responses are kept.
    pub const RESPONSE_DAYS: EnvVar = EnvVar {
        name: "RESPONSE_DAYS",
        meaning: "Days for which a response is kept after its end, 1 to 3650",
        example: "400",
        default: Some("400"),
    };
    /// The table of responses.
    pub const RESPONSES_TABLE: EnvVar = EnvVar {
        name: "RESPONSES_TABLE",
        meaning: "Name of the DynamoDB table with the responses",
        example: "okta-dac-responses",
        default: None,
    };
    /// Which events lead to responses.
    pub const RESPONSE_RULES: EnvVar = EnvVar {
        name: "RESPONSE_RULES",
        meaning: "Name of the Systems Manager parameter with the rules for events of Okta's System Log, a JSON array, read through the AWS Parameters and Secrets extension; empty: there are no rules",
        example: "/okta-dac/response-rules",
        default: Some(""),
    };
    /// Whose keys are shown.
    pub const CONNECTION_KEYS: EnvVar = EnvVar {
        name: "CONNECTION_KEYS",
        meaning: "Names of the connections whose public keys are shown, separated by commas: the keys of the secrets `okta-dac/connections/<name>/jwks`; empty: none",
        example: "reader",
        default: Some(""),
    };
    /// What proves a new password.
    pub const ROTATION_VERIFY: EnvVar = EnvVar {
        name: "ROTATION_VERIFY",
        meaning: "What proves a new password: `authn`, a sign-in; `change`, Okta's answer and the date of the change, for orgs whose policies let nobody sign in from a function",
        example: "authn",
        default: Some("authn"),
    };
    /// What is done where a secret's password is not Okta's.
    pub const ROTATION_MISMATCH: EnvVar = EnvVar {
        name: "ROTATION_MISMATCH",
        meaning: "What is done where Okta has another password than the secret: `fail`; `reconcile`, the new one is set with an admin's right, never for users with an admin role",
        example: "fail",
        default: Some("fail"),
    };
    /// What ends with an old password.
    pub const ROTATION_REVOKE: EnvVar = EnvVar {
        name: "ROTATION_REVOKE",
        meaning: "What ends with the old password: `none`, `sessions`, or `sessions+tokens`",
        example: "sessions",
        default: Some("sessions"),
    };
    /// Whether a user who is locked out is unlocked.
    pub const ROTATION_UNLOCK: EnvVar = EnvVar {
        name: "ROTATION_UNLOCK",
        meaning: "Whether a user who is locked out is unlocked for a rotation: `never` or `before`",
        example: "never",
        default: Some("never"),
    };
    /// Whether the policy's minimum age counts.
    pub const ROTATION_STRICT: EnvVar = EnvVar {
        name: "ROTATION_STRICT",
        meaning: "Whether the policy's minimum age counts, and for an admin's right its history: `true` or `false`",
        example: "false",
        default: Some("false"),
    };
    /// How long new passwords are.
    pub const ROTATION_LENGTH: EnvVar = EnvVar {
        name: "ROTATION_LENGTH",
        meaning: "Characters of a new password, 16 to 64",
        example: "32",
        default: Some("32"),
    };
    /// What new passwords do not have.
    pub const ROTATION_EXCLUDE: EnvVar = EnvVar {
        name: "ROTATION_EXCLUDE",
        meaning: "Characters that a new password does not have; three of each kind have to be left: lower case, upper case, digits, symbols",
        example: "\"'\\@/ ",
        default: Some("\"'\\@/ `"),
    };
    /// Which secrets are passwords of users.
    pub const ROTATION_SECRET_PREFIX: EnvVar = EnvVar {
        name: "ROTATION_SECRET_PREFIX",
        meaning: "What the names of the secrets begin with that hold passwords of users",
        example: "okta-dac/users/",
        default: Some("okta-dac/users/"),
    };
    /// What follows a change of a password that is rotated.
    pub const ROTATION_CHANGED_ELSEWHERE: EnvVar = EnvVar {
        name: "ROTATION_CHANGED_ELSEWHERE",
        meaning: "What is done where somebody else changed a password that is rotated: `report`; `rotate`, a rotation begins, which needs `ROTATION_MISMATCH=reconcile`",
        example: "report",
        default: Some("report"),
    };
    /// Log filter.
    pub const AWS_LAMBDA_LOG_LEVEL: EnvVar = EnvVar {
        name: "AWS_LAMBDA_LOG_LEVEL",
        meaning: "Least severe level that is logged; Lambda sets it from the function's logging configuration",
        example: "INFO",
        default: Some("INFO"),
    };

    /// Every variable, in the order of the configuration page.
    pub const ALL: &'static [EnvVar] = &[
        EnvVar::OKTA_ORG_URL,
        EnvVar::OKTA_CREDENTIAL_SECRET_ID,
        EnvVar::SECRETS_EXTENSION_PORT,
        EnvVar::SECRETS_MANAGER_TTL,
        EnvVar::OKTA_RATE_LIMIT_SHARE,
        EnvVar::OKTA_TENANT_SHARE,
        EnvVar::OKTA_DAC_APP_ID,
        EnvVar::PLACEHOLDER_KEY_ID,
        EnvVar::STATE_TABLE,
        EnvVar::DNS_RESOLVERS,
        EnvVar::CORS_ALLOW_ORIGIN,
        EnvVar::DELEGATION_EVENTS_TABLE,
        EnvVar::DELEGATION_EVENT_DAYS,
        EnvVar::DELEGATION_SECONDS,
        EnvVar::DELEGATION_FAIL,
        EnvVar::DELEGATION_ACTOR_CLAIMS,
        EnvVar::DELEGATION_AGENTS,
        EnvVar::DISCOVERY_BY,
        EnvVar::DELEGATION_GRANTS,
        EnvVar::DELEGATION_OF_ADMINS,
        EnvVar::DELEGATED_SUB,
        EnvVar::DELEGATED_ACCESS_CLAIMS,
        EnvVar::DELEGATED_IDENTITY_CLAIMS,
        EnvVar::DELEGATED_USER_TYPE_ID,
        EnvVar::USER_TYPE_ID,
        EnvVar::HOOK_SECRET_ID,
        EnvVar::RESPONSE_MODE,
        EnvVar::RESPONSE_ACTIONS,
        EnvVar::RESPONSE_QUARANTINE_GROUP,
        EnvVar::RESPONSE_PROTECTED_GROUP,
        EnvVar::RESPONDERS_GROUP_ID,
        EnvVar::RESPONSE_MAX_PER_HOUR,
        EnvVar::RESPONSE_RULES,
        EnvVar::CONNECTION_KEYS,
        EnvVar::RESPONSE_DAYS,
        EnvVar::RESPONSES_TABLE,
        EnvVar::ROTATION_VERIFY,
        EnvVar::ROTATION_MISMATCH,
        EnvVar::ROTATION_REVOKE,
        EnvVar::ROTATION_UNLOCK,
        EnvVar::ROTATION_STRICT,
        EnvVar::ROTATION_LENGTH,
        EnvVar::ROTATION_EXCLUDE,
        EnvVar::ROTATION_SECRET_PREFIX,
        EnvVar::ROTATION_CHANGED_ELSEWHERE,
        EnvVar::TOKEN_ISSUER,
        EnvVar::TOKEN_AUDIENCES,
        EnvVar::TOKEN_CLIENT_IDS,
        EnvVar::AWS_LAMBDA_LOG_LEVEL,
        EnvVar::AWS_REGION,
        EnvVar::AWS_ACCESS_KEY_ID,
        EnvVar::AWS_SECRET_ACCESS_KEY,
        EnvVar::AWS_SESSION_TOKEN,
        EnvVar::AWS_ENDPOINT_URL,
        EnvVar::AWS_ENDPOINT_URL_DYNAMODB,
        EnvVar::AWS_ENDPOINT_URL_SECRETS_MANAGER,
    ];

    /// What comes from Lambda, or from the local stack in its stead: every function has
    /// these, and no entry of the table names them.
    pub const RUNTIME: &'static [EnvVar] = &[
        EnvVar::AWS_LAMBDA_LOG_LEVEL,
        EnvVar::AWS_REGION,
        EnvVar::AWS_ACCESS_KEY_ID,
        EnvVar::AWS_SECRET_ACCESS_KEY,
        EnvVar::AWS_SESSION_TOKEN,
        EnvVar::AWS_ENDPOINT_URL,
        EnvVar::AWS_ENDPOINT_URL_DYNAMODB,
        EnvVar::AWS_ENDPOINT_URL_SECRETS_MANAGER,
    ];
}
