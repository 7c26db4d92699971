//! The knobs that tests and demonstrations turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Knobs of the emulator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Every call takes at least this long.
    pub latency_ms: u64,
    /// Searches see the org as it was so long ago. Okta says "typically less
    /// than one second".
    pub search_lag_ms: i64,
    /// Upper bound for the size of a page.
    pub page_size: Option<usize>,
    /// Answer 429 when an endpoint class is used up, or when more calls are
    /// under way than an org may have. The headers are always sent, and tell of
    /// plenty while this is off.
    pub rate_limits: bool,
    /// Length of a rate-limit window; a minute at Okta.
    pub rate_limit_window_seconds: i64,
    /// Added to the machine's clock.
    pub clock_offset_ms: i64,
    /// How long after a change of a rule the same policy answers 423.
    pub rule_change_ms: u64,
    /// Fire a token hook at the code exchange, too. It is known to fire when the
    /// code is issued; whether it fires twice is not.
    pub hook_at_code_exchange: bool,
    /// A SUFFIX pattern matches a whole domain only. Okta calls it "a simple
    /// string match": `acme.test` also matches `x@notacme.test`.
    pub strict_suffix: bool,
    /// Say that this is a Classic Engine org, so that clients sign in through
    /// `/api/v1/authn`.
    pub classic_engine: bool,
    /// Answer 503 to DNS queries.
    pub dns_down: bool,
    /// What a person does who signs in, and what Okta says to them.
    pub sign_in: SignIn,
    /// How good a sign-in an app wants for a web SSO token, by the app's id.
    pub assurance: BTreeMap<String, Assurance>,
    /// Ids of the apps that want a second factor of their own; the sign-in wants none then.
    pub app_factor: Vec<String>,
    /// Granting a scope that is granted already is an error: Okta does not say which.
    pub repeated_grant_is_refused: bool,
    /// A client that gets its first scope becomes a super admin by itself, as with Okta's org
    /// setting "Public client app admins".
    pub clients_become_super_admins: bool,
    /// A service app cannot have `dpop_bound_access_tokens` when it is made: the description
    /// says so, Okta's guide sets it by PUT.
    pub dpop_refused_at_create: bool,
    /// Nor when it is replaced.
    pub dpop_refused_at_replace: bool,
    /// What does not exist is 404 also for whoever has no right to it: in which order Okta
    /// looks is not documented.
    pub existence_before_rights: bool,
    /// How long after a grant a token may have its scope.
    pub grants_late_ms: u64,
    /// How long keys that a client has at an address of its own are not read again.
    pub jwks_uri_cached_ms: u64,
    /// The org has Identity Threat Protection: users have a risk.
    pub identity_threat_protection: bool,
    /// The org has no format for logins: they need no `@`.
    pub any_login: bool,
    /// resetPassword without `sendEmail` is refused, as the description says.
    pub send_email_is_required: bool,
    /// Passwords, where Okta does not document them or an org decides.
    pub passwords: Passwords,
    /// What of a user is not as the API made it, by login.
    pub users: BTreeMap<String, UserSettings>,
    /// Event hooks are told of nothing before `POST /_emulator/deliver`.
    pub hold_events: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            search_lag_ms: 0,
            page_size: None,
            rate_limits: false,
            rate_limit_window_seconds: 60,
            clock_offset_ms: 0,
            rule_change_ms: 0,
            hook_at_code_exchange: false,
            strict_suffix: false,
            classic_engine: false,
            dns_down: false,
            sign_in: SignIn::default(),
            assurance: BTreeMap::new(),
            app_factor: Vec::new(),
            repeated_grant_is_refused: false,
            clients_become_super_admins: false,
            dpop_refused_at_create: false,
            dpop_refused_at_replace: false,
            existence_before_rights: false,
            grants_late_ms: 0,
            jwks_uri_cached_ms: 0,
            identity_threat_protection: true,
            any_login: false,
            send_email_is_required: false,
            passwords: Passwords::default(),
            users: BTreeMap::new(),
            hold_events: false,
        }
    }
}

/// Passwords, where Okta does not document them or an org decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Passwords {
    /// A wrong old password of changePassword counts towards lockout.
    pub wrong_old_counts: bool,
    /// changePassword refuses a password with 400 E0000001, as createUser does.
    pub refused_as_validation: bool,
    /// A policy lets nobody sign in from here: a right password is refused, too.
    pub sign_in_denied: bool,
    /// A policy asks for another factor before the password: a wrong one is MFA_REQUIRED, too.
    pub factor_first: bool,
    /// The Okta account management policy is on: changePassword is not supported.
    pub account_management_policy: bool,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            wrong_old_counts: true,
            refused_as_validation: false,
            sign_in_denied: false,
            factor_first: false,
            account_management_policy: false,
        }
    }
}

/// What of a user is not as the API made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct UserSettings {
    /// Who has the password (schema `AuthenticationProviderType`).
    pub provider: Option<String>,
    /// The status that Okta is about to give.
    pub transitioning_to: Option<String>,
}

/// What a person does who signs in, and what Okta says to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SignIn {
    /// The status that follows a right password instead of a sign-in: `PASSWORD_WARN`,
    /// `LOCKED_OUT`, `MFA_ENROLL`, `PASSWORD_RESET` and others of the reference page.
    pub status: Option<String>,
    /// The code of every message.
    pub code: String,
    /// What happens to a pushed request in the end.
    pub push_result: PushResult,
    /// After so many polls.
    pub push_polls: u32,
    /// The number to tap, from the second poll on.
    pub push_number: Option<u32>,
}

impl Default for SignIn {
    fn default() -> Self {
        let code = "123456".to_owned();
        Self { status: None, code, push_result: PushResult::Success, push_polls: 1, push_number: None }
    }
}

/// What happens to a pushed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PushResult {
    /// Approved.
    Success,
    /// Refused on the phone.
    Rejected,
    /// Nobody answered.
    Timeout,
}

/// How good a sign-in an app wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Assurance {
    /// None is good enough.
    Never,
    /// One that is so many seconds old at most.
    StaleAfterSeconds(i64),
}
