//! The port of Secrets Manager, by the AWS SDK.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::vault::{Described, Put, Value, Vault, VaultError};

/// Secrets Manager of an account.
#[derive(Clone, Debug)]
pub struct SecretsManager(pub Client);

/// What the service says, which has no secret; not how the request went there.
fn failed<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> VaultError
where
    E: ProvideErrorMetadata,
{
    let retryable = match error {
        SdkError::ServiceError(service) => {
            let code = service.err().meta().code();
            service.raw().status().is_server_error() || code.is_some_and(|code| code.contains("Throttl"))
        }
        _ => true,
    };
    let text = match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            format!("{} {}", meta.code().unwrap_or("an error"), meta.message().unwrap_or_default())
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        _ => "no answer that can be read".to_owned(),
    };
    VaultError { message: format!("{operation}: {}", text.trim()), retryable }
}

impl Vault for SecretsManager {
    async fn describe(&self, secret: &str) -> Result<Described, VaultError> {
        let answer = self.0.describe_secret().secret_id(secret).send().await;
        let answer = answer.map_err(|error| failed("DescribeSecret", &error))?;
        let labels = answer.version_ids_to_stages.unwrap_or_default();
        Ok(Described {
            rotates: answer.rotation_enabled.unwrap_or_default(),
            labels: labels.into_iter().map(|(id, labels)| (id, labels.into_iter().collect())).collect(),
        })
    }

    async fn value(
        &self,
        secret: &str,
        version: Option<&str>,
        label: &str,
    ) -> Result<Option<Value>, VaultError> {
        let get = self.0.get_secret_value().secret_id(secret).version_stage(label);
        let answer = match get.set_version_id(version.map(str::to_owned)).send().await {
            Ok(answer) => answer,
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed("GetSecretValue", &error)),
        };
        let created = answer.created_date.and_then(|date| date.to_millis().ok());
        Ok(answer.secret_string.map(|text| Value {
            version: answer.version_id.unwrap_or_default(),
            text: Zeroizing::new(text),
            created: created.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        }))
    }

    async fn put(&self, secret: &str, version: &str, label: &str, text: &str) -> Result<Put, VaultError> {
        let put = self.0.put_secret_value().secret_id(secret).client_request_token(version);
        match put.version_stages(label).secret_string(text).send().await {
            Ok(_) => Ok(Put::Done),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) =>
            {
                Ok(Put::Exists)
            }
            Err(error) => Err(failed("PutSecretValue", &error)),
        }
    }

    async fn label(
        &self,
        secret: &str,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), VaultError> {
        let update = self.0.update_secret_version_stage().secret_id(secret).version_stage(label);
        let update = update.set_move_to_version_id(to.map(str::to_owned));
        let Err(error) = update.set_remove_from_version_id(from.map(str::to_owned)).send().await else {
            return Ok(());
        };
        // Done by an earlier call, or by AWS itself: what is true decides.
        let described = self.describe(secret).await?;
        let is_so = match (to, from) {
            (Some(to), _) => described.has(to, label),
            (None, Some(from)) => !described.has(from, label),
            (None, None) => false,
        };
        if is_so { Ok(()) } else { Err(failed("UpdateSecretVersionStage", &error)) }
    }
}
