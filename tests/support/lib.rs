//! What the end-to-end tests stand on: a stack of their own, principals as
//! types, answers that print well, and a watch over the logs.
//!
//! ```no_run
//! # use tests::{Superuser, TenantAdmin, TestStack};
//! # async fn example() {
//! let stack = TestStack::start().await;
//! let answer = stack.get("/tenants/acme", TenantAdmin("acme")).await;
//! assert_eq!(answer.status, 200, "{answer}");
//! # }
//! ```
//!
//! Every stack checks, when it ends, that no token and no secret stands in what
//! its functions logged: so the whole run is searched.

#![expect(clippy::expect_used, clippy::panic, reason = "for tests")]

mod beside;
pub mod fuzz;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gateway::{Stack, StackOptions};
use okta_emulator::{Action, DEMO_ORG, Emulator, Fault, Seed, TokenRequest};
use serde_json::{Value, json};

/// Where the repository is.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_owned()
}

/// Who sends a request.
pub trait Principal {
    /// The `Authorization` header; `None` sends none.
    fn authorization(&self, stack: &TestStack) -> Option<String>;
}

/// Nobody: no token.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

/// The superuser of the demo org.
#[derive(Clone, Copy, Debug)]
pub struct Superuser;

/// The admin of this tenant of the demo org.
#[derive(Clone, Copy, Debug)]
pub struct TenantAdmin(pub &'static str);

/// A user of this tenant of the demo org, who is no admin.
#[derive(Clone, Copy, Debug)]
pub struct Member(pub &'static str);

/// This user of the demo org, with the scope for delegation.
#[derive(Clone, Copy, Debug)]
pub struct Managed(pub &'static str);

/// A user by login, with the scope for responses.
#[derive(Clone, Copy, Debug)]
pub struct Responding(pub &'static str);

/// Whoever this token says.
#[derive(Clone, Debug)]
pub struct Bearer(pub String);

impl Principal for Anonymous {
    fn authorization(&self, _: &TestStack) -> Option<String> {
        None
    }
}

impl Principal for Superuser {
    fn authorization(&self, stack: &TestStack) -> Option<String> {
        Some(format!("Bearer {}", stack.token("superuser@demo.test")))
    }
}

impl Principal for TenantAdmin {
    fn authorization(&self, stack: &TestStack) -> Option<String> {
        Some(format!("Bearer {}", stack.token(&format!("admin@{}.test", self.0))))
    }
}

impl Principal for Member {
    fn authorization(&self, stack: &TestStack) -> Option<String> {
        Some(format!("Bearer {}", stack.token(&format!("user@{}.test", self.0))))
    }
}

impl Principal for Managed {
    fn authorization(&self, stack: &TestStack) -> Option<String> {
        let request = TokenRequest {
            login: self.0.to_owned(),
            scopes: Some(vec!["managed.access".to_owned()]),
            ..TokenRequest::default()
        };
        Some(format!("Bearer {}", stack.token_with(&request)))
    }
}

impl Principal for Responding {
    fn authorization(&self, stack: &TestStack) -> Option<String> {
        let request = TokenRequest {
            login: self.0.to_owned(),
            scopes: Some(vec!["dac.respond".to_owned()]),
            ..TokenRequest::default()
        };
        Some(format!("Bearer {}", stack.token_with(&request)))
    }
}

impl Principal for Bearer {
    fn authorization(&self, _: &TestStack) -> Option<String> {
        Some(format!("Bearer {}", self.0))
    }
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers; repeated ones joined by a line break.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body: JSON, or null.
    pub body: Value,
}

impl Answer {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// `code` of a problem document.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#} {:?}", self.status, self.body, self.headers)
    }
}

/// How far searches lag behind in every test: "typically less than one second",
/// says Okta.
const SEARCH_LAG_MS: i64 = 5_000;

type Lines = Arc<Mutex<Vec<(String, String)>>>;

/// A stack with the demo org, on free ports, for one test.
pub struct TestStack {
    /// The stack.
    pub stack: Stack,
    http: reqwest::Client,
    logs: Lines,
    secrets: Mutex<Vec<String>>,
}

impl TestStack {
    /// Builds the functions, once per run, and starts a stack.
    pub async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).expect("the demo org is a seed");
        Self::start_with(seed, None).await
    }

    /// As [`TestStack::start`], with another org, and another credential in
    /// Secrets Manager.
    pub async fn start_with(seed: Seed, secret: Option<String>) -> Self {
        Self::start_as(|options| {
            options.seed = seed;
            options.secret = secret;
        })
        .await
    }

    /// As [`TestStack::start`], with other parameters of the template.
    pub async fn start_configured(parameters: &[(&str, &str)]) -> Self {
        let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Self::start_as(|options| options.parameters = parameters.collect()).await
    }

    /// As [`TestStack::start`], with other options.
    pub async fn start_as(change: impl FnOnce(&mut StackOptions)) -> Self {
        let logs = Lines::default();
        let sink = Arc::clone(&logs);
        let seed = Seed::parse(DEMO_ORG).expect("the demo org is a seed");
        let mut options = StackOptions {
            api_port: 0,
            lambda_port: 0,
            okta_port: 0,
            dynamodb_port: 0,
            aws_port: 0,
            data: None,
            template: repository().join("template.yaml"),
            bin_dir: binaries().to_owned(),
            concurrency: 8,
            throttled_status: 500,
            schedules: false,
            seed,
            accounts: aws_emulator::Seed::parse(aws_emulator::DEMO_ACCOUNT).expect("the demo accounts"),
            state_file: None,
            secret: None,
            hook_secret: None,
            secrets: Default::default(),
            response_rules: None,
            parameters: Default::default(),
            log: Arc::new(move |binary, line| {
                let mut lines = sink.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push((binary.to_owned(), line.to_owned()));
            }),
        };
        change(&mut options);
        let secrets = vec![options.seed.api_token.token.clone(), gateway::HOOK_SECRET.to_owned()];
        let secrets = Mutex::new(secrets);
        let stack = Stack::start(options).await.expect("the stack starts");
        // No operation may trust a search right after a write.
        // And what Okta tells of by itself must not meet the calls that a test counts.
        stack.okta.configure(|settings| {
            settings.search_lag_ms = SEARCH_LAG_MS;
            settings.hold_events = true;
        });
        let http = reqwest::Client::builder().build().expect("a client");
        Self { stack, http, logs, secrets }
    }

    /// Nothing that is logged may hold this text.
    pub fn keep_out_of_logs(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    /// The Okta emulator.
    pub fn okta(&self) -> &Emulator {
        &self.stack.okta
    }

    /// A client of the org with the credential that the functions have, for
    /// preparing it.
    pub fn okta_client(&self) -> okta_client::Client {
        let token = Seed::parse(DEMO_ORG).expect("the demo org is a seed").api_token.token;
        let org = okta_client::OrgUrl::parse(&self.okta().url()).expect("an origin");
        okta_client::Client::new(org, okta_client::ApiToken::from(token)).expect("a client")
    }

    /// Makes a call to Okta that the product never makes, for preparing the org.
    pub async fn prepare(&self, method: &str, path: &str, body: Value) -> Value {
        let token = Seed::parse(DEMO_ORG).expect("the demo org is a seed").api_token.token;
        let url = format!("{}{path}", self.okta().url());
        let method = method.parse().expect("a method");
        let request = self.http.request(method, url).header("authorization", format!("SSWS {token}"));
        let answer = request.json(&body).send().await.expect("Okta answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    /// Id of the user with this login.
    pub async fn user(&self, login: &str) -> String {
        self.okta_client().get_user(login).await.expect("the user").id.to_string()
    }

    /// Deletes `USERS_<tenant>`, as somebody might by hand.
    pub async fn delete_users_group(&self, tenant: &str) {
        let answer = self.get(&format!("/tenants/{tenant}"), Superuser).await;
        let group = answer.body["USERS_groupId"].as_str().expect("the tenant").into();
        self.okta_client().delete_group(&group).await.expect("deleted");
    }

    /// An access token for a user of the org.
    pub fn token(&self, login: &str) -> String {
        self.token_with(&TokenRequest { login: login.to_owned(), ..TokenRequest::default() })
    }

    /// An access token as asked for.
    pub fn token_with(&self, request: &TokenRequest) -> String {
        let token = self.okta().access_token(request).expect("the user exists");
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(token.clone());
        token
    }

    /// The `Authorization` header of a principal.
    pub fn bearer(&self, who: impl Principal) -> String {
        who.authorization(self).expect("a token")
    }

    /// GET.
    pub async fn get(&self, path: &str, who: impl Principal) -> Answer {
        self.send("GET", path, who, None).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, who: impl Principal, body: Value) -> Answer {
        self.send("POST", path, who, Some(body)).await
    }

    /// PUT with a JSON body; none if it is null.
    pub async fn put(&self, path: &str, who: impl Principal, body: Value) -> Answer {
        self.send("PUT", path, who, Some(body).filter(|body| !body.is_null())).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str, who: impl Principal) -> Answer {
        self.send("DELETE", path, who, None).await
    }

    async fn send(&self, method: &str, path: &str, who: impl Principal, body: Option<Value>) -> Answer {
        let mut headers = Vec::new();
        if let Some(authorization) = who.authorization(self) {
            headers.push(("authorization", authorization));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.raw(method, path, &headers, body.into_bytes()).await
    }

    /// Any request.
    pub async fn raw(&self, method: &str, path: &str, headers: &[(&str, String)], body: Vec<u8>) -> Answer {
        Self::answer(self.request(method, path, headers, body).await).await
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> reqwest::Response {
        let url = format!("{}{path}", self.stack.api_url());
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.expect("the gateway answers")
    }

    /// Any request; gives status, media type and bytes.
    pub async fn bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        let response = self.request(method, path, headers, body).await;
        let media_type = response.headers().get("content-type").map(|value| value.to_str().expect("text"));
        let media_type = media_type.unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        (status, media_type, response.bytes().await.expect("a body").to_vec())
    }

    /// Path of a tenant's IdP.
    pub async fn idp(&self, tenant: &str) -> String {
        let answer = self.get(&format!("/tenants/{tenant}"), Superuser).await;
        format!("/idps/{}", answer.body["id"].as_str().expect("the tenant"))
    }

    /// Lambda's `Invoke` with the sample event of `operation`.
    pub async fn invoke_sample(&self, operation: &str) -> Answer {
        let event = std::fs::read(repository().join(format!("events/{operation}.json")));
        self.invoke(operation, event.expect("`make generate` writes the event")).await
    }

    /// Lambda's `Invoke`.
    pub async fn invoke(&self, function: &str, event: Vec<u8>) -> Answer {
        self.invoke_as(function, "RequestResponse", event).await
    }

    /// Lambda's `Invoke` of another type: `Event` or `DryRun`.
    pub async fn invoke_as(&self, function: &str, kind: &str, event: Vec<u8>) -> Answer {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.stack.lambda_url());
        let request = self.http.post(url).header("x-amz-invocation-type", kind).body(event);
        Self::answer(request.send().await.expect("Lambda answers")).await
    }

    /// A call of the local stack's own, on Lambda's port.
    pub async fn local(&self, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.stack.lambda_url());
        Self::answer(self.http.post(url).body(body.to_string()).send().await.expect("an answer")).await
    }

    async fn answer(response: reqwest::Response) -> Answer {
        let status = response.status().as_u16();
        let mut headers = std::collections::BTreeMap::<String, String>::new();
        for (name, value) in response.headers() {
            let value = value.to_str().expect("a header of text");
            headers
                .entry(name.to_string())
                .and_modify(|values| *values = format!("{values}\n{value}"))
                .or_insert_with(|| value.to_owned());
        }
        let is_xml = headers.get("content-type").is_some_and(|value| value.contains("xml"));
        let bytes = response.bytes().await.expect("a body");
        let body = match bytes.is_empty() {
            true => Value::Null,
            false if is_xml => String::from_utf8_lossy(&bytes).into(),
            false => serde_json::from_slice(&bytes).expect("a JSON body"),
        };
        Answer { status, headers, body }
    }

    /// Orders a fault at the `nth` call from now on.
    pub fn break_call(&self, nth: u64, times: u64, action: Action) {
        self.okta().order(Fault::on_call(nth, times, action));
    }

    /// The lines that a function logged so far, but for those of metrics.
    pub fn log(&self, binary: &str) -> Vec<Value> {
        self.lines(binary).into_iter().filter(|line| !line["_aws"].is_object()).collect()
    }

    /// The lines of metrics that a function wrote so far.
    pub fn metrics(&self, binary: &str) -> Vec<Value> {
        self.lines(binary).into_iter().filter(|line| line["_aws"].is_object()).collect()
    }

    fn lines(&self, binary: &str) -> Vec<Value> {
        let lines = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let of = lines.iter().filter(|(by, _)| by == binary);
        of.map(|(_, line)| serde_json::from_str(line).unwrap_or_else(|_| json!(line))).collect()
    }
}

impl Drop for TestStack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let lines = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for (binary, line) in lines.iter() {
            if let Some(leak) = leak(line, &secrets) {
                panic!("{binary} logged a secret ({leak}…): {line}");
            }
        }
    }
}

/// The start of the first secret in a line, if there is one: a whole secret, or
/// a part of a token that means something by itself.
pub fn leak(line: &str, secrets: &[String]) -> Option<String> {
    let parts = secrets.iter().flat_map(|secret| secret.split('.').chain([secret.as_str()]));
    // The header of a token is the same for all and says nothing.
    let telling = parts.filter(|part| part.len() >= 40 && !is_jwt_header(part));
    let found =
        telling.into_iter().find(|part| line.contains(part)).map(|part| part.chars().take(8).collect());
    found.or_else(|| {
        ["SSWS ", "Bearer ey"].iter().find(|word| line.contains(*word)).map(|word| (*word).to_owned())
    })
}

fn is_jwt_header(part: &str) -> bool {
    part.starts_with("eyJ") && part.len() < 100
}

/// The folder with the functions' binaries, built once per run.
///
/// # Panics
///
/// If they cannot be built.
pub fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("a path");
        let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>").to_owned();
        let profile = match folder.file_name().and_then(|name| name.to_str()).expect("a name") {
            "debug" => "dev",
            other => other,
        };
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        let status = Command::new(cargo)
            .args(["build", "--workspace", "--bins", "--offline", "--quiet", "--profile", profile])
            .current_dir(repository())
            .status();
        assert!(status.expect("cargo runs").success(), "the functions do not build");
        folder
    })
}
