//! DynamoDB with signed requests.

use std::collections::HashMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use domain::RightsItem;
use futures::future::try_join_all;
use okta_client::Usage;
use operations::EnvVar;
use run_kit::{AwsAccess, ConfigError, Environment, chain, http_client};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Longest wait for one answer of the table.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Keys that DynamoDB takes in one `BatchGetItem`.
const KEYS: usize = 100;

/// Requests until the table counts as unavailable.
const ATTEMPTS: u32 = 3;

/// Where the table is, and who asks.
#[derive(Clone, Debug)]
struct TableSettings {
    endpoint: Url,
    region: String,
    table: String,
    credentials: Credentials,
}

impl TableSettings {
    /// The settings in the environment: the name of the table, which a variable has, and
    /// what Lambda sets.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment, variable: &EnvVar) -> Result<Self, ConfigError> {
        let [table] = environment.all([variable])?;
        let aws = AwsAccess::prepare(environment, &EnvVar::AWS_ENDPOINT_URL_DYNAMODB)?;
        let endpoint = aws.endpoint.unwrap_or_else(|| {
            let suffix = if aws.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://dynamodb.{}.{suffix}", aws.region)
        });
        let url = Url::parse(&endpoint)
            .map_err(|_| ConfigError::value(&EnvVar::AWS_ENDPOINT_URL_DYNAMODB, "must be a URL", endpoint))?;
        let session = aws.session_token.map(|token| token.expose_secret().to_owned());
        let key = aws.secret_access_key.expose_secret();
        let credentials = Credentials::new(aws.access_key_id, key, session, None, "Lambda");
        Ok(Self { endpoint: url, region: aws.region, table, credentials })
    }
}

/// Why the table is not read. Says nothing about keys or tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("sign the request")]
    Unsigned,
    #[error("reach the table")]
    Unreachable(#[source] reqwest::Error),
    #[error("use the table: DynamoDB answers {0}")]
    Refused(u16),
    #[error("read the table: DynamoDB left keys out")]
    Unprocessed,
}

impl TableError {
    /// Whether the same request may succeed.
    fn may_pass(&self) -> bool {
        match self {
            TableError::Unreachable(_) | TableError::Unprocessed => true,
            TableError::Refused(status) => *status >= 500,
            TableError::Unsigned => false,
        }
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
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

/// An item, as far as it says something about rights or budgets.
#[derive(Deserialize)]
pub(crate) struct Item {
    id: Text,
    before: Option<Number>,
    suspended: Option<Flag>,
    targets: Option<List>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

impl Item {
    pub(crate) fn id(&self) -> &str {
        &self.id.text
    }

    /// What the item says about rights.
    pub(crate) fn rights(self) -> RightsItem {
        RightsItem {
            id: self.id.text,
            // What cannot be read as a time revokes for ever.
            before: self.before.map(|before| before.number.parse().unwrap_or(i64::MAX)),
            suspended: self.suspended.is_some_and(|suspended| suspended.flag),
            targets: self.targets.into_iter().flat_map(|of| of.elements).map(|of| of.text).collect(),
        }
    }

    /// The content of an item of the index of domains.
    pub(crate) fn content(&self) -> Option<&str> {
        self.others.get("content")?["S"].as_str()
    }

    /// What the item says about a budget.
    pub(crate) fn usages(&self) -> Vec<Usage> {
        usages(&self.others)
    }
}

/// Beginning of the name of an attribute with what the share of a class allows; what is
/// used of the class has the class's own name, which begins with `/`.
const SHARE: &str = "share ";

/// The classes of a budget's item.
fn usages(attributes: &HashMap<String, Value>) -> Vec<Usage> {
    let number = |name: &str| attributes.get(name)?["N"].as_str()?.parse().ok();
    let classes = attributes.keys().filter(|name| name.starts_with('/'));
    classes
        .filter_map(|class| {
            let share = number(&format!("{SHARE}{class}"));
            Some(Usage { class: class.clone(), calls: number(class)?, share })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Updated {
    #[serde(default)]
    attributes: HashMap<String, Value>,
}

fn number(number: i64) -> Value {
    json!({ "N": number.to_string() })
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "L")]
    elements: Vec<Text>,
}

#[derive(Deserialize)]
struct Flag {
    #[serde(rename = "BOOL")]
    flag: bool,
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

impl Table {
    /// The table whose name the variable has. Nothing is connected yet.
    pub(crate) fn prepare(environment: &Environment, variable: &EnvVar) -> Result<Self, ConfigError> {
        let settings = TableSettings::prepare(environment, variable)?;
        let http = http_client(TIMEOUT).map_err(|error| ConfigError::System(chain(&error)))?;
        Ok(Self { http, settings })
    }

    /// The items that there are of these keys.
    pub(crate) async fn read(&self, ids: &[String]) -> Result<Vec<Item>, TableError> {
        let read = try_join_all(ids.chunks(KEYS).map(|some| self.read_some(some))).await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The items that there are of at most [`KEYS`] keys (`BatchGetItem`).
    async fn read_some(&self, ids: &[String]) -> Result<Vec<Item>, TableError> {
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

    async fn ask(&self, ids: &[String]) -> Result<Vec<Item>, TableError> {
        let keys: Vec<Value> = ids.iter().map(|id| json!({ "id": { "S": id } })).collect();
        let table = json!({ "Keys": keys, "ConsistentRead": true });
        let body = json!({ "RequestItems": { (self.settings.table.as_str()): table } });
        let response = self.send("BatchGetItem", &body).await?;
        let answer: Answer =
            response.json().await.map_err(|error| TableError::Unreachable(error.without_url()))?;
        if !answer.unprocessed_keys.is_empty() {
            return Err(TableError::Unprocessed);
        }
        Ok(answer.responses.into_values().flatten().collect())
    }

    /// Adds what was used to a budget's item, once, and gives what all have used
    /// (`UpdateItem`). Nothing is sent again: what was added twice would be taken from the
    /// party.
    pub(crate) async fn add(&self, id: &str, used: &[Usage], expires: i64) -> Result<Vec<Usage>, TableError> {
        let (mut names, mut values) = (json!({ "#e": "expires" }), json!({ ":e": number(expires) }));
        let (mut add, mut set) = (Vec::new(), vec!["#e = :e".to_owned()]);
        for (n, Usage { class, calls, share }) in used.iter().enumerate() {
            names[format!("#c{n}")] = class.as_str().into();
            values[format!(":c{n}")] = number(i64::from(*calls));
            add.push(format!("#c{n} :c{n}"));
            if let Some(share) = share {
                names[format!("#s{n}")] = format!("{SHARE}{class}").into();
                values[format!(":s{n}")] = number(i64::from(*share));
                set.push(format!("#s{n} = :s{n}"));
            }
        }
        let update = json!({
            "TableName": self.settings.table, "Key": { "id": { "S": id } },
            "UpdateExpression": format!("ADD {} SET {}", add.join(", "), set.join(", ")),
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
            "ReturnValues": "UPDATED_NEW",
        });
        let response = self.send("UpdateItem", &update).await?;
        let updated: Updated =
            response.json().await.map_err(|error| TableError::Unreachable(error.without_url()))?;
        Ok(usages(&updated.attributes))
    }

    /// Writes to the table, which the body names (`PutItem`, `UpdateItem`); repeated, if
    /// nobody can say that it was done: the same write again does no harm.
    pub(crate) async fn write(&self, operation: &'static str, mut body: Value) -> Result<(), TableError> {
        body["TableName"] = self.settings.table.as_str().into();
        let mut attempt = 1;
        loop {
            match self.send(operation, &body).await {
                Err(error) if attempt == ATTEMPTS || !error.may_pass() => return Err(error),
                Err(error) => tracing::debug!(%error, attempt, "writing again"),
                Ok(_) => return Ok(()),
            }
            attempt += 1;
        }
    }

    async fn send(&self, operation: &'static str, body: &Value) -> Result<reqwest::Response, TableError> {
        let body = body.to_string();
        let mut request = self.http.post(self.settings.endpoint.clone());
        for (name, value) in self.headers(operation, &body).map_err(|_| TableError::Unsigned)? {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await;
        let response = response.map_err(|error| TableError::Unreachable(error.without_url()))?;
        let status = response.status();
        match status.is_success() {
            true => Ok(response),
            false => Err(TableError::Refused(status.as_u16())),
        }
    }

    /// The headers of a request with this body, signed (Signature Version 4).
    #[expect(clippy::disallowed_methods, reason = "a signature has a date")]
    fn headers(
        &self,
        operation: &str,
        body: &str,
    ) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
        let target = format!("DynamoDB_20120810.{operation}");
        let fixed = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
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
            fixed.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (instructions, _signature) = sign(signable, &parameters.into())?.into_parts();
        let signed = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(fixed.chain(signed).collect())
    }
}
