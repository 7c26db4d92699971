//! Many processes, many roles.

use std::time::Instant;

use serde_json::json;

use crate::world::{READER, Run, World, credentials};

/// AWS-18, OPEN-10: a hundred at once are one sign-in, one call of STS, and one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_10_a_hundred_processes_are_one_sign_in() {
    let world = World::start().await;
    world.init(json!({})).await.ok();
    world.run(&["logout"]).await.ok();
    world.forget_calls();
    world.okta.configure(|settings| settings.latency_ms = 50);
    world.aws.configure(|settings| settings.latency_ms = 50);
    let started = Instant::now();
    let children: Vec<_> =
        (0..100).map(|_| world.command(&["get-cred", "--role-arn", READER]).spawn().unwrap()).collect();
    let ends = children
        .into_iter()
        .map(|child| tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()));
    let mut answers = std::collections::BTreeSet::new();
    for end in futures::future::join_all(ends).await {
        answers.insert(Run::from(end.unwrap()).ok());
    }
    assert_eq!(answers.len(), 1);
    credentials(answers.first().unwrap());
    assert_eq!(
        (world.okta_calls("authn"), world.aws_calls("AssumeRoleWithSAML")),
        (1, 1),
        "{:?}",
        started.elapsed()
    );
}

/// AWS-14, and what a hundred waiting processes must not do: a wrong password is sent once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_sent_once() {
    let world = World::start().await;
    let failed = world.init(json!({ "password": "wrong" })).await.refused(4);
    assert!(failed.contains("refuses user name or password"), "{failed}");
    assert_eq!(world.okta_calls("authn"), 1);
    let children: Vec<_> =
        (0..30).map(|_| world.command(&["get-cred", "--role-arn", READER]).spawn().unwrap()).collect();
    for child in children {
        let run =
            tokio::task::spawn_blocking(move || Run::from(child.wait_with_output().unwrap())).await.unwrap();
        run.refused(4);
    }
    assert_eq!(world.okta_calls("authn"), 1, "it is not tried again before `init`");
    world.init(json!({})).await.ok();
    credentials(&world.get_cred(READER).await.ok());
}

/// A hundred roles of one assertion.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_roles_of_one_sign_in() {
    let mut org = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    let name = |number: usize| format!("arn:aws:iam::123456789012:role/bulk/Role{number}");
    let app = org.apps.iter_mut().find_map(|app| app.aws.as_mut()).unwrap();
    app.roles = (0..100).map(name).collect();
    let roles: String = (0..100)
        .map(|number| format!("      - {{name: bulk/Role{number}, trusts: [\"saml:Okta\"]}}\n"))
        .collect();
    let accounts = format!(
        "accounts:\n  - id: \"123456789012\"\n    samlProviders: [{{name: Okta, metadata: /app/exk1awsaccount000001/sso/saml/metadata}}]\n    roles:\n{roles}"
    );
    let mut world = World::with_seed(org).await;
    let seed = aws_emulator::Seed::parse(&accounts).unwrap();
    world.aws =
        aws_emulator::AwsEmulator::start(aws_emulator::Options { port: 0, seed, okta_url: world.okta.url() })
            .await
            .unwrap();
    world.init(json!({})).await.ok();
    world.aws.configure(|settings| settings.latency_ms = 50);
    world.run(&["refresh"]).await.ok();
    assert_eq!(world.aws_calls("AssumeRoleWithSAML"), 100);
    assert_eq!(std::fs::read_to_string(world.config()).unwrap().matches("credential_process").count(), 100);
    let most = at_once(&world.aws.journal());
    assert!((2..=16).contains(&most), "{most} at once");
    world.forget_calls();
    credentials(&world.get_cred(&name(99)).await.ok());
    assert!(world.aws.journal().is_empty(), "refresh prepares everything");
}

/// How many calls were under way at the same time.
fn at_once(journal: &[aws_emulator::Entry]) -> usize {
    let during =
        |time: f64| journal.iter().filter(|of| of.at_ms <= time && time < of.at_ms + of.duration_ms).count();
    journal.iter().map(|entry| during(entry.at_ms)).max().unwrap_or_default()
}
