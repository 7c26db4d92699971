//! Rights that are taken away end at once, although tokens live on and API
//! Gateway keeps what the authorizer said for five minutes: each function asks the
//! table.

use std::time::{Duration, Instant};

use okta_emulator::Fault;
use serde_json::{Value, json};
use tests::{Bearer, Superuser, TestStack};

/// As the template deploys it; a token's answer is kept for longer than a test runs.
const KEPT_SECONDS: u64 = 300;

async fn both_are_admins() -> (TestStack, String) {
    let stack = TestStack::start().await;
    assert_eq!(stack.stack.template().authorizer.ttl_seconds, KEPT_SECONDS);
    let path = format!("/tenants/acme/admins/{}", stack.user("user@acme.test").await);
    assert_eq!(stack.put(&path, Superuser, Value::Null).await.status, 200);
    (stack, path)
}

async fn status(stack: &TestStack, path: &str, token: &str) -> u16 {
    stack.get(path, Bearer(token.to_owned())).await.status
}

#[tokio::test]
async fn a_removed_admin_is_refused_at_once() {
    let (stack, path) = both_are_admins().await;
    let (removed, stays) = (stack.token("user@acme.test"), stack.token("admin@acme.test"));
    let other = stack.token("admin@globex.test");
    for _ in 0..2 {
        assert_eq!(status(&stack, "/tenants/acme", &removed).await, 200);
        assert_eq!(status(&stack, "/tenants/acme", &stays).await, 200);
        assert_eq!(status(&stack, "/tenants/globex", &other).await, 200);
    }
    let asked = stack.log("authorizer").len();
    let started = Instant::now();
    assert_eq!(stack.delete(&path, Superuser).await.status, 204);
    assert_eq!(status(&stack, "/tenants/acme", &removed).await, 403);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    // Also where the path does not name the tenant.
    assert_eq!(stack.get("/apps", Bearer(removed.clone())).await.body, json!([]));
    // Nobody else is asked about once more.
    for _ in 0..2 {
        assert_eq!(status(&stack, "/tenants/acme", &stays).await, 200);
        assert_eq!(status(&stack, "/tenants/globex", &other).await, 200);
    }
    // The removal itself, and the path that nobody called before.
    assert_eq!(stack.log("authorizer").len() - asked, 2);
}

/// In eight loops at once, the admin makes themselves an admin again, looks at the
/// tenant, and removes the other admin's rights, while a superuser removes them.
#[tokio::test]
async fn an_admin_who_is_being_removed_cannot_stay() {
    let stack = TestStack::start().await;
    let (id, other) = (stack.user("user@acme.test").await, stack.user("admin@acme.test").await);
    let own = format!("/tenants/acme/admins/{id}");
    for round in 0..20 {
        assert_eq!(stack.put(&own, Superuser, Value::Null).await.status, 200, "round {round}");
        // A token of before the round, whose answers API Gateway keeps.
        stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
        let old = stack.token("user@acme.test");
        assert_eq!(status(&stack, "/tenants/acme", &old).await, 200, "round {round}");
        let stop = std::sync::atomic::AtomicBool::new(false);
        let looping = futures::future::join_all((0..8).map(|_| async {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                stack.put(&own, Bearer(old.clone()), Value::Null).await;
            }
        }));
        let removing = async {
            let removed = stack.delete(&own, Superuser).await;
            // The next token was issued while the membership ended, or after it.
            let newer = stack.token("user@acme.test");
            let refused = status(&stack, "/tenants/acme", &old).await;
            let after = (removed.status, refused, status(&stack, "/tenants/acme", &newer).await);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            after
        };
        let (after, _) = tokio::join!(removing, looping);
        assert_eq!(after, (204, 403, 403), "round {round}");
        let admins = stack.get("/tenants/acme/admins", Superuser).await;
        let ids: Vec<&str> =
            admins.body.as_array().unwrap().iter().filter_map(|a| a["id"].as_str()).collect();
        assert_eq!(ids, [other.as_str()], "round {round}");
    }
}

/// The token is issued after the first revocation, while the user still is a member.
#[tokio::test]
async fn a_token_that_is_issued_during_the_removal_does_not_count() {
    let (stack, path) = both_are_admins().await;
    let slow = okta_emulator::Action { delay_ms: 1_500, ..Default::default() };
    let mut fault = Fault::on_call(1, 1, slow);
    fault.operation_id = Some("unassignUserFromGroup".to_owned());
    stack.okta().order(fault);
    let issuing = async {
        let begun = stack.okta().arrivals();
        stack.okta().wait_for_arrivals(begun + 5).await;
        stack.token("user@acme.test")
    };
    let (removed, during) = tokio::join!(stack.delete(&path, Superuser), issuing);
    assert_eq!(removed.status, 204, "{removed}");
    assert_eq!(status(&stack, "/tenants/acme", &during).await, 403);
}

/// A token from before the removal stays worthless when the user becomes an
/// admin again; a new one counts.
#[tokio::test]
async fn becoming_an_admin_again_needs_a_new_token() {
    let (stack, path) = both_are_admins().await;
    let old = stack.token("user@acme.test");
    assert_eq!(stack.delete(&path, Superuser).await.status, 204);
    assert_eq!(stack.put(&path, Superuser, Value::Null).await.status, 200);
    assert_eq!(status(&stack, "/tenants/acme", &old).await, 403);
    // Two seconds later, by Okta's clock.
    stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
    assert_eq!(status(&stack, "/tenants/acme", &stack.token("user@acme.test")).await, 200);
}

#[tokio::test]
async fn a_suspended_tenants_admins_are_refused_until_it_is_resumed() {
    let stack = TestStack::start().await;
    let token = stack.token("admin@acme.test");
    assert_eq!(status(&stack, "/tenants/acme", &token).await, 200);
    assert_eq!(stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await.status, 200);
    assert_eq!(status(&stack, "/tenants/acme", &token).await, 403);
    stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
    let newer = stack.token("admin@acme.test");
    assert_eq!(status(&stack, "/tenants/acme", &newer).await, 403, "also with a new token");
    assert_eq!(stack.get("/tenants/acme", Superuser).await.body["status"], "SUSPENDED");
    assert_eq!(stack.put("/tenants/acme", Superuser, json!({ "status": "ACTIVE" })).await.status, 200);
    for token in [token, newer] {
        assert_eq!(status(&stack, "/tenants/acme", &token).await, 200);
    }
}

/// What a deletion revokes is less than what the suspension did.
#[tokio::test]
async fn a_deletion_that_fails_does_not_end_a_suspension() {
    let stack = TestStack::start().await;
    let suspended = stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!(suspended.status, 200, "{suspended}");
    let mut fault = Fault::on_call(1, u64::MAX, crate::status(500));
    fault.operation_id = Some("deleteGroup".to_owned());
    stack.okta().order(fault);
    assert_eq!(stack.delete("/tenants/acme", Superuser).await.status, 503);
    stack.okta().clear_faults();
    stack.okta().configure(|settings| settings.clock_offset_ms += 2_000);
    assert_eq!(status(&stack, "/tenants/acme", &stack.token("admin@acme.test")).await, 403);
}

#[tokio::test]
async fn a_deleted_tenants_admins_are_refused() {
    let stack = TestStack::start().await;
    let token = stack.token("admin@acme.test");
    assert_eq!(status(&stack, "/tenants/acme", &token).await, 200);
    assert_eq!(stack.delete("/tenants/acme", Superuser).await.status, 204);
    assert_eq!(status(&stack, "/tenants/acme", &token).await, 403);
}

/// Without the table nobody can say what was revoked: tenants' admins wait,
/// superusers, whose rights Okta alone decides, do not.
#[tokio::test]
async fn without_the_table_admins_are_not_let_in() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let token = stack.token("admin@acme.test");
    let answer = stack.get("/tenants/acme", Bearer(token)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{answer}");
    assert_eq!(answer.code(), "state-unavailable", "{answer}");
    assert_eq!(stack.get("/tenants/acme", Superuser).await.status, 200);
    // Nobody changes anything.
    let before = stack.okta().stable_snapshot();
    let answer = stack.post("/tenants", Superuser, json!({ "name": "initech" })).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
    assert_eq!(stack.okta().stable_snapshot(), before);
}
