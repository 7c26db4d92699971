//! The state table away, slow, and back.

use serde_json::{Value, json};
use tests::{Bearer, Managed, Superuser, TenantAdmin, TestStack};

/// Orders a fault of the table.
async fn table(stack: &TestStack, action: Value) {
    let fault = json!({ "service": "dynamodb", "action": action });
    assert_eq!(stack.fault(Some(fault)).await, 204);
}

/// A change of each kind, and who may make it.
async fn changes(stack: &TestStack) -> Vec<(u16, String)> {
    let user = stack.user("user@acme.test").await;
    let admin = format!("/tenants/acme/admins/{user}");
    let idp = stack.idp("acme").await;
    let domain = json!({ "domain": "away.test" });
    let answers = [
        stack.post("/tenants", Superuser, json!({ "name": "initech" })).await,
        stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await,
        stack.put("/tenants/acme", Superuser, json!({ "name": "acme-two" })).await,
        stack.put(&admin, TenantAdmin("acme"), Value::Null).await,
        stack.delete("/tenants/acme", Superuser).await,
        stack.post("/tenants/acme/domains", TenantAdmin("acme"), domain).await,
        stack.put(&idp, TenantAdmin("acme"), json!({ "status": "INACTIVE" })).await,
        stack.post(&format!("/users/{user}/revocation"), Superuser, json!({})).await,
        stack.post("/agent", Managed("agent@demo.test"), json!({ "entityid": "00u00000000000000009" })).await,
    ];
    answers.into_iter().map(|answer| (answer.status, answer.code().to_owned())).collect()
}

#[tokio::test]
async fn away_slow_and_back() {
    let stack = TestStack::start().await;
    // A right that ended before: an admin who is one no longer.
    let former = stack.token("admin@globex.test");
    let of_globex = format!("/tenants/globex/admins/{}", stack.user("admin@globex.test").await);
    assert_eq!(stack.delete(&format!("{of_globex}?force=true"), Superuser).await.status, 204);
    let as_former = async || stack.get("/tenants/globex", Bearer(former.clone())).await.status;
    assert_eq!(as_former().await, 403);
    // The processes run, and know the credential.
    changes_are_possible(&stack).await;
    let before = stack.okta().stable_snapshot();

    for action in [
        json!({ "drop": "before" }),
        json!({ "error": { "status": 500, "code": "InternalServerError", "message": "x" } }),
        json!({ "delayMs": 5_000 }),
    ] {
        table(&stack, action.clone()).await;
        for (number, change) in changes(&stack).await.into_iter().enumerate() {
            assert_eq!(change, (503, "state-unavailable".to_owned()), "{action}: change {number}");
        }
        assert_eq!(stack.get("/tenants/acme", Superuser).await.status, 200, "{action}");
        assert_eq!(stack.get("/tenants/acme", TenantAdmin("acme")).await.status, 503, "{action}");
        assert_eq!(as_former().await, 503, "{action}");
        stack.fault(None).await;
        assert_eq!(stack.okta().stable_snapshot(), before, "{action}");
        assert_eq!(as_former().await, 403, "{action}");
        assert_eq!(stack.get("/tenants/acme", TenantAdmin("acme")).await.status, 200, "{action}");
    }
}

/// A change that is made while the table is well, and taken back.
async fn changes_are_possible(stack: &TestStack) {
    for status in ["SUSPENDED", "ACTIVE"] {
        let answer = stack.put("/tenants/acme", Superuser, json!({ "status": status })).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
}

/// The answer of one write after the other is lost: the request succeeds, or the same
/// request sent again does, and nothing is half-made.
#[tokio::test]
async fn an_answer_of_the_table_is_lost() {
    let stack = TestStack::start().await;
    changes_are_possible(&stack).await;
    for nth in 1..=14 {
        let fault = json!({ "service": "dynamodb", "nth": nth, "times": 1, "action": { "drop": "after" } });
        stack.fault(Some(fault)).await;
        let status = if nth % 2 == 1 { "SUSPENDED" } else { "ACTIVE" };
        let answer = stack.put("/tenants/acme", Superuser, json!({ "status": status })).await;
        assert!([200, 503, 504].contains(&answer.status), "call {nth}: {answer}");
        stack.fault(None).await;
        let again = stack.put("/tenants/acme", Superuser, json!({ "status": status })).await;
        assert_eq!(again.status, 200, "call {nth}: {again}");
        let snapshot = stack.okta().stable_snapshot();
        let groups = snapshot["groups"].as_object().unwrap().keys();
        let empty = groups.filter(|name| name.starts_with("group:NOBODY_")).count();
        assert_eq!(empty, usize::from(status == "SUSPENDED"), "call {nth}");
        let wanted = if status == "SUSPENDED" { 403 } else { 200 };
        assert_eq!(stack.get("/tenants/acme", TenantAdmin("acme")).await.status, wanted, "call {nth}");
    }
}

/// Without the secrets extension a process that runs goes on with what it knows, and the
/// others say that okta-dac, and not the caller, is to blame.
#[tokio::test]
async fn the_secrets_extension_is_away() {
    let stack = TestStack::start().await;
    assert_eq!(stack.get("/tenants", Superuser).await.status, 200);
    let fault = json!({ "service": "extension", "action": { "drop": "before" } });
    stack.fault(Some(fault)).await;
    assert_eq!(stack.get("/tenants", Superuser).await.status, 200);
    let answer = stack.get("/idps", Superuser).await;
    assert_eq!((answer.status, answer.code()), (500, "internal"), "{answer}");
    stack.fault(None).await;
    assert_eq!(stack.get("/idps", Superuser).await.status, 200);
}
