//! Keys at an address, `--jwks-uri`: Okta reads the public halves there, so that a key can be
//! replaced without any right in Okta.
//!
//! The document (RFC 7517, section 5) is made of the keys that the credential's place holds,
//! and of nothing else. It lies beside the credential: `<path>.jwks.json`, the secret
//! `<name>/jwks`, the parameter `<name>.jwks`. Each connection has a document of its own: in a
//! common one the key of one client would be a key of all.

use std::time::Duration;

use serde_json::Value;

use crate::address::Address;
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// How often the address is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Longest document that is read.
const MAX_DOCUMENT: usize = 64 * 1024;

/// Writes the document, and waits until the address has its keys, and no others.
///
/// # Errors
///
/// [`Code::State`]: the address does not have these keys within `patience`; the message says
/// what is to be done, and the same command goes on.
pub async fn publish(
    sink: &Sink,
    stored: &Stored,
    address: &Address,
    patience: Duration,
) -> Result<(), Stop> {
    sink.publish(stored).await?;
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        // Okta is not known to follow one.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Stop::new(Code::Defect, format!("no request can be made: {error}")))?;
    let document = stored.public_keys()?;
    let held = document["keys"].as_array().map_or(&[][..], Vec::as_slice);
    let mut left = patience;
    loop {
        let why = match read(&http, address).await {
            Ok(keys) => match difference(&keys, held) {
                None => return Ok(()),
                Some(why) => why,
            },
            Err(why) => why,
        };
        if left.is_zero() {
            let sentence = format!(
                "{address} does not show the keys of {}: {why}. Let the address show them; the same command goes on",
                sink.public()
            );
            return Err(Stop::new(Code::State, sentence));
        }
        tokio::time::sleep(EVERY.min(left)).await;
        left = left.saturating_sub(EVERY);
    }
}

/// Why keys are not those that are held: whoever has another one could be the client, too.
fn difference(shown: &[Value], held: &[Value]) -> Option<String> {
    let kid = |key: &Value| key["kid"].as_str().unwrap_or("without a `kid`").to_owned();
    let missing = held.iter().find(|key| !shown.contains(key)).map(kid);
    let foreign = shown.iter().find(|key| !held.contains(key)).map(kid);
    let missing = missing.map(|kid| format!("it does not have the key {kid}"));
    missing.or_else(|| foreign.map(|kid| format!("it has the key {kid}, which is not held here")))
}

/// The keys at an address, or why there are none.
async fn read(http: &reqwest::Client, address: &Address) -> Result<Vec<Value>, String> {
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let answer = http.get(address.url()).send().await.map_err(failed)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("it answers {}", answer.status()));
    }
    let body = answer.bytes().await.map_err(failed)?;
    let document = Some(body).filter(|body| body.len() <= MAX_DOCUMENT);
    let document = document.and_then(|body| serde_json::from_slice::<Value>(&body).ok()).unwrap_or_default();
    match document["keys"].as_array() {
        Some(keys) => Ok(keys.clone()),
        None => Err("it is no document with keys (RFC 7517)".to_owned()),
    }
}
