//! The events that API Gateway sends to functions, and their answers.
//!
//! Shapes as recorded from AWS: `path` is raw and without the stage, path
//! parameters stay encoded, query values are decoded, empty maps are null.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::aws::{ACCOUNT, API_ID, method_arn, now_ms};
use crate::template::Route;

/// What the gateway knows of a request.
pub(crate) struct Incoming<'r> {
    pub(crate) id: &'r str,
    pub(crate) stage: &'r str,
    pub(crate) method: &'r str,
    /// Raw path.
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: &'r HeaderMap,
}

impl Incoming<'_> {
    /// The event for an authorizer of the type REQUEST.
    pub(crate) fn authorizer_event(&self, route: &Route<'_>) -> Value {
        let mut event = self.common(route, Map::new());
        event["type"] = "REQUEST".into();
        event["methodArn"] = method_arn(self.stage, self.method, self.path).into();
        event
    }

    /// The event for a function with proxy integration.
    pub(crate) fn proxy_event(
        &self,
        route: &Route<'_>,
        body: &[u8],
        authorizer: Map<String, Value>,
    ) -> Value {
        let mut event = self.common(route, authorizer);
        let (text, encoded) = match std::str::from_utf8(body) {
            Ok("") => (Value::Null, false),
            Ok(text) => (text.into(), false),
            Err(_) => (BASE64_STANDARD.encode(body).into(), true),
        };
        event["body"] = text;
        event["isBase64Encoded"] = encoded.into();
        event
    }

    fn common(&self, route: &Route<'_>, authorizer: Map<String, Value>) -> Value {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(title_case(name.as_str())).or_default().push(value);
        }
        headers.entry("X-Forwarded-Proto".to_owned()).or_insert_with(|| vec!["http".to_owned()]);
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
            query.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        let parameters: Map<String, Value> =
            route.parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let now = now_ms();
        json!({
            "resource": route.template, "path": self.path, "httpMethod": self.method,
            "headers": single(&headers), "multiValueHeaders": multi(&headers),
            "queryStringParameters": single(&query), "multiValueQueryStringParameters": multi(&query),
            "pathParameters": if parameters.is_empty() { Value::Null } else { Value::Object(parameters) },
            "stageVariables": null,
            "requestContext": {
                "accountId": ACCOUNT, "apiId": API_ID, "authorizer": authorizer,
                "domainName": "localhost", "domainPrefix": "localhost", "extendedRequestId": self.id,
                "httpMethod": self.method,
                "identity": { "sourceIp": "127.0.0.1", "userAgent": single(&headers)["User-Agent"] },
                // As behind a custom domain, the stage is no part of the path.
                "path": self.path, "protocol": "HTTP/1.1", "requestId": self.id,
                "requestTime": jiff::Timestamp::now().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "requestTimeEpoch": now, "resourceId": "local", "resourcePath": route.template,
                "stage": self.stage,
            },
        })
    }
}

/// API Gateway passes header names in title case, most of the time.
fn title_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-')
        .map(|word| if word.is_empty() { String::new() } else { capital(word) })
        .collect::<Vec<_>>()
        .join("-")
}

/// The last value of each name; null without any.
fn single(map: &BTreeMap<String, Vec<String>>) -> Value {
    if map.is_empty() { Value::Null } else { map.iter().map(|(k, v)| (k.clone(), json!(v.last()))).collect() }
}

fn multi(map: &BTreeMap<String, Vec<String>>) -> Value {
    if map.is_empty() { Value::Null } else { json!(map) }
}

/// The answer of a function with proxy integration; `None` if it is malformed,
/// which becomes a 502: unknown members, wrong types.
pub(crate) fn proxy_answer(payload: &[u8]) -> Option<Response<Vec<u8>>> {
    let answer: Value = serde_json::from_slice(payload).ok()?;
    let answer = answer.as_object().filter(|answer| !answer.is_empty())?;
    let known = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];
    if !answer.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let status = match answer.get("statusCode") {
        None => StatusCode::OK,
        Some(Value::Number(number)) => StatusCode::from_u16(u16::try_from(number.as_u64()?).ok()?).ok()?,
        Some(Value::String(text)) => StatusCode::from_bytes(text.as_bytes()).ok()?,
        Some(_) => return None,
    };
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &Value| -> Option<()> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(text).ok()?);
        Some(())
    };
    let (none, multi) = (Map::new(), answer.get("multiValueHeaders").and_then(Value::as_object));
    for (name, values) in multi.unwrap_or(&none) {
        values.as_array()?.iter().try_for_each(|value| add(name, value))?;
    }
    for (name, value) in answer.get("headers").and_then(Value::as_object).unwrap_or(&none) {
        if multi.is_none_or(|multi| !multi.contains_key(name)) {
            add(name, value)?;
        }
    }
    if !headers.contains_key("content-type") {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    let body = match answer.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if answer.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            BASE64_STANDARD.decode(text).ok()?
        }
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(_) => return None,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_answers_are_refused_as_api_gateway_does() {
        for bad in [
            "",
            "7",
            "\"text\"",
            "{}",
            r#"{"statusCode":200,"extra":1}"#,
            r#"{"statusCode":true}"#,
            r#"{"statusCode":"abc"}"#,
            r#"{"statusCode":200,"multiValueHeaders":{"a":"b"}}"#,
            r#"{"statusCode":200,"body":{}}"#,
        ] {
            assert!(proxy_answer(bad.as_bytes()).is_none(), "{bad}");
        }
        for (good, status) in [(r#"{"body":"x"}"#, 200), (r#"{"statusCode":"201"}"#, 201)] {
            assert_eq!(proxy_answer(good.as_bytes()).unwrap().status(), status, "{good}");
        }
    }

    #[test]
    fn repeated_headers_survive() {
        let answer =
            r#"{"statusCode":200,"multiValueHeaders":{"link":["a","b"]},"headers":{"link":"c","x":"y"}}"#;
        let answer = proxy_answer(answer.as_bytes()).unwrap();
        let links: Vec<_> =
            answer.headers().get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
        assert_eq!((links, answer.headers()["x"].to_str().unwrap()), (vec!["a", "b"], "y"));
    }
}
