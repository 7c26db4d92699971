//! The functions with a credential that `okta-dac connect` made, straight into Secrets
//! Manager: what its preset allows is enough, and nothing more is needed.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;
use tests::{TenantAdmin, TestStack};

use crate::add_response::{SUPERUSER, body};

/// Connects with a preset, into a secret of the stack's account.
async fn connect(stack: &TestStack, preset: &str, secret: &str) {
    connect_with(stack, preset, secret, &[]).await;
}

/// The same with more arguments.
pub(crate) async fn connect_with(stack: &TestStack, preset: &str, secret: &str, more: &[&str]) {
    let token = stack.okta().api_token("superuser@demo.test").unwrap();
    let (org, aws, home) = (stack.okta().url(), stack.stack.aws.url(), tempfile::tempdir().unwrap());
    let to = format!("secretsmanager:{secret}");
    let mut command = Command::new(tests::binaries().join("okta-dac"));
    command
        .args(["connect", "service-app", "--org", &org, "--to", &to, "--preset", preset, "--key", "p-256"])
        .args(more)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ENDPOINT_URL", aws)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout} {stderr}");
    assert!(!stdout.contains("PRIVATE KEY") && stdout.contains(&to), "{stdout}");
}

/// Every action that is switched on, and its end.
#[tokio::test]
async fn responses_work_with_the_preset_response() {
    let parameters = [("OktaResponseCredentialSecretArn", "okta-dac/response")];
    let stack = TestStack::start_configured(&parameters).await;
    connect(&stack, "response", "okta-dac/response").await;
    let all = [
        &["suspend", "reset-factors", "clear-sessions", "quarantine", "remove-from-groups"][..],
        &["expire-password"],
        &["reset-password"],
    ];
    for actions in all {
        let answer = stack.post("/responses", SUPERUSER, body("user@acme.test", actions)).await;
        assert_eq!(answer.status, 201, "{answer}");
        for step in answer.body["actions"].as_array().unwrap() {
            assert!(["done", "skipped"].contains(&step["outcome"].as_str().unwrap()), "{answer}");
        }
        let id = answer.body["id"].as_str().unwrap();
        let lifted = stack.post(&format!("/responses/{id}/lift"), SUPERUSER, json!({ "reason": "x" })).await;
        assert_eq!((lifted.status, &lifted.body["status"]), (200, &json!("lifted")), "{lifted}");
    }
    let path = "/tenants/acme/responses";
    let answer =
        stack.post(path, TenantAdmin("acme"), body("user@acme.test", &["suspend", "clear-sessions"])).await;
    assert_eq!(answer.status, 201, "{answer}");
    // What the preset does not have is not permitted, and called so.
    let stack = TestStack::start_as(|options| {
        options.parameters.extend([
            ("OktaResponseCredentialSecretArn".to_owned(), "okta-dac/response".to_owned()),
            ("ResponseActions".to_owned(), "deactivate,clear-sessions".to_owned()),
        ]);
    })
    .await;
    connect(&stack, "response", "okta-dac/response").await;
    let mut deactivate = body("user@acme.test", &["deactivate", "clear-sessions"]);
    deactivate["confirm"] = "user@acme.test".into();
    let answer = stack.post("/responses", SUPERUSER, deactivate).await;
    let step = &answer.body["actions"][1];
    assert_eq!((&answer.body["status"], &step["outcome"]), (&json!("partial"), &json!("failed")), "{answer}");
    assert!(step["detail"].as_str().unwrap().contains("not permitted"), "{answer}");
}
