//! `okta-dac org` and the deployment: the real program against an AWS that knows one stack.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::setup::{ALL, Org, codes};
use crate::{Run, World};

/// What an account knows of the stack `okta-dac`, and the calls that changed something.
struct Account {
    parameters: Vec<(String, String)>,
    stages: Vec<&'static str>,
    changed: Mutex<Vec<String>>,
}

/// CloudFormation and API Gateway, as far as the program asks them.
async fn answer(
    State(account): State<Arc<Account>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let signed = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(signed.starts_with("AWS4-HMAC-SHA256"), "{signed}");
    match (method, uri.path()) {
        (Method::POST, "/") if body.contains("Action=DescribeStacks") && body.contains("StackName=okta-dac") => {
            let member = |key: &str, value: &str, of: &str| {
                format!("<member><{of}Key>{key}</{of}Key><{of}Value>{value}</{of}Value></member>")
            };
            let parameters = account.parameters.iter();
            let parameters: String =
                parameters.map(|(name, value)| member(name, value, "Parameter")).collect();
            let outputs = [("ApiId", "api1"), ("StateTableName", "state"), ("DelegationEventsTableName", "events")];
            let outputs: String = outputs.map(|(name, value)| member(name, value, "Output")).concat();
            let stack = format!(
                "<StackName>okta-dac</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Parameters>{parameters}</Parameters><Outputs>{outputs}</Outputs>"
            );
            format!(
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>{stack}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )
            .into_response()
        }
        (Method::POST, "/") if body.contains("Action=DescribeStacks") => (
            StatusCode::BAD_REQUEST,
            "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id other does not exist</Message></Error></ErrorResponse>",
        )
            .into_response(),
        (Method::GET, "/restapis/api1/stages") => {
            let stages: Vec<Value> = account.stages.iter().map(|name| json!({ "stageName": name })).collect();
            axum::Json(json!({ "item": stages })).into_response()
        }
        (Method::DELETE, path) => {
            account.changed.lock().unwrap().push(path.to_owned());
            StatusCode::ACCEPTED.into_response()
        }
        (method, path) => (StatusCode::NOT_IMPLEMENTED, format!("{method} {path} {body}")).into_response(),
    }
}

async fn start(account: Account) -> (Arc<Account>, String) {
    let account = Arc::new(account);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&account));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (account, address)
}

async fn run(org: &Org, aws: &str, words: &[&str], token: &str) -> Run {
    let mut command = org.world.command(words);
    command.env("AWS_ENDPOINT_URL", aws).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("OKTA_DAC_ORG", org.world.okta.url());
    World::run_of(command, token).await
}

/// A deployment that believes something else of the org, and a stage that nobody wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deployment_is_examined_and_flushed() {
    let org = Org::start().await;
    let prepared = org.setup(&ALL, &org.world.token()).await.json();
    let parameters = prepared["parameters"].as_object().unwrap().iter();
    let mut parameters: Vec<(String, String)> =
        parameters.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let issuer = parameters.iter_mut().find(|(name, _)| name == "TokenIssuer").unwrap();
    "https://other.example.test/oauth2/aus1".clone_into(&mut issuer.1);
    let account = Account { parameters, stages: vec!["v1", "Stage"], changed: Mutex::default() };
    let (account, aws) = start(account).await;
    let doctor = ["--output", "json", "org", "doctor", "--stack", "okta-dac"];
    let examined = run(&org, &aws, &doctor, &org.world.token()).await;
    assert_eq!(examined.code, 3, "{}", examined.stderr);
    assert_eq!(codes(&examined), ["other-stage", "deployment", "silent-hook"]);
    assert!(account.changed.lock().unwrap().is_empty());
    let none = run(&org, &aws, &["org", "doctor", "--stack", "other"], &org.world.token()).await;
    assert!(none.code == 20 && none.stderr.contains("does not exist"), "{} {}", none.code, none.stderr);
    let flushed = run(&org, &aws, &["--output", "json", "org", "flush"], "").await;
    assert_eq!(flushed.json()["stage"], "v1");
    assert_eq!(*account.changed.lock().unwrap(), ["/restapis/api1/stages/v1/cache/authorizers"]);
}
