//! The port of Secrets Manager, by the AWS SDK.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry};
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

/// A secret of a list (`ListSecrets`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The value of the tag that was asked for.
    pub tag: String,
    /// When it was rotated last.
    pub rotated: Option<Timestamp>,
}

fn time(date: Option<aws_sdk_secretsmanager::primitives::DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(date?.to_millis().ok()?).ok()
}

/// Whether there is no such value. A version that has another label is an invalid request,
/// which AWS documents nowhere.
fn is_none(error: &GetSecretValueError, version: Option<&str>) -> bool {
    let has_other_label = || {
        let message = error.meta().message().unwrap_or_default();
        version.is_some() && message.contains("not associated to the provided VersionId")
    };
    error.is_resource_not_found_exception() || (error.is_invalid_request_exception() && has_other_label())
}

impl SecretsManager {
    /// The secrets whose names begin so and that have a tag (`ListSecrets`), ordered by name.
    ///
    /// # Errors
    ///
    /// [`VaultError`].
    pub async fn list(&self, prefix: &str, tag: &str) -> Result<Vec<Listed>, VaultError> {
        let mut listed = Vec::new();
        for entry in self.entries(prefix, Some(tag)).await? {
            let tags = entry.tags.unwrap_or_default();
            let value = tags.iter().find(|of| of.key.as_deref() == Some(tag));
            let (Some(arn), Some(name), Some(value)) = (entry.arn, entry.name, value) else { continue };
            let tag = value.value.clone().unwrap_or_default();
            listed.push(Listed { arn, name, tag, rotated: time(entry.last_rotated_date) });
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    /// The names that begin so (`ListSecrets`), in order.
    ///
    /// # Errors
    ///
    /// [`VaultError`].
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, VaultError> {
        let entries = self.entries(prefix, None).await?;
        let mut names: Vec<String> = entries.into_iter().filter_map(|entry| entry.name).collect();
        names.sort();
        Ok(names)
    }

    async fn entries(&self, prefix: &str, tag: Option<&str>) -> Result<Vec<SecretListEntry>, VaultError> {
        let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
        let mut entries = Vec::new();
        let mut next = None;
        loop {
            let list = self.0.list_secrets().max_results(100).set_next_token(next);
            // Both filters are beginnings: what they find is looked at again.
            let mut list = list.filters(filter(FilterNameStringType::Name, prefix));
            if let Some(tag) = tag {
                list = list.filters(filter(FilterNameStringType::TagKey, tag));
            }
            let page = list.send().await.map_err(|error| failed("ListSecrets", &error))?;
            let found = page.secret_list.unwrap_or_default().into_iter();
            entries.extend(
                found.filter(|entry| entry.name.as_ref().is_some_and(|name| name.starts_with(prefix))),
            );
            next = page.next_token;
            if next.is_none() {
                return Ok(entries);
            }
        }
    }

    /// Begins a rotation with the secret's own function (`RotateSecret`).
    ///
    /// # Errors
    ///
    /// [`VaultError`]: the secret has no function, or a rotation is under way.
    pub async fn rotate(&self, secret: &str) -> Result<(), VaultError> {
        let rotate = self.0.rotate_secret().secret_id(secret).send().await;
        rotate.map(drop).map_err(|error| failed("RotateSecret", &error))
    }
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
            Err(error) if error.as_service_error().is_some_and(|error| is_none(error, version)) => {
                return Ok(None);
            }
            Err(error) => return Err(failed("GetSecretValue", &error)),
        };
        Ok(answer.secret_string.map(|text| Value {
            version: answer.version_id.unwrap_or_default(),
            text: Zeroizing::new(text),
            created: time(answer.created_date),
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
