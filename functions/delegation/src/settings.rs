//! How delegation is configured.

use lambda_kit::{ConfigError, Context, Resources, read, read_all};
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
    /// The defaults of the variables, and the example of the one that has none.
    fn default() -> Self {
        let value = |variable: &EnvVar| variable.default.unwrap_or(variable.example).to_owned();
        // INVARIANT: a test reads them.
        #[expect(clippy::expect_used, reason = "invariant above")]
        Self::of_values(value).expect("the defaults are good values")
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
        read_all([&EnvVar::DELEGATION_EVENTS_TABLE])?;
        Self::of_values(|variable| read(variable).unwrap_or_default())
    }

    fn of_values(value: impl Fn(&EnvVar) -> String) -> Result<Self, ConfigError> {
        let kind =
            |variable: &EnvVar| Some(value(variable)).filter(|id| !id.is_empty()).map(UserTypeId::from);
        let number = |variable, least, most, rule| number(variable, value(variable), least, most, rule);
        let choice = |variable, words, rule| choice(variable, value(variable), words, rule);
        Ok(Self {
            records: RecordsTable {
                name: value(&EnvVar::DELEGATION_EVENTS_TABLE),
                days: number(&EnvVar::DELEGATION_EVENT_DAYS, 1, 3_650, "must be a number from 1 to 3650")?,
            },
            seconds: number(&EnvVar::DELEGATION_SECONDS, 10, 300, "must be a number from 10 to 300")?,
            deny: choice(&EnvVar::DELEGATION_FAIL, ["keep", "deny"], "must be `keep` or `deny`")?,
            actor_claims: choice(
                &EnvVar::DELEGATION_ACTOR_CLAIMS,
                ["false", "true"],
                "must be `true` or `false`",
            )?,
            any_agent: choice(
                &EnvVar::DELEGATION_AGENTS,
                ["same-tenant", "any"],
                "must be `same-tenant` or `any`",
            )?,
            of_admins: choice(
                &EnvVar::DELEGATION_OF_ADMINS,
                ["refuse", "allow"],
                "must be `refuse` or `allow`",
            )?,
            sub: attribute(&EnvVar::DELEGATED_SUB, value(&EnvVar::DELEGATED_SUB))?,
            access_claims: claims(
                &EnvVar::DELEGATED_ACCESS_CLAIMS,
                &value(&EnvVar::DELEGATED_ACCESS_CLAIMS),
                RESERVED_ACCESS,
            )?,
            identity_claims: claims(
                &EnvVar::DELEGATED_IDENTITY_CLAIMS,
                &value(&EnvVar::DELEGATED_IDENTITY_CLAIMS),
                RESERVED_IDENTITY,
            )?,
            delegator_type: kind(&EnvVar::DELEGATED_USER_TYPE_ID),
            user_type: kind(&EnvVar::USER_TYPE_ID),
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

fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn attribute(variable: &EnvVar, value: String) -> Result<String, ConfigError> {
    let rule = "must be an attribute of letters, digits and `_`";
    if is_attribute(&value) {
        Ok(value)
    } else {
        Err(ConfigError::Value { name: variable.name, rule, value })
    }
}

fn claims(variable: &EnvVar, list: &str, reserved: &[&str]) -> Result<Vec<String>, ConfigError> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let claim = |name: &str| {
        if is_attribute(name) && !reserved.contains(&name) && !name.starts_with("device_") {
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
    fn the_defaults_are_good_values() {
        let settings = Settings::default();
        assert_eq!((settings.seconds, settings.sub.as_str(), settings.deny), (60, "login", false));
    }

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
