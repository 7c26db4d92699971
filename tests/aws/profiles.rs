//! `refresh` and AWS's files.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::world::{READER, World};

const MINE: &str = "# mine\n[default]\nregion = eu-west-1 # not a comment for botocore\n\n[profile other]\ns3 =\n  max_concurrent_requests = 20\nOutput = json";

fn write(world: &World, text: &str) {
    std::fs::create_dir_all(world.config().parent().unwrap()).unwrap();
    std::fs::write(world.config(), text).unwrap();
}

fn read(world: &World) -> String {
    std::fs::read_to_string(world.config()).unwrap()
}

/// AWS-05, AWS-07, OPEN-9: three times is as once; what is not ours stays, byte by byte;
/// a withdrawn role's profile goes.
#[tokio::test]
async fn open_9_profiles_are_written_once_and_nothing_else_changes() {
    let world = World::set_up().await;
    write(&world, MINE);
    let report: Value = serde_json::from_str(&world.run(&["refresh", "--json"]).await.ok()).unwrap();
    assert_eq!(report["added"].as_array().unwrap().len(), 6, "{report}");
    let once = read(&world);
    assert!(once.starts_with(&format!("{MINE}\n\n[profile okta-")), "{once}");
    for _ in 0..2 {
        world.run(&["refresh"]).await.ok();
        assert_eq!(read(&world), once);
    }
    // A person's own setting in our section stays.
    let own = once.replace("role/Reader\"\n", "role/Reader\"\noutput = yaml\n");
    write(&world, &own);
    world.run(&["refresh"]).await.ok();
    assert_eq!(read(&world), own);
    // Some roles are withdrawn: their profiles go, ours alone.
    let path = "/api/v1/apps/0oa1awsaccount000001/groups";
    let token = "SSWS 00demoApiTokenOfTheOktaEmulatorIsNoSecret00";
    let http = reqwest::Client::builder().build().unwrap();
    let url = |path: &str| format!("{}{path}", world.okta.url());
    let groups: Value =
        http.get(url(path)).header("authorization", token).send().await.unwrap().json().await.unwrap();
    let one = url(&format!("{path}/{}", groups[0]["id"].as_str().unwrap()));
    let body = json!({ "profile": { "samlRoles": [READER] } });
    let put = http.put(one).header("authorization", token).json(&body).send().await.unwrap();
    assert!(put.status().is_success(), "{}", put.text().await.unwrap());
    world.run(&["logout"]).await.ok();
    let dry = world.run(&["refresh", "--dry-run"]).await.ok();
    assert_eq!(dry.matches("\\n-[profile okta-").count(), 5, "{dry}");
    assert_eq!(read(&world), own);
    world.run(&["refresh"]).await.ok();
    let left = read(&world);
    assert!(left.starts_with(MINE) && left.matches("credential_process").count() == 1, "{left}");
}

/// OPEN-9: a file that AWS's tools cannot read is named with its lines, and untouched.
#[tokio::test]
async fn a_damaged_file_is_not_touched() {
    let world = World::set_up().await;
    for (text, named) in [
        ("[profile a]\nx = 1\n[profile a]\n", "lines 1 and 3"),
        ("x = 1\n[a]\n", "line 1"),
        ("[a]\nx = 1\nx = 2\n", "line 3"),
    ] {
        write(&world, text);
        let message = world.run(&["refresh"]).await.refused(12);
        assert!(message.contains(named), "{message}");
        assert_eq!(read(&world), text);
    }
}

/// AWS-08: for its owner alone, through links, and not where it is read-only.
#[tokio::test]
async fn links_and_modes_stay() {
    let world = World::set_up().await;
    let target = world.home().join("dotfiles-config");
    std::fs::write(&target, MINE).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::create_dir_all(world.home().join(".aws")).unwrap();
    std::os::unix::fs::symlink(&target, world.config()).unwrap();
    world.run(&["refresh"]).await.ok();
    assert!(world.config().is_symlink() && read(&world).contains("credential_process"));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), 0o640);
    let credentials = world.home().join("credentials");
    let file = credentials.to_str().unwrap();
    world.run(&["refresh", "--aws-credentials-file-path", file, "--write-static"]).await.ok();
    assert_eq!(mode(&credentials), 0o600);
    let text = std::fs::read_to_string(&credentials).unwrap();
    assert!(
        text.contains("aws_session_token") && text.contains("\n[okta-") && !text.contains("[profile"),
        "{text}"
    );
    // Keys are in the way of a command, unless they may go.
    let refused = world.run(&["refresh", "--aws-credentials-file-path", file]).await.refused(12);
    assert!(refused.contains("--replace-static"), "{refused}");
    world.run(&["refresh", "--aws-credentials-file-path", file, "--replace-static"]).await.ok();
    assert!(!std::fs::read_to_string(&credentials).unwrap().contains("aws_secret_access_key"));
    std::fs::write(&target, MINE).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o440)).unwrap();
    assert!(world.run(&["refresh"]).await.refused(12).contains("read-only"));
    assert_eq!(read(&world), MINE);
}

/// AWS-06: whoever runs the command has another folder, another PATH and another home.
#[tokio::test]
async fn a_profile_names_everything_that_it_needs() {
    let world = World::start().await;
    let home = world.home().join("a home");
    std::fs::create_dir(&home).unwrap();
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": crate::world::USER, "password": crate::world::PASSWORD,
    });
    let option = ["--home", home.to_str().unwrap()];
    world
        .run_with(&[&["init", "--stdin-json"], &option[..]].concat(), settings.to_string().into_bytes())
        .await
        .ok();
    world.run(&[&["refresh"], &option[..]].concat()).await.ok();
    let text = std::fs::read_to_string(home.join(".aws/config")).unwrap();
    let command =
        text.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &command]).current_dir("/").env_clear().env("AWS_ENDPOINT_URL", world.aws.url());
    shell.env("OKTA_DAC_AWS_INSECURE_LOCAL", "1");
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
    crate::world::credentials(&crate::world::Run::from(output).ok());
}

/// OPEN-1, AWS-27: without aliases two accounts are told apart by their number.
#[tokio::test]
async fn open_1_equal_names_in_two_accounts() {
    let world = World::set_up().await;
    world.aws.configure(|settings| settings.alias_allowed = false);
    world.run(&["refresh", "--role", "Auditor"]).await.ok();
    let text = read(&world);
    for account in ["123456789012", "210987654321"] {
        assert!(text.contains(&format!("[profile okta-{account}-Auditor]")), "{text}");
    }
    // An alias that is known later renames nothing: scripts use the names.
    world.aws.configure(|settings| settings.alias_allowed = true);
    world.run(&["refresh", "--role", "Auditor"]).await.ok();
    assert_eq!(read(&world), text);
    let listed: Value = serde_json::from_str(&world.run(&["list", "--json"]).await.ok()).unwrap();
    assert!(listed.to_string().contains("acme-development"), "{listed}");
}
