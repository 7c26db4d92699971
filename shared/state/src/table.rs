//! The table and its client.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use operations::{EnvVar, ProblemCode};
use run_kit::{ConfigError, Environment, Failure};

/// Longest wait for one answer of AWS.
const ATTEMPT: Duration = Duration::from_millis(1_500);

/// Longest wait for AWS, with its repetitions.
const OPERATION: Duration = Duration::from_secs(4);

/// The table, and API Gateway's control plane beside it.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) apigateway: aws_sdk_apigateway::Client,
    pub(crate) table: String,
}

/// AWS did not do its part.
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct StateError {
    /// What was tried, as it reads after "failed to".
    step: &'static str,
    /// Whether the table was written before.
    written: bool,
    /// AWS's own words.
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StateError {
    pub(crate) fn new(
        step: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { step, written: false, source: source.into() }
    }

    /// The table was written, and what must follow was not done.
    pub(crate) fn after_writing(self) -> Self {
        Self { written: true, ..self }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let detail = if error.written {
            "tokens were revoked or count again, but API Gateway may give older answers for a while; nothing else was changed: send the same request again"
        } else {
            "okta-dac's own table does not answer; nothing was changed"
        };
        Failure::new(ProblemCode::StateUnavailable, detail).log("use the table", &error)
    }
}

impl State {
    /// The table of this deployment, with the region and the credentials that Lambda
    /// gives the function, and other addresses of AWS where they are set. Nothing is
    /// connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [table, region, key, secret] = environment.all([
            &EnvVar::STATE_TABLE,
            &EnvVar::AWS_REGION,
            &EnvVar::AWS_ACCESS_KEY_ID,
            &EnvVar::AWS_SECRET_ACCESS_KEY,
        ])?;
        let session = environment.get(&EnvVar::AWS_SESSION_TOKEN).filter(|token| !token.is_empty());
        let credentials = Credentials::new(key, secret, session, None, "Lambda");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(3);
        let endpoint = |of_service: &EnvVar| {
            let set = [of_service, &EnvVar::AWS_ENDPOINT_URL].into_iter().filter_map(|v| environment.get(v));
            set.into_iter().find(|url| !url.is_empty())
        };
        let region = Region::new(region);
        let mut dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .timeout_config(timeouts.clone())
            .retry_config(retries.clone());
        dynamodb.set_endpoint_url(endpoint(&EnvVar::AWS_ENDPOINT_URL_DYNAMODB));
        let mut apigateway = aws_sdk_apigateway::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(retries);
        apigateway.set_endpoint_url(endpoint(&EnvVar::AWS_ENDPOINT_URL_API_GATEWAY));
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            apigateway: aws_sdk_apigateway::Client::from_conf(apigateway.build()),
            table,
        })
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

/// Whether an item was not written because of its condition.
pub(crate) fn is_refused<R>(error: &SdkError<PutItemError, R>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}
