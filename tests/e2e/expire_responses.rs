//! The task `expire-responses`.

use serde_json::json;
use tests::TestStack;

use crate::add_response::{body, respond};

/// Nothing is due yet: the clock of a function cannot be moved, the tests of the package move it.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let mut timed = body("user@acme.test", &["suspend"]);
    timed["expiresIn"] = 60.into();
    respond(&stack, timed).await;
    let answer = stack.local("/_local/schedules/expire-responses", json!({})).await;
    let report = json!({ "due": 0, "ended": 0, "judged": 0, "left": 0 });
    assert_eq!(answer.body["payload"], report, "{answer}");
    let metrics = stack.metrics("expire-responses");
    assert!(metrics.iter().any(|line| line["ResponsesEnded"] == 0.0), "{metrics:?}");
}

/// A function that may not look at the table says so to Lambda.
#[tokio::test]
async fn without_the_table_it_fails() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let answer = stack.invoke_sample("expire-responses").await;
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled", "{answer}");
}
