//! The Okta credential and the hook's secrets, read at run time from Secrets
//! Manager.
//!
//! The AWS Parameters and Secrets extension answers on localhost with the
//! value that Secrets Manager has, caches it (300 s by default) and needs no
//! SDK in the function. The secret is never in the environment, which everyone
//! with `lambda:GetFunctionConfiguration` can read.

use okta_client::{Credential, CredentialError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::Config;
use crate::hook::{HookSecretError, HookSecrets};

/// Why there is no credential. Never says what was found instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The extension did not answer.
    #[error("reach the secrets extension on port {port}")]
    Unreachable { port: u16, source: reqwest::Error },
    /// The extension refused.
    #[error("read the secret `{id}`: the secrets extension answers {status}")]
    Refused { id: String, status: u16 },
    /// The extension's answer has another shape.
    #[error("read the secret `{id}`: it is no text")]
    Malformed { id: String },
    /// The secret has another shape.
    #[error("read the secret `{id}`: {source}")]
    NoCredential { id: String, source: CredentialError },
    /// The hook's secret has another shape.
    #[error("read the secret `{id}`: {source}")]
    NoHookSecret { id: String, source: HookSecretError },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: SecretString,
}

/// The credential in the configured secret.
pub(crate) async fn credential(http: &reqwest::Client, config: &Config) -> Result<Credential, SecretError> {
    let id = &config.credential_secret_id;
    let value = secret(http, config, id).await?;
    let credential = Credential::parse(value.expose_secret());
    credential.map_err(|source| SecretError::NoCredential { id: id.clone(), source })
}

/// What Okta may send with its hooks.
pub(crate) async fn hook_secrets(
    http: &reqwest::Client,
    config: &Config,
    id: &str,
) -> Result<HookSecrets, SecretError> {
    let value = secret(http, config, id).await?;
    HookSecrets::parse(&value).map_err(|source| SecretError::NoHookSecret { id: id.to_owned(), source })
}

async fn secret(http: &reqwest::Client, config: &Config, id: &str) -> Result<SecretString, SecretError> {
    let (port, id) = (config.secrets_port, id.to_owned());
    let malformed = || SecretError::Malformed { id: id.clone() };
    // INVARIANT: a constant with a port number is a URL.
    #[expect(clippy::expect_used, reason = "invariant above")]
    let mut url = Url::parse(&format!("http://localhost:{port}/secretsmanager/get")).expect("a URL");
    url.query_pairs_mut().append_pair("secretId", &id);
    let response = http
        .get(url)
        .header("X-Aws-Parameters-Secrets-Token", &config.session_token)
        .send()
        .await
        .map_err(|source| SecretError::Unreachable { port, source: source.without_url() })?;
    if !response.status().is_success() {
        return Err(SecretError::Refused { id, status: response.status().as_u16() });
    }
    let value: SecretValue = response.json().await.map_err(|_| malformed())?;
    Ok(value.secret_string)
}
