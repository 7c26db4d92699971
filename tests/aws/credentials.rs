//! Credentials of a role: one line, kept, renewed; and roles that are taken from others.

use okta_dac::aws::credentials::{Kept, PREFIX};
use okta_dac::aws::files::Place;
use okta_dac::aws::vault::{Store, Vault};
use okta_dac::terminal::Terminal;
use serde_json::json;

use crate::world::{OPERATOR, READER, World, credentials};

/// The kept credentials, as if `minutes` more had passed.
pub(crate) fn age(world: &World, minutes: i64) {
    let place = Place::new(world.state().parent().unwrap());
    let vault = Vault::open(&place, Store::File, &mut Terminal::new(false)).unwrap().unwrap();
    for name in place.names().unwrap() {
        if !(name.starts_with(PREFIX) && name.ends_with(".bin")) {
            continue;
        }
        let mut kept: Kept = vault.read(&name).unwrap().unwrap();
        let moved = jiff::SignedDuration::from_mins(minutes);
        kept.credentials.issued -= moved;
        kept.credentials.expiration -= moved;
        vault.write(&name, &kept).unwrap();
    }
}

#[tokio::test]
async fn one_line_and_then_no_call_at_all() {
    let world = World::set_up().await;
    let first = world.get_cred(READER).await.ok();
    let of = credentials(&first);
    assert_eq!(of["Version"], 1);
    assert_eq!(
        of.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"]
    );
    world.forget_calls();
    for verbosity in ["critical", "DEBUG"] {
        let again = world.run(&["get-cred", "--role-arn", READER, "--verbosity", verbosity]).await;
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), (first.as_str(), ""));
    }
    assert!(world.okta.journal().is_empty() && world.aws.journal().is_empty());
    // Nobody has to be there.
    let World { home, okta, aws } = world;
    let (okta_url, aws_url) = (okta.url(), aws.url());
    drop((okta, aws));
    let output = std::process::Command::new(crate::world::program())
        .args(["aws", "get-cred", "--role-arn", READER])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), first, "{okta_url} {aws_url}");
}

/// AWS-19: botocore asks from 15 minutes before the end: what is handed out is good for longer.
#[tokio::test]
async fn credentials_are_renewed_in_time() {
    let world = World::set_up().await;
    let first = world.get_cred(READER).await.ok();
    age(&world, 43);
    assert_eq!(world.aws_calls("AssumeRoleWithSAML"), 1);
    world.get_cred(READER).await.ok();
    assert_eq!(world.aws_calls("AssumeRoleWithSAML"), 1, "17 minutes are left");
    age(&world, 2);
    let second = world.get_cred(READER).await.ok();
    assert_ne!(first, second);
    assert_eq!(
        (world.aws_calls("AssumeRoleWithSAML"), world.okta_calls("authn")),
        (2, 1),
        "and nobody signs in for it"
    );
}

#[tokio::test]
async fn old_credentials_are_better_than_none() {
    let world = World::set_up().await;
    let first = world.get_cred(READER).await.ok();
    age(&world, 50);
    world.aws_fault(json!({ "service": "sts", "action": { "error": { "status": 503, "code": "ServiceUnavailable", "message": "later" } } }));
    let stale = world.get_cred(READER).await;
    assert!(stale.stderr.contains("are good for"), "{stale:?}");
    let of = |text: &str| credentials(text)["AccessKeyId"].clone();
    assert_eq!(of(&stale.ok()), of(&first));
    let strict = world.run(&["get-cred", "--role-arn", READER, "--max-stale", "3000"]).await;
    assert!(strict.refused(8).contains("503"));
    age(&world, 10);
    world.get_cred(READER).await.refused(8);
}

/// AWS-01, AWS-22: a chain works, CloudTrail sees the person, and what makes other
/// credentials makes another entry.
#[tokio::test]
async fn a_role_is_taken_from_another_one() {
    const BACKUP: &str = "arn:aws:iam::123456789012:role/Backup";
    const ARCHIVE: &str = "arn:aws:iam::210987654321:role/Archive";
    const PARTNER: &str = "arn:aws:iam::123456789012:role/Partner";
    let world = World::set_up().await;
    let chain = ["assume-role", "--from-role-arn", READER, "--to-role-arn"];
    let run = async |more: &[&str]| world.run(&[&chain, more].concat()).await;
    let plain = credentials(&run(&[BACKUP]).await.ok());
    let sessions = world.aws.snapshot()["sessions"].to_string();
    assert!(
        sessions.contains("arn:aws:sts::123456789012:assumed-role/Backup/user@globex.test"),
        "{sessions}"
    );
    assert_eq!(credentials(&run(&[BACKUP]).await.ok()), plain, "kept");
    let tagged =
        credentials(&run(&[BACKUP, "--tag", "team=red", "--source-identity", "user@acme.test"]).await.ok());
    assert_ne!(tagged["AccessKeyId"], plain["AccessKeyId"]);
    let sessions = world.aws.snapshot()["sessions"].to_string();
    assert!(sessions.contains(r#""tags":{"team":"red"}"#), "{sessions}");
    // Two steps, and an hour is the most.
    run(&[BACKUP, "--to-role-arn", ARCHIVE, "--duration", "43200"]).await.ok();
    assert!(run(&[PARTNER]).await.refused(7).contains("Partner"));
    run(&[PARTNER, "--external-id", "acme-partner-7"]).await.ok();
    assert!(run(&[PARTNER, "--external-id", "x"]).await.refused(2).contains("external id"));
    // AWS-23: clap says what is missing.
    world.run(&["assume-role", "--to-role-arn", BACKUP]).await.refused(2);
    world.run(&["get-cred"]).await.refused(2);
}

#[tokio::test]
async fn a_device_is_asked_for_on_the_terminal() {
    let world = World::set_up().await;
    let guarded = "arn:aws:iam::123456789012:role/Guarded";
    let arguments = [
        "assume-role",
        "--from-role-arn",
        READER,
        "--to-role-arn",
        guarded,
        "--mfa-serial",
        "arn:aws:iam::123456789012:mfa/u",
    ];
    world.run(&arguments).await.refused(10);
    let (run, seen) = world
        .run_with_terminal(&arguments, |seen| seen.contains("mfa/u:").then(|| "123456".to_owned()))
        .await;
    credentials(&run.ok());
    assert!(seen.contains("Code of arn:aws:iam::123456789012:mfa/u"), "{seen}");
}

/// AWS-11, OPEN-3: a role that allows less is asked for less, and that is remembered.
#[tokio::test]
async fn open_3_durations_come_down_and_are_remembered() {
    let world = World::set_up().await;
    world.init(json!({ "duration": 43_200 })).await.ok();
    let lasting = async |role: &str| {
        let of = credentials(&world.run(&["get-cred", "--role-arn", role, "--no-cache"]).await.ok());
        let end: jiff::Timestamp = of["Expiration"].as_str().unwrap().parse().unwrap();
        (end.duration_since(jiff::Timestamp::now()).as_secs() + 30) / 60
    };
    let roles = [READER, OPERATOR, crate::world::AUDITOR];
    let mut minutes = Vec::new();
    for role in roles {
        minutes.push(lasting(role).await);
    }
    // Who waits gets an hour at once instead of every step.
    assert_eq!(minutes, [720, 60, 60]);
    // `refresh` finds what each role allows.
    world.run(&["refresh"]).await.ok();
    world.forget_calls();
    minutes.clear();
    for role in roles {
        minutes.push(lasting(role).await);
    }
    assert_eq!(minutes, [720, 240, 60]);
    assert_eq!(world.aws_calls("AssumeRoleWithSAML"), 3, "no duration is tried twice");
}

/// AWS-20: no profile has to be there before, and a region that is off is not the end.
#[tokio::test]
async fn a_region_that_is_off_is_replaced_once() {
    let world = World::set_up().await;
    world.aws.configure(|settings| settings.regions_disabled = vec!["eu-west-1".to_owned()]);
    let mut command = world.command(&["get-cred", "--role-arn", READER, "--region", "eu-west-1"]);
    command.env("AWS_ENDPOINT_URL_STS", format!("{}/{{region}}", world.aws.url()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    credentials(&crate::world::Run::from(output).ok());
    let regions: Vec<String> = world.aws.journal().into_iter().filter_map(|entry| entry.region).collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
}

#[tokio::test]
async fn a_program_gets_credentials_and_its_own_end() {
    let world = World::set_up().await;
    let script =
        "printf '%s %s %s' \"${AWS_ACCESS_KEY_ID:0:4}\" \"$AWS_REGION\" \"${AWS_PROFILE-none}\"; exit 7";
    let arguments = ["exec", "--role-arn", READER, "--region", "eu-west-1", "--", "bash", "-c", script];
    let mut command = world.command(&arguments);
    command.env("AWS_PROFILE", "other").env("AWS_SECURITY_TOKEN", "old");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let run = crate::world::Run::from(output);
    assert_eq!((run.code, run.stdout.as_str()), (7, "ASIA eu-west-1 none"), "{run:?}");
    world.run(&["exec", "--role-arn", READER, "--", "no-such-program"]).await.refused(127);
    // Nobody chose a region: AWS's own settings say it.
    let region =
        world.run(&["exec", "--role-arn", READER, "--", "sh", "-c", "printf %s \"$AWS_REGION\""]).await;
    assert_eq!(region.ok(), "");
    let file = world.home().join("file");
    std::fs::write(&file, "").unwrap();
    world.run(&["exec", "--role-arn", READER, "--", file.to_str().unwrap()]).await.refused(126);
}

/// The predecessor's profiles go on working through a link.
#[tokio::test]
async fn the_predecessors_name_works() {
    let world = World::set_up().await;
    let link = world.home().join("okta-aws-cred-helper");
    std::os::unix::fs::symlink(crate::world::program(), &link).unwrap();
    let mut command = std::process::Command::new(link);
    world.surround(command.args(["get-cred", "--role-arn", READER]));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    credentials(&crate::world::Run::from(output).ok());
}
