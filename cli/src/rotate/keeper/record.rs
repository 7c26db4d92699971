//! The record with the URL and the credential of Okta's API.
//!
//! A record has `uid`, `title`, and one key for each field: the field's label, else its type;
//! a number is added where a key is there already (Keeper's documentation, "Post-Rotation
//! Scripts", parameters). How people label their fields is up to them: case, spaces, hyphens
//! and underscores do not count, and several values are never guessed between.

use std::collections::BTreeSet;

use okta_client::{Credential, OrgUrl};
use rotation::end::Code;
use serde_json::{Map, Value, json};

use super::Payload;
use crate::rotate::Stop;
use crate::rotate::arguments::Keeper;

/// Titles of Keeper's guide and of its script.
const TITLES: [&str; 2] = ["Okta API Access Details", "ROT5: Okta API Access Details"];

/// What a service app needs for a rotation, where the record does not say.
const SCOPES: [&str; 2] = ["okta.users.read", "okta.users.manage"];

/// Which record.
pub(in crate::rotate) enum Selection {
    /// By its uid.
    Uid(String),
    /// By one of these titles.
    Titles(Vec<String>),
}

impl Selection {
    /// As the command line says.
    pub(in crate::rotate) fn of(arguments: &Keeper) -> Self {
        match (&arguments.record_uid, &arguments.record_title) {
            (Some(uid), _) => Self::Uid(uid.clone()),
            (None, Some(title)) => Self::Titles(vec![title.clone()]),
            (None, None) => Self::Titles(TITLES.map(str::to_owned).to_vec()),
        }
    }

    fn fits(&self, record: &Map<String, Value>) -> bool {
        let text = |name: &str| record.get(name).and_then(scalar).unwrap_or_default();
        match self {
            Self::Uid(uid) => text("uid") == *uid,
            Self::Titles(titles) => titles.iter().any(|title| text("title").trim() == title.as_str()),
        }
    }

    fn named(&self) -> String {
        match self {
            // A uid is no secret, and comes from the command line.
            Self::Uid(uid) => format!("with the uid `{uid}`"),
            Self::Titles(titles) => format!("with the title `{}`", titles.join("` or `")),
        }
    }
}

/// Where Okta's API is, and with what.
#[derive(Debug)]
pub(in crate::rotate) struct Api {
    /// The org.
    pub(in crate::rotate) org: OrgUrl,
    /// The credential.
    pub(in crate::rotate) credential: Credential,
}

impl Payload {
    /// The org and the credential of the record.
    ///
    /// # Errors
    ///
    /// There is no such record, several fit, or the one cannot be used.
    pub(in crate::rotate) fn api(&self, selection: &Selection) -> Result<Api, Stop> {
        let fitting: Vec<_> = self.records.iter().filter(|record| selection.fits(record)).collect();
        match fitting[..] {
            [] => Err(Stop::new(
                Code::Record,
                format!(
                    "no record {} was handed over: attach it to the script as its rotation credential",
                    selection.named()
                ),
            )),
            [record] => api(record),
            _ => {
                let message = format!("{} records {}: use `--record-uid`", fitting.len(), selection.named());
                Err(Stop::new(Code::Ambiguous, message))
            }
        }
    }
}

fn api(record: &Map<String, Value>) -> Result<Api, Stop> {
    let unusable = |message: &str| Stop::new(Code::Record, format!("the record cannot be used: {message}"));
    let url = field(record, &["url", "websiteaddress", "orgurl"])?
        .ok_or_else(|| unusable("it has no URL of the org (`Website Address`)"))?;
    let url = if url.contains("://") { url } else { format!("https://{url}") };
    // Not the error's own words: they repeat the text, which may be a token in the wrong field.
    let no_url = "its URL is no origin of an org: https://, a host, and nothing else";
    let org = OrgUrl::parse(&url).map_err(|_| unusable(no_url))?;
    let host = org.as_str().split("://").nth(1).unwrap_or_default();
    if !host.contains('.') && !host.starts_with("localhost") {
        return Err(unusable(no_url));
    }
    let token = field(record, &["password", "apitoken", "token"])?;
    let client = [field(record, &["clientid"])?, field(record, &["privatekey"])?, field(record, &["keyid"])?];
    let written = match (token, client) {
        (Some(token), [None, None, None]) => json!({ "apiToken": token.trim() }),
        (None, [Some(id), Some(key), Some(key_id)]) => {
            let scopes = field(record, &["scopes"])?;
            let scopes: Vec<&str> = match &scopes {
                Some(scopes) => scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).collect(),
                None => SCOPES.to_vec(),
            };
            // An app whose tokens are bound to no key takes a proof, too.
            let dpop = field(record, &["dpop"])?.is_none_or(|text| text.eq_ignore_ascii_case("true"));
            json!({ "clientId": id.trim(), "privateKey": pem(&key), "keyId": key_id.trim(), "scopes": scopes, "dpop": dpop })
        }
        (None, [None, None, None]) => {
            return Err(unusable(
                "it has neither an API token (`Password`) nor a service app's `Client ID`, `Private Key` and `Key ID`",
            ));
        }
        (None, _) => return Err(unusable("a service app needs `Client ID`, `Private Key` and `Key ID`")),
        (Some(_), _) => {
            return Err(unusable(
                "it has both an API token and parts of a service app: take one of them out",
            ));
        }
    };
    let credential = Credential::parse(&written.to_string()).map_err(|error| unusable(&error.to_string()))?;
    Ok(Api { org, credential })
}

/// The one value of the fields with these labels.
fn field(record: &Map<String, Value>, labels: &[&str]) -> Result<Option<String>, Stop> {
    let values: BTreeSet<String> = record
        .iter()
        .filter(|(label, _)| labels.contains(&plain(label).as_str()))
        .filter_map(|(_, value)| scalar(value))
        .filter(|value| !value.trim().is_empty())
        .collect();
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Stop::new(
            Code::Ambiguous,
            format!(
                "the record has several fields for one thing, with different values: {}",
                labels.join(", ")
            ),
        )),
    }
}

/// A label without what does not count: case, spaces, hyphens, and a number at its end.
fn plain(label: &str) -> String {
    let label: String = label.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).collect();
    label.to_lowercase().trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
}

/// A text, a number, a boolean, or a list of exactly one of them.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Array(values) => match &values[..] {
            [Value::Array(_)] => None,
            [value] => scalar(value),
            _ => None,
        },
        _ => None,
    }
}

/// A key in PEM form, whose line breaks may have been lost in a field of one line.
fn pem(text: &str) -> String {
    let text = text.trim().replace("\\n", "\n").replace('\r', "");
    if text.contains('\n') {
        return text + "\n";
    }
    let Some((label, rest)) = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----"))
    else {
        return text;
    };
    let Some((body, _)) = rest.split_once("-----END ") else { return text };
    let body: String = body.split_whitespace().collect();
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}
