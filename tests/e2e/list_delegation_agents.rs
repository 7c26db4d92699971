//! `GET /delegator/agents`

use serde_json::json;
use tests::{Managed, Superuser, TestStack};

#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let answer = stack.get("/delegator/agents", Managed("delegator@demo.test")).await;
    let expected = json!({ "agents": [{
        "id": "00u00000000000000008", "firstName": "agent", "secondName": "demo.test",
        "login": "agent@demo.test", "email": "agent@demo.test", "status": "ACTIVE",
    }] });
    assert_eq!((answer.status, &answer.body), (200, &expected), "{answer}");
    let none = stack.get("/delegator/agents", Managed("agent@demo.test")).await;
    assert_eq!((none.status, &none.body), (200, &json!({ "agents": [] })), "{none}");
    assert_eq!(stack.get("/delegator/agents", Superuser).await.status, 403);
}
