//! What holds for every command: formats, plans, questions, Ctrl-C.

use serde_json::{Value, json};

use crate::world::{CTRL_C, PASSWORD, READER, World, credentials};

/// A program reads JSON, a person a table; colours are for terminals.
#[tokio::test]
async fn lists_have_a_format_and_colours() {
    let world = World::set_up().await;
    world.run(&["refresh"]).await.ok();
    let piped: Value = serde_json::from_str(&world.run(&["list"]).await.ok()).unwrap();
    let named: Value = serde_json::from_str(&world.run(&["list", "--json"]).await.ok()).unwrap();
    assert_eq!(piped, named);
    let lines = world.run(&["list", "--output", "jsonl"]).await.ok();
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&Value::from(rows), &piped);
    let table = world.run(&["--output", "table", "list"]).await.ok();
    assert!(table.contains("PROFILE") && table.contains("okta-acme-production-Reader"), "{table}");
    std::fs::remove_file(world.config()).unwrap();
    let diff = ["refresh", "--dry-run", "--output", "table"];
    let plain = world.run(&diff).await.ok();
    let coloured = world.run(&[&diff[..], &["--color", "always"]].concat()).await.ok();
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b["), "{plain} {coloured}");
    assert!(plain.contains("\n+[profile okta-acme-production-Reader]\n"), "{plain}");
    let never = world.run(&[&diff[..], &["--color", "never"]].concat()).await.ok();
    assert_eq!(never, plain);
}

/// A plan is what the run would do, without a secret, and nothing is done.
#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = World::start().await;
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()),
        "username": crate::world::USER, "password": PASSWORD, "store": "file",
    });
    let arguments = ["init", "--stdin-json", "--dry-run"];
    let plan = world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!((&plan["org"], &plan["secrets"]["members"]), (&json!("default"), &json!(["password"])));
    assert!(!plan.to_string().contains(PASSWORD));
    let entries = || std::fs::read_dir(world.home()).unwrap().count();
    assert_eq!((entries(), world.okta_calls("authn")), (0, 0), "no file, no sign-in");

    world.init(json!({})).await.ok();
    let plan = world.run(&["refresh", "--dry-run", "--write-static"]).await.ok();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let diff = plan["diff"].as_str().unwrap();
    let secret = credentials(&world.get_cred(READER).await.ok());
    assert!(diff.contains("+aws_secret_access_key = …\n"), "{diff}");
    for name in ["SecretAccessKey", "SessionToken"] {
        assert!(!diff.contains(secret[name].as_str().unwrap()), "{name}");
    }
    assert!(!world.config().exists());

    let plan = world.run(&["logout", "--all", "--dry-run"]).await.ok();
    let plan: Vec<Value> = serde_json::from_str(&plan).unwrap();
    for name in ["session-", "cred-", "secrets.bin", "key.bin"] {
        let file = plan.iter().find_map(|row| row["file"].as_str().filter(|file| file.contains(name)));
        assert!(std::path::Path::new(file.unwrap()).exists(), "{name}");
    }
    world.run(&["logout", "--all", "--yes"]).await.ok();
    for row in plan.iter().filter(|row| row.get("part").is_none()) {
        assert!(!std::path::Path::new(row["file"].as_str().unwrap()).exists(), "{row}");
    }
}

/// What cannot be had again is asked for.
#[tokio::test]
async fn logout_of_everything_asks() {
    let world = World::set_up().await;
    assert!(world.run(&["logout", "--all"]).await.refused(10).contains("--yes"));
    let answer =
        |answer: &'static str| move |seen: &str| seen.contains("Type yes").then(|| answer.to_owned());
    world.run_with_terminal(&["logout", "--all"], answer("y")).await.0.refused(2);
    credentials(&world.get_cred(READER).await.ok());
    world.run_with_terminal(&["logout", "--all"], answer("yes")).await.0.ok();
    assert!(world.get_cred(READER).await.refused(3).contains("no key"));
}

/// Ctrl-C at a hidden question: the terminal shows again what is typed, which every run with
/// a terminal is looked at for.
#[tokio::test]
async fn ctrl_c_at_a_question() {
    let world = World::start().await;
    let link = format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url());
    let arguments = ["init", "--sso-url", &link, "--username", crate::world::USER];
    let (run, _) = world
        .run_with_terminal(&arguments, |seen| seen.contains("password of").then(|| CTRL_C.to_owned()))
        .await;
    assert!(run.refused(130).contains("interrupted: nothing was changed"));
    assert_eq!(std::fs::read_dir(world.home()).unwrap().count(), 0);
}

#[tokio::test]
async fn ctrl_c_on_the_way_says_what_is_kept() {
    let world = World::set_up().await;
    world.aws_fault(json!({ "service": "sts", "nth": 3, "action": { "delayMs": 60_000 } }));
    let mut child = world.interruptible(&["refresh"]).spawn().unwrap();
    let state = world.state();
    let kept = || {
        let names = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| name.starts_with("cred-") && name.ends_with(".bin")).count()
    };
    while kept() < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it waits for the third role");
        tokio::task::yield_now().await;
    }
    // Two answers came; the sentence of the second may be under way.
    interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let message = crate::world::Run::from(output).refused(130);
    assert!(message.contains("of 6 roles are kept; AWS's file is unchanged"), "{message}");
    assert!(!world.config().exists());
}

fn interrupt(child: &std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process};
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Whether the process stands in the queue for a lock (`->` in proc(5), locks).
fn waits_for(held: &std::fs::File, child: &std::process::Child) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", held.metadata().unwrap().ino());
    let waits = |line: &str| {
        line.contains("->") && line.contains(&inode) && line.contains(&format!(" {} ", child.id()))
    };
    std::fs::read_to_string("/proc/locks").unwrap().lines().any(waits)
}

/// Somebody signs in, and is waited for: what is forgotten before is said.
#[tokio::test]
async fn ctrl_c_while_logout_waits() {
    let world = World::set_up().await;
    credentials(&world.get_cred(READER).await.ok());
    let locks: Vec<_> =
        std::fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let cred = locks.iter().find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("cred-") && name.ends_with(".lock")
    });
    let held = std::fs::File::open(cred.unwrap()).unwrap();
    held.lock().unwrap();
    let mut child = world.interruptible(&["logout"]).spawn().unwrap();
    let session = |path: &std::path::PathBuf| path.to_str().unwrap().contains("session-");
    let session = locks.iter().find(|path| session(path)).unwrap();
    while session.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it waits for the credentials");
        tokio::task::yield_now().await;
    }
    // The file goes a moment before the sentence comes: the command that waits for the next
    // lock has it.
    while !waits_for(&held, &child) {
        assert_eq!(child.try_wait().unwrap(), None, "it waits for the credentials");
        tokio::task::yield_now().await;
    }
    interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let message = crate::world::Run::from(output).refused(130);
    assert!(message.contains("some sessions and credentials are forgotten"), "{message}");
}

/// Who gives up while the store is changed has lost nothing.
#[tokio::test]
async fn ctrl_c_at_the_passphrase_of_a_new_store() {
    let world = World::set_up().await;
    let (run, _) = world
        .run_with_terminal(&["init", "--store", "keyring"], |seen| match seen {
            seen if seen.contains("Passphrase that") => Some(CTRL_C.to_owned()),
            seen => seen.contains("password of").then(String::new),
        })
        .await;
    if run.code == 11 {
        // A machine without a keyring refuses before it asks.
        return;
    }
    assert!(run.refused(130).contains("nothing was changed"));
    credentials(&world.get_cred(READER).await.ok());
    world.run(&["logout"]).await.ok();
    credentials(&world.get_cred(READER).await.ok());
}

/// A password goes nowhere in the clear, but to this machine, by a word of its own.
#[tokio::test]
async fn http_is_for_tests_on_this_machine() {
    let world = World::set_up().await;
    world.run(&["logout"]).await.ok();
    world.forget_calls();
    let mut command = world.command(&["get-cred", "--role-arn", READER]);
    let output = command.env_remove("OKTA_DAC_AWS_INSECURE_LOCAL").output().unwrap();
    assert!(crate::world::Run::from(output).refused(3).contains("is not https"));
    assert!(world.okta.journal().is_empty());
}

/// A variable is set by 1 or true, and not by 0.
#[tokio::test]
async fn a_variable_of_an_option_is_a_truth() {
    let world = World::set_up().await;
    for (value, code) in [("1", 10), ("true", 10), ("0", 2)] {
        let mut command = world.command(&["logout", "--all"]);
        command.env("OKTA_DAC_AWS_NO_INPUT", value);
        let (run, _) =
            world.converse_with(command, |seen| seen.contains("Type yes").then(|| "no".to_owned())).await;
        run.refused(code);
    }
}

/// A file that cannot be replaced safely is one code, whatever stands in the way.
#[tokio::test]
async fn a_folder_that_cannot_be_written() {
    let world = World::set_up().await;
    std::fs::create_dir_all(world.home().join(".aws/.okta-dac.lock")).unwrap();
    assert!(world.run(&["refresh"]).await.refused(12).contains("cannot be used"));
    assert!(!world.config().exists());
}

/// Another store than the one that `init` chose is an error, and not a second place.
#[tokio::test]
async fn a_store_is_moved_by_init_alone() {
    let world = World::set_up().await;
    let other = ["get-cred", "--role-arn", READER, "--store", "plaintext"];
    assert!(world.run(&other).await.refused(3).contains("init --store"));
    credentials(&world.run(&["get-cred", "--role-arn", READER, "--store", "file"]).await.ok());
}
