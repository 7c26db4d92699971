//! A suspended tenant stays suspended, whatever its admins repeat.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{Bearer, Superuser, TestStack};

/// In eight loops at once, the admin switches the IdP on while a superuser suspends the
/// tenant.
#[tokio::test]
async fn an_admin_cannot_keep_the_idp_on() {
    let stack = TestStack::start().await;
    let idp = stack.idp("acme").await;
    let token = stack.token("admin@acme.test");
    let active = json!({ "status": "ACTIVE" });
    for round in 0..20 {
        let stop = AtomicBool::new(false);
        let looping = futures::future::join_all((0..8).map(|_| async {
            while !stop.load(Ordering::Relaxed) {
                stack.put(&idp, Bearer(token.clone()), active.clone()).await;
            }
        }));
        let suspending = async {
            assert_eq!(stack.put(&idp, Bearer(token.clone()), active.clone()).await.status, 200);
            let suspended = stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await;
            let refused = stack.put(&idp, Bearer(token.clone()), active.clone()).await.status;
            stop.store(true, Ordering::Relaxed);
            (suspended.status, refused)
        };
        let (outcome, _) = tokio::join!(suspending, looping);
        assert_eq!(outcome, (200, 403), "round {round}");
        let answer = stack.get(&idp, Superuser).await;
        assert_eq!(answer.body["status"], "INACTIVE", "round {round}: {answer}");
        let resumed = stack.put("/tenants/acme", Superuser, json!({ "status": "ACTIVE" })).await;
        assert_eq!(resumed.status, 200, "round {round}: {resumed}");
    }
}
