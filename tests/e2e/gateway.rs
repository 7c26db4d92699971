//! What the gateway itself answers, as API Gateway does.

use okta_emulator::Drop;
use serde_json::json;
use tests::{Anonymous, Superuser, TestStack};

use crate::dropped;

#[tokio::test]
async fn unknown_routes_are_403() {
    let stack = TestStack::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("PATCH", "/tenants"),
        ("GET", "/tenants//"),
        ("POST", "/tenants/acme"),
    ] {
        let answer = stack.raw(method, path, &[], Vec::new()).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer}");
        assert_eq!(answer.body, json!({ "message": "Missing Authentication Token" }));
        assert_eq!(answer.header("x-amzn-errortype"), "MissingAuthenticationTokenException");
    }
}

#[tokio::test]
async fn a_missing_token_is_401_without_a_call() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants", Anonymous).await;
    assert_eq!((answer.status, &answer.body), (401, &json!({ "message": "Unauthorized" })));
    assert_eq!(stack.log("authorizer").len(), 0);
}

#[tokio::test]
async fn inf_05_every_answer_has_cors_headers() {
    let stack = TestStack::start().await;
    let answers = [
        stack.get("/tenants", Superuser).await,
        stack.get("/tenants/nobody", Superuser).await,
        stack.get("/tenants", Anonymous).await,
        stack.raw("GET", "/nothing", &[], Vec::new()).await,
        stack.raw("OPTIONS", "/tenants/acme", &[], Vec::new()).await,
    ];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 404, 401, 403, 200]);
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), "http://127.0.0.1:8080", "{answer}");
    }
}

/// AUZ-13: an outage is not the caller's fault.
#[tokio::test]
async fn auz_13_without_oktas_keys_the_answer_is_503() {
    let stack = TestStack::start().await;
    stack.break_call(1, u64::MAX, dropped(Drop::Before));
    let answer = stack.get("/tenants", Superuser).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{answer}");
    assert_eq!(stack.log("authorizer")[0]["outcome"], "unavailable");
}

#[tokio::test]
async fn a_crash_is_502_and_the_next_call_works() {
    let stack = TestStack::start().await;
    assert_eq!(stack.get("/tenants", Superuser).await.status, 200);
    let before = stack.stack.processes("list-tenants");
    stack.break_call(1, 1, okta_emulator::Action { delay_ms: 60_000, ..Default::default() });
    let arrived = stack.okta().arrivals();
    let kill = async {
        stack.okta().wait_for_arrivals(arrived + 1).await;
        for process in stack.stack.processes("list-tenants") {
            std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
        }
    };
    let (answer, ()) = tokio::join!(stack.get("/tenants", Superuser), kill);
    assert_eq!((answer.status, &answer.body), (502, &json!({ "message": "Internal server error" })));
    assert_eq!(stack.get("/tenants", Superuser).await.status, 200);
    assert_ne!(stack.stack.processes("list-tenants"), before);
}

/// Runs a program against the control plane of this stack.
async fn control(stack: &TestStack, program: &str, words: &'static [&'static str]) -> (bool, String) {
    let mut command = std::process::Command::new(tests::repository().join("target/debug").join(program));
    command
        .args(words)
        .args(["--api", "local00api"])
        .env("AWS_ENDPOINT_URL_API_GATEWAY", stack.stack.lambda_url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local");
    // The stack runs on this thread.
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test]
async fn the_control_plane_says_what_is_configured() {
    let stack = TestStack::start().await;
    let (done, said) = control(&stack, "xtask", &["stages"]).await;
    assert!(done, "{said}");
    for line in [
        "stage v1",
        "*/*: 500 a second, 1000 at once",
        "~1tokenEnrichment~1agent/POST: 50 a second",
        "kept for 300 s",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[tokio::test]
async fn the_authorizers_answer_is_kept_until_it_is_flushed() {
    let stack = TestStack::start().await;
    let token = stack.token("superuser@demo.test");
    for _ in 0..3 {
        assert_eq!(stack.get("/tenants", tests::Bearer(token.clone())).await.status, 200);
    }
    assert_eq!(stack.log("authorizer").len(), 1);
    let (flushed, said) = control(&stack, "okta-dac", &["org", "flush"]).await;
    assert!(flushed, "{said}");
    assert_eq!(stack.get("/tenants", tests::Bearer(token)).await.status, 200);
    assert_eq!(stack.log("authorizer").len(), 2);
}
