//! The function around an operation: it answers, whatever the operation does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use lambda_http::request::from_str;
use lambda_http::{Body, RequestExt};
use lambda_kit::{
    Context, Decode, Endpoint, EndpointService, Example, Hook, HookService, NoBody, Request, Success,
};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Run};
use serde_json::{Value, json};

/// An operation that panics.
struct Panics;

struct Input;

impl Decode for Input {
    type Body = NoBody;

    fn decode(_: &Request) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Endpoint for Panics {
    const OPERATION: &'static Operation = operations::get("get-tenant");
    type Input = Input;
    type Output = ();
    type Error = Failure;

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn call(&self, _: &Context, _: Input) -> Result<Success<()>, Failure> {
        panic!("on purpose")
    }

    fn example() -> Example {
        Example { target: "/tenants/acme", body: None, answer: None }
    }
}

/// Answers as the secrets extension does.
async fn secrets() -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let body = r#"{"SecretString":"{\"apiToken\":\"token\"}"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    port
}

fn environment(secrets_port: u16) -> Environment {
    Environment::of([
        ("OKTA_ORG_URL", "http://127.0.0.1:9"),
        ("OKTA_CREDENTIAL_SECRET_ID", "secret"),
        ("HOOK_SECRET_ID", "hook"),
        ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &secrets_port.to_string()),
        ("CORS_ALLOW_ORIGIN", "https://app.example.test"),
        ("STATE_TABLE", "table"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9"),
    ])
}

fn event(json: &str) -> lambda_http::Request {
    let mut lambda = lambda_http::Context::default();
    lambda.request_id = "request".to_owned();
    from_str(json).unwrap().with_lambda_context(lambda)
}

async fn answer(secrets_port: u16) -> (u16, Value) {
    let event = event(include_str!("../../../events/get-tenant.json"));
    let service = EndpointService::<Panics>::prepare(&environment(secrets_port)).unwrap();
    let answer = service.handle(event).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.test");
    let Body::Text(text) = answer.body() else { panic!() };
    (answer.status().as_u16(), serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn inf_01_a_panic_is_an_answer() {
    let (status, problem) = answer(secrets().await).await;
    assert_eq!(
        (status, &problem["code"], &problem["instance"]),
        (500, &"internal".into(), &"request".into())
    );
    assert!(!problem.to_string().contains("on purpose"), "{problem}");
}

#[tokio::test]
async fn without_the_secrets_extension_the_failure_is_ours() {
    let (status, problem) = answer(9).await;
    assert_eq!((status, &problem["code"]), (500, &"internal".into()));
}

/// A hook that does what its payload says.
struct Obedient;

impl Hook for Obedient {
    const OPERATION: &'static Operation = operations::get("enrich-agent-token");

    fn prepare(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn unasked(payload: &Value) -> Option<Value> {
        (payload["do"] == "nothing").then(|| json!("unasked"))
    }

    async fn call(&self, _: &Run, payload: Value) -> Result<Value, Failure> {
        let api = |code: &str| {
            okta_client::Error::Api(serde_json::from_value(json!({ "errorCode": code })).unwrap())
        };
        match payload["do"].as_str() {
            Some("panic") => panic!("on purpose"),
            Some("be rejected") => Err(Failure::okta("read", &api("E0000011"))),
            Some("fail") => Err(Failure::okta("read", &api("E0000009"))),
            _ => Ok(json!("done")),
        }
    }

    fn doubt(&self) -> Value {
        json!("doubt")
    }

    fn example() -> Example {
        Example { target: "/tokenEnrichment/agent", body: None, answer: None }
    }
}

const SECRET: &str = "a-secret-of-the-hook-of-32-bytes-";

/// The secrets extension: what it says, and how often it was asked for each.
#[derive(Clone)]
struct Extension {
    port: u16,
    hook: std::sync::Arc<std::sync::Mutex<Option<String>>>,
    credentials: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Extension {
    async fn start() -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stored = json!({ "current": SECRET }).to_string();
        let own = Self {
            port,
            hook: std::sync::Arc::new(std::sync::Mutex::new(Some(stored))),
            credentials: Default::default(),
        };
        let shared = own.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let is_credential = String::from_utf8_lossy(&request[..read]).contains("secretId=secret");
                let value = match is_credential {
                    true => {
                        shared.credentials.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        Some(json!({ "apiToken": "token" }).to_string())
                    }
                    false => shared.hook.lock().unwrap().clone(),
                };
                let (status, body) = match value {
                    Some(value) => ("200 OK", json!({ "SecretString": value }).to_string()),
                    None => ("500 Error", String::new()),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        own
    }

    fn store(&self, hook: Option<&Value>) {
        *self.hook.lock().unwrap() = hook.map(Value::to_string);
    }
}

async fn call(service: &HookService<Obedient>, what: &str) -> (u16, Value) {
    let mut sent: Value =
        serde_json::from_str(include_str!("../../../events/enrich-agent-token.json")).unwrap();
    for headers in ["headers", "multiValueHeaders"] {
        sent[headers]["Authorization"] = if headers == "headers" { json!(SECRET) } else { json!([SECRET]) };
    }
    sent["body"] = json!({ "do": what }).to_string().into();
    let answer = service.handle(event(&sent.to_string())).await;
    let Body::Text(text) = answer.body() else { panic!() };
    (answer.status().as_u16(), serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn whatever_goes_wrong_in_a_hook_is_a_doubt() {
    let extension = Extension::start().await;
    let service = HookService::<Obedient>::prepare(&environment(extension.port)).unwrap();
    let credentials = || extension.credentials.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(call(&service, "nothing").await, (200, json!("unasked")));
    assert_eq!(credentials(), 0, "nobody was asked");
    assert_eq!(call(&service, "it").await, (200, json!("done")));
    for what in ["panic", "fail", "be rejected"] {
        assert_eq!(call(&service, what).await, (200, json!("doubt")), "{what}");
    }
    // Okta's rejection makes the credential be read again, at most once a minute.
    assert_eq!(call(&service, "it").await, (200, json!("done")));
    assert_eq!(credentials(), 1);
    a_minute().await;
    assert_eq!(call(&service, "be rejected").await, (200, json!("doubt")));
    assert_eq!(call(&service, "it").await, (200, json!("done")));
    assert_eq!(credentials(), 2);
}

/// Lets a minute pass on the clock.
async fn a_minute() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
}

/// Those of before count while the extension fails, and not when it says others.
#[tokio::test]
async fn a_hooks_secrets_are_read_again() {
    let extension = Extension::start().await;
    let service = HookService::<Obedient>::prepare(&environment(extension.port)).unwrap();
    assert_eq!(call(&service, "it").await.0, 200);
    extension.store(None);
    a_minute().await;
    assert_eq!(call(&service, "it").await, (200, json!("done")), "the extension fails");
    let other = "another-secret-of-the-hook-of-32-b";
    extension.store(Some(&json!({ "current": other, "previous": SECRET })));
    a_minute().await;
    assert_eq!(call(&service, "it").await.0, 200, "the previous one");
    extension.store(Some(&json!({ "current": other })));
    a_minute().await;
    assert_eq!(call(&service, "it").await.0, 401, "it is gone");
    extension.store(Some(&json!({ "current": "short" })));
    a_minute().await;
    assert_eq!(call(&service, "it").await, (200, json!("doubt")), "what is stored is none");
}
