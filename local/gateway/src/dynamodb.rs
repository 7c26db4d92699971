//! What stands in front of DynamoDB: what a function's role allows, and faults.
//!
//! A function signs with its logical id as the access key; so a call is known to be the
//! function's, and is refused if the role of the function in `template.yaml` does not allow
//! it, as on AWS. Whoever signs with another key may do everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_emulator::faults::{self, Faults, Service};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// What a role allows with a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRight {
    /// `PutItem`, without the service.
    pub action: String,
    /// The table, or `<table>/index/<name>`.
    pub resource: String,
    /// What the keys must begin with (`dynamodb:LeadingKeys`, with one `*` at the end).
    pub keys: Option<String>,
}

/// The front.
pub(crate) struct Front {
    pub(crate) faults: Arc<Faults>,
    /// What each role allows, by the function's logical id.
    pub(crate) rights: BTreeMap<String, Vec<TableRight>>,
    pub(crate) http: reqwest::Client,
    /// Where DynamoDB itself is.
    pub(crate) url: String,
}

/// The server.
pub(crate) fn front(front: Front) -> Router {
    Router::new().fallback(pass).with_state(Arc::new(front))
}

async fn pass(State(front): State<Arc<Front>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    if let Some(rights) = signer(&headers).and_then(|signer| front.rights.get(signer))
        && let Some(needed) = needs(operation, &body).into_iter().find(|needed| !allows(rights, needed))
    {
        let message = format!("the role does not allow {} on {}", needed.action, needed.resource);
        return error(StatusCode::BAD_REQUEST, "AccessDeniedException", &message);
    }
    let action = front.faults.take(Service::Dynamodb, operation);
    faults::through(action, forward(&front, headers, body), error).await
}

/// An error as AWS's JSON protocol has it.
fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
    let headers = [("content-type", "application/x-amz-json-1.0")];
    (status, headers, body.to_string()).into_response()
}

/// The access key of a signature.
fn signer(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    authorization.split_once("Credential=")?.1.split('/').next()
}

fn allows(rights: &[TableRight], needed: &TableRight) -> bool {
    rights.iter().any(|right| {
        let key = needed.keys.as_deref().unwrap_or_default();
        right.action == needed.action
            && right.resource == needed.resource
            && right.keys.as_ref().is_none_or(|prefix| key.starts_with(prefix))
    })
}

/// What a call needs to be allowed.
fn needs(operation: &str, body: &[u8]) -> Vec<TableRight> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let one = |action: &str, request: &Value| {
        let table = request["TableName"].as_str().unwrap_or_default();
        let resource = match request["IndexName"].as_str() {
            Some(index) => format!("{table}/index/{index}"),
            None => table.to_owned(),
        };
        let item = if request["Item"].is_null() { &request["Key"] } else { &request["Item"] };
        let key = ["id", "delegator"].into_iter().find_map(|name| item[name]["S"].as_str());
        TableRight { action: action.to_owned(), resource, keys: key.map(str::to_owned) }
    };
    match operation {
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let right = |table: &String| TableRight {
                action: operation.to_owned(),
                resource: table.clone(),
                keys: None,
            };
            tables.map(|(table, _)| right(table)).collect()
        }
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let parts = items.filter_map(Value::as_object).flatten();
            parts.map(|(kind, request)| one(&format!("{kind}Item"), request)).collect()
        }
        operation => vec![one(operation, &body)],
    }
}

async fn forward(front: &Front, headers: HeaderMap, body: Bytes) -> Response {
    let mut request = front.http.post(&front.url).body(body);
    for name in ["content-type", "x-amz-target", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value.clone());
        }
    }
    match request.send().await {
        Ok(answer) => {
            let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
            let mut response = Response::new(Body::from(answer.bytes().await.unwrap_or_default()));
            *response.status_mut() = status;
            response.headers_mut().extend(kind.map(|kind| (http::header::CONTENT_TYPE, kind)));
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_allows_what_it_says() {
        let right = |action: &str, resource: &str, keys: Option<&str>| TableRight {
            action: action.to_owned(),
            resource: resource.to_owned(),
            keys: keys.map(str::to_owned),
        };
        let rights = [
            right("PutItem", "State", None),
            right("UpdateItem", "State", Some("budget#")),
            right("Query", "Events/index/open", None),
        ];
        let may = |operation: &str, body: Value| {
            needs(operation, body.to_string().as_bytes()).iter().all(|needed| allows(&rights, needed))
        };
        assert!(may("PutItem", json!({ "TableName": "State", "Item": { "id": { "S": "x" } } })));
        assert!(!may("PutItem", json!({ "TableName": "Events", "Item": {} })));
        assert!(!may("GetItem", json!({ "TableName": "State", "Key": {} })));
        assert!(may("UpdateItem", json!({ "TableName": "State", "Key": { "id": { "S": "budget#1" } } })));
        assert!(!may("UpdateItem", json!({ "TableName": "State", "Key": { "id": { "S": "lock#1" } } })));
        assert!(may("Query", json!({ "TableName": "Events", "IndexName": "open" })));
        assert!(!may("Query", json!({ "TableName": "Events" })));
        let put = json!({ "Put": { "TableName": "State", "Item": { "id": { "S": "x" } } } });
        let update = json!({ "Update": { "TableName": "State", "Key": { "id": { "S": "x" } } } });
        assert!(may("TransactWriteItems", json!({ "TransactItems": [put.clone()] })));
        assert!(!may("TransactWriteItems", json!({ "TransactItems": [put, update] })));
        assert!(!may("BatchGetItem", json!({ "RequestItems": { "State": {} } })));
    }
}
