//! The Lambda function around an operation.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::{CLOCK_SKEW_SECONDS, Caller};
use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt, Response, service_fn};
use okta_client::Client;
use operations::{EnvVar, Operation, ProblemCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::forward::{Forward, ForwardContext, ForwardRequest};
use crate::hook::{self, Hook, HookSecrets};
use crate::problem::chain;
use crate::{
    ApiStage, Config, ConfigError, Context, Decode, Endpoint, Exit, Problem, Request, RequestParts,
    Resources, Success, log, read_all, secrets,
};

/// Time between the last moment to answer and the end of the function.
const MARGIN: Duration = Duration::from_millis(500);

/// Time between an operation's own deadline and the last moment to answer: an
/// operation that stops at its deadline says better than we what is left.
const ANSWER: Duration = Duration::from_millis(1_000);

/// Longest wait for what a request is passed on to.
const FORWARD: Duration = Duration::from_secs(25);

/// Runs the function of an operation: the whole `main` of its binary.
pub fn serve<E: Endpoint>() -> Exit {
    run(E::prepare, |service, runtime| {
        let handler = service_fn(|event| async { Ok::<_, Infallible>(service.handle::<E>(event).await) });
        runtime.block_on(lambda_http::run(handler))
    })
}

/// Runs the function of an operation that Okta calls: the whole `main` of its
/// binary.
pub fn serve_hook<H: Hook>() -> Exit {
    let prepare = async |resources: &Resources| {
        let [secret_id] = read_all([&EnvVar::HOOK_SECRET_ID])?;
        resources.keep(HookSecretId(secret_id)).await;
        H::prepare(resources).await
    };
    run(prepare, |service, runtime| {
        let handler =
            service_fn(|event| async { Ok::<_, Infallible>(service.handle_hook::<H>(event).await) });
        runtime.block_on(lambda_http::run(handler))
    })
}

/// Runs the function of an operation that passes requests on: the whole `main` of
/// its binary.
pub fn serve_forward<F: Forward>() -> Exit {
    run(
        async |_: &Resources| Ok(()),
        |service, runtime| {
            let handler =
                service_fn(|event| async { Ok::<_, Infallible>(service.handle_forward::<F>(event).await) });
            runtime.block_on(lambda_http::run(handler))
        },
    )
}

fn run(
    prepare: impl AsyncFnOnce(&Resources) -> Result<(), ConfigError>,
    serve: impl FnOnce(&Service, &Runtime) -> Result<(), lambda_http::Error>,
) -> Exit {
    log::init();
    let started = Config::from_env().map_err(|error| log::fatal(&error)).and_then(|config| {
        let service = Service::new(config).map_err(|error| log::fatal(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| log::fatal(&error))?;
        runtime.block_on(prepare(&service.resources)).map_err(|error| log::fatal(&error))?;
        Ok((service, runtime))
    });
    match started {
        Ok((service, runtime)) => match serve(&service, &runtime) {
            Ok(()) => Exit::STOPPED,
            Err(error) => log::fatal(&error),
        },
        Err(exit) => exit,
    }
}

/// A client with time limits for everything that is not Okta.
///
/// # Errors
///
/// If there is no TLS on this system.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
}

/// Name of the secret with what Okta sends with its hooks.
#[derive(Clone)]
struct HookSecretId(String);

/// How long the hook's secrets are used without asking for them again.
const HOOK_SECRETS: Duration = Duration::from_secs(60);

/// What a function keeps between requests.
pub struct Service {
    config: Config,
    http: reqwest::Client,
    resources: Resources,
    /// Made for the first request, and again after Okta rejected the credential.
    okta: Mutex<Option<Client>>,
    /// Read for the first call of a hook, and again from time to time.
    hook_secrets: Mutex<Option<(Instant, HookSecrets)>>,
}

impl Service {
    /// # Errors
    ///
    /// If there is no TLS on this system.
    pub fn new(config: Config) -> Result<Self, reqwest::Error> {
        Ok(Self {
            config,
            http: http_client(Duration::from_secs(3))?,
            resources: Resources::default(),
            okta: Mutex::new(None),
            hook_secrets: Mutex::new(None),
        })
    }

    /// Answers one event; never fails, never panics.
    pub async fn handle<E: Endpoint>(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        // Kept outside the work, which may be dropped.
        let okta_in_use = std::sync::OnceLock::new();
        let work = async {
            let success =
                self.run::<E>(&event, &times.request_id, times.deadline - ANSWER, &okta_in_use).await?;
            Answer::of(success, E::OPERATION)
        };
        self.answer(E::OPERATION, &times, &okta_in_use, work).await
    }

    /// Answers one call of Okta's. Whoever does not know the hook's secret gets
    /// 401; everything else that may go wrong is a doubt, and has an answer, too.
    pub async fn handle_hook<H: Hook>(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let deadline = times.deadline.min(Instant::now() + hook::DEADLINE);
        let okta_in_use = std::sync::OnceLock::new();
        let work = async {
            let unknown = || Problem::new(ProblemCode::Unauthorized, "send the secret of the hook");
            let presented = event.headers().get("authorization").ok_or_else(unknown)?;
            let known = async {
                let secrets = self.hook_secrets().await.inspect_err(
                    |error| tracing::error!(error = %chain(error), "the hook's secret cannot be read"),
                );
                Ok::<_, Problem>(match secrets {
                    Ok(secrets) if !secrets.accept(presented.as_bytes()) => return Err(unknown()),
                    Ok(_) => self.hook_commands::<H>(&event, &times, deadline, &okta_in_use).await,
                    Err(_) => None,
                })
            };
            let known = AssertUnwindSafe(known).catch_unwind();
            let commands = match tokio::time::timeout_at(deadline, known).await {
                Ok(Ok(result)) => result?,
                Ok(Err(_panic)) => None,
                Err(_elapsed) => {
                    tracing::error!("the hook had no time to decide");
                    None
                }
            };
            let commands = match commands {
                Some(commands) => commands,
                None => H::doubt(&self.resources).await,
            };
            Answer::of(Success::new(commands), H::OPERATION)
        };
        self.answer(H::OPERATION, &times, &okta_in_use, work).await
    }

    /// `None` if there is nothing to decide by.
    async fn hook_commands<H: Hook>(
        &self,
        event: &lambda_http::Request,
        times: &Times,
        deadline: Instant,
        okta_in_use: &std::sync::OnceLock<Client>,
    ) -> Option<Value> {
        let payload = serde_json::from_slice(event.body())
            .inspect_err(|_| tracing::warn!("the payload is not JSON"))
            .ok()?;
        if let Some(answer) = H::unasked(&payload) {
            return Some(answer);
        }
        let called = async {
            let deadline = deadline - hook::RECORD;
            let okta = self.okta().await?.for_request(deadline);
            let okta = okta_in_use.get_or_init(|| okta);
            let nobody = Caller::new("", &[], &[], true).with_token("", &[]);
            H::call(&self.context(event, okta, nobody, &times.request_id, deadline), payload).await
        };
        match called.await {
            Ok(commands) => Some(commands),
            Err(problem) => {
                let code = problem.code().as_str();
                tracing::error!(code, error = problem.log_text(), "the hook is in doubt");
                if problem.is_rejected_credential() {
                    *self.okta.lock().await = None;
                }
                None
            }
        }
    }

    /// The secrets, as they were at most a minute ago; longer, if they cannot be
    /// read now, unless they are no secrets any more.
    async fn hook_secrets(&self) -> Result<HookSecrets, secrets::SecretError> {
        let mut kept = self.hook_secrets.lock().await;
        if let Some((read, secrets)) = &*kept
            && read.elapsed() < HOOK_SECRETS
        {
            return Ok(secrets.clone());
        }
        let id = self.resources.get_or_make(|| async { HookSecretId(String::new()) }).await;
        let read = secrets::hook_secrets(&self.http, &self.config, &id.0);
        let Some((_, former)) = kept.clone() else {
            let secrets = read.await?;
            *kept = Some((Instant::now(), secrets.clone()));
            return Ok(secrets);
        };
        match tokio::time::timeout(hook::SECRETS, read).await {
            Ok(Ok(secrets)) => {
                *kept = Some((Instant::now(), secrets.clone()));
                Ok(secrets)
            }
            // What is stored is not what it must be: then it counts for nothing.
            Ok(Err(error @ secrets::SecretError::NoHookSecret { .. })) => Err(error),
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "the hook's secrets are those of before");
                Ok(former)
            }
            Err(_elapsed) => {
                tracing::warn!("the hook's secrets are those of before: the extension is slow");
                Ok(former)
            }
        }
    }

    /// Answers one event by what the operation passes on.
    pub async fn handle_forward<F: Forward>(&self, event: lambda_http::Request) -> Response<Body> {
        let times = Times::of(&event);
        let work = async {
            let http = self.resources.get_or_make(|| async { http_client(FORWARD).ok() }).await;
            let unusable = || Problem::new(ProblemCode::Internal, "okta-dac failed; report the request id");
            let context = ForwardContext {
                org_url: self.config.org_url.clone(),
                base_url: base_url(&event),
                http: http.ok_or_else(unusable)?,
            };
            let path = event.path_parameters_ref().and_then(|parameters| parameters.first("proxy"));
            let query = event.query_string_parameters_ref();
            let query = query.into_iter().flat_map(|map| map.iter());
            let request = ForwardRequest {
                method: event.method().clone(),
                path: path.unwrap_or_default().to_owned(),
                query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                headers: event.headers().clone(),
                body: event.body().to_vec(),
            };
            let forwarded = F::call(&context, request).await?;
            let body = String::from_utf8(forwarded.body)
                .map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
            Ok(Answer { status: forwarded.status, headers: forwarded.headers, body })
        };
        self.answer(F::OPERATION, &times, &std::sync::OnceLock::new(), work).await
    }

    /// Does the work within the time there is, writes the line of log, and makes
    /// an answer of the result.
    async fn answer(
        &self,
        operation: &'static Operation,
        times: &Times,
        okta_in_use: &std::sync::OnceLock<Client>,
        work: impl Future<Output = Result<Answer, Problem>>,
    ) -> Response<Body> {
        let work = AssertUnwindSafe(work).catch_unwind();
        let result = match tokio::time::timeout_at(times.deadline, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                Err(Problem::new(ProblemCode::Internal, "okta-dac failed; report the request id"))
            }
            Err(_elapsed) => Err(timed_out(operation)),
        };
        if result.as_ref().is_err_and(Problem::is_rejected_credential) {
            *self.okta.lock().await = None;
        }
        let request_id = &times.request_id;
        let okta_calls = okta_in_use.get().map_or(0, Client::calls);
        let code = result.as_ref().err().map(|problem| problem.code().as_str());
        let error = result.as_ref().err().and_then(Problem::log_text).map(str::to_owned);
        let left_behind = result.as_ref().err().and_then(Problem::left_behind);
        let answer = respond(result, request_id, &self.config.cors_origin);
        let duration_ms = times.started.elapsed().as_millis() as u64;
        let (operation, status) = (operation.name, answer.status().as_u16());
        if status >= 500 {
            tracing::error!(
                operation,
                request_id,
                status,
                code,
                duration_ms,
                okta_calls,
                error,
                left_behind,
                "request"
            );
        } else {
            tracing::info!(operation, request_id, status, code, duration_ms, okta_calls, error, "request");
        }
        answer
    }

    async fn run<E: Endpoint>(
        &self,
        event: &lambda_http::Request,
        request_id: &str,
        deadline: Instant,
        okta_in_use: &std::sync::OnceLock<Client>,
    ) -> Result<Success<E::Output>, Problem> {
        let request = Request { parts: parts(event), caller: caller(event)? };
        let parameter = |name: &str| request.parts.path.get(name).map(String::as_str);
        if !domain::permits(E::OPERATION, &request.caller, parameter) {
            return Err(Problem::new(ProblemCode::Forbidden, "the token gives no right to this operation"));
        }
        let input = E::Input::decode(&request)?;
        let okta = self.okta().await?.for_request(deadline);
        let okta = okta_in_use.get_or_init(|| okta);
        let context = self.context(event, okta, request.caller, request_id, deadline);
        E::call(&context, input).await.map_err(Into::into)
    }

    fn context(
        &self,
        event: &lambda_http::Request,
        okta: &Client,
        caller: Caller,
        request_id: &str,
        deadline: Instant,
    ) -> Context {
        Context {
            okta: okta.clone(),
            app_id: self.config.app_id.clone(),
            placeholder_key: self.config.placeholder_key.clone(),
            caller,
            request_id: request_id.to_owned(),
            deadline,
            dns_resolvers: self.config.dns_resolvers.clone(),
            state_table: self.config.state_table.clone(),
            api: api_stage(event),
            resources: self.resources.clone(),
            base_url: base_url(event),
        }
    }

    async fn okta(&self) -> Result<Client, Problem> {
        let mut kept = self.okta.lock().await;
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let unusable = |error: &dyn std::error::Error| {
            Problem::new(
                ProblemCode::Internal,
                "okta-dac has no usable Okta credential; report the request id",
            )
            .log("load the Okta credential", error)
        };
        let credential = secrets::credential(&self.http, &self.config).await;
        let credential = credential.map_err(|error| unusable(&error))?;
        let client = Client::new(self.config.org_url.clone(), credential)
            .map_err(|error| unusable(&error))?
            .with_share(self.config.rate_limit_share);
        *kept = Some(client.clone());
        Ok(client)
    }
}

/// The time is used up: where something may have been changed, sending the same
/// request again completes it.
fn timed_out(operation: &Operation) -> Problem {
    let code = match operation.method.is_safe() {
        true => ProblemCode::OktaUnavailable,
        false => ProblemCode::OperationIncomplete,
    };
    Problem::new(code, "the time for this request is used up; send the same request again")
}

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
        Ok(epoch) if epoch < Duration::from_secs(86_400) => Duration::from_secs(30),
        _ => deadline.duration_since(SystemTime::now()).unwrap_or_default(),
    }
}

fn parts(event: &lambda_http::Request) -> RequestParts {
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
        idempotency_key: event
            .headers()
            .get("idempotency-key")
            .map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned()),
        body: event.body().to_vec(),
    }
}

/// The caller that the authorizer's context describes.
fn caller(event: &lambda_http::Request) -> Result<Caller, Problem> {
    let context = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => Some(&context.authorizer.fields),
        _ => None,
    };
    let text = |name: &str| context.and_then(|fields| fields.get(name)).and_then(Value::as_str);
    let list = |name: &str| -> Vec<String> {
        text(name).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
    };
    let uid = text("uid").filter(|uid| !uid.is_empty()).ok_or_else(|| {
        Problem::new(
            ProblemCode::Unauthorized,
            "the request did not pass the authorizer; send an access token",
        )
    })?;
    // API Gateway repeats the authorizer's answers, for longer than a token lives.
    let expires = text("exp").and_then(|exp| exp.parse::<i64>().ok()).unwrap_or_default();
    if expires.saturating_add(CLOCK_SKEW_SECONDS) <= unix_seconds() {
        return Err(Problem::new(ProblemCode::Unauthorized, "the token has expired; send a new one"));
    }
    // The authorizer always says it: anything but "false" means "yes".
    let on_behalf = text("onBehalf") != Some("false");
    let caller = Caller::new(uid, &list("tenants"), &list("groups"), on_behalf);
    Ok(caller.with_token(text("cid").unwrap_or_default(), &list("scp")))
}

/// The API and stage that the request came through.
fn api_stage(event: &lambda_http::Request) -> ApiStage {
    match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => ApiStage {
            id: context.apiid.clone().unwrap_or_default(),
            stage: context.stage.clone().unwrap_or_default(),
        },
        _ => ApiStage::default(),
    }
}

/// Where the caller reached this API: scheme, host, and the stage or a custom
/// domain's base path, which come before the path of the resource.
fn base_url(event: &lambda_http::Request) -> String {
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
    let own = resource.matches('/').count() + rest.unwrap_or_default().matches('/').count();
    let before = path.matches('/').count().saturating_sub(own);
    let prefix: Vec<&str> = path.split('/').take(before + 1).collect();
    let scheme = header("x-forwarded-proto").unwrap_or("https");
    format!("{scheme}://{}{}", header("host").unwrap_or("localhost"), prefix.join("/"))
}

/// When a request came, and when its answer must be on its way.
struct Times {
    started: std::time::Instant,
    deadline: Instant,
    request_id: String,
}

impl Times {
    fn of(event: &lambda_http::Request) -> Self {
        let started = std::time::Instant::now();
        let lambda = event.lambda_context_ref();
        let request_id = lambda.map(|context| context.request_id.clone()).unwrap_or_default();
        let left = lambda.map_or(Duration::from_secs(30), |context| until(context.deadline()));
        Self { started, deadline: Instant::now() + left.saturating_sub(MARGIN), request_id }
    }
}

/// A successful answer, ready to be sent.
struct Answer {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

impl Answer {
    fn of<T: Serialize>(success: Success<T>, operation: &Operation) -> Result<Self, Problem> {
        let unusable = || Problem::new(ProblemCode::Internal, "the answer cannot be written");
        let mut headers = Vec::new();
        for (name, value) in success.headers {
            let value = HeaderValue::try_from(value).map_err(|_| unusable())?;
            headers.push((HeaderName::from_static(name), value));
        }
        let (media_type, body) = match (success.text, success.body) {
            (Some((media_type, bytes)), _) => {
                let text = String::from_utf8(bytes);
                (Some(media_type), text.map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text))
            }
            (None, Some(body)) => {
                let text = serde_json::to_string(&body).map_err(|_| unusable())?;
                (Some("application/json"), Body::Text(text))
            }
            (None, None) => (None, Body::Empty),
        };
        headers.extend(media_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))));
        Ok(Self { status: success.status.unwrap_or(operation.success), headers, body })
    }
}

fn respond(result: Result<Answer, Problem>, request_id: &str, cors_origin: &str) -> Response<Body> {
    let mut builder = Response::builder()
        .header("access-control-allow-origin", cors_origin)
        .header("access-control-expose-headers", "Link, Location, Retry-After")
        .header("cache-control", "no-store")
        .header("x-request-id", request_id);
    let body = match result {
        Ok(answer) => {
            builder = builder.status(answer.status);
            for (name, value) in answer.headers {
                builder = builder.header(name, value);
            }
            answer.body
        }
        Err(problem) => {
            builder =
                builder.status(problem.code().status()).header("content-type", "application/problem+json");
            if let Some(seconds) = problem.retry_after_seconds() {
                builder = builder.header("retry-after", seconds);
            }
            Body::Text(problem.document(request_id).to_string())
        }
    };
    builder.body(body).unwrap_or_else(|_| failed())
}

/// The answer when there is none: a header value that no header can carry.
fn failed() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = lambda_http::http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
