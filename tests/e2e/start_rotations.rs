//! The task `start-rotations`.

use gateway::USER_SECRET_ARN;
use serde_json::{Value, json};
use tests::TestStack;

const NAME: &str = "okta-dac/users/demo";
const SECOND: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/second-AbCdEf";
const OTHER: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:finance/ledger-AbCdEf";

async fn fire(stack: &TestStack) -> Value {
    stack.local("/_local/schedules/start-rotations", json!({})).await.body["payload"].clone()
}

async fn by_hand(stack: &TestStack, event: Value) -> Value {
    stack.invoke_as("start-rotations", "RequestResponse", event.to_string().into_bytes()).await.body
}

fn password(stack: &TestStack) -> String {
    let text = stack.stack.aws.vault().secret(USER_SECRET_ARN).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["password"].as_str().unwrap().to_owned()
}

/// What is due is rotated once, and what is not, or is somebody else's, is left alone.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start_as(|options| {
        let other = json!({ "username": "user@acme.test", "password": "Demo-Passw0rd" });
        options.secrets.insert(OTHER.to_owned(), other.to_string());
    })
    .await;
    let vault = stack.stack.aws.vault();
    let nothing = json!({ "tagged": 0, "due": [], "started": 0, "failed": 0, "left": 0 });
    assert_eq!(fire(&stack).await, nothing);
    for id in [USER_SECRET_ARN, OTHER] {
        vault.tag(id, "okta-dac:rotate", "30");
    }
    let before = password(&stack);
    let begun = fire(&stack).await;
    assert_eq!(begun, json!({ "tagged": 1, "due": [NAME], "started": 1, "failed": 0, "left": 0 }));
    vault.wait_for_rotations(1).await;
    let now = password(&stack);
    assert!(now != before && stack.okta().is_password("user@acme.test", &now));
    // Rotated today: not due any more.
    assert_eq!(fire(&stack).await["due"], json!([]));
}

/// A person names a tag: all with it, now; or first what that would be.
#[tokio::test]
async fn all_with_a_tag_are_rotated_at_once() {
    let stack = TestStack::start().await;
    let vault = stack.stack.aws.vault();
    vault.tag(USER_SECRET_ARN, "team-a", "");
    let looked = by_hand(&stack, json!({ "tag": "team-a", "dryRun": true })).await;
    assert_eq!(looked, json!({ "tagged": 1, "due": [NAME], "started": 0, "failed": 0, "left": 1 }));
    let none = by_hand(&stack, json!({ "tag": "team-a", "limit": 0 })).await;
    assert_eq!(none["left"], 1);
    let before = password(&stack);
    assert_eq!(by_hand(&stack, json!({ "tag": "team-a" })).await["started"], 1);
    vault.wait_for_rotations(1).await;
    assert_ne!(password(&stack), before);
    // What one run does not get to, the next one does.
    let other = json!({ "username": "other@acme.test", "password": "x" }).to_string();
    let function = "arn:aws:lambda:us-east-1:000000000000:function:okta-dac-rotate-user-secret";
    vault.plant_rotated(SECOND, &other, "00000000-0000-4000-8000-000000000002", function);
    vault.tag(SECOND, "team-a", "");
    let next = by_hand(&stack, json!({ "tag": "team-a", "limit": 1 })).await;
    assert_eq!((&next["due"][0], &next["left"]), (&json!("okta-dac/users/second"), &json!(1)), "{next}");
    // A tag that only begins so is another one.
    assert_eq!(by_hand(&stack, json!({ "tag": "team" })).await["tagged"], 0);
}
