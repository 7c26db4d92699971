//! Factors and states of a sign-in.

use serde_json::json;

use crate::world::{READER, World, credentials};

/// AWS-18: a code is never sent twice, however fast sign-ins follow each other.
#[tokio::test]
async fn a_code_is_sent_once() {
    let world = World::set_up_with_factor().await;
    world.run(&["logout"]).await.ok();
    // The second code of this period would be the same: the process waits, or says so.
    let second = world.run(&["get-cred", "--role-arn", READER, "--timeout", "1"]).await;
    assert!(matches!(second.code, 0 | 5), "{second:?}");
    let refused = world
        .okta
        .journal()
        .into_iter()
        .filter(|entry| entry.operation_id == Some("authnVerifyFactor") && entry.status == 403);
    assert_eq!(refused.count(), 0);
}

/// OPEN-6: with a terminal a person is asked there, and stdout stays clean.
#[tokio::test]
async fn open_6_a_code_is_typed_on_the_terminal() {
    let world = World::start().await;
    world.init(json!({ "totpSeed": "" })).await.refused(2);
    let code = okta_emulator::totp(crate::world::TOTP, 0);
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": "user@acme.test", "password": crate::world::PASSWORD,
    });
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "classic"];
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    world.get_cred(READER).await.refused(10);
    let (run, seen) = world
        .run_with_terminal(&["get-cred", "--role-arn", READER], move |seen| {
            seen.contains("code of an app").then(|| code.clone())
        })
        .await;
    credentials(&run.ok());
    assert!(seen.contains("Code, code of an app (GOOGLE user@acme.test)"), "{seen}");
}
