//! The configuration of a function: read once, when it starts.

use okta_client::models::{AppId, KeyId};
use okta_client::{OrgUrl, OrgUrlError};
use operations::EnvVar;
use url::Url;

/// What an operation's function is configured with. Holds no secret.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origin of the Okta org.
    pub org_url: OrgUrl,
    /// Name or ARN of the secret with the Okta credential.
    pub credential_secret_id: String,
    /// Port of the secrets extension.
    pub secrets_port: u16,
    /// What Lambda gives the function to show to the extension.
    pub session_token: String,
    /// The okta-dac app.
    pub app_id: AppId,
    /// The certificate that nobody has the private key of.
    pub placeholder_key: KeyId,
    /// Name of the DynamoDB table.
    pub state_table: String,
    /// Resolvers of DNS over HTTPS.
    pub dns_resolvers: Vec<Url>,
    /// `Access-Control-Allow-Origin`.
    pub cors_origin: String,
    /// Percent of Okta's rate limits that calls may use.
    pub rate_limit_share: u8,
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// All required variables that are unset or empty.
    #[error("set the environment variables {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// `OKTA_ORG_URL` is no origin.
    #[error("OKTA_ORG_URL: {0}")]
    OrgUrl(#[from] OrgUrlError),
    /// A port that is none.
    #[error("{name} must be a port number, not `{value}`")]
    Port {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A resolver that is no URL.
    #[error("DNS_RESOLVERS must be URLs, separated by commas, not `{0}`")]
    Resolver(String),
    /// A value that breaks a rule.
    #[error("{name} {rule}, not `{value}`")]
    Value {
        /// The variable.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
        /// Its value.
        value: String,
    },
    /// A share that is none.
    #[error("OKTA_RATE_LIMIT_SHARE must be a number from 1 to 100, not `{0}`")]
    Share(String),
}

/// The value of a variable: what is set and not empty, else the default;
/// `None` if a required variable is missing.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn read(variable: &EnvVar) -> Option<String> {
    std::env::var(variable.name)
        .ok()
        .filter(|value| !value.is_empty())
        .or_else(|| variable.default.map(str::to_owned))
}

/// The values of several variables.
///
/// # Errors
///
/// [`ConfigError::Missing`] with **all** that are missing.
pub fn read_all<const N: usize>(variables: [&EnvVar; N]) -> Result<[String; N], ConfigError> {
    let missing: Vec<_> = variables.iter().filter(|v| read(v).is_none()).map(|v| v.name).collect();
    if !missing.is_empty() {
        return Err(ConfigError::Missing(missing));
    }
    Ok(variables.map(|variable| read(variable).unwrap_or_default()))
}

impl Config {
    /// The configuration in the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn from_env() -> Result<Self, ConfigError> {
        let [
            org_url,
            credential_secret_id,
            port,
            session_token,
            share,
            app_id,
            key_id,
            state_table,
            resolvers,
            cors_origin,
        ] = read_all([
            &EnvVar::OKTA_ORG_URL,
            &EnvVar::OKTA_CREDENTIAL_SECRET_ID,
            &EnvVar::SECRETS_EXTENSION_PORT,
            &EnvVar::AWS_SESSION_TOKEN,
            &EnvVar::OKTA_RATE_LIMIT_SHARE,
            &EnvVar::OKTA_DAC_APP_ID,
            &EnvVar::PLACEHOLDER_KEY_ID,
            &EnvVar::STATE_TABLE,
            &EnvVar::DNS_RESOLVERS,
            &EnvVar::CORS_ALLOW_ORIGIN,
        ])?;
        let name = EnvVar::SECRETS_EXTENSION_PORT.name;
        let secrets_port = port.parse().map_err(|_| ConfigError::Port { name, value: port })?;
        let good = share.parse().ok().filter(|share| (1..=100).contains(share));
        let resolver =
            |text: &str| Url::parse(text.trim()).map_err(|_| ConfigError::Resolver(text.to_owned()));
        let dns_resolvers = resolvers.split(',').map(resolver).collect::<Result<_, _>>()?;
        Ok(Self {
            dns_resolvers,
            rate_limit_share: good.ok_or(ConfigError::Share(share))?,
            org_url: OrgUrl::parse(&org_url)?,
            credential_secret_id,
            secrets_port,
            session_token,
            app_id: app_id.into(),
            placeholder_key: key_id.into(),
            state_table,
            cors_origin,
        })
    }
}
