//! Which tokens are accepted.

use operations::EnvVar;
use run_kit::{ConfigError, Environment};
use url::{Host, Url};

/// Which tokens are accepted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Exact `iss`.
    pub issuer: String,
    /// Accepted `aud`.
    pub audiences: Vec<String>,
    /// Accepted `cid`; empty accepts every client.
    pub client_ids: Vec<String>,
}

/// Why the authorizer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Variables are missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The issuer is no URL whose keys can be fetched safely.
    #[error("TOKEN_ISSUER must be an `https` URL, not `{0}`")]
    Issuer(String),
    /// Set, but without one client: what was meant is not "all".
    #[error("TOKEN_CLIENT_IDS names no client in `{0}`; leave it empty to accept all")]
    Clients(String),
}

impl Settings {
    /// The settings in the environment.
    ///
    /// # Errors
    ///
    /// [`SettingsError`].
    pub fn prepare(environment: &Environment) -> Result<Self, SettingsError> {
        let clients = environment.text(&EnvVar::TOKEN_CLIENT_IDS)?;
        environment.require([&EnvVar::TOKEN_ISSUER, &EnvVar::TOKEN_AUDIENCES])?;
        let settings = Self {
            issuer: environment.text(&EnvVar::TOKEN_ISSUER)?,
            audiences: environment.list(&EnvVar::TOKEN_AUDIENCES)?,
            client_ids: environment.list(&EnvVar::TOKEN_CLIENT_IDS)?,
        };
        if settings.client_ids.is_empty() && !clients.is_empty() {
            return Err(SettingsError::Clients(clients));
        }
        settings.keys_url()?;
        Ok(settings)
    }

    /// Where the issuer publishes its keys: `<issuer>/v1/keys`, as every
    /// custom authorization server of Okta.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Issuer`] unless it is `https` or on this machine.
    pub fn keys_url(&self) -> Result<Url, SettingsError> {
        let refused = || SettingsError::Issuer(self.issuer.clone());
        let url = Url::parse(&format!("{}/v1/keys", self.issuer)).map_err(|_| refused())?;
        let local = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if url.scheme() == "https" || (url.scheme() == "http" && local) { Ok(url) } else { Err(refused()) }
    }
}
