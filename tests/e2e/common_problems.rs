//! What every operation can answer, shown with the simplest one.

use okta_emulator::{Action, DEMO_ORG, Drop, Seed, TokenRequest};
use tests::{Anonymous, Bearer, Superuser, TenantAdmin, TestStack};

use crate::{dropped, status};

#[tokio::test]
async fn invalid_request() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants?limit=0&status=x", Superuser).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
    assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(2), "{answer}");
}

#[tokio::test]
async fn unauthorized() {
    let stack = TestStack::start().await;
    let expired = stack.token_with(&TokenRequest {
        login: "superuser@demo.test".to_owned(),
        lifetime_seconds: Some(-120),
        ..TokenRequest::default()
    });
    assert_eq!(stack.get("/tenants", Anonymous).await.status, 401);
    for token in [expired, "garbage".to_owned(), "a.b.c".to_owned()] {
        let answer = stack.get("/tenants", Bearer(token)).await;
        assert_eq!((answer.status, &answer.body["message"]), (401, &"Unauthorized".into()), "{answer}");
    }
    // A function that is reached without the authorizer refuses by itself.
    let event =
        br#"{"httpMethod":"GET","path":"/tenants","headers":{},"requestContext":{"httpMethod":"GET"}}"#;
    let answer = stack.invoke("list-tenants", event.to_vec()).await;
    assert_eq!(answer.body["statusCode"], 401, "{answer}");
}

#[tokio::test]
async fn forbidden() {
    let stack = TestStack::start().await;
    let answer = stack.get("/tenants", TenantAdmin("acme")).await;
    let message = answer.body["Message"].as_str().unwrap_or_default();
    assert!(answer.status == 403 && message.starts_with("User is not authorized"), "{answer}");
}

/// AUZ-15: with a context that the authorizer would never have given, the
/// function decides by itself.
#[tokio::test]
async fn auz_15_functions_decide_again() {
    let stack = TestStack::start().await;
    let event = std::fs::read_to_string(tests::repository().join("events/get-tenant.json")).unwrap();
    let forged = event.replace(r#"[\"SUPERUSERS\"]"#, r#"[\"ADMINS_globex\"]"#);
    let answer = stack.invoke("get-tenant", forged.into_bytes()).await;
    assert_eq!(answer.body["statusCode"], 403, "{answer}");
    // The claim must be of this tenant, not of one that had its name before.
    for (id, status) in [("0oa00000000000000011", 200), ("0oa00000000000000099", 403)] {
        let admin = event
            .replace(r#"[\"SUPERUSERS\"]"#, r#"[\"ADMINS_acme\"]"#)
            .replace(r#""tenants": "[]""#, &format!(r#""tenants": "[\"{id}:acme:00g1\"]""#));
        let answer = stack.invoke("get-tenant", admin.into_bytes()).await;
        assert_eq!(answer.body["statusCode"], status, "{answer}");
    }
}

#[tokio::test]
async fn rate_limited() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await;
    stack.break_call(1, u64::MAX, status(429));
    let answer = stack.get("/tenants", Superuser).await;
    assert_eq!((answer.status, answer.code()), (429, "rate-limited"), "{answer}");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((55..=62).contains(&wait), "{answer}");
}

/// INF-02: a limit that resets soon is waited for.
#[tokio::test]
async fn a_short_rate_limit_is_no_problem() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await;
    stack.break_call(1, 1, Action { rate_limit: true, ..Action::default() });
    assert_eq!(stack.get("/tenants", Superuser).await.status, 200);
}

/// INF-06: one shape for all failures, with Okta's own code where it refused.
#[tokio::test]
async fn okta_invalid_response() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await;
    stack.break_call(1, 1, Action { body: Some("<html>".to_owned()), ..Action::default() });
    let answer = stack.get("/tenants", Superuser).await;
    assert_eq!((answer.status, answer.code()), (502, "okta-invalid-response"), "{answer}");
    stack.okta().clear_faults();
    stack.break_call(1, 1, status(403));
    let answer = stack.get("/tenants", Superuser).await;
    assert_eq!((answer.status, answer.code()), (502, "okta-invalid-response"), "{answer}");
    assert!(answer.body["errorCode"].is_string() && answer.body["errorId"].is_string(), "{answer}");
}

#[tokio::test]
async fn okta_unavailable() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await;
    for action in [status(500), status(503), dropped(Drop::Before), dropped(Drop::After)] {
        stack.break_call(1, u64::MAX, action);
        let answer = stack.get("/tenants", Superuser).await;
        assert_eq!((answer.status, answer.code()), (503, "okta-unavailable"), "{answer}");
        assert_eq!(answer.header("access-control-allow-origin"), "http://127.0.0.1:8080");
        stack.okta().clear_faults();
    }
}

/// INF-03: the credential is read at run time. One that cannot be used is our
/// failure, and the answer does not show what was found instead.
#[tokio::test]
async fn internal() {
    for secret in ["not JSON", r#"{"token": "another member"}"#] {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let stack = TestStack::start_with(seed, Some(secret.to_owned())).await;
        let answer = stack.get("/tenants", Superuser).await;
        assert_eq!((answer.status, answer.code()), (500, "internal"), "{answer}");
        let log = stack.log("list-tenants");
        assert!(log[0]["error"].as_str().is_some_and(|error| error.contains("apiToken")), "{log:?}");
        assert!(!format!("{answer} {log:?}").contains(secret), "{answer} {log:?}");
    }
}
