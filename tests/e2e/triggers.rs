//! What starts functions besides the API, on the local stack.

use serde_json::json;
use tests::{Managed, TestStack};

#[tokio::test]
async fn what_does_not_exist_is_a_sentence() {
    let stack = TestStack::start().await;
    let answer = stack.local("/_local/schedules/get-tenant", json!({})).await;
    assert_eq!((answer.status, &answer.body["message"]), (404, &json!("there is no schedule `get-tenant`")));
    let answer = stack.local("/_local/rotate/okta-dac/users/nobody", json!({})).await;
    let message = "Secrets Manager can't find the specified secret.";
    assert_eq!((answer.status, &answer.body["message"]), (404, &json!(message)));
    let answer = stack.local("/_local/events", json!("no object")).await;
    assert_eq!(answer.status, 400, "{answer}");
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_starts_nothing() {
    let stack = TestStack::start().await;
    let event = json!({ "source": "okta-dac", "detail-type": "Nothing" });
    let answer = stack.local("/_local/events", event).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({ "invoked": [] })));
}

/// Lambda's `InvocationType`.
#[tokio::test]
async fn nobody_waits_for_an_invocation_of_the_type_event() {
    let stack = TestStack::start().await;
    for (kind, status) in [("Event", 202), ("DryRun", 204), ("RequestResponse", 200)] {
        let answer = stack.invoke_as("authorizer", kind, b"{}".to_vec()).await;
        assert_eq!(answer.status, status, "{kind}: {answer}");
    }
}

#[tokio::test]
async fn schedules_fire_by_themselves_if_they_shall() {
    let stack = TestStack::start_as(|options| options.schedules = true).await;
    // `reconcile` asks Okta for the tenants, and nobody sent a request.
    stack.okta().wait_for_arrivals(1).await;
    assert!(stack.okta().arrivals() > 0);
}

#[tokio::test]
async fn triggers_are_listed() {
    let stack = TestStack::start().await;
    let triggers = stack.stack.triggers();
    let of = |function: &str| {
        let triggers = triggers.as_array().unwrap().iter();
        triggers.filter(|trigger| trigger["function"] == function).cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        of("reconcile"),
        [json!({ "function": "reconcile", "kind": "schedule", "seconds": 300, "enabled": true })]
    );
    assert_eq!(
        of("get-tenant"),
        [json!({ "function": "get-tenant", "kind": "api", "method": "GET", "path": "/tenants/{tenant}" })]
    );
}

#[tokio::test]
async fn a_reset_gives_the_tables_of_a_new_stack() {
    let stack = TestStack::start().await;
    let delegator = Managed("delegator@demo.test");
    let agents = stack.get("/delegator/agents", delegator).await.body;
    let agent = json!({ "agentid": agents["agents"][0]["id"] });
    let removed = stack.post("/delegator/agents/remove", delegator, agent).await;
    assert_eq!(removed.status, 200, "{removed}");
    assert_eq!(stack.get("/delegator/agents", delegator).await.body, json!({ "agents": [] }));
    stack.okta().reset();
    let reset = stack.local("/_local/reset", json!({})).await;
    assert_eq!(reset.status, 204, "{reset}");
    assert_eq!(stack.get("/delegator/agents", delegator).await.body, agents);
}
