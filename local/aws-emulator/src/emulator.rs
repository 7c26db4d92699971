//! A running emulator: its server, and what tests look at.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::call::Call;
use crate::error::AwsError;
use crate::faults::{self, Service};
use crate::function_rights::{Functions, SecretRight};
use crate::journal::Entry;
use crate::random::request_id;
use crate::rotations::Stepped;
use crate::seed::Seed;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::{control, iam, json_protocol, rotations, secret_rotation, secrets, signin, sts};

/// How to start an emulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on the loopback address; 0 picks a free one.
    pub port: u16,
    /// The accounts to start with.
    pub seed: Seed,
    /// Origin of the Okta org that the accounts trust.
    pub okta_url: String,
}

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error("port {port} cannot be used: {source}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// There is no client for the identity provider.
    #[error("the client for identity providers: {0}")]
    Client(reqwest::Error),
}

/// A running emulator. It stops when this is dropped.
pub struct AwsEmulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl AwsEmulator {
    /// Starts an emulator on the loopback address.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let port = options.port;
        let failed = |source| StartError::Port { port, source };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Shared::new(options.seed, options.okta_url).map_err(StartError::Client)?;
        let shared = Arc::new(shared);
        let router: Router = control::routes().fallback(handle).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            use axum::serve::ListenerExt;
            // Without it, small answers wait for a delayed acknowledgement: 40 ms.
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, server })
    }

    /// Origin, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its secrets and parameters.
    pub fn vault(&self) -> Vault {
        Vault(Arc::clone(&self.shared))
    }

    /// The functions that call this account, by their access key id: they may do this with
    /// secrets, and nothing else. To be said before there are secrets.
    pub fn set_functions(&self, account: &str, rights: BTreeMap<String, Vec<SecretRight>>) {
        let functions = Functions { account: Some(account.to_owned()), rights };
        self.shared.state().set_functions(functions);
    }

    /// Where functions are invoked: without it, no secret is rotated.
    pub fn set_lambda(&self, url: &str) {
        self.shared.set_lambda(url.to_owned());
    }

    /// What was asked since the journal was emptied last.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.journal()
    }

    /// Empties the journal.
    pub fn clear_journal(&self) {
        self.shared.clear_journal();
    }

    /// Orders a fault.
    pub fn order(&self, fault: faults::Fault) {
        self.shared.faults.order(fault);
    }

    /// Forgets every fault.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Changes the settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.state().settings);
    }

    /// The state, without secrets.
    pub fn snapshot(&self) -> serde_json::Value {
        self.shared.state().snapshot()
    }

    /// Back to the seed.
    pub fn reset(&self) {
        self.shared.reset();
    }
}

/// The account's secrets and parameters, for what stands beside a function.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

impl Vault {
    /// The value of a secret with the label `AWSCURRENT`, by name or ARN.
    pub fn secret(&self, id: &str) -> Option<String> {
        secrets::current(&self.0.state().secrets, id)
    }

    /// Rotates a secret with a function, and waits for the end of the sequence.
    ///
    /// # Errors
    ///
    /// What `RotateSecret` says.
    pub async fn rotate(&self, id: &str, function: &str) -> Result<Vec<Stepped>, String> {
        let body = serde_json::json!({ "SecretId": id, "RotationLambdaARN": function });
        let now = self.0.now();
        let begun = secret_rotation::rotate(&mut self.0.state().secrets, &body, now);
        let (_, begun) = begun.map_err(|error| error.message)?;
        Ok(rotations::run(Arc::clone(&self.0), begun).await)
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.0.state().parameters.get(name).map(|parameter| parameter.value.clone())
    }

    /// Puts a secret into the account, also after a reset.
    pub fn plant_secret(&self, id: &str, value: &str) {
        self.0.state().plant_secret(id, value);
    }

    /// Puts a secret into the account, also after a reset, whose version has this id and which
    /// this function rotates.
    pub fn plant_rotated(&self, id: &str, value: &str, version: &str, function: &str) {
        self.0.state().plant_rotated(id, value, version, function);
    }

    /// Gives a secret a tag.
    pub fn tag(&self, id: &str, key: &str, value: &str) {
        secrets::set_tag(&mut self.0.state().secrets, id, key, value);
    }

    /// Waits until so many rotations have ended since the start.
    pub async fn wait_for_rotations(&self, count: u64) {
        // An error means that the emulator is gone, and with it the wait.
        let _ = self.0.rotations_ended().wait_for(|ended| *ended >= count).await;
    }

    /// Puts a parameter into the account, also after a reset.
    pub fn plant_parameter(&self, name: &str, value: &str) {
        self.0.state().plant_parameter(name, value);
    }
}

impl Drop for AwsEmulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Every call that is not of the control interface.
async fn handle(
    extract::State(shared): extract::State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (arrived, at) = (Instant::now(), shared.started.elapsed());
    let call = Call::new(method, &uri, headers, body, shared.now());
    let action = call.optional("Action").unwrap_or("unknown").to_owned();
    let target = json_protocol::target(&call);
    let is_json = target.is_some();
    let (service, operation) = match call.route.as_str() {
        _ if target.is_some() => target.unwrap_or((Service::Sts, String::new())),
        "/federation" => (Service::Signin, action.clone()),
        "/saml" => (Service::Signin, "saml".to_owned()),
        _ if call.optional("Version") == Some("2010-05-08") => (Service::Iam, action.clone()),
        _ => (Service::Sts, action.clone()),
    };
    let latency = shared.state().settings.latency_ms;
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let (mut principal, mut code, mut begun) = (None, None, None);
    let fault = shared.faults.take(service, &operation);
    let dropped = matches!(fault, Some(faults::Action::Drop(_)));
    if let Some(faults::Action::Error { code: of, .. }) = &fault {
        code = Some(of.clone());
    }
    let call_itself = async {
        match service {
            Service::SecretsManager | Service::Ssm => {
                let answer = json_protocol::answer(
                    &mut shared.state(),
                    &call,
                    service,
                    &operation,
                    &mut principal,
                    &mut begun,
                );
                json_protocol::response(answer, &mut code)
            }
            Service::Signin if operation == "saml" => signin::saml(&shared.state(), &call),
            Service::Signin => signin::federation(&mut shared.state(), &call, &action),
            Service::Iam => {
                let answer = iam::answer(&shared.state(), &call, &action, &mut principal);
                xml(answer, iam::NAMESPACE, &mut code)
            }
            _ => {
                let answer = sts::answer(&shared, &call, &action, &mut principal).await;
                xml(answer, sts::NAMESPACE, &mut code)
            }
        }
    };
    let answer = faults::through(fault, call_itself, |status, code, message| {
        if is_json {
            return json_protocol::error_response(status, code, message);
        }
        let error = AwsError { status: status.as_u16(), code: code.to_owned(), message: message.to_owned() };
        (status, [("content-type", "text/xml")], error.xml(sts::NAMESPACE, &request_id())).into_response()
    });
    let mut answer = answer.await;
    if let Some(begun) = begun {
        // Nobody waits for a rotation.
        tokio::spawn(rotations::run(Arc::clone(&shared), begun));
    }
    let date = shared.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = http::HeaderValue::from_str(&date) {
        answer.headers_mut().insert("date", date);
    }
    shared.note(Entry {
        seq: 0,
        at_ms: at.as_secs_f64() * 1e3,
        duration_ms: arrived.elapsed().as_secs_f64() * 1e3,
        service: format!("{service:?}").to_lowercase(),
        action: operation,
        principal,
        region: call.region.clone(),
        status: if dropped { 0 } else { answer.status().as_u16() },
        code,
    });
    answer
}

/// An answer of the query protocol; `code` becomes the error's.
fn xml(answer: Result<String, AwsError>, namespace: &str, code: &mut Option<String>) -> Response {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            *code = Some(error.code.clone());
            (error.status(), error.xml(namespace, &request_id()))
        }
    };
    (status, [("content-type", "text/xml")], body).into_response()
}
