//! What people who do this job report elsewhere, through the local gateway.

use serde_json::{Value, json};
use tests::{Managed, Superuser, TestStack};

#[tokio::test]
async fn br_01_a_list_is_no_object() {
    let stack = TestStack::start().await;
    for (method, path, body) in [
        ("POST", "/tenants", json!(["arr-one"])),
        ("POST", "/tenants/acme/domains", json!(["x.com", true])),
        ("PUT", "/tenants/acme/apps/0oa1dynamics00000001", json!([true])),
        ("POST", "/delegator/agents/add", json!(["agent@demo.test"])),
        ("POST", "/agent", json!(["00u00000000000000009"])),
    ] {
        let bearer = match path.starts_with("/tenants") {
            true => stack.bearer(Superuser),
            false => stack.bearer(Managed("delegator@demo.test")),
        };
        let headers = [("authorization", bearer), ("content-type", "application/json".to_owned())];
        let answer = stack.raw(method, path, &headers, body.to_string().into_bytes()).await;
        assert_eq!(answer.status, 400, "{path} {answer}");
        assert!(answer.body["detail"].as_str().unwrap().contains("object"), "{path} {answer}");
    }
}

/// Never a policy for two values, whatever the gateway keeps for one of them.
#[tokio::test]
async fn br_02_two_authorization_headers() {
    let stack = TestStack::start().await;
    let good = stack.bearer(Superuser);
    let get = async |values: &[&str]| {
        let headers: Vec<(&str, String)> =
            values.iter().map(|value| ("authorization", (*value).to_owned())).collect();
        stack.raw("GET", "/tenants", &headers, Vec::new()).await.status
    };
    assert_eq!(get(&["worthless", &good]).await, 401);
    assert_eq!(get(&["worthless"]).await, 401);
    assert_eq!(get(&[&good]).await, 200);
    // The gateway keeps an answer for the good one now.
    assert_eq!(get(&[&good, "worthless"]).await, 401);
    assert_eq!(get(&["worthless", &good]).await, 401);
}

#[tokio::test]
async fn br_03_headers_that_are_no_address() {
    let stack = TestStack::start().await;
    for proto in ["https,http", "", "a b", "javascript"] {
        let headers = [("authorization", stack.bearer(Superuser)), ("x-forwarded-proto", proto.to_owned())];
        let answer = stack.raw("GET", "/tenants?limit=1", &headers, Vec::new()).await;
        assert_eq!(answer.status, 200, "{proto}: {answer}");
        assert!(
            answer.header("link").starts_with("<https://")
                || answer.header("link").starts_with("<http://127."),
            "{proto}: {answer}"
        );
    }
}

/// What is passed is exposed and allowed.
#[tokio::test]
async fn br_14_a_browser_may_read_and_send_what_the_proxy_passes() {
    let stack = TestStack::start().await;
    let preflight = [
        ("origin", "http://127.0.0.1:8080".to_owned()),
        ("access-control-request-method", "GET".to_owned()),
        ("access-control-request-headers", "if-match, if-none-match".to_owned()),
    ];
    let answer = stack.raw("OPTIONS", "/api/v1/users/me", &preflight, Vec::new()).await;
    let allowed = answer.header("access-control-allow-headers").to_ascii_lowercase();
    assert!(allowed.contains("if-match") && allowed.contains("if-none-match"), "{answer}");
    let own = stack.get("/tenants", Superuser).await;
    let refused = stack.raw("GET", "/tenants", &[], Vec::new()).await;
    for answer in [own, refused] {
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        for name in
            ["etag", "x-rate-limit-remaining", "x-okta-request-id", "x-request-id", "link", "retry-after"]
        {
            assert!(exposed.contains(name), "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn br_21_two_idempotency_keys() {
    let stack = TestStack::start().await;
    let headers = [
        ("authorization", stack.bearer(Superuser)),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", "one".to_owned()),
        ("idempotency-key", "two".to_owned()),
    ];
    let body = json!({ "name": "initech" }).to_string().into_bytes();
    let answer = stack.raw("POST", "/tenants", &headers, body).await;
    assert_eq!(answer.status, 400, "{answer}");
    assert!(!matches!(stack.get("/tenants/initech", Superuser).await.body["name"], Value::String(_)));
}
