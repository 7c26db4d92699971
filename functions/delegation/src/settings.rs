//! How delegation is configured.

use lambda_kit::{ConfigError, Context, Resources, read_all};
use okta_client::models::UserTypeId;
use operations::EnvVar;
use state::RecordsTable;

/// Claims that no hook may set in an access token (token inline hook reference),
/// or that would give an agent rights of okta-dac, or hide whose token it is.
#[rustfmt::skip] // A list.
const RESERVED_ACCESS: &[&str] = &[
    "acr", "act", "as_uri", "aud", "auth_time", "authorization_details", "can_delegate", "cid", "cnf",
    "delegation_id", "exp", "groups", "iat", "iss", "jti", "on_behalf", "on_behalf_sub", "rpt", "rsi", "scp",
    "sid", "sub", "tenants", "token_type", "uid", "username", "ver",
];

/// The same for ID tokens.
#[rustfmt::skip] // A list.
const RESERVED_IDENTITY: &[&str] = &[
    "acr", "active", "aid", "amr", "app_id", "app_type", "at_hash", "aud", "auth_time", "c_hash", "cid",
    "client_id", "client_ip", "client_req_id", "client_type", "client_user_agent", "cnf", "did", "dst", "exp",
    "group", "groups", "hotk", "iat", "idp", "idp_iss", "iss", "jti", "mac_key", "may_act", "nonce", "oid",
    "okta_emailVerified", "okta_lastUpdated", "orig", "permissions", "purpose", "pwd_exp_days", "pwd_exp_time",
    "rid", "role", "scope", "scopes", "sid", "sub", "term", "token_type", "user_ip", "ver",
];

/// The configuration of the functions of delegation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where records are kept.
    pub records: RecordsTable,
    /// Seconds between start and token.
    pub seconds: u32,
    /// Whether a doubt stops the token, instead of leaving it the agent's own.
    pub deny: bool,
    /// Whether tokens get `act` and `delegation_id`.
    pub actor_claims: bool,
    /// Whether every active user can be an agent.
    pub any_agent: bool,
    /// Whether somebody may act for an administrator.
    pub of_admins: bool,
    /// Attribute that `on_behalf_sub` holds, or `id`.
    pub sub: String,
    /// Attributes that become claims of access tokens.
    pub access_claims: Vec<String>,
    /// Attributes that become claims of ID tokens.
    pub identity_claims: Vec<String>,
    /// Type of users who can nominate agents, if it is one of its own.
    pub delegator_type: Option<UserTypeId>,
    /// Type of all others, if it is not the org's default.
    pub user_type: Option<UserTypeId>,
}

impl Default for Settings {
    /// As a function has it whose variables are unset.
    fn default() -> Self {
        Self {
            records: RecordsTable { name: "DelegationEventsTable".to_owned(), days: 365 },
            seconds: 60,
            deny: false,
            actor_claims: false,
            any_agent: false,
            of_admins: false,
            sub: "login".to_owned(),
            access_claims: Vec::new(),
            identity_claims: Vec::new(),
            delegator_type: None,
            user_type: None,
        }
    }
}

impl Settings {
    /// Reads the environment, and keeps the settings for all requests.
    pub(crate) async fn prepare(resources: &Resources) -> Result<(), ConfigError> {
        resources.keep(Self::from_env()?).await;
        Ok(())
    }

    /// The function's settings.
    pub(crate) async fn of(resources: &Resources) -> Self {
        resources.get_or_make(|| async { Self::default() }).await
    }

    /// The settings for a request.
    pub(crate) async fn for_request(context: &Context) -> Self {
        Self::of(&context.resources).await
    }

    fn from_env() -> Result<Self, ConfigError> {
        let [table, days, seconds, fail, actor, agents, admins, sub, access, identity, delegators, users] =
            read_all([
                &EnvVar::DELEGATION_EVENTS_TABLE,
                &EnvVar::DELEGATION_EVENT_DAYS,
                &EnvVar::DELEGATION_SECONDS,
                &EnvVar::DELEGATION_FAIL,
                &EnvVar::DELEGATION_ACTOR_CLAIMS,
                &EnvVar::DELEGATION_AGENTS,
                &EnvVar::DELEGATION_OF_ADMINS,
                &EnvVar::DELEGATED_SUB,
                &EnvVar::DELEGATED_ACCESS_CLAIMS,
                &EnvVar::DELEGATED_IDENTITY_CLAIMS,
                &EnvVar::DELEGATED_USER_TYPE_ID,
                &EnvVar::USER_TYPE_ID,
            ])?;
        let kind = |id: String| (!id.is_empty()).then(|| UserTypeId::from(id));
        Ok(Self {
            records: RecordsTable {
                name: table,
                days: number(
                    &EnvVar::DELEGATION_EVENT_DAYS,
                    days,
                    1,
                    3_650,
                    "must be a number from 1 to 3650",
                )?,
            },
            seconds: number(
                &EnvVar::DELEGATION_SECONDS,
                seconds,
                10,
                300,
                "must be a number from 10 to 300",
            )?,
            deny: choice(&EnvVar::DELEGATION_FAIL, fail, ["keep", "deny"], "must be `keep` or `deny`")?,
            actor_claims: choice(
                &EnvVar::DELEGATION_ACTOR_CLAIMS,
                actor,
                ["false", "true"],
                "must be `true` or `false`",
            )?,
            any_agent: choice(
                &EnvVar::DELEGATION_AGENTS,
                agents,
                ["same-tenant", "any"],
                "must be `same-tenant` or `any`",
            )?,
            of_admins: choice(
                &EnvVar::DELEGATION_OF_ADMINS,
                admins,
                ["refuse", "allow"],
                "must be `refuse` or `allow`",
            )?,
            sub,
            access_claims: claims(&EnvVar::DELEGATED_ACCESS_CLAIMS, &access, RESERVED_ACCESS)?,
            identity_claims: claims(&EnvVar::DELEGATED_IDENTITY_CLAIMS, &identity, RESERVED_IDENTITY)?,
            delegator_type: kind(delegators),
            user_type: kind(users),
        })
    }
}

fn number(
    variable: &EnvVar,
    value: String,
    least: u32,
    most: u32,
    rule: &'static str,
) -> Result<u32, ConfigError> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or(ConfigError::Value { name: variable.name, rule, value })
}

/// Whether the second of two words was chosen.
fn choice(
    variable: &EnvVar,
    value: String,
    words: [&str; 2],
    rule: &'static str,
) -> Result<bool, ConfigError> {
    match words.iter().position(|word| *word == value) {
        Some(chosen) => Ok(chosen == 1),
        None => Err(ConfigError::Value { name: variable.name, rule, value }),
    }
}

fn claims(variable: &EnvVar, list: &str, reserved: &[&str]) -> Result<Vec<String>, ConfigError> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let claim = |name: &str| {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name && !reserved.contains(&name) && !name.starts_with("device_") {
            return Ok(name.to_owned());
        }
        let rule = "must be attributes of letters, digits and `_` that are no reserved claims";
        Err(ConfigError::Value { name: variable.name, rule, value: name.to_owned() })
    };
    names.map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_attributes_become_claims() {
        let list = |text: &str| claims(&EnvVar::DELEGATED_ACCESS_CLAIMS, text, RESERVED_ACCESS);
        assert_eq!(list(" department , costCenter,").unwrap(), ["department", "costCenter"]);
        assert!(list("").unwrap().is_empty());
        for bad in ["groups", "tenants", "sub", "on_behalf", "a/b", "a b", "device_id", "ok,uid"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn man_03_the_time_is_bounded() {
        let seconds = |text: &str| number(&EnvVar::DELEGATION_SECONDS, text.to_owned(), 10, 300, "x");
        assert_eq!((seconds("10").unwrap(), seconds("300").unwrap()), (10, 300));
        for bad in ["9", "301", "-1", "", "60s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_one_of_two() {
        let fail = |text: &str| choice(&EnvVar::DELEGATION_FAIL, text.to_owned(), ["keep", "deny"], "x");
        assert!(!fail("keep").unwrap() && fail("deny").unwrap() && fail("Deny").is_err());
    }
}
