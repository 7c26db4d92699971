//! What functions log. That no secret is in it, every test checks when its
//! stack ends; here is what must be there, and that the check can fail.

use serde_json::json;
use tests::{Superuser, TestStack, leak};

#[tokio::test]
async fn one_line_per_request() {
    let stack = TestStack::start().await;
    stack.get("/tenants/acme", Superuser).await;
    let missing = stack.get("/tenants/nobody", Superuser).await;
    let lines = stack.log("get-tenant");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        (&lines[0]["operation"], &lines[0]["status"], &lines[0]["okta_calls"]),
        (&json!("get-tenant"), &json!(200), &json!(4))
    );
    assert!(lines[0]["duration_ms"].is_u64() && lines[0]["request_id"].is_string());
    assert_eq!((&lines[1]["status"], &lines[1]["code"]), (&json!(404), &json!("tenant-not-found")));
    assert_eq!(lines[1]["request_id"], missing.body["instance"]);
}

#[tokio::test]
async fn auz_12_the_authorizer_logs_no_claims() {
    let stack = TestStack::start().await;
    stack.get("/tenants/acme", Superuser).await;
    let lines = stack.log("authorizer");
    let members: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["level", "message", "operation", "request_id", "outcome", "duration_ms"]);
}

#[test]
fn inf_07_the_check_finds_secrets() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.{}", "p".repeat(60), "s".repeat(60));
    let secrets = ["00aVeryLongApiTokenThatNobodyMaySee0000000000".to_owned(), token.clone()];
    assert_eq!(leak(r#"{"operation":"get-tenant","status":200}"#, &secrets), None);
    for line in [
        format!("token {token}"),
        format!("payload {}", "p".repeat(60)),
        "key 00aVeryLongApiTokenThatNobodyMaySee0000000000".to_owned(),
        "authorization: SSWS x".to_owned(),
        "authorization: Bearer eyJhbGciOi".to_owned(),
    ] {
        assert!(leak(&line, &secrets).is_some(), "{line}");
    }
}
