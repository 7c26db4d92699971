//! Functions that sign in to Okta as an OAuth client instead of with an API
//! token.

use okta_emulator::{DEMO_ORG, Seed};
use serde_json::json;
use tests::{Superuser, TestStack};

/// The scopes that the tenant operations need.
const SCOPES: &[&str] = &[
    "okta.apps.manage",
    "okta.groups.manage",
    "okta.idps.manage",
    "okta.policies.manage",
    "okta.roles.manage",
];

async fn stack(secret: &str) -> TestStack {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let id = seed.apps.iter().find(|app| app.secret.is_some()).unwrap().id.clone();
    let credential = json!({ "clientId": id, "clientSecret": secret, "scopes": SCOPES });
    let stack = TestStack::start_with(seed, Some(credential.to_string())).await;
    stack.keep_out_of_logs(secret);
    stack
}

#[tokio::test]
async fn a_service_integration_is_enough() {
    let seed = Seed::parse(DEMO_ORG).unwrap();
    let secret = seed.apps.into_iter().find_map(|app| app.secret).unwrap();
    let stack = stack(&secret).await;
    let added = stack.post("/tenants", Superuser, json!({ "name": "initech" })).await;
    assert_eq!(added.status, 201, "{added}");
    assert_eq!(stack.delete("/tenants/initech", Superuser).await.status, 204);
    let token_calls = stack.okta().journal().iter().filter(|call| call.operation_id == Some("token")).count();
    assert_eq!(token_calls, 2, "one per function");
}

#[tokio::test]
async fn a_wrong_secret_is_our_failure_and_stays_secret() {
    let stack = stack("a-secret-that-okta-does-not-know").await;
    let answer = stack.get("/tenants/acme", Superuser).await;
    assert_eq!((answer.status, answer.code()), (502, "okta-invalid-response"), "{answer}");
}

/// Each class has a credential of its own; a class without one takes the next wider one's.
#[tokio::test]
async fn a_credential_for_each_class() {
    const READ: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/read-AbCdEf";
    let stack = TestStack::start_as(|options| {
        let revoked = json!({ "apiToken": "a-token-that-okta-revoked-long-ago-000000" });
        options.secrets.insert(READ.to_owned(), revoked.to_string());
        options.parameters = [("OktaReadCredentialSecretArn".to_owned(), READ.to_owned())].into();
    })
    .await;
    let read = stack.get("/tenants/acme", Superuser).await;
    assert_eq!((read.status, read.code()), (502, "okta-invalid-response"), "{read}");
    let changed = stack.put("/tenants/acme", Superuser, json!({ "status": "SUSPENDED" })).await;
    assert_eq!(changed.status, 200, "{changed}");
    // It reads, and what it reads a reader may not.
    assert_eq!(stack.get("/tenants/globex/apps", Superuser).await.status, 200);
}
