//! The task `watch-passwords`.

use gateway::USER_SECRET_ARN;
use okta_client::models::UserId;
use serde_json::{Value, json};
use tests::TestStack;

const LOGIN: &str = "user@acme.test";

async fn watch(stack: &TestStack) -> Value {
    let answer = stack.local("/_local/schedules/watch-passwords", json!({})).await;
    answer.body["payload"].clone()
}

async fn rotate(stack: &TestStack) {
    let rotated = stack.local(&format!("/_local/rotate/{USER_SECRET_ARN}"), json!({})).await.body;
    assert_eq!(rotated["status"], "rotated", "{rotated}");
}

/// As if the last rotation had been long ago: clocks of functions do not move.
async fn let_time_pass(stack: &TestStack) {
    let update = json!({
        "TableName": "StateTable",
        "Key": { "id": { "S": format!("rotated#{USER_SECRET_ARN}") } },
        "UpdateExpression": "SET #times = :times",
        "ConditionExpression": "attribute_exists(#times)",
        "ExpressionAttributeNames": { "#times": "times" },
        "ExpressionAttributeValues": { ":times": { "L": [{ "N": "1" }, { "N": "2" }] } },
    });
    stack.dynamodb("UpdateItem", update).await;
}

/// Somebody else sets the user's password.
async fn change(stack: &TestStack) -> String {
    let id = stack.user(LOGIN).await;
    let password = json!({ "credentials": { "password": { "value": "Somebody-Elses-1" } } });
    stack.prepare("POST", &format!("/api/v1/users/{id}"), password).await;
    id
}

/// The rotation itself is no news; what somebody else does is, once.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    rotate(&stack).await;
    assert_eq!(watch(&stack).await, json!({ "changed": [] }));
    let_time_pass(&stack).await;
    // Now the rotation's own change looks as if somebody else had made it.
    let found = watch(&stack).await;
    let id = stack.user(LOGIN).await;
    let changed = &found["changed"][0];
    assert_eq!((&changed["userId"], &changed["secret"]), (&json!(id), &json!(USER_SECRET_ARN)), "{found}");
    assert_eq!(
        (&changed["eventType"], &changed["rotates"]),
        (&json!("user.account.update_password"), &json!(false)),
        "{found}"
    );
    assert_eq!(watch(&stack).await, json!({ "changed": [] }));
    let lines = stack.log("watch-passwords");
    let reports = lines.iter().filter(|line| line["secret"] == USER_SECRET_ARN);
    assert_eq!(reports.count(), 1, "{lines:?}");
    let metrics = stack.metrics("watch-passwords");
    assert!(metrics.iter().any(|line| line["PasswordsChangedElsewhere"] == 1.0), "{metrics:?}");
}

/// With `rotate`, the secret and Okta agree again, and nobody has to do anything.
#[tokio::test]
async fn what_somebody_else_changed_is_rotated() {
    let stack = TestStack::start_configured(&[
        ("RotationMismatch", "reconcile"),
        ("RotationChangedElsewhere", "rotate"),
    ])
    .await;
    rotate(&stack).await;
    assert_eq!(watch(&stack).await, json!({ "changed": [] }));
    let_time_pass(&stack).await;
    let id = change(&stack).await;
    let found = watch(&stack).await;
    assert!(found["changed"].as_array().unwrap().iter().all(|one| one["rotates"] == true), "{found}");
    stack.stack.aws.vault().wait_for_rotations(2).await;
    let secret = stack.stack.aws.vault().secret(USER_SECRET_ARN).unwrap();
    let secret: Value = serde_json::from_str(&secret).unwrap();
    assert!(stack.okta().is_password(LOGIN, secret["password"].as_str().unwrap()));
    let user = stack.okta_client().get_user(UserId::from(id).as_str()).await.unwrap();
    assert_eq!(user.status, "ACTIVE");
    // The rotation that this began is no news.
    assert_eq!(watch(&stack).await, json!({ "changed": [] }));
}

/// Without the table nobody knows what was a rotation: the next run looks.
#[tokio::test]
async fn without_the_table_nothing_is_reported() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let answer = stack.local("/_local/schedules/watch-passwords", json!({})).await;
    assert!(answer.body.to_string().contains("state-unavailable"), "{answer}");
}
