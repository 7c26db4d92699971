//! The task `rotate-user-secret`.

use gateway::USER_SECRET_ARN;
use serde_json::{Value, json};
use tests::TestStack;

const LOGIN: &str = "user@acme.test";

const STALE: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/stale-AbCdEf";

fn current(stack: &TestStack) -> Value {
    let text = stack.stack.aws.vault().secret(USER_SECRET_ARN).unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn rotate(stack: &TestStack) -> Value {
    stack.local(&format!("/_local/rotate/{USER_SECRET_ARN}"), json!({})).await.body
}

/// The account and the org agree, and a log that everybody may read has neither password.
#[tokio::test]
async fn succeeds() {
    let stack = TestStack::start().await;
    let before = current(&stack);
    let rotated = rotate(&stack).await;
    let steps: Vec<(&str, bool)> = rotated["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["step"].as_str().unwrap(), step["ok"] == true))
        .collect();
    let all = ["createSecret", "setSecret", "testSecret", "finishSecret"].map(|step| (step, true));
    assert_eq!((steps, &rotated["status"]), (all.to_vec(), &json!("rotated")), "{rotated}");
    let now = current(&stack);
    let (old, new) = (before["password"].as_str().unwrap(), now["password"].as_str().unwrap());
    assert!(stack.okta().is_password(LOGIN, new) && !stack.okta().is_password(LOGIN, old));
    let lines = stack.log("rotate-user-secret");
    let text = format!("{lines:?}");
    assert!(!text.contains(new) && !text.contains(old), "{text}");
    let rotation = lines.iter().find(|line| line["message"] == "rotation").unwrap();
    assert_eq!((&rotation["code"], &rotation["steps"]), (&json!(0), &json!("lookup,change")), "{rotation}");
    // Again, and the one before is what readers may still have.
    assert_eq!(rotate(&stack).await["status"], "rotated");
    assert!(stack.okta().is_password(LOGIN, current(&stack)["password"].as_str().unwrap()));
}

/// Secrets Manager repeats a sequence that failed, and nobody is locked out by that.
#[tokio::test]
async fn open_rot_4_a_stale_secret_makes_two_failed_sign_ins() {
    let stack = TestStack::start_as(|options| {
        let stale = json!({ "username": LOGIN, "password": "Stale-Passw0rd" });
        options.secrets.insert(STALE.to_owned(), stale.to_string());
    })
    .await;
    let failed = stack.local(&format!("/_local/rotate/{STALE}"), json!({})).await.body;
    assert_eq!(failed["status"], "failed", "{failed}");
    let kinds: Vec<&str> = failed["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["ok"] == false)
        .map(|step| step["error"]["errorType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["action-not-possible", "operation-incomplete", "operation-incomplete"], "{failed}");
    let journal = stack.okta().journal();
    let wrong = journal.iter().filter(|call| {
        (call.operation_id == Some("authn") && call.status == 401)
            || (call.operation_id == Some("changePassword") && call.status == 403)
    });
    assert_eq!(wrong.count(), 2);
    assert!(stack.okta().is_password(LOGIN, "Demo-Passw0rd"));
    assert_eq!(stack.okta_client().get_user(LOGIN).await.unwrap().status, "ACTIVE");
}

/// An admin's right ends no session by itself: the function does.
#[tokio::test]
async fn sessions_end_where_a_stale_secret_is_reconciled() {
    let stack = TestStack::start_as(|options| {
        let stale = json!({ "username": LOGIN, "password": "Stale-Passw0rd" });
        options.secrets.insert(STALE.to_owned(), stale.to_string());
        options.parameters.insert("RotationMismatch".to_owned(), "reconcile".to_owned());
    })
    .await;
    let rotated = stack.local(&format!("/_local/rotate/{STALE}"), json!({})).await.body;
    assert_eq!(rotated["status"], "rotated", "{rotated}");
    let journal = stack.okta().journal();
    assert_eq!(journal.iter().filter(|call| call.operation_id == Some("revokeUserSessions")).count(), 1);
}

/// Where the table cannot be reached, nothing is tried.
#[tokio::test]
async fn without_the_table_nothing_is_tried() {
    let stack = TestStack::start().await;
    stack.stack.stop_dynamodb();
    let failed = rotate(&stack).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(stack.okta().is_password(LOGIN, "Demo-Passw0rd"));
    assert!(stack.okta().journal().iter().all(|call| call.operation_id != Some("changePassword")));
}

/// A secret whose name begins otherwise is not the function's, whoever asks for its rotation.
#[tokio::test]
async fn a_secret_of_somebody_else_is_not_read() {
    const OTHER: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:finance/ledger-AbCdEf";
    let stack = TestStack::start_as(|options| {
        let other = json!({ "username": LOGIN, "password": "Demo-Passw0rd" });
        options.secrets.insert(OTHER.to_owned(), other.to_string());
    })
    .await;
    let failed = stack.local(&format!("/_local/rotate/{OTHER}"), json!({})).await.body;
    let message = failed["steps"][0]["error"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("not authorized to perform: secretsmanager:GetSecretValue"), "{failed}");
}
