//! The Lambda function.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use lambda_kit::{Exit, fatal};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use operations::{OPERATIONS, Routes};
use run_kit::{Environment, http_client, init_log};

use crate::cache::Verified;
use crate::config::SettingsError;
use crate::token::{bearer, header, verify};
use crate::{Authorization, Claims, Jwks, KeyError, Rejection, Settings, authorize};

/// Longest wait for the issuer's keys; API Gateway waits ten seconds for an
/// authorizer.
const KEYS_TIMEOUT: Duration = Duration::from_secs(4);

/// Runs the authorizer: the whole `main` of its binary.
pub fn serve() -> Exit {
    let environment = Environment::of_process(operations::get("authorizer"));
    init_log(&environment);
    let complete = environment.require_all().map_err(SettingsError::from);
    let started = complete
        .and_then(|()| Settings::prepare(&environment))
        .map_err(|error| fatal(&error))
        .and_then(|settings| {
            let authorizer = Authorizer::new(settings).map_err(|error| fatal(&error))?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Ok((authorizer, runtime.map_err(|error| fatal(&error))?))
        });
    let (authorizer, runtime) = match started {
        Ok(started) => started,
        Err(exit) => return exit,
    };
    let handler =
        service_fn(|event: LambdaEvent<Event>| authorizer.handle(event.payload, event.context.request_id));
    match runtime.block_on(lambda_runtime::run(handler)) {
        Ok(()) => Exit::STOPPED,
        Err(error) => fatal(&error),
    }
}

/// What the function keeps between requests.
pub struct Authorizer {
    settings: Settings,
    routes: Routes<'static>,
    jwks: Jwks,
    /// `None` verifies every token anew.
    verified: Option<Verified>,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The token is not accepted.
    #[error(transparent)]
    Unauthorized(#[from] Rejection),
    /// The issuer's keys cannot be had.
    #[error("failed to {0}")]
    Unavailable(String),
}

/// API Gateway turns an error whose message is exactly `Unauthorized` into
/// 401, and any other into the response for failed authorizers.
impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        let name = match refusal {
            Refusal::Unauthorized(_) => "Unauthorized",
            Refusal::Unavailable(_) => "Unavailable",
        };
        Diagnostic { error_type: name.to_owned(), error_message: name.to_owned() }
    }
}

impl Authorizer {
    /// # Errors
    ///
    /// If the issuer is no URL, or there is no TLS on this system.
    pub fn new(settings: Settings) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let url = settings.keys_url()?;
        let jwks = Jwks::new(http_client(KEYS_TIMEOUT)?, url);
        let verified = Some(Verified::default());
        Ok(Self { settings, routes: Routes::new(OPERATIONS), jwks, verified })
    }

    /// The same authorizer, verifying every token anew: for measuring that.
    #[must_use]
    pub fn without_cache(self) -> Self {
        Self { verified: None, ..self }
    }

    /// Answers one event and logs one line.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub async fn handle(&self, event: Event, request_id: String) -> Result<Authorization, Refusal> {
        let started = std::time::Instant::now();
        let headers: Vec<_> = event.multi_value_headers.get_all("authorization").iter().collect();
        let header = match headers[..] {
            [_, _, ..] => Err(Rejection::SeveralTokens),
            [one] => one.to_str().map_err(|_| Rejection::NoToken),
            // `cargo lambda watch` fills this map alone.
            [] => {
                let header = event.headers.get("authorization").and_then(|value| value.to_str().ok());
                header.ok_or(Rejection::NoToken)
            }
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let result = match header {
            Ok(header) => self.decide(header, &text(&event.method_arn), &text(&event.path)).await,
            Err(rejection) => Err(rejection.into()),
        };
        let (outcome, reason) = match &result {
            Ok(authorization) => (authorization.policy_document.effect().to_lowercase(), None),
            Err(refusal @ Refusal::Unauthorized(_)) => ("unauthorized".to_owned(), Some(refusal.to_string())),
            Err(refusal @ Refusal::Unavailable(_)) => ("unavailable".to_owned(), Some(refusal.to_string())),
        };
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(operation = "authorizer", request_id, outcome, reason, duration_ms, "request");
        result
    }

    /// Decides about a request by its `Authorization` header, method ARN and
    /// path.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub async fn decide(&self, header: &str, method_arn: &str, path: &str) -> Result<Authorization, Refusal> {
        let (token, now) = (bearer(header)?, now());
        let claims = match self.verified.as_ref().and_then(|verified| verified.get(token, now)) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.verify(token, now).await?);
                if let Some(verified) = &self.verified {
                    verified.put(token, &claims, now);
                }
                claims
            }
        };
        Ok(authorize(&self.routes, &claims, method_arn, path))
    }

    async fn verify(&self, token: &str, now: i64) -> Result<Claims, Refusal> {
        let (key_id, algorithm) = header(token)?;
        let key = self.jwks.key(&key_id).await.map_err(|error| match error {
            KeyError::Unknown => Refusal::Unauthorized(Rejection::UnknownKey),
            KeyError::Unavailable(_) => Refusal::Unavailable(error.to_string()),
        })?;
        Ok(verify(token, algorithm, &key, &self.settings, now)?)
    }
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the clock that `verify` is given")]
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
