//! How delegation is configured.

use okta_client::models::UserTypeId;
use operations::EnvVar;
use run_kit::{ConfigError, Environment};
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
    /// Whether grants count that the profile alone has.
    pub profile_grants: bool,
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

impl Settings {
    /// The settings in the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let kind = |variable| environment.get(variable).filter(|id| !id.is_empty()).map(UserTypeId::from);
        Ok(Self {
            records: RecordsTable::prepare(environment)?,
            seconds: environment.number(&EnvVar::DELEGATION_SECONDS, 10..=300)?,
            deny: environment.choice(&EnvVar::DELEGATION_FAIL, ["keep", "deny"])?,
            actor_claims: environment.choice(&EnvVar::DELEGATION_ACTOR_CLAIMS, ["false", "true"])?,
            any_agent: environment.choice(&EnvVar::DELEGATION_AGENTS, ["same-tenant", "any"])?,
            profile_grants: profile_grants(environment)?,
            of_admins: environment.choice(&EnvVar::DELEGATION_OF_ADMINS, ["refuse", "allow"])?,
            sub: attribute(&EnvVar::DELEGATED_SUB, environment.text(&EnvVar::DELEGATED_SUB)?)?,
            access_claims: claims(environment, &EnvVar::DELEGATED_ACCESS_CLAIMS, RESERVED_ACCESS)?,
            identity_claims: claims(environment, &EnvVar::DELEGATED_IDENTITY_CLAIMS, RESERVED_IDENTITY)?,
            delegator_type: kind(&EnvVar::DELEGATED_USER_TYPE_ID),
            user_type: kind(&EnvVar::USER_TYPE_ID),
        })
    }
}

/// Whether grants count that the profile alone has.
///
/// # Errors
///
/// [`ConfigError`].
pub(crate) fn profile_grants(environment: &Environment) -> Result<bool, ConfigError> {
    environment.choice(&EnvVar::DELEGATION_GRANTS, ["table", "profile"])
}

fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn attribute(variable: &EnvVar, value: String) -> Result<String, ConfigError> {
    let rule = "must be an attribute of letters, digits and `_`";
    if is_attribute(&value) { Ok(value) } else { Err(ConfigError::value(variable, rule, value)) }
}

fn claims(
    environment: &Environment,
    variable: &EnvVar,
    reserved: &[&str],
) -> Result<Vec<String>, ConfigError> {
    let claim = |name: String| {
        if is_attribute(&name) && !reserved.contains(&name.as_str()) && !name.starts_with("device_") {
            return Ok(name);
        }
        let rule = "must be attributes of letters, digits and `_` that are no reserved claims";
        Err(ConfigError::value(variable, rule, name))
    };
    environment.list(variable)?.into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Settings, ConfigError> {
        Settings::prepare(&Environment::of([("DELEGATION_EVENTS_TABLE", "events"), (name, value)]))
    }

    #[test]
    fn the_defaults_are_good_values() {
        let settings = with("DELEGATION_SECONDS", "").unwrap();
        assert_eq!((settings.seconds, settings.sub.as_str(), settings.deny), (60, "login", false));
    }

    #[test]
    fn only_attributes_become_claims() {
        let list = |text: &str| with("DELEGATED_ACCESS_CLAIMS", text).map(|settings| settings.access_claims);
        assert_eq!(list(" department , costCenter,").unwrap(), ["department", "costCenter"]);
        assert!(list("").unwrap().is_empty());
        for bad in ["groups", "tenants", "sub", "on_behalf", "a/b", "a b", "device_id", "ok,uid"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn man_03_the_time_is_bounded() {
        let seconds = |text: &str| with("DELEGATION_SECONDS", text).map(|settings| settings.seconds);
        assert_eq!((seconds("10").unwrap(), seconds("300").unwrap()), (10, 300));
        for bad in ["9", "301", "-1", "60s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
