//! Every exit code means what docs/aws-credentials.md says, and stdout is empty then.

use serde_json::json;

use crate::world::{READER, World};

#[tokio::test]
async fn before_init() {
    let world = World::start().await;
    let message = world.get_cred(READER).await.refused(3);
    assert!(message.contains("okta-dac aws init"), "{message}");
    assert!(
        world
            .run(&["get-cred", "--role-arn", "arn:aws:iam::1:user/x"])
            .await
            .refused(2)
            .contains("no ARN of a role")
    );
    world.run(&["status", "--check"]).await.refused(3);
}

#[tokio::test]
async fn what_okta_does_not_grant() {
    let world = World::set_up().await;
    let message = world.get_cred("arn:aws:iam::123456789012:role/Nobody").await.refused(7);
    assert!(message.contains("Okta does not grant you") && message.contains(READER), "{message}");
}

#[tokio::test]
async fn errors_of_sts() {
    for (status, code, message, exit) in [
        (400, "ValidationError", "1 validation error", 2),
        (400, "ExpiredTokenException", "old", 13),
        (400, "InvalidIdentityToken", "no provider", 13),
        (403, "IDPRejectedClaim", "no", 13),
        (403, "AccessDenied", "Not authorized", 7),
        (400, "MalformedPolicyDocument", "policy", 2),
        (400, "Throttling", "slow", 8),
        (500, "InternalFailure", "oops", 8),
    ] {
        let world = World::set_up().await;
        let error = json!({ "error": { "status": status, "code": code, "message": message } });
        world.aws_fault(json!({ "service": "sts", "action": error }));
        let said = world.get_cred(READER).await.refused(exit);
        assert!(said.contains(message), "{code}: {said}");
    }
    let world = World::set_up().await;
    for body in ["", "<html>", "<AssumeRoleWithSAMLResponse/>"] {
        world.aws_fault(json!({ "service": "sts", "times": 1, "action": { "body": body } }));
        world.get_cred(READER).await.refused(8);
    }
}

/// An answer that is lost, a host that is away, a fault that passes.
#[tokio::test]
async fn a_network_that_fails() {
    let world = World::set_up().await;
    world.aws_fault(json!({ "service": "sts", "times": 2, "action": { "drop": "after" } }));
    crate::world::credentials(&world.get_cred(READER).await.ok());
    world.run(&["logout"]).await.ok();
    world.okta.order(okta_emulator::Fault::on_call(
        1,
        100,
        okta_emulator::Action { status: Some(503), ..Default::default() },
    ));
    assert!(world.get_cred(READER).await.refused(8).contains("503"));
    world.okta.clear_faults();
    let World { okta, aws, home } = world;
    let url = okta.url();
    drop(okta);
    let output = std::process::Command::new(crate::world::program())
        .args(["aws", "get-cred", "--role-arn", READER, "--timeout", "5"])
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ENDPOINT_URL", aws.url())
        .env("OKTA_DAC_AWS_INSECURE_LOCAL", "1")
        .output()
        .unwrap();
    let message = crate::world::Run::from(output).refused(8);
    assert!(message.contains("no answer from 127.0.0.1"), "{url}: {message}");
}

/// AWS-26: a limit that ends in time is waited for, another is 9.
#[tokio::test]
async fn limits_of_okta() {
    let limited = okta_emulator::Action { rate_limit: true, ..Default::default() };
    let fault = |times| {
        let mut fault = okta_emulator::Fault::on_call(1, times, limited.clone());
        fault.operation_id = Some("authn".to_owned());
        fault
    };
    let world = World::start().await;
    world.okta.order(fault(1));
    world.init(json!({})).await.ok();
    world.run(&["logout"]).await.ok();
    world.okta.order(fault(9));
    let message = world.run(&["get-cred", "--role-arn", READER, "--timeout", "1"]).await.refused(9);
    assert!(message.contains("try again in"), "{message}");
}

#[tokio::test]
async fn status_and_logout() {
    let world = World::set_up().await;
    world.run(&["status", "--check"]).await.ok();
    world.get_cred(READER).await.ok();
    // Due to be renewed, and still good, without a session.
    crate::credentials::age(&world, 50);
    for entry in std::fs::read_dir(world.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("session-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    world.run(&["status", "--check"]).await.ok();
    let status: serde_json::Value =
        serde_json::from_str(&world.run(&["status", "--json", "--online"]).await.ok()).unwrap();
    assert_eq!(
        status["credentials"][0]["caller"],
        "arn:aws:sts::123456789012:assumed-role/Reader/user@globex.test"
    );
    assert_eq!((&status["store"], &status["encrypted"]), (&json!("file"), &json!(true)));
    world.run(&["logout"]).await.ok();
    world.run(&["status", "--check"]).await.refused(20);
    world.get_cred(READER).await.ok();
}

/// AWS-24: nothing goes to another host, and nothing in the clear.
#[tokio::test]
async fn okta_that_leads_elsewhere() {
    let world = World::start().await;
    let clear = json!({ "ssoUrl": "http://acme.okta.test/app/amazon_aws/exk1/sso/saml" });
    assert!(world.init(clear).await.refused(3).contains("in the clear"));
    assert!(!world.home().join(".config").exists(), "nothing was kept");
}
