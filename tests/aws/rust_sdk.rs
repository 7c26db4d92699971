//! AWS's SDK for Rust with the profiles that `refresh` writes.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use serde_json::json;

use crate::world::World;

const BEFORE: &str = "[default]\nregion = eu-west-1\n\n[profile static]\naws_access_key_id = AKIA1\naws_secret_access_key = secret1\n";

/// What the SDK makes of a profile; nothing but this file is read.
async fn provided(world: &World, profile: &str) -> aws_credential_types::Credentials {
    let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Config, world.config()).build();
    let provider =
        ProfileFileCredentialsProvider::builder().profile_files(files).profile_name(profile).build();
    provider.provide_credentials().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_gives_credentials() {
    let world = World::start().await;
    std::fs::create_dir_all(world.config().parent().unwrap()).unwrap();
    std::fs::write(world.config(), BEFORE).unwrap();
    let before = provided(&world, "static").await;
    // The command runs in this process's environment: it names the home.
    let home = ["--home", world.home().to_str().unwrap()];
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": crate::world::USER, "password": crate::world::PASSWORD,
    });
    world
        .run_with(&[&["init", "--stdin-json"], &home[..]].concat(), settings.to_string().into_bytes())
        .await
        .ok();
    world.run(&[&["refresh"], &home[..]].concat()).await.ok();
    let given = provided(&world, "okta-acme-production-Reader").await;
    assert!(given.access_key_id().starts_with("ASIA") && given.session_token().is_some());
    let left = given.expiry().unwrap().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(i64::try_from(left).unwrap() > jiff::Timestamp::now().as_second() + 3_000);
    // What was there before is read as before.
    assert_eq!(provided(&world, "static").await.secret_access_key(), before.secret_access_key());
}
