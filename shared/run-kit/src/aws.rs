//! Where AWS is, and who asks: what Lambda gives a function.

use operations::EnvVar;
use secrecy::SecretString;

use crate::{ConfigError, Environment};

/// Region and credentials of the function, and the address of one service where it is
/// not AWS's own.
#[derive(Clone, Debug)]
pub struct AwsAccess {
    /// The region.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key.
    pub secret_access_key: SecretString,
    /// The session token; absent for keys of a person.
    pub session_token: Option<SecretString>,
    /// Address of the service, where it is not AWS's own.
    pub endpoint: Option<String>,
}

impl AwsAccess {
    /// Access to the service whose address `endpoint` may set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment, endpoint: &EnvVar) -> Result<Self, ConfigError> {
        let [region, access_key_id, secret_access_key] = environment.all([
            &EnvVar::AWS_REGION,
            &EnvVar::AWS_ACCESS_KEY_ID,
            &EnvVar::AWS_SECRET_ACCESS_KEY,
        ])?;
        let set = |variable: &EnvVar| environment.get(variable).filter(|value| !value.is_empty());
        Ok(Self {
            region,
            access_key_id,
            secret_access_key: secret_access_key.into(),
            session_token: set(&EnvVar::AWS_SESSION_TOKEN).map(SecretString::from),
            endpoint: set(endpoint).or_else(|| set(&EnvVar::AWS_ENDPOINT_URL)),
        })
    }
}
