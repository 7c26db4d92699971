//! What an event of API Gateway says.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{CLOCK_SKEW_SECONDS, Caller};
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::request::RequestContext;
use operations::ProblemCode;
use percent_encoding::percent_decode_str;
use run_kit::Failure;
use serde_json::Value;
use tokio::time::Instant;

use crate::RequestParts;

/// Time between the last moment to answer and the end of the function.
const MARGIN: Duration = Duration::from_millis(500);

/// Time for an invocation that has no deadline.
const NO_DEADLINE: Duration = Duration::from_secs(30);

/// Seconds since 1970, by this machine's clock, which AWS keeps right.
#[expect(clippy::disallowed_methods, reason = "tokens end at a date")]
fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// Time left until a deadline that Lambda gives as a date.
#[expect(clippy::disallowed_methods, reason = "Lambda's deadline is a date")]
fn until(deadline: SystemTime) -> Duration {
    // `cargo lambda watch` sends a date of 1970, which means "no deadline".
    match deadline.duration_since(UNIX_EPOCH) {
        Ok(epoch) if epoch < Duration::from_secs(86_400) => NO_DEADLINE,
        _ => deadline.duration_since(SystemTime::now()).unwrap_or_default(),
    }
}

pub(crate) fn parts(event: &lambda_http::Request) -> RequestParts {
    // A real REST API leaves path parameters as they stand in the path.
    let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
    let path = event.path_parameters_ref();
    let path: BTreeMap<_, _> =
        path.into_iter().flat_map(|map| map.iter()).map(|(k, v)| (k.to_owned(), decoded(v))).collect();
    let query = event.query_string_parameters_ref();
    let query =
        query.into_iter().flat_map(|map| map.iter()).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let header = |name: &str| event.headers().get(name).and_then(|value| value.to_str().ok());
    RequestParts {
        path,
        query,
        content_type: header("content-type").map(str::to_owned),
        // One that is not text is refused, not overlooked.
        idempotency_keys: event
            .headers()
            .get_all("idempotency-key")
            .into_iter()
            .map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned())
            .collect(),
        body: event.body().to_vec(),
    }
}

/// The caller that the authorizer's context describes, and when the token was issued,
/// in seconds since 1970.
pub(crate) fn caller(event: &lambda_http::Request) -> Result<(Caller, i64), Failure> {
    let context = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => Some(&context.authorizer.fields),
        _ => None,
    };
    let text = |name: &str| context.and_then(|fields| fields.get(name)).and_then(Value::as_str);
    let list = |name: &str| -> Vec<String> {
        text(name).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
    };
    let uid = text("uid").filter(|uid| !uid.is_empty()).ok_or_else(|| {
        Failure::new(
            ProblemCode::Unauthorized,
            "the request did not pass the authorizer; send an access token",
        )
    })?;
    // The authorizer refuses them, too; what API Gateway keeps by the one may be asked for by the other.
    if event.headers().get_all("authorization").iter().count() > 1 {
        return Err(Failure::new(ProblemCode::Unauthorized, "send one `Authorization` header"));
    }
    // API Gateway repeats the authorizer's answers, for longer than a token lives.
    let seconds = |name: &str| text(name).and_then(|time| time.parse::<i64>().ok()).unwrap_or_default();
    let expires = seconds("exp");
    if expires.saturating_add(CLOCK_SKEW_SECONDS) <= unix_seconds() {
        return Err(Failure::new(ProblemCode::Unauthorized, "the token has expired; send a new one"));
    }
    // The authorizer always says it: anything but "false" means "yes".
    let on_behalf = text("onBehalf") != Some("false");
    let caller = Caller::new(uid, &list("tenants"), &list("groups"), on_behalf);
    Ok((caller.with_token(text("cid").unwrap_or_default(), &list("scp")), seconds("iat")))
}

/// Address that the request came from, as API Gateway saw it.
pub(crate) fn source_ip(event: &lambda_http::Request) -> Option<String> {
    match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.clone(),
        _ => None,
    }
}

/// Where the caller reached this API: scheme, host, and the stage or a custom
/// domain's base path, which come before the path of the resource.
pub(crate) fn base_url(event: &lambda_http::Request) -> String {
    let header = |name: &str| event.headers().get(name).and_then(|value| value.to_str().ok());
    let (path, resource) = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (text(&context.path), text(&context.resource_path))
        }
        _ => (String::new(), String::new()),
    };
    // A greedy parameter stands for as many segments as it has.
    let greedy = resource.strip_suffix("+}").and_then(|resource| resource.rsplit('{').next());
    let parameters = event.path_parameters_ref();
    let rest = greedy.and_then(|name| parameters.and_then(|parameters| parameters.first(name)));
    // A slash at the end begins no segment.
    let path = path.trim_end_matches('/');
    let rest = rest.unwrap_or_default().trim_end_matches('/');
    let own = resource.matches('/').count() + rest.matches('/').count();
    let before = path.matches('/').count().saturating_sub(own);
    let prefix: Vec<&str> = path.split('/').take(before + 1).collect();
    let scheme = header("x-forwarded-proto").filter(|scheme| is_scheme(scheme)).unwrap_or("https");
    let host = header("host").filter(|host| is_host(host)).unwrap_or("localhost");
    format!("{scheme}://{host}{}", prefix.join("/"))
}

/// Whether a header names how the caller came: what else it says is copied nowhere.
fn is_scheme(scheme: &str) -> bool {
    ["http", "https"].contains(&scheme)
}

/// Whether a header names a host, with a port or without, and nothing else.
fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let parses = || {
        host.parse::<http::uri::Authority>().is_ok_and(|authority| {
            let has_port = authority.port_u16().is_some() || authority.host().len() == host.len();
            !authority.host().is_empty() && has_port
        })
    };
    !host.is_empty() && host.chars().all(plain) && parses()
}

/// Takes out of an event what `lambda_http` would stop at with a panic: it makes an address of
/// scheme, host and path. A host that is none is the API's own.
pub(crate) fn tame(request: &mut ApiGatewayProxyRequest) {
    let own = request.request_context.domain_name.take().filter(|host| is_host(host));
    request.request_context.domain_name.clone_from(&own);
    for headers in [&mut request.headers, &mut request.multi_value_headers] {
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        if headers.get("x-forwarded-proto").is_some_and(|scheme| !is_scheme(&text(scheme))) {
            headers.remove("x-forwarded-proto");
        }
        if headers.get("host").is_some_and(|host| !is_host(&text(host))) {
            headers.remove("host");
            if let Some(own) = own.as_deref().and_then(|own| http::HeaderValue::from_str(own).ok()) {
                headers.insert("host", own);
            }
        }
    }
    // API Gateway encodes what it says that it encodes: a body that is none is text, and refused.
    let body = request.body.as_deref().unwrap_or_default();
    request.is_base64_encoded &= BASE64_STANDARD.decode(body).is_ok();
    for query in [&mut request.query_string_parameters, &mut request.multi_value_query_string_parameters] {
        // A parameter without a value ends whoever looks at all of them.
        let lists = serde_json::to_value(&*query).unwrap_or_default();
        let is_empty = |values: &Value| values.as_array().is_none_or(Vec::is_empty);
        if lists.as_object().into_iter().flatten().any(|(_, values)| is_empty(values)) {
            let mut lists: HashMap<String, Vec<String>> = serde_json::from_value(lists).unwrap_or_default();
            lists.retain(|_, values| !values.is_empty());
            *query = lists.into();
        }
    }
    for path in [&mut request.path, &mut request.request_context.path].into_iter().flatten() {
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
    }
}

/// When a request came, and when its answer must be on its way.
pub(crate) struct Times {
    pub(crate) started: std::time::Instant,
    pub(crate) deadline: Instant,
    pub(crate) request_id: String,
    /// API Gateway's own id of the request, which its access log has.
    pub(crate) gateway_request_id: Option<String>,
}

impl Times {
    pub(crate) fn of(event: &lambda_http::Request) -> Self {
        let times = event.lambda_context_ref();
        let times = times.map_or_else(|| Self::new(String::new(), NO_DEADLINE), Self::of_context);
        let gateway_request_id = match event.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => context.request_id.clone(),
            _ => None,
        };
        Self { gateway_request_id, ..times }
    }

    /// As Lambda says them of an invocation.
    pub(crate) fn of_context(context: &lambda_http::Context) -> Self {
        Self::new(context.request_id.clone(), until(context.deadline()))
    }

    fn new(request_id: String, left: Duration) -> Self {
        let deadline = Instant::now() + left.saturating_sub(MARGIN);
        Self { started: std::time::Instant::now(), deadline, request_id, gateway_request_id: None }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;
    use serde_json::json;

    use super::*;

    /// The event of a request with these headers, as a function gets it.
    fn event(headers: Value, path: &str, proxy: &str) -> lambda_http::Request {
        let event = json!({
            "resource": "/api/v1/{proxy+}", "path": path, "httpMethod": "GET", "headers": {},
            "multiValueHeaders": headers, "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": { "proxy": proxy }, "stageVariables": null, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "resourcePath": "/api/v1/{proxy+}", "path": path, "httpMethod": "GET", "stage": "v1",
                "domainName": "api1.execute-api.us-east-1.amazonaws.com", "identity": {}, "authorizer": {},
            },
        });
        let mut request: LambdaRequest = serde_json::from_value(event).unwrap();
        let LambdaRequest::ApiGatewayV1(of_gateway) = &mut request else {
            unreachable!("an event of a REST API")
        };
        tame(of_gateway);
        request.into()
    }

    /// Headers that anybody writes: none is copied unless it is a scheme or a host, and none ends the
    /// function.
    #[test]
    fn br_03_headers_that_are_no_address() {
        let base = |headers| base_url(&event(headers, "/v1/api/v1/users", "users"));
        for scheme in ["https,http", "", "a b", "javascript", "HTTPS:"] {
            let headers = json!({ "Host": ["api.test"], "X-Forwarded-Proto": [scheme] });
            assert_eq!(base(headers), "https://api.test/v1", "{scheme}");
        }
        for host in ["a b", "u:p@evil.test", "evil.test/path", "[", "a:99999999", ""] {
            let headers = json!({ "Host": [host], "X-Forwarded-Proto": ["https"] });
            let own = base(headers);
            assert!(
                own.starts_with("https://api1.execute-api.") || own == "https://localhost/v1",
                "{host}: {own}"
            );
        }
        assert_eq!(
            base(json!({ "Host": ["127.0.0.1:3000"], "X-Forwarded-Proto": ["http"] })),
            "http://127.0.0.1:3000/v1"
        );
    }

    #[test]
    fn br_13_a_slash_at_the_end_begins_no_segment() {
        let host = json!({ "Host": ["api.test"] });
        for (path, proxy) in [
            ("/v1/api/v1/users", "users"),
            ("/v1/api/v1/users/", "users"),
            ("/v1/api/v1/users/me/", "users/me/"),
        ] {
            assert_eq!(base_url(&event(host.clone(), path, proxy)), "https://api.test/v1", "{path}");
        }
    }
}
