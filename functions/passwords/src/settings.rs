//! What the functions are configured with.

use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use operations::EnvVar;
use rotation::facts::{Mismatch, Options, Verify};
use rotation::password::Recipe;
use rotation::secrets_manager::SecretsManager;
use run_kit::{AwsAccess, ConfigError, Environment};
use secrecy::ExposeSecret;

/// Longest wait for one answer of AWS.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Longest wait for AWS, with its repetitions.
const OPERATION: Duration = Duration::from_secs(6);

/// What ends with the old password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoke {
    Nothing,
    Sessions,
    SessionsAndTokens,
}

/// How passwords are rotated.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) options: Options,
    pub(crate) recipe: Recipe,
    pub(crate) strict: bool,
    pub(crate) revoke: Revoke,
}

/// One of several words.
pub(crate) fn word<T: Copy>(
    environment: &Environment,
    variable: &EnvVar,
    words: &[(&str, T)],
) -> Result<T, ConfigError> {
    let given = environment.text(variable)?;
    let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        ConfigError::value(variable, format!("must be {}", words.join(" or ")), given)
    })
}

impl How {
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let length = environment.number(&EnvVar::ROTATION_LENGTH, 16..=64)?;
        let recipe = Recipe { length, exclude: environment.text(&EnvVar::ROTATION_EXCLUDE)? };
        if let Err(error) = recipe.draw("") {
            let rule = format!("must leave passwords: {error}");
            return Err(ConfigError::value(&EnvVar::ROTATION_EXCLUDE, rule, recipe.exclude));
        }
        let options = Options {
            verify: word(
                environment,
                &EnvVar::ROTATION_VERIFY,
                &[("authn", Verify::SignIn), ("change", Verify::Change)],
            )?,
            mismatch: word(
                environment,
                &EnvVar::ROTATION_MISMATCH,
                &[("fail", Mismatch::Fail), ("reconcile", Mismatch::Reconcile { admins: false })],
            )?,
            later: false,
            rollback: false,
            unlock: word(environment, &EnvVar::ROTATION_UNLOCK, &[("never", false), ("before", true)])?,
        };
        Ok(Self {
            options,
            recipe,
            strict: word(environment, &EnvVar::ROTATION_STRICT, &[("true", true), ("false", false)])?,
            revoke: word(
                environment,
                &EnvVar::ROTATION_REVOKE,
                &[
                    ("none", Revoke::Nothing),
                    ("sessions", Revoke::Sessions),
                    ("sessions+tokens", Revoke::SessionsAndTokens),
                ],
            )?,
        })
    }
}

/// Secrets Manager, as Lambda gives access to it. The secrets extension would show a secret as
/// it was minutes ago.
pub(crate) fn secrets_manager(environment: &Environment) -> Result<SecretsManager, ConfigError> {
    let aws = AwsAccess::prepare(environment, &EnvVar::AWS_ENDPOINT_URL_SECRETS_MANAGER)?;
    let session = aws.session_token.map(|token| token.expose_secret().to_owned());
    let key = aws.secret_access_key.expose_secret();
    let credentials = Credentials::new(aws.access_key_id, key, session, None, "Lambda");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(aws.region))
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    config.set_endpoint_url(aws.endpoint);
    Ok(SecretsManager(aws_sdk_secretsmanager::Client::from_conf(config.build())))
}
