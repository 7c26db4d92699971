//! `okta-dac data`: the tables are lost, and come back from an export.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::{Managed, Superuser, TenantAdmin, TestStack, binaries};

use crate::add_response::{RESPONDER, body, respond};

const TABLES: [&str; 6] = [
    "--state-table",
    "StateTable",
    "--events-table",
    "DelegationEventsTable",
    "--responses-table",
    "ResponsesTable",
];

/// A command about the tables of the stack.
async fn data(stack: &TestStack, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(binaries().join("okta-dac"));
    command.env_clear().arg("data").args(words).args(TABLES).arg("--json");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &stack.stack.dynamodb_url()),
    ];
    command.envs(keys);
    let ended = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Output { status, stdout, stderr } = ended.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn report(ended: &(i32, String, String)) -> Value {
    assert_eq!(ended.0, 0, "{ended:?}");
    serde_json::from_str(&ended.1).unwrap()
}

/// What is in the tables, as callers see it.
async fn seen(stack: &TestStack) -> Value {
    let agents = stack.get("/delegator/agents", Managed("delegator@demo.test")).await;
    let events = stack.get("/delegator/events", Managed("delegator@demo.test")).await;
    let changes = stack.get("/tenants/globex/events", Superuser).await;
    let responses = stack.get("/responses", RESPONDER).await;
    assert_eq!([agents.status, events.status, changes.status, responses.status], [200; 4], "{responses}");
    json!([agents.body, events.body, changes.body, responses.body])
}

#[tokio::test]
async fn what_is_lost_comes_back() {
    let stack = TestStack::start().await;
    respond(&stack, body("user@acme.test", &["suspend"])).await;
    assert_eq!(stack.put("/tenants/globex", Superuser, json!({ "status": "SUSPENDED" })).await.status, 200);
    let before = seen(&stack).await;
    let get = async || stack.get("/tenants/globex", TenantAdmin("globex")).await.status;
    assert_eq!(get().await, 403, "suspended");

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("export").display().to_string();
    let exported = report(&data(&stack, &["export", "--to", &to]).await);
    assert!(exported["items"].as_u64().unwrap() > 5, "{exported}");
    let again = data(&stack, &["export", "--to", &to]).await;
    assert!(again.0 != 0 && again.2.contains("is there already"), "{again:?}");

    assert_eq!(stack.local("/_local/reset", Value::Null).await.status, 204);
    assert_eq!(get().await, 200, "nobody knows of the suspension");
    assert_ne!(seen(&stack).await, before);

    let tried = report(&data(&stack, &["import", "--from", &to, "--dry-run"]).await);
    assert_eq!((&tried["items"], &tried["written"]), (&exported["items"], &json!(0)));
    report(&data(&stack, &["import", "--from", &to]).await);
    assert_eq!(get().await, 403, "suspended again");
    assert_eq!(seen(&stack).await, before);

    // Once more: everything is there; and an end of rights that came later is not taken back.
    let kept = report(&data(&stack, &["import", "--from", &to]).await);
    assert_eq!((&kept["written"], &kept["kept"]), (&json!(0), &exported["items"]));
    let token = stack.bearer(TenantAdmin("acme"));
    let acme = [("authorization", token)];
    let read = async || stack.raw("GET", "/tenants/acme", &acme, Vec::new()).await;
    assert_eq!(read().await.status, 200);
    let user = stack.user("admin@acme.test").await;
    let revoked = stack.post(&format!("/users/{user}/revocation"), Superuser, json!({})).await;
    assert_eq!(revoked.status, 204, "{revoked}");
    report(&data(&stack, &["import", "--from", &to, "--overwrite"]).await);
    assert_eq!(read().await.status, 403, "the token does not count");
    damaged(&stack, folder.path(), &to).await;
}

/// A file that is cut off, changed or gone is refused before anything is written.
async fn damaged(stack: &TestStack, folder: &Path, export: &str) {
    let file = Path::new(export).join("StateTable.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    let cut = whole.lines().next().unwrap().to_owned() + "\n";
    let changed = whole.replacen("tenant#", "tenant%", 1);
    for content in [&cut, &changed, ""] {
        std::fs::write(&file, content).unwrap();
        let refused = data(stack, &["import", "--from", export, "--overwrite"]).await;
        assert!(refused.0 != 0 && refused.2.contains("StateTable.jsonl"), "{refused:?}");
    }
    let none = data(stack, &["import", "--from", &folder.display().to_string()]).await;
    assert!(none.0 != 0 && none.2.contains("manifest.json"), "{none:?}");
}
