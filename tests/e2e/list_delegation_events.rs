//! `GET /delegator/events`

use serde_json::json;
use tests::{Managed, TestStack};

const EVENTS: &str = "/delegator/events";
const DELEGATOR: Managed = Managed("delegator@demo.test");

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    assert_eq!(stack.get(EVENTS, DELEGATOR).await.body, json!([]));
    let start = json!({ "entityid": "00u00000000000000009" });
    for who in ["agent@demo.test", "user@acme.test", "agent@demo.test", "agent@demo.test"] {
        stack.post("/agent", Managed(who), start.clone()).await;
    }
    let page = stack.get(&format!("{EVENTS}?limit=2"), DELEGATOR).await;
    let records = page.body.as_array().unwrap();
    assert_eq!(records.len(), 2, "{page}");
    for record in records {
        assert_eq!(
            (&record["event"], &record["outcome"], &record["agent"]),
            (&json!("start"), &json!("done"), &json!("00u00000000000000008"))
        );
    }
    let next = page.header("link").split('<').nth(2).and_then(|link| link.split('>').next()).unwrap();
    let next = next.strip_prefix(&stack.stack.api_url()).unwrap();
    let last = stack.get(next, DELEGATOR).await;
    assert_eq!((last.status, last.body.as_array().map(Vec::len)), (200, Some(1)), "{last}");
    assert_eq!(stack.get(EVENTS, Managed("agent@demo.test")).await.body, json!([]), "their own alone");
    // A line of log for each, and for what a stranger tried.
    let lines = stack.log("start-delegation");
    let records = lines.iter().filter(|line| line["message"] == "delegation");
    assert_eq!(records.count(), 4, "{lines:?}");
}

#[tokio::test]
async fn state_unavailable() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let answer = stack.get(EVENTS, DELEGATOR).await;
    assert_eq!((answer.status, answer.code()), (503, "state-unavailable"), "{answer}");
}
