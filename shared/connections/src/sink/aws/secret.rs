//! A secret of Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

use super::{Account, failed, in_use, to_come, together};
use crate::stop::Stop;
use crate::stored::Stored;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// A version of the secret.
struct Version {
    id: String,
    stored: Stored,
}

pub(in crate::sink) async fn read(account: &Account, name: &str) -> Result<Option<Stored>, Stop> {
    let client = client(account).await;
    let (current, pending) = versions(&client, name).await?;
    Ok(together(current.map(|version| version.stored), pending.map(|version| version.stored)))
}

/// The new credential in use first: readers are never without one.
pub(in crate::sink) async fn write(account: &Account, name: &str, stored: &Stored) -> Result<(), Stop> {
    let client = client(account).await;
    let (current, pending) = versions(&client, name).await?;
    if current.is_none() && pending.is_none() {
        create(&client, name, "A credential of okta-dac").await?;
    }
    let used = in_use(stored);
    if used != Stored::default() && current.map(|version| version.stored).as_ref() != Some(&used) {
        put(&client, name, &used, CURRENT).await?;
    }
    match (to_come(stored), pending) {
        (Some(wanted), pending) if pending.as_ref().map(|version| &version.stored) != Some(&wanted) => {
            put(&client, name, &wanted, PENDING).await
        }
        (None, Some(pending)) => {
            let moved = client
                .update_secret_version_stage()
                .secret_id(name)
                .version_stage(PENDING)
                .remove_from_version_id(pending.id);
            moved.send().await.map(drop).map_err(|error| failed(&error))
        }
        _ => Ok(()),
    }
}

/// Name of the secret with the public halves of the keys.
pub(in crate::sink) fn public(name: &str) -> String {
    format!("{name}/jwks")
}

pub(in crate::sink) async fn publish(account: &Account, name: &str, document: &str) -> Result<(), Stop> {
    let (client, name) = (client(account).await, public(name));
    create(&client, &name, "Public keys of okta-dac").await?;
    let put = client.put_secret_value().secret_id(name).secret_string(document);
    put.send().await.map(drop).map_err(|error| failed(&error))
}

/// At once: the credential is worth nothing any more, and its name is free again.
pub(in crate::sink) async fn remove(account: &Account, name: &str) -> Result<(), Stop> {
    let client = client(account).await;
    delete(&client, name).await?;
    if name.starts_with("arn:") { Ok(()) } else { delete(&client, &public(name)).await }
}

async fn create(client: &Client, name: &str, about: &str) -> Result<(), Stop> {
    match client.create_secret().name(name).description(about).send().await {
        Err(error) if !error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => {
            Err(failed(&error))
        }
        _ => Ok(()),
    }
}

async fn delete(client: &Client, name: &str) -> Result<(), Stop> {
    let delete = client.delete_secret().secret_id(name).force_delete_without_recovery(true);
    match delete.send().await {
        Err(error)
            if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
        {
            Ok(())
        }
        deleted => deleted.map(drop).map_err(|error| failed(&error)),
    }
}

async fn client(account: &Account) -> Client {
    Client::new(account.config().await)
}

/// What is in use, and what is to come, where that is another version.
async fn versions(client: &Client, name: &str) -> Result<(Option<Version>, Option<Version>), Stop> {
    let current = version(client, name, CURRENT).await?;
    let pending = version(client, name, PENDING).await?;
    let is_other = |pending: &Version| current.as_ref().is_none_or(|current| current.id != pending.id);
    let pending = pending.filter(is_other);
    Ok((current, pending))
}

async fn version(client: &Client, name: &str, label: &str) -> Result<Option<Version>, Stop> {
    let get = client.get_secret_value().secret_id(name).version_stage(label).send().await;
    let answer = match get {
        Ok(answer) => answer,
        Err(SdkError::ServiceError(error))
            if matches!(error.err(), GetSecretValueError::ResourceNotFoundException(_)) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(&error)),
    };
    let text = zeroize::Zeroizing::new(answer.secret_string.unwrap_or_default());
    let stored = Stored::parse(&text)?;
    Ok(Some(Version { id: answer.version_id.unwrap_or_default(), stored }))
}

async fn put(client: &Client, name: &str, stored: &Stored, label: &str) -> Result<(), Stop> {
    let text = stored.text()?;
    let put = client.put_secret_value().secret_id(name).secret_string(text.as_str()).version_stages(label);
    put.send().await.map(drop).map_err(|error| failed(&error))
}
