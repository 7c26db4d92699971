//! Rights that were taken away after a token was issued.
//!
//! The functions that take rights away write them to DynamoDB; see the crate
//! `state`. This function only reads, with one signed request: an SDK would
//! make the function that every call waits for larger and slower to start. That is
//! measured for another service, where an SDK takes the place of one request
//! (`make bench-credential`).

use std::collections::HashMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use domain::{Caller, TenantClaim, revocation_id};
use futures::future::try_join_all;
use operations::EnvVar;
use run_kit::{ConfigError, Environment};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Keys that DynamoDB takes in one `BatchGetItem`.
const KEYS: usize = 100;

/// Requests until it counts as unavailable.
const ATTEMPTS: u32 = 3;

/// Longest wait for one of them.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// Where the table is, and who asks.
#[derive(Clone, Debug)]
pub struct TableSettings {
    endpoint: Url,
    region: String,
    table: String,
    credentials: Credentials,
}

impl TableSettings {
    /// The settings in the environment: the table's name, and what Lambda sets.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let [table, region, key, secret] = environment.all([
            &EnvVar::STATE_TABLE,
            &EnvVar::AWS_REGION,
            &EnvVar::AWS_ACCESS_KEY_ID,
            &EnvVar::AWS_SECRET_ACCESS_KEY,
        ])?;
        let session = environment.get(&EnvVar::AWS_SESSION_TOKEN).filter(|token| !token.is_empty());
        let elsewhere = [&EnvVar::AWS_ENDPOINT_URL_DYNAMODB, &EnvVar::AWS_ENDPOINT_URL];
        let endpoint = elsewhere
            .into_iter()
            .filter_map(|variable| environment.get(variable))
            .find(|endpoint| !endpoint.is_empty());
        let endpoint = endpoint.unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://dynamodb.{region}.{suffix}")
        });
        let url = Url::parse(&endpoint)
            .map_err(|_| ConfigError::value(&EnvVar::AWS_ENDPOINT_URL_DYNAMODB, "must be a URL", endpoint))?;
        let credentials = Credentials::new(key, secret, session, None, "Lambda");
        Ok(Self { endpoint: url, region, table, credentials })
    }
}

/// Why it is not known what was revoked. Says nothing about keys or tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("sign the request")]
    Unsigned,
    #[error("reach the table")]
    Unreachable(#[source] reqwest::Error),
    #[error("read the table: DynamoDB answers {0}")]
    Refused(u16),
    #[error("read the table: DynamoDB left keys out")]
    Unprocessed,
}

/// A reader of the table.
pub(crate) struct Revocations {
    http: reqwest::Client,
    settings: TableSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    responses: HashMap<String, Vec<Item>>,
    #[serde(default)]
    unprocessed_keys: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Item {
    id: Text,
    before: Number,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    number: String,
}

impl Revocations {
    pub(crate) fn new(http: reqwest::Client, settings: TableSettings) -> Self {
        Self { http, settings }
    }

    /// The tenants that the caller administers still, by a token of this age
    /// (`iat`, seconds since 1970). A superuser's rights come from a group that
    /// okta-dac does not change: nothing is asked for them.
    pub(crate) async fn left(&self, caller: &Caller, issued: i64) -> Result<Vec<TenantClaim>, TableError> {
        let ids: Vec<String> = caller
            .tenants
            .iter()
            .flat_map(|tenant| {
                [None, Some(caller.uid.as_str())].map(|user| revocation_id(&tenant.tenant_id, user))
            })
            .collect();
        let read = try_join_all(ids.chunks(KEYS).map(|some| self.read(some))).await?;
        let revoked =
            |id: String| read.iter().flatten().any(|(revoked, before)| *revoked == id && issued <= *before);
        let stays = |tenant: &&TenantClaim| {
            !revoked(revocation_id(&tenant.tenant_id, None))
                && !revoked(revocation_id(&tenant.tenant_id, Some(&caller.uid)))
        };
        Ok(caller.tenants.iter().filter(stays).cloned().collect())
    }

    /// The items that there are of these keys (`BatchGetItem`), as key and time.
    async fn read(&self, ids: &[String]) -> Result<Vec<(String, i64)>, TableError> {
        let mut attempt = 1;
        loop {
            match self.ask(ids).await {
                Err(error) if attempt == ATTEMPTS || matches!(error, TableError::Unsigned) => {
                    return Err(error);
                }
                Err(error) => tracing::debug!(%error, attempt, "asking again"),
                read => return read,
            }
            attempt += 1;
        }
    }

    async fn ask(&self, ids: &[String]) -> Result<Vec<(String, i64)>, TableError> {
        let keys: Vec<Value> = ids.iter().map(|id| json!({ "id": { "S": id } })).collect();
        let table = json!({ "Keys": keys, "ConsistentRead": true });
        let body = json!({ "RequestItems": { (self.settings.table.as_str()): table } }).to_string();
        let mut request = self.http.post(self.settings.endpoint.clone());
        for (name, value) in self.headers(&body).map_err(|_| TableError::Unsigned)? {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await;
        let response = response.map_err(|error| TableError::Unreachable(error.without_url()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(TableError::Refused(status.as_u16()));
        }
        let answer: Answer =
            response.json().await.map_err(|error| TableError::Unreachable(error.without_url()))?;
        if !answer.unprocessed_keys.is_empty() {
            return Err(TableError::Unprocessed);
        }
        // What cannot be read as a time revokes for ever.
        let item = |item: Item| (item.id.text, item.before.number.parse().unwrap_or(i64::MAX));
        Ok(answer.responses.into_values().flatten().map(item).collect())
    }

    /// The headers of a request with this body, signed (Signature Version 4).
    #[expect(clippy::disallowed_methods, reason = "a signature has a date")]
    fn headers(&self, body: &str) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
        const FIXED: [(&str, &str); 2] = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.BatchGetItem"),
        ];
        let settings = &self.settings;
        let identity = settings.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&settings.region)
            .name("dynamodb")
            .time(std::time::SystemTime::now())
            .settings(SigningSettings::default())
            .build()?;
        let signable = SignableRequest::new(
            "POST",
            settings.endpoint.as_str(),
            FIXED.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (instructions, _signature) = sign(signable, &parameters.into())?.into_parts();
        let signed = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fixed = FIXED.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(fixed.chain(signed).collect())
    }
}
