//! `GET /agent`

use serde_json::json;
use tests::{Managed, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/agent", Managed("agent@demo.test")).await;
    let expected = json!([{ "id": "00u00000000000000009", "displayName": "delegator demo.test" }]);
    assert_eq!((answer.status, &answer.body), (200, &expected), "{answer}");
    assert_eq!(stack.get("/agent", Managed("delegator@demo.test")).await.body, json!([]));
    assert_eq!(stack.get("/agent?limit=0", Managed("agent@demo.test")).await.status, 400);
}
