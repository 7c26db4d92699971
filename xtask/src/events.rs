//! Sample events: `events/<operation>.json`, as API Gateway sends them.

use lambda_kit::Description;
use operations::{Access, DAC_ADMIN, Trigger};
use serde_json::{Map, Value, json};

/// The event of an operation's sample request, sent by a superuser, or by whom the
/// request is about.
pub fn event(endpoint: &Description) -> Value {
    let (operation, example) = (endpoint.operation, (endpoint.example)());
    let (path, query) = example.target.split_once('?').unwrap_or((example.target, ""));
    let query: Map<String, Value> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let parameters: Map<String, Value> = operation
        .matches(path)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let or_null = |map: &Map<String, Value>| if map.is_empty() { Value::Null } else { json!(map) };
    let multi = |map: &Map<String, Value>| -> Value {
        if map.is_empty() { Value::Null } else { map.iter().map(|(k, v)| (k.clone(), json!([v]))).collect() }
    };
    // Users of the demo org.
    let access = operation.http().map(|http| http.access);
    let (mut method, route) = operation.route().map_or(("", ""), |(method, path)| (method.as_str(), path));
    if let Trigger::EventHook { .. } = operation.trigger {
        method = "POST";
    }
    let (uid, login, groups) = match access {
        Some(Access::ManagedAccess) if route == "/agent" => ("00u00000000000000008", "agent@demo.test", "[]"),
        Some(Access::ManagedAccess) => ("00u00000000000000009", "delegator@demo.test", "[]"),
        _ => ("00u00000000000000003", "superuser@demo.test", "[\"SUPERUSERS\"]"),
    };
    let mut headers = Map::new();
    headers.insert("Host".to_owned(), "api.example.test".into());
    headers.insert("X-Forwarded-Proto".to_owned(), "https".into());
    if example.body.is_some() {
        headers.insert("Content-Type".to_owned(), "application/json".into());
    }
    json!({
        "resource": route, "path": path, "httpMethod": method,
        "headers": headers, "multiValueHeaders": multi(&headers),
        "queryStringParameters": or_null(&query), "multiValueQueryStringParameters": multi(&query),
        "pathParameters": or_null(&parameters), "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000", "apiId": "local00api",
            "authorizer": {
                "principalId": uid, "sub": login, "uid": uid,
                "tenants": "[]", "groups": groups, "onBehalf": "false", "exp": "4102444800", "iat": "1769860800",
                "cid": "0oa1dacapp0000000001", "scp": format!("[\"{}\"]", access.map_or(DAC_ADMIN, Access::scope)),
            },
            "domainName": "api.example.test", "httpMethod": method,
            "identity": { "sourceIp": "127.0.0.1", "userAgent": "sample" },
            "path": format!("/v1{path}"), "protocol": "HTTP/1.1", "requestId": "00000000-0000-4000-8000-000000000000",
            "requestTime": "31/Jan/2026:12:00:00 +0000", "requestTimeEpoch": 1_769_860_800_000_u64,
            "resourceId": "sample", "resourcePath": route, "stage": "v1",
        },
        "body": example.body.map(|body| body.to_string()), "isBase64Encoded": false,
    })
}
