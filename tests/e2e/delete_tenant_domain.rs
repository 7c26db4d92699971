//! `DELETE /tenants/{tenant}/domains/{domain}`

use tests::{Superuser, TenantAdmin, TestStack};

use crate::status;

const LABS: &str = "/tenants/globex/domains/globex-labs.test";

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    assert_eq!(stack.delete(LABS, TenantAdmin("acme")).await.status, 403);
    for path in [LABS, "/tenants/globex/domains/globex.test"] {
        let answer = stack.delete(path, TenantAdmin("globex")).await;
        assert_eq!(answer.status, 204, "{answer}");
    }
    let list = stack.get("/tenants/globex/domains", TenantAdmin("globex")).await;
    assert_eq!(list.body, serde_json::json!([]));
}

#[tokio::test]
async fn tenant_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/nobody/domains/acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "tenant-not-found"), "{answer}");
}

#[tokio::test]
async fn domain_not_found() {
    let stack = TestStack::start().await;
    let answer = stack.delete("/tenants/acme/domains/acme.test", Superuser).await;
    assert_eq!((answer.status, answer.code()), (404, "domain-not-found"), "{answer}");
}

#[tokio::test]
async fn tenant_broken() {
    let stack = TestStack::start().await;
    stack.delete_users_group("globex").await;
    let answer = stack.delete(LABS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-broken"), "{answer}");
}

/// The answer of the last call is lost, and then Okta is gone.
#[tokio::test]
async fn operation_incomplete() {
    let stack = TestStack::start().await;
    stack.get("/tenants", Superuser).await; // The keys are fetched.
    stack.break_call(8, u64::MAX, status(502));
    let answer = stack.delete(LABS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "operation-incomplete"), "{answer}");
    stack.okta().clear_faults();
    assert_eq!(stack.delete(LABS, Superuser).await.status, 204);
}

/// Another request holds the lock all the time.
#[tokio::test]
async fn tenant_busy() {
    let stack = TestStack::start().await;
    stack.hold_lock("tenant#globex").await;
    let answer = stack.delete(LABS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (409, "tenant-busy"), "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    let before = stack.okta().stable_snapshot();
    stack.stack.stop_dynamodb();
    let answer = stack.delete(LABS, Superuser).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}
