//! One call, as it arrived.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use url::form_urlencoded;

use crate::error::AwsError;

/// A call.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// As it was sent: what is signed.
    pub(crate) path: String,
    /// Without the region in front.
    pub(crate) route: String,
    /// The region in front of the path.
    pub(crate) region: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Of the query and of the form; the form's win.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) now: Timestamp,
}

impl Call {
    pub(crate) fn new(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes, now: Timestamp) -> Self {
        let decoded = |text: &[u8]| -> Vec<(String, String)> {
            form_urlencoded::parse(text)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect()
        };
        let query = decoded(uri.query().unwrap_or_default().as_bytes());
        let media_type =
            headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = if media_type.starts_with("application/x-www-form-urlencoded") {
            decoded(&body)
        } else {
            Vec::new()
        };
        let parameters = query.iter().cloned().chain(form).collect();
        let path = uri.path().to_owned();
        let (first, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        // `eu-west-1`, `us-gov-east-1`.
        let is_region = first.ends_with(|c: char| c.is_ascii_digit()) && first.matches('-').count() >= 2;
        let (region, route) =
            if is_region { (Some(first.to_owned()), format!("/{rest}")) } else { (None, path.clone()) };
        Self { method, path, route, region, query, headers, body, parameters, now }
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, AwsError> {
        self.optional(name).ok_or_else(|| {
            let mut member = name.to_owned();
            member.get_mut(..1).map(str::make_ascii_lowercase);
            AwsError::missing(&member)
        })
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
