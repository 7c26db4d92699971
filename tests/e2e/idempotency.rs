//! `Idempotency-Key`: the same request, sent again, is not executed again.

use serde_json::{Value, json};
use tests::{Answer, TestStack};

/// Sends a POST with a key.
pub(crate) async fn post(stack: &TestStack, path: &str, login: &str, key: &str, body: &Value) -> Answer {
    let headers = [
        ("authorization", format!("Bearer {}", stack.token(login))),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", key.to_owned()),
    ];
    stack.raw("POST", path, &headers, body.to_string().into_bytes()).await
}

const SUPERUSER: &str = "superuser@demo.test";

fn initech() -> Value {
    json!({ "name": "initech" })
}

#[tokio::test]
async fn the_same_request_gives_the_same_answer() {
    let stack = TestStack::start().await;
    let first = post(&stack, "/tenants", SUPERUSER, "key-1", &initech()).await;
    assert_eq!(first.status, 201, "{first}");
    let before = stack.okta().arrivals();
    let again = post(&stack, "/tenants", SUPERUSER, "key-1", &initech()).await;
    assert_eq!((again.status, &again.body), (201, &first.body), "{again}");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(stack.okta().arrivals(), before, "nothing is asked of Okta");
    // Another key is another request.
    assert_eq!(post(&stack, "/tenants", SUPERUSER, "key-2", &initech()).await.status, 409);
    let other = json!({ "name": "hooli" });
    let reused = post(&stack, "/tenants", SUPERUSER, "key-1", &other).await;
    assert_eq!((reused.status, reused.code()), (422, "idempotency-key-reused"), "{reused}");
}

#[tokio::test]
async fn two_at_once_are_one_execution() {
    let stack = TestStack::start().await;
    stack.okta().configure(|settings| settings.latency_ms = 20);
    let body = initech();
    let (one, other) = tokio::join!(
        post(&stack, "/tenants", SUPERUSER, "key-1", &body),
        post(&stack, "/tenants", SUPERUSER, "key-1", &body)
    );
    assert_eq!((one.status, other.status), (201, 201), "{one} {other}");
    assert_eq!(one.body, other.body);
    let created = stack
        .okta()
        .journal()
        .iter()
        .filter(|call| call.operation_id == Some("createIdentityProvider"))
        .count();
    assert_eq!(created, 1);
}

/// After a failure the key is free: the same request may succeed.
#[tokio::test]
async fn a_failure_is_not_kept() {
    let stack = TestStack::start().await;
    stack.get("/tenants", tests::Superuser).await; // The keys are fetched.
    stack.break_call(1, u64::MAX, crate::status(500));
    let failed = post(&stack, "/tenants", SUPERUSER, "key-1", &initech()).await;
    assert_eq!(failed.status, 503, "{failed}");
    stack.okta().clear_faults();
    assert_eq!(post(&stack, "/tenants", SUPERUSER, "key-1", &initech()).await.status, 201);
}

/// A key belongs to the caller and the operation.
#[tokio::test]
async fn keys_of_others_are_other_keys() {
    let stack = TestStack::start().await;
    let domain = |name: &str| json!({ "domain": name });
    let acme = post(&stack, "/tenants/acme/domains", "admin@acme.test", "key-1", &domain("acme.test")).await;
    let globex =
        post(&stack, "/tenants/globex/domains", "admin@globex.test", "key-1", &domain("globex-2.test")).await;
    let tenant = post(&stack, "/tenants", SUPERUSER, "key-1", &initech()).await;
    assert_eq!((acme.status, globex.status, tenant.status), (201, 201, 201), "{acme} {globex} {tenant}");
    let again = post(&stack, "/tenants/acme/domains", "admin@acme.test", "key-1", &domain("acme.test")).await;
    assert_eq!((again.status, &again.body), (201, &acme.body), "as the first, not 200");
}

#[tokio::test]
async fn keys_that_are_none() {
    let stack = TestStack::start().await;
    for key in ["", "with space", "clé", &"a".repeat(256)] {
        let answer = post(&stack, "/tenants", SUPERUSER, key, &initech()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{key:?}: {answer}");
        assert_eq!(answer.body["errors"][0]["pointer"], "header.Idempotency-Key");
    }
}

#[tokio::test]
async fn two_keys_are_refused() {
    let stack = TestStack::start().await;
    let headers = [
        ("authorization", format!("Bearer {}", stack.token(SUPERUSER))),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", "key-1".to_owned()),
        ("idempotency-key", "key-2".to_owned()),
    ];
    let answer = stack.raw("POST", "/tenants", &headers, initech().to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid-request"), "{answer}");
    assert_eq!(answer.body["errors"][0]["pointer"], "header.Idempotency-Key");
}
