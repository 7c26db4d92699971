//! A parameter of Systems Manager, encrypted.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use super::{Account, failed, in_use, to_come, together};
use crate::stop::Stop;
use crate::stored::Stored;

/// Name of the parameter with what is to come.
fn pending(name: &str) -> String {
    format!("{name}.pending")
}

pub(in crate::sink) async fn read(account: &Account, name: &str) -> Result<Option<Stored>, Stop> {
    let client = client(account).await;
    Ok(together(get(&client, name).await?, get(&client, &pending(name)).await?))
}

/// The new credential in use first: readers are never without one. Whether the place was made.
pub(in crate::sink) async fn write(account: &Account, name: &str, stored: &Stored) -> Result<bool, Stop> {
    let client = client(account).await;
    let (used, now) = (in_use(stored), get(&client, name).await?);
    let made = now.is_none() && get(&client, &pending(name)).await?.is_none();
    if now.unwrap_or_default() != used {
        match used == Stored::default() {
            true => delete(&client, name).await?,
            false => put(&client, name, &used).await?,
        }
    }
    match to_come(stored) {
        Some(wanted) => put(&client, &pending(name), &wanted).await?,
        None => delete(&client, &pending(name)).await?,
    }
    Ok(made)
}

/// Name of the parameter with the public halves of the keys.
pub(in crate::sink) fn public(name: &str) -> String {
    format!("{name}.jwks")
}

pub(in crate::sink) async fn publish(account: &Account, name: &str, document: &str) -> Result<(), Stop> {
    let put = client(account).await.put_parameter().name(public(name)).value(document);
    // Three keys of RSA are shorter than 4,096 characters, and not secret.
    let put = put.r#type(ParameterType::String).overwrite(true);
    put.send().await.map(drop).map_err(|error| failed(&error))
}

pub(in crate::sink) async fn remove(account: &Account, name: &str) -> Result<(), Stop> {
    let client = client(account).await;
    delete(&client, name).await?;
    delete(&client, &pending(name)).await
}

pub(in crate::sink) async fn withdraw(account: &Account, name: &str) -> Result<(), Stop> {
    delete(&client(account).await, &public(name)).await
}

/// What is published beside the credential.
pub(in crate::sink) async fn published(account: &Account, name: &str) -> Result<Option<String>, Stop> {
    value(&client(account).await, &public(name)).await
}

async fn client(account: &Account) -> Client {
    Client::new(account.config().await)
}

async fn get(client: &Client, name: &str) -> Result<Option<Stored>, Stop> {
    let value = value(client, name).await?;
    value.map(|text| Stored::parse(&zeroize::Zeroizing::new(text))).transpose()
}

async fn value(client: &Client, name: &str) -> Result<Option<String>, Stop> {
    let answer = match client.get_parameter().name(name).with_decryption(true).send().await {
        Ok(answer) => answer,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_parameter_not_found()) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(&error)),
    };
    Ok(Some(answer.parameter.and_then(|parameter| parameter.value).unwrap_or_default()))
}

async fn put(client: &Client, name: &str, stored: &Stored) -> Result<(), Stop> {
    let text = stored.text()?;
    let put = client
        .put_parameter()
        .name(name)
        .value(text.as_str())
        .r#type(ParameterType::SecureString)
        // Two keys and the scopes are longer than 4,096 characters.
        .tier(ParameterTier::IntelligentTiering)
        .overwrite(true);
    put.send().await.map(drop).map_err(|error| failed(&error))
}

async fn delete(client: &Client, name: &str) -> Result<(), Stop> {
    match client.delete_parameter().name(name).send().await {
        Err(error) if error.as_service_error().is_some_and(|error| error.is_parameter_not_found()) => Ok(()),
        deleted => deleted.map(drop).map_err(|error| failed(&error)),
    }
}
