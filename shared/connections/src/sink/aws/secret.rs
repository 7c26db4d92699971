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

/// The new credential in use first: readers are never without one. Whether the secret was made.
pub(in crate::sink) async fn write(account: &Account, name: &str, stored: &Stored) -> Result<bool, Stop> {
    let client = client(account).await;
    let (current, pending) = versions(&client, name).await?;
    let mut made = false;
    if current.is_none() && pending.is_none() {
        if *stored == Stored::default() {
            return Ok(false);
        }
        made = create(&client, name, "A credential of okta-dac").await?;
    }
    let written = write_versions(&client, name, stored, current, pending).await;
    if made && written.is_err() {
        // What was just made has nothing in it.
        delete(&client, name).await?;
    }
    written.map(|()| made)
}

async fn write_versions(
    client: &Client,
    name: &str,
    stored: &Stored,
    current: Option<Version>,
    pending: Option<Version>,
) -> Result<(), Stop> {
    let (used, to_come) = (in_use(stored), to_come(stored));
    let nothing_is_used = used == Stored::default();
    // The first version of a secret is the current one, also where it has only what is to come
    // (Secrets Manager, `PutSecretValue`).
    let is_right = match current.map(|version| version.stored) {
        None => nothing_is_used,
        Some(now) => now == used || (nothing_is_used && to_come.as_ref() == Some(&now)),
    };
    if !is_right {
        put(client, name, &used, CURRENT).await?;
    }
    match (to_come, pending) {
        (Some(wanted), pending) if pending.as_ref().map(|version| &version.stored) != Some(&wanted) => {
            put(client, name, &wanted, PENDING).await?;
        }
        (None, Some(pending)) => {
            let moved = client
                .update_secret_version_stage()
                .secret_id(name)
                .version_stage(PENDING)
                .remove_from_version_id(pending.id);
            moved.send().await.map_err(|error| failed(&error))?;
        }
        _ => {}
    }
    Ok(())
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
    delete(&client(account).await, name).await
}

pub(in crate::sink) async fn withdraw(account: &Account, name: &str) -> Result<(), Stop> {
    delete(&client(account).await, &public(name)).await
}

/// What is published beside the credential.
pub(in crate::sink) async fn published(account: &Account, name: &str) -> Result<Option<String>, Stop> {
    Ok(value(&client(account).await, &public(name), CURRENT).await?.map(|(_, text)| text.as_str().to_owned()))
}

/// Makes a secret; `false` if there is one.
async fn create(client: &Client, name: &str, about: &str) -> Result<bool, Stop> {
    match client.create_secret().name(name).description(about).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => {
            Ok(false)
        }
        Err(error) => Err(failed(&error)),
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

/// What is in use, and what is to come: perhaps the same version.
async fn versions(client: &Client, name: &str) -> Result<(Option<Version>, Option<Version>), Stop> {
    Ok((version(client, name, CURRENT).await?, version(client, name, PENDING).await?))
}

async fn version(client: &Client, name: &str, label: &str) -> Result<Option<Version>, Stop> {
    let Some((id, text)) = value(client, name, label).await? else { return Ok(None) };
    Ok(Some(Version { id, stored: Stored::parse(&text)? }))
}

type Text = zeroize::Zeroizing<String>;

/// Id and text of the version with a label.
async fn value(client: &Client, name: &str, label: &str) -> Result<Option<(String, Text)>, Stop> {
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
    Ok(Some((answer.version_id.unwrap_or_default(), Text::new(answer.secret_string.unwrap_or_default()))))
}

async fn put(client: &Client, name: &str, stored: &Stored, label: &str) -> Result<(), Stop> {
    let text = stored.text()?;
    let put = client.put_secret_value().secret_id(name).secret_string(text.as_str()).version_stages(label);
    put.send().await.map(drop).map_err(|error| failed(&error))
}
