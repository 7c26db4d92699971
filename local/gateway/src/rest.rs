//! The two HTTP servers: the REST API, and Lambda with its neighbours.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use aws_emulator::faults::{self, Service};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::aws::{API_ID, SESSION_TOKEN, method_arn, request_id};
use crate::deployment::Deployment;
use crate::events::{Incoming, proxy_answer};
use crate::iam::{Decision, evaluate};
use crate::lambda::InvokeError;
use crate::template::{Route, Template};
use crate::triggers;

/// Largest body that API Gateway takes.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A listener on the loopback address.
pub(crate) async fn bind(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The REST API.
pub(crate) fn api(gateway: Arc<Deployment>) -> Router {
    Router::new().fallback(any(handle)).with_state(gateway)
}

/// The Runtime API, the Invoke API, the control plane of API Gateway and the
/// secrets extension: different hosts on AWS, one port here.
pub(crate) fn lambda(gateway: Arc<Deployment>) -> Router {
    let runtime = "/runtime/{function}/{instance}/2018-06-01/runtime";
    Router::new()
        .route(&format!("{runtime}/invocation/next"), get(next))
        .route(&format!("{runtime}/invocation/{{id}}/response"), post(respond))
        .route(&format!("{runtime}/invocation/{{id}}/error"), post(fail))
        .route(&format!("{runtime}/init/error"), post(|| async { StatusCode::ACCEPTED }))
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .route("/restapis/{api}/stages", get(stages))
        .route("/restapis/{api}/authorizers", get(authorizers))
        .route("/restapis/{api}/stages/{stage}/cache/authorizers", delete(flush))
        .route("/secretsmanager/get", get(secret))
        .route("/systemsmanager/parameters/get", get(parameter))
        .merge(triggers::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(gateway)
}

/// An answer of the gateway itself.
struct OwnAnswer {
    /// Response type: key in `GatewayResponses`.
    kind: &'static str,
    status: StatusCode,
    error_type: &'static str,
    body: Value,
}

impl OwnAnswer {
    fn new(kind: &'static str, status: StatusCode, error_type: &'static str, body: Value) -> Self {
        Self { kind, status, error_type, body }
    }

    /// Unknown path or method alike.
    fn no_route() -> Self {
        let body = json!({ "message": "Missing Authentication Token" });
        Self::new(
            "MISSING_AUTHENTICATION_TOKEN",
            StatusCode::FORBIDDEN,
            "MissingAuthenticationTokenException",
            body,
        )
    }

    fn unauthorized() -> Self {
        Self::new(
            "UNAUTHORIZED",
            StatusCode::UNAUTHORIZED,
            "UnauthorizedException",
            json!({ "message": "Unauthorized" }),
        )
    }

    fn denied(explicit: bool) -> Self {
        let end = if explicit { " with an explicit deny in an identity-based policy" } else { "" };
        let body = json!({ "Message": format!("User is not authorized to access this resource{end}") });
        Self::new("ACCESS_DENIED", StatusCode::FORBIDDEN, "AccessDeniedException", body)
    }

    fn throttled() -> Self {
        let (status, kind) = (StatusCode::TOO_MANY_REQUESTS, "THROTTLED");
        Self::new(kind, status, "TooManyRequestsException", json!({ "message": "Too Many Requests" }))
    }

    fn authorizer_failed() -> Self {
        let (status, kind) = (StatusCode::INTERNAL_SERVER_ERROR, "AUTHORIZER_CONFIGURATION_ERROR");
        Self::new(kind, status, "AuthorizerConfigurationException", json!({ "message": null }))
    }

    fn function_failed() -> Self {
        let body = json!({ "message": "Internal server error" });
        Self::new("API_CONFIGURATION_ERROR", StatusCode::BAD_GATEWAY, "InternalServerErrorException", body)
    }

    /// Lambda has no environment left for the function. With what status API Gateway says
    /// so is not documented.
    fn function_throttled(gateway: &Deployment) -> Self {
        let body = json!({ "message": "Internal server error" });
        let status = StatusCode::from_u16(gateway.throttled_status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new("INTEGRATION_FAILURE", status, "InternalServerErrorException", body)
    }

    fn timed_out() -> Self {
        let body = json!({ "message": "Endpoint request timed out" });
        Self::new("INTEGRATION_TIMEOUT", StatusCode::GATEWAY_TIMEOUT, "InternalServerErrorException", body)
    }

    fn too_large() -> Self {
        let body = json!({ "message": "Request Too Long" });
        Self::new("REQUEST_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", body)
    }

    /// With the headers and the status that the template gives it, or else
    /// its class.
    fn respond(self, template: &Template) -> Response {
        let class = if self.status.is_client_error() { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
        let responses = &template.gateway_responses;
        let configured = responses.get(self.kind).or_else(|| responses.get(class));
        let status = configured.and_then(|r| r.status).and_then(|s| StatusCode::from_u16(s).ok());
        let mut response = (status.unwrap_or(self.status), self.body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.error_type));
        set(headers, configured.map(|r| r.headers.as_slice()).unwrap_or_default());
        response
    }
}

fn set(headers: &mut HeaderMap, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}

async fn handle(State(gateway): State<Arc<Deployment>>, request: Request) -> Response {
    let id = request_id();
    let mut response = match answer(&gateway, &id, request).await {
        Ok(response) => response,
        Err(own) => own.respond(&gateway.template),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn answer(gateway: &Deployment, id: &str, request: Request) -> Result<Response, OwnAnswer> {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    if method == "OPTIONS" && gateway.template.has_path(path) {
        let mut response = StatusCode::OK.into_response();
        set(response.headers_mut(), &gateway.template.preflight);
        return Ok(response);
    }
    let route = gateway.template.route(method, path).ok_or_else(OwnAnswer::no_route)?;
    let throttles = &gateway.template.throttles;
    if !gateway.buckets.admit(throttles, method, route.template, std::time::Instant::now()) {
        return Err(OwnAnswer::throttled());
    }
    let query = parts.uri.query().unwrap_or_default();
    let incoming =
        Incoming { id, stage: &gateway.template.stage, method, path, query, headers: &parts.headers };
    let context = match route.is_authorized {
        true => authorize(gateway, &incoming, &route).await?,
        false => Map::new(),
    };
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| OwnAnswer::too_large())?;
    let event = incoming.proxy_event(&route, &body, context).to_string();
    let pool = gateway.lambda.pool(route.binary).map_err(|_| OwnAnswer::function_failed())?;
    let payload = pool.invoke(event.into()).await.map_err(|error| match error {
        InvokeError::Timeout => OwnAnswer::timed_out(),
        InvokeError::Throttled => OwnAnswer::function_throttled(gateway),
        InvokeError::Unknown(_) | InvokeError::Function(_) => OwnAnswer::function_failed(),
    })?;
    proxy_answer(&payload).map(|answer| answer.map(Body::from)).ok_or_else(OwnAnswer::function_failed)
}

/// Asks the authorizer, or the cache, and evaluates the policy; gives the
/// context for the function.
async fn authorize(
    gateway: &Deployment,
    incoming: &Incoming<'_>,
    route: &Route<'_>,
) -> Result<Map<String, Value>, OwnAnswer> {
    // A missing identity source is 401 without a call.
    let token = incoming.headers.get("authorization").and_then(|value| value.to_str().ok());
    token.filter(|token| !token.is_empty()).ok_or_else(OwnAnswer::unauthorized)?;
    // An answer for one value is none for several.
    let values = incoming.headers.get_all("authorization").iter();
    let values: Vec<String> =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    let key = (values.join("\n"), incoming.path.to_owned());
    let answer = match gateway.policies.get(&key) {
        Some(answer) => answer,
        None => {
            let answer = ask(gateway, incoming, route).await?;
            gateway.policies.put(key, answer.clone());
            answer
        }
    };
    let arn = method_arn(incoming.stage, incoming.method, incoming.path);
    match evaluate(&answer["policyDocument"], &arn) {
        Decision::Allow => {}
        Decision::ExplicitDeny => return Err(OwnAnswer::denied(true)),
        Decision::ImplicitDeny => return Err(OwnAnswer::denied(false)),
    }
    // Values reach the function as strings, beside principalId.
    let context = answer["context"].as_object();
    let mut context: Map<String, Value> = context
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned).into())
        })
        .collect();
    context.insert("principalId".to_owned(), answer["principalId"].clone());
    Ok(context)
}

async fn ask(gateway: &Deployment, incoming: &Incoming<'_>, route: &Route<'_>) -> Result<Value, OwnAnswer> {
    let failed = OwnAnswer::authorizer_failed;
    let pool = gateway.lambda.pool(&gateway.template.authorizer.binary).map_err(|_| failed())?;
    let event = incoming.authorizer_event(route).to_string();
    let payload = pool.invoke(event.into()).await.map_err(|error| match error {
        InvokeError::Function(error) if error["errorMessage"] == "Unauthorized" => OwnAnswer::unauthorized(),
        _ => failed(),
    })?;
    let answer: Value = serde_json::from_slice(&payload).map_err(|_| failed())?;
    let flat =
        |context: &Map<String, Value>| !context.values().any(|value| value.is_object() || value.is_array());
    let context_is_flat = answer["context"].as_object().is_none_or(flat);
    // 8 KiB: quota L-20859C74.
    if answer["policyDocument"].is_object() && context_is_flat && payload.len() <= 8_192 {
        Ok(answer)
    } else {
        Err(failed())
    }
}

type Shared = State<Arc<Deployment>>;

async fn next(State(gateway): Shared, Path((function, instance)): Path<(String, u64)>) -> Response {
    let Ok(pool) = gateway.lambda.pool(&function) else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(invocation) = pool.next(instance).await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", invocation.id.clone()),
        ("Lambda-Runtime-Deadline-Ms", invocation.deadline_ms.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", pool.arn()),
        ("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
    ];
    (headers.map(|(name, value)| (name, value)), invocation.payload).into_response()
}

async fn respond(
    State(gateway): Shared,
    Path((function, _, id)): Path<(String, u64, String)>,
    payload: Bytes,
) -> StatusCode {
    finish(&gateway, &function, &id, Ok(payload))
}

async fn fail(
    State(gateway): Shared,
    Path((function, _, id)): Path<(String, u64, String)>,
    payload: Bytes,
) -> StatusCode {
    let error = serde_json::from_slice(&payload).unwrap_or_default();
    finish(&gateway, &function, &id, Err(InvokeError::Function(error)))
}

fn finish(gateway: &Deployment, function: &str, id: &str, result: Result<Bytes, InvokeError>) -> StatusCode {
    match gateway.lambda.pool(function) {
        Ok(pool) if pool.answer(id, result) => StatusCode::ACCEPTED,
        Ok(_) => StatusCode::GONE,
        Err(_) => StatusCode::NOT_FOUND,
    }
}

/// Lambda's `Invoke`: an error of the function is 200 with a header. Of the type
/// `Event` it is accepted, and nobody hears of the end; of the type `DryRun` nothing is
/// invoked.
async fn invoke(
    State(gateway): Shared,
    Path(function): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    let kind = headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
    let result = match (gateway.lambda.pool(&function), kind) {
        (Err(error), _) => Err(error),
        (Ok(_), Some("DryRun")) => return StatusCode::NO_CONTENT.into_response(),
        (Ok(pool), Some("Event")) => {
            let pool = Arc::clone(pool);
            tokio::spawn(async move { pool.invoke(payload).await });
            return StatusCode::ACCEPTED.into_response();
        }
        (Ok(pool), _) => pool.invoke(payload).await,
    };
    match result {
        Ok(payload) => payload.into_response(),
        Err(InvokeError::Unknown(name)) => {
            let body = json!({ "Type": "User", "Message": format!("Function not found: {name}") });
            (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], body.to_string())
                .into_response()
        }
        Err(InvokeError::Function(error)) => {
            ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response()
        }
        Err(InvokeError::Throttled) => {
            let body = json!({ "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded." });
            let headers = [("x-amzn-errortype", "TooManyRequestsException")];
            (StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response()
        }
        Err(InvokeError::Timeout) => {
            let body = json!({ "errorType": "Sandbox.Timedout", "errorMessage": "Task timed out" });
            ([("x-amz-function-error", "Unhandled")], body.to_string()).into_response()
        }
    }
}

/// `GetStages` of API Gateway's control plane.
async fn stages(State(gateway): Shared, Path(api): Path<String>) -> Response {
    if api != API_ID {
        return StatusCode::NOT_FOUND.into_response();
    }
    let settings = gateway.template.throttles.iter().map(|throttle| {
        // As API Gateway keys them: `*/*`, or the path with `~1` for `/`, and the method.
        let path = throttle.path.replace('/', "~1");
        let limits =
            json!({ "throttlingRateLimit": throttle.rate, "throttlingBurstLimit": throttle.burst as u64 });
        (format!("{path}/{}", throttle.method), limits)
    });
    let settings: Map<String, Value> = settings.collect();
    axum::Json(json!({ "item": [{ "stageName": gateway.template.stage, "methodSettings": settings }] }))
        .into_response()
}

/// `GetAuthorizers` of API Gateway's control plane.
async fn authorizers(State(gateway): Shared, Path(api): Path<String>) -> Response {
    if api != API_ID {
        return StatusCode::NOT_FOUND.into_response();
    }
    let authorizer = &gateway.template.authorizer;
    axum::Json(json!({ "item": [{
        "id": "local", "name": authorizer.binary, "type": "REQUEST",
        "identitySource": "method.request.header.Authorization,context.path",
        "authorizerResultTtlInSeconds": authorizer.ttl_seconds,
    }] }))
    .into_response()
}

/// `FlushStageAuthorizersCache` of API Gateway's control plane.
async fn flush(State(gateway): Shared, Path((api, stage)): Path<(String, String)>) -> StatusCode {
    if api != API_ID || stage != gateway.template.stage {
        return StatusCode::NOT_FOUND;
    }
    gateway.policies.flush();
    StatusCode::ACCEPTED
}

/// The AWS Parameters and Secrets extension: a secret, as Secrets Manager has it.
async fn secret(State(gateway): Shared, query: Named, headers: HeaderMap) -> Response {
    let id = query.get("secretId").map_or("", String::as_str);
    let value = gateway.vault.secret(id).map(|secret| json!({ "ARN": id, "SecretString": secret }));
    extension(&gateway, id, value, &headers).await
}

/// A parameter, as the extension answers (AWS Systems Manager User Guide, "Using Parameter
/// Store parameters in AWS Lambda functions").
async fn parameter(State(gateway): Shared, query: Named, headers: HeaderMap) -> Response {
    let name = query.get("name").map_or("", String::as_str);
    let parameter = |value| json!({ "Parameter": { "Name": name, "Type": "String", "Value": value } });
    extension(&gateway, name, gateway.vault.parameter(name).map(parameter), &headers).await
}

type Named = Query<std::collections::HashMap<String, String>>;

async fn extension(gateway: &Deployment, id: &str, value: Option<Value>, headers: &HeaderMap) -> Response {
    if headers.get("x-aws-parameters-secrets-token").is_none_or(|token| token != SESSION_TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = async {
        match value {
            Some(value) => axum::Json(value).into_response(),
            None => StatusCode::BAD_REQUEST.into_response(),
        }
    };
    let fault = gateway.faults.take(Service::Extension, id);
    faults::through(fault, answer, |status, _, message| (status, message.to_owned()).into_response()).await
}
