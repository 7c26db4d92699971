//! Several orgs, several stores, several callers: nobody takes away what is another's.

use serde_json::json;

use crate::world::{OPERATOR, PASSWORD, READER, USER, WITH_FACTOR, World, credentials};

/// `init` of an org by its name.
async fn init(world: &World, org: &str, more: serde_json::Value) -> crate::world::Run {
    let mut settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "username": USER,
        "password": PASSWORD,
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    world.run_with(&["init", "--stdin-json", "--org", org], settings.to_string().into_bytes()).await
}

/// Another org's sign-in knows nothing of this one's roles.
#[tokio::test]
async fn a_refresh_of_one_org_leaves_the_others_profiles() {
    let world = World::start().await;
    init(&world, "first", json!({ "store": "file" })).await.ok();
    init(&world, "second", json!({ "profileTemplate": "second-{alias}-{role}" })).await.ok();
    world.run(&["refresh", "--org", "first"]).await.ok();
    let one = std::fs::read_to_string(world.config()).unwrap();
    assert!(one.contains("--org \"first\""), "{one}");
    // The second org grants a single role.
    world.run(&["refresh", "--org", "second", "--role", "Operator"]).await.ok();
    let both = std::fs::read_to_string(world.config()).unwrap();
    assert!(both.starts_with(&one) && both.contains("[profile second-acme-production-Operator]"), "{both}");
    // A profile is of one org; nobody has to say which.
    let profile = ["export-cred", "--profile", "second-acme-production-Operator"];
    world.run(&profile).await.ok();
    assert!(
        world
            .run(&[&profile[..], &["--org", "first"]].concat())
            .await
            .refused(2)
            .contains("of the org `second`")
    );
    // What somebody wrote into it becomes no host.
    let region = both.replace(
        "[profile second-acme-production-Operator]",
        "[profile second-acme-production-Operator]\nregion = evil.test/",
    );
    std::fs::write(world.config(), region).unwrap();
    assert!(world.run(&profile).await.refused(12).contains("no AWS region"));
}

#[tokio::test]
async fn two_inits_at_once_are_both_kept() {
    let world = World::start().await;
    init(&world, "zero", json!({ "store": "file" })).await.ok();
    let (one, two) = futures::join!(init(&world, "one", json!({})), init(&world, "two", json!({})));
    one.ok();
    two.ok();
    let settings = std::fs::read_to_string(world.home().join(".config/okta-dac/aws.toml")).unwrap();
    for org in ["zero", "one", "two"] {
        assert!(settings.contains(&format!("[orgs.{org}]")), "{settings}");
        credentials(&world.run(&["get-cred", "--role-arn", READER, "--org", org]).await.ok());
    }
}

/// Another store keeps every org's secrets, and leaves nothing of the old one.
#[tokio::test]
async fn another_store_takes_the_secrets_along() {
    let world = World::start().await;
    init(&world, "first", json!({ "store": "plaintext" })).await.ok();
    init(&world, "second", json!({ "store": "plaintext" })).await.ok();
    world.run(&["get-cred", "--role-arn", READER, "--org", "first"]).await.ok();
    init(&world, "second", json!({ "store": "file" })).await.ok();
    for entry in std::fs::read_dir(world.state()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.starts_with(b"ODAC0"), "{} is in plain text", path.display());
    }
    credentials(&world.run(&["get-cred", "--role-arn", READER, "--org", "first"]).await.ok());
}

/// What needs a person is tried once, and not by each program that calls.
#[tokio::test]
async fn programs_without_a_terminal_do_not_ask_again_and_again() {
    let world = World::start().await;
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "classic", "--store", "file"];
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()),
        "username": WITH_FACTOR, "password": PASSWORD,
    });
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    for _ in 0..5 {
        world.get_cred(READER).await.refused(10);
    }
    assert_eq!(world.okta_calls("authn"), 1);
}

/// A person who does not answer is not waited for beyond the time.
#[tokio::test]
async fn nobody_is_waited_for_beyond_the_time() {
    let world = World::start().await;
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "classic", "--store", "file"];
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "username": USER,
    });
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    let (run, seen) =
        world.run_with_terminal(&["get-cred", "--role-arn", READER, "--timeout", "1"], |_| None).await;
    assert!(run.refused(10).contains("nobody answered"), "{seen}");
}

#[tokio::test]
async fn a_refusal_is_not_hidden_by_old_credentials() {
    let world = World::set_up().await;
    world.get_cred(READER).await.ok();
    crate::credentials::age(&world, 50);
    let denied = json!({ "error": { "status": 403, "code": "AccessDenied", "message": "Not authorized" } });
    world.aws_fault(json!({ "service": "sts", "action": denied }));
    world.get_cred(READER).await.refused(7);
}

/// A region becomes a part of a host's name, and of AWS's files.
#[tokio::test]
async fn a_region_is_one() {
    let world = World::set_up().await;
    for region in ["evil.test/#", "a\nb", "EU"] {
        world.run(&["get-cred", "--role-arn", READER, "--region", region]).await.refused(2);
    }
    assert!(world.aws.journal().is_empty());
}

/// The same role through two providers is one profile.
#[tokio::test]
async fn a_role_of_two_providers_is_one_profile() {
    let mut seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    let app = seed.apps.iter_mut().find_map(|app| app.aws.as_mut()).unwrap();
    app.roles.push(format!("{READER},arn:aws:iam::123456789012:saml-provider/Other"));
    let world = World::with_seed(seed).await;
    world.init(json!({})).await.ok();
    world.run(&["refresh"]).await.ok();
    let text = std::fs::read_to_string(world.config()).unwrap();
    assert_eq!(text.matches("role/Reader\"").count(), 3, "one for each partition: {text}");
}

/// Two apps of one Okta org: each org of ours has the assertion of its own app.
#[tokio::test]
async fn two_apps_of_one_okta_org_are_not_mixed_up() {
    let mut seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    let mut second = seed.apps.iter().find(|app| app.aws.is_some()).unwrap().clone();
    second.id = "0oa1awssecond0000001".to_owned();
    second.label = "Another AWS app".to_owned();
    let role = "arn:aws:iam::123456789012:role/Second".to_owned();
    second.aws.as_mut().unwrap().roles = vec![role.clone()];
    seed.apps.push(second);
    let world = World::with_seed(seed).await;
    let link = format!("{}/app/amazon_aws/exk1awssecond0000001/sso/saml", world.okta.url());
    init(&world, "first", json!({ "store": "file" })).await.ok();
    init(&world, "second", json!({ "ssoUrl": link })).await.ok();
    credentials(&world.run(&["get-cred", "--role-arn", READER, "--org", "first"]).await.ok());
    world.forget_calls();
    let message = world.run(&["get-cred", "--role-arn", OPERATOR, "--org", "second"]).await.refused(7);
    assert!(message.contains(&format!("your roles: {role}")), "{message}");
    credentials(&world.run(&["get-cred", "--role-arn", OPERATOR, "--org", "first"]).await.ok());
    // The first org's assertion was kept beside the second's, whose session both share.
    assert_eq!((world.okta_calls("openSamlApp"), world.okta_calls("authn")), (1, 0));
}
