//! The org, and the credential that the product has for it.

use std::time::Duration;

use okta_client::{Client, Credential, OrgUrl};
use operations::{EnvVar, ProblemCode};
use secrecy::{ExposeSecret, SecretString};

use crate::{ConfigError, Environment, Failure, Secret, Secrets};

/// Makes clients of the org, with the credential that is stored now.
pub struct OktaAccess {
    client: Secret<Client>,
}

impl OktaAccess {
    /// Access as the environment describes it; no secret is read yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [org, secret_id] =
            environment.all([&EnvVar::OKTA_ORG_URL, &EnvVar::OKTA_CREDENTIAL_SECRET_ID])?;
        let org = OrgUrl::parse(&org)?;
        // As long again as the extension keeps it: a rotated credential is in use after
        // twice this time.
        let seconds = environment.number(&EnvVar::SECRETS_MANAGER_TTL, 0..=300)?;
        let time_to_live = Duration::from_secs(seconds);
        let share = environment.number(&EnvVar::OKTA_RATE_LIMIT_SHARE, 1..=100)?;
        let connect = move |text: &SecretString| -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
            let credential = Credential::parse(text.expose_secret())?;
            Ok(Client::new(org.clone(), credential)?.with_share(share))
        };
        Ok(Self { client: Secret::new(Secrets::prepare(environment)?, secret_id, time_to_live, connect) })
    }

    /// A client; the same one as long as the credential does not change.
    ///
    /// # Errors
    ///
    /// `internal`: the credential cannot be read, or is none.
    pub async fn client(&self) -> Result<Client, Failure> {
        self.client.get().await.map_err(|error| {
            let detail = "okta-dac has no usable Okta credential; report the request id";
            Failure::new(ProblemCode::Internal, detail).log("load the Okta credential", &error)
        })
    }

    /// Okta does not accept the credential any more: the next client has another one.
    pub async fn reject(&self) {
        self.client.forget().await;
    }
}
