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
    // Who, over which tenant, and by which ids others know the request.
    let tenant = stack.get("/tenants/acme", Superuser).await.body["id"].clone();
    let root = stack.user("superuser@demo.test").await;
    assert_eq!((&lines[0]["uid"], &lines[0]["tenant"]), (&json!(root), &tenant));
    assert!(lines[0]["client"].as_str().unwrap().starts_with("0oa"), "{lines:?}");
    assert!(lines[0]["gateway_request_id"].is_string(), "{lines:?}");
    let okta = lines[0]["okta_request_ids"].as_str().unwrap();
    assert_eq!(okta.split(' ').filter(|id| id.starts_with("req")).count(), 4, "{okta}");
    assert_eq!((&lines[1]["status"], &lines[1]["code"]), (&json!(404), &json!("tenant-not-found")));
    assert_eq!(lines[1]["request_id"], missing.body["instance"]);
}

#[tokio::test]
async fn auz_12_the_authorizer_logs_no_claims() {
    let stack = TestStack::start().await;
    stack.get("/tenants/acme", Superuser).await;
    let lines = stack.log("authorizer");
    let members: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["timestamp", "level", "message", "operation", "request_id", "outcome", "duration_ms"]
    );
}

/// Whether Lambda keeps a line at this level: a line without a valid level, or without a
/// valid time, counts as INFO (Lambda Developer Guide, "Log-level filtering").
fn is_kept(line: &serde_json::Value, at: &str) -> bool {
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let rank = |level: &str| LEVELS.iter().position(|of| *of == level);
    let time = line["timestamp"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let level = line["level"].as_str().and_then(rank).filter(|_| time.is_some());
    level.unwrap_or(2) >= rank(at).unwrap()
}

/// What an operator who keeps less than INFO still sees: a right that was taken away, and
/// a failure.
#[tokio::test]
async fn lambdas_filter_keeps_warnings_and_errors() {
    let stack = TestStack::start().await;
    let path = format!("/users/{}/revocation", stack.user("user@acme.test").await);
    assert_eq!(stack.post(&path, Superuser, json!({})).await.status, 204);
    stack.stack.stop_dynamodb();
    assert_eq!(stack.post(&path, Superuser, json!({})).await.status, 503);
    let lines = stack.log("revoke-user");
    for (at, expected) in [("INFO", lines.len()), ("WARN", 3), ("ERROR", 2)] {
        let kept: Vec<_> = lines.iter().filter(|line| is_kept(line, at)).collect();
        assert_eq!(kept.len(), expected, "{at}: {lines:#?}");
    }
    // Metrics are for CloudWatch: no filter drops them.
    let metrics = stack.metrics("revoke-user");
    assert!(!metrics.is_empty() && metrics.iter().all(|line| is_kept(line, "FATAL")), "{metrics:#?}");
    // Without a time, all of them are INFO.
    let bare = json!({ "level": "ERROR", "message": "request" });
    assert!(is_kept(&bare, "INFO") && !is_kept(&bare, "WARN"));
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
