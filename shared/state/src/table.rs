//! The table and its client.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use operations::{EnvVar, ProblemCode};
use run_kit::{AwsAccess, ConfigError, Denied, Environment, Failure};
use secrecy::ExposeSecret;

/// Longest wait for one answer of AWS.
const ATTEMPT: Duration = Duration::from_millis(1_500);

/// Longest wait for AWS, with its repetitions.
const OPERATION: Duration = Duration::from_secs(4);

/// A failed attempt is repeated about so much later, and the second time after twice as long:
/// the default of a second would cost a hook its time.
const BACKOFF: Duration = Duration::from_millis(50);

/// The table.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// AWS did not do its part, or the caller's rights have ended: nothing was written, or
/// the same call again completes it.
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct StateError {
    /// What was tried, as it reads after "failed to".
    step: &'static str,
    /// AWS's own words.
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StateError {
    pub(crate) fn new(
        step: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { step, source: source.into() }
    }
}

impl StateError {
    /// What must not be guessed cannot be made.
    pub fn without_randomness() -> Self {
        Self::new("make an id", "there is no randomness")
    }
}

impl From<Denied> for StateError {
    fn from(denied: Denied) -> Self {
        Self::new("get a permit", denied)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let detail = "okta-dac's own table does not answer; nothing was changed";
        Failure::new(ProblemCode::StateUnavailable, detail).log("use the table", &error)
    }
}

impl State {
    /// The table of this deployment. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [table] = environment.all([&EnvVar::STATE_TABLE])?;
        let aws = AwsAccess::prepare(environment, &EnvVar::AWS_ENDPOINT_URL_DYNAMODB)?;
        let session = aws.session_token.map(|token| token.expose_secret().to_owned());
        let key = aws.secret_access_key.expose_secret();
        let credentials = Credentials::new(aws.access_key_id, key, session, None, "Lambda");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let mut dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(aws.region))
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(BACKOFF));
        dynamodb.set_endpoint_url(aws.endpoint);
        Ok(Self { dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), table })
    }
}

/// A text attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Whether an item was not deleted because of its condition.
pub(crate) fn is_refused_deletion<R>(error: &SdkError<DeleteItemError, R>) -> bool {
    error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception)
}

/// Whether an item was not written because of its condition.
pub(crate) fn is_refused<R>(error: &SdkError<PutItemError, R>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}

/// Whether an item was not changed because of its condition.
pub(crate) fn is_refused_update<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}
