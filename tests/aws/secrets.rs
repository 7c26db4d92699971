//! Secrets are nowhere but in sealed files and in answers.

use std::path::Path;

use serde_json::json;

use crate::world::{PASSWORD, READER, TOTP, WITH_FACTOR, World, credentials};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// AWS-21: at the loudest level.
#[tokio::test]
async fn no_secret_is_in_a_file_or_a_message() {
    let world = World::start().await;
    let mut messages = String::new();
    let mut output = Vec::new();
    messages += &world.init(json!({ "username": WITH_FACTOR, "totpSeed": TOTP })).await.stderr;
    for arguments in [
        &["get-cred", "--role-arn", READER][..],
        &["refresh"],
        &["status"],
        &["list", "--online"],
        &["get-cred", "--role-arn", "arn:aws:iam::123456789012:role/None"],
    ] {
        let run = world.run(&[arguments, &["-v", "--verbosity", "debug"]].concat()).await;
        messages += &run.stderr;
        output.push(run.stdout);
    }
    let of = credentials(&output[0]);
    let text = |name: &str| of[name].as_str().unwrap().to_owned();
    let mut secrets =
        vec![PASSWORD.to_owned(), TOTP.to_owned(), text("SecretAccessKey"), text("SessionToken")];
    // What assertions and cookies begin with.
    // The seed is kept as bytes: "Hello!" and 0xdeadbeef, twice.
    const SEED: &str = "72,101,108,108,111,33,222,173,190,239";
    secrets.extend([SEED, "PD94bWwg", "SAMLResponse", "\"sid\"", "sessionToken"].map(str::to_owned));
    for secret in &secrets {
        assert!(!messages.contains(secret), "{secret}: {messages}");
        for path in files(world.home()) {
            assert!(!holds(&std::fs::read(&path).unwrap(), secret), "{secret} in {}", path.display());
        }
        for stdout in &output[1..] {
            assert!(!stdout.contains(secret), "{secret}: {stdout}");
        }
    }
    // A copy of the sealed files without the key is worth nothing.
    std::fs::remove_file(world.state().join("key.bin")).unwrap();
    world.get_cred(READER).await.refused(3);
    // In plain text only who says so, each time.
    let plain = json!({ "store": "plaintext", "username": WITH_FACTOR, "totpSeed": TOTP });
    world.init(plain).await.ok();
    for secret in [PASSWORD, SEED] {
        let found =
            files(&world.state()).into_iter().any(|path| holds(&std::fs::read(path).unwrap(), secret));
        assert!(found, "what is looked for above would be found");
    }
    assert!(world.run(&["status", "--output", "table"]).await.ok().contains("IN PLAIN TEXT"));
}

#[tokio::test]
async fn a_process_leaves_no_core_dump() {
    let world = World::set_up().await;
    world.run(&["logout"]).await.ok();
    world.aws.configure(|settings| settings.latency_ms = 300);
    let mut command = std::process::Command::new(crate::world::program());
    world.surround(command.args(["aws", "get-cred", "--role-arn", READER]));
    let mut child = command.spawn().unwrap();
    while world.okta_calls("authn") == 0 {
        tokio::task::yield_now().await;
    }
    let proc = |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
    let limits = String::from_utf8(proc("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    child.wait().unwrap();
}

/// AWS-09, AWS-10: an empty answer keeps the password, nothing is shown, settings have none.
#[tokio::test]
async fn settings_are_no_place_for_secrets() {
    let world = World::set_up().await;
    let (run, seen) = world
        .run_with_terminal(&["init", "--no-verify"], |seen| seen.contains("Okta password").then(String::new))
        .await;
    run.ok();
    assert!(!seen.contains(PASSWORD), "{seen}");
    world.run(&["logout"]).await.ok();
    credentials(&world.get_cred(READER).await.ok());
    let settings = world.home().join(".config/okta-dac/aws.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}password = \"x\"\n")).unwrap();
    assert!(world.get_cred(READER).await.refused(3).contains("is a secret"));
}

/// The settings of the predecessor, taken over and deleted.
#[tokio::test]
async fn the_predecessors_settings_are_imported() {
    let world = World::start().await;
    let old = world.home().join(".aws/okta-aws/settings.json");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    let settings = json!({
        "sso_url": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "region": "ap-southeast-2",
        "user_name": "user@acme.test", "password": PASSWORD, "google_2fa_totp": TOTP,
    });
    std::fs::write(&old, settings.to_string()).unwrap();
    world.run(&["init", "--import-old", "--delete-old", "--store", "file"]).await.ok();
    assert!(!old.exists());
    world.run(&["refresh"]).await.ok();
    let config = std::fs::read_to_string(world.config()).unwrap();
    assert!(config.contains("region = ap-southeast-2"), "{config}");
}
