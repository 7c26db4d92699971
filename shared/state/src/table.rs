//! The table and its client.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_kit::{Context, Problem};
use operations::ProblemCode;

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

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        let detail = if error.written {
            "tokens were revoked or count again, but API Gateway may give older answers for a while; nothing else was changed: send the same request again"
        } else {
            "okta-dac's own table does not answer; nothing was changed"
        };
        Problem::new(ProblemCode::StateUnavailable, detail).log("use the table", &error)
    }
}

impl State {
    /// The table of this deployment; the clients are made once per function.
    pub async fn of(context: &Context) -> Self {
        let table = context.state_table.clone();
        context.resources.get_or_make(|| Self::connect(table)).await
    }

    /// A table and a control plane on this machine, for tests: any credential is
    /// good for them.
    pub fn local(table: &str, dynamodb: &str, control_plane: &str) -> Self {
        use aws_sdk_dynamodb::config::{Credentials, Region};
        let credentials = || Credentials::new("local", "local", None, None, "local");
        let region = || Region::new("us-east-1");
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(region())
            .credentials_provider(credentials())
            .endpoint_url(dynamodb)
            .build();
        let apigateway = aws_sdk_apigateway::Config::builder()
            .behavior_version_latest()
            .region(region())
            .credentials_provider(credentials())
            .endpoint_url(control_plane)
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            apigateway: aws_sdk_apigateway::Client::from_conf(apigateway),
            table: table.to_owned(),
        }
    }

    /// Clients as the environment describes them: region and credentials of the
    /// function, `AWS_ENDPOINT_URL_…` where set.
    async fn connect(table: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            apigateway: aws_sdk_apigateway::Client::new(&config),
            table,
        }
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

/// Milliseconds since 1970, by this machine's clock, which AWS keeps right.
#[expect(clippy::disallowed_methods, reason = "leases and expiry are dates")]
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Whether an item was not written because of its condition.
pub(crate) fn is_refused<R>(error: &SdkError<PutItemError, R>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}
