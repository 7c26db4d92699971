//! `POST /users/{userId}/revocation`

use serde_json::{Value, json};
use tests::{Bearer, Superuser, TenantAdmin, TestStack};

/// Whatever the token is for, and whatever API Gateway keeps; a new one counts.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    for login in ["admin@acme.test", "superuser@demo.test"] {
        let (old, id) = (stack.token(login), stack.user(login).await);
        let path = if login.starts_with("admin") { "/tenants/acme" } else { "/tenants" };
        assert_eq!(stack.get(path, Bearer(old.clone())).await.status, 200, "{login}");
        let revoked =
            stack.post(&format!("/users/{id}/revocation"), Superuser, json!({ "reason": "lost" })).await;
        assert_eq!((revoked.status, &revoked.body), (204, &Value::Null), "{revoked}");
        for path in [path, "/apps"] {
            let refused = stack.get(path, Bearer(old.clone())).await;
            assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{refused}");
        }
        // Two seconds later, by Okta's clock.
        stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
        assert_eq!(stack.get(path, Bearer(stack.token(login))).await.status, 200, "{login}");
    }
}

#[tokio::test]
async fn user_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.post("/users/00unobody/revocation", Superuser, json!({})).await;
    assert_eq!((answer.status, answer.code()), (404, "user-not-found"), "{answer}");
    assert_eq!(stack.post("/users/00unobody/revocation", TenantAdmin("acme"), json!({})).await.status, 403);
}

#[tokio::test]
async fn payload_too_large() {
    let stack = TestStack::start().await;
    let body = json!({ "reason": "a".repeat(2 << 20) });
    let answer = stack.post("/users/00unobody/revocation", Superuser, body).await;
    assert_eq!((answer.status, answer.code()), (413, "payload-too-large"), "{answer}");
}

#[tokio::test]
async fn unsupported_media_type() {
    let stack = TestStack::start().await;
    let headers = [("authorization", format!("Bearer {}", stack.token("superuser@demo.test")))];
    let answer = stack.raw("POST", "/users/00unobody/revocation", &headers, b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported-media-type"), "{answer}");
}
