//! The function around an operation: it answers, whatever the operation does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use lambda_http::request::from_str;
use lambda_http::{Body, RequestExt};
use lambda_kit::{Config, Context, Decode, Endpoint, Example, NoBody, Problem, Request, Service, Success};
use operations::Operation;
use serde_json::Value;

/// An operation that panics.
struct Panics;

struct Input;

impl Decode for Input {
    type Body = NoBody;

    fn decode(_: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Endpoint for Panics {
    const OPERATION: &'static Operation = operations::get("get-tenant");
    type Input = Input;
    type Output = ();
    type Error = Problem;

    async fn call(_: &Context, _: Input) -> Result<Success<()>, Problem> {
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

async fn answer(secrets_port: u16) -> (u16, Value) {
    let config = Config {
        rate_limit_share: 50,
        org_url: okta_client::OrgUrl::parse("http://127.0.0.1:9").unwrap(),
        credential_secret_id: "secret".to_owned(),
        secrets_port,
        session_token: "token".to_owned(),
        app_id: "0oa1".into(),
        state_table: "state".to_owned(),
        dns_resolvers: Vec::new(),
        placeholder_key: "kid".into(),
        cors_origin: "https://app.example.test".to_owned(),
    };
    let event = include_str!("../../../events/get-tenant.json");
    let mut lambda = lambda_http::Context::default();
    lambda.request_id = "request".to_owned();
    let event = from_str(event).unwrap().with_lambda_context(lambda);
    let answer = Service::new(config).unwrap().handle::<Panics>(event).await;
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
