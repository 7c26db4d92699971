//! A process that is killed leaves nothing that holds up the next one.

use std::time::Duration;

use serde_json::json;

use crate::world::{READER, World, credentials};

/// Kills the whole session of a command after it made so many calls of Okta and AWS.
async fn killed_after(world: &World, arguments: &[&str], calls: usize) -> bool {
    let mut command = std::process::Command::new(crate::world::program());
    world.surround(command.arg("aws").args(arguments));
    let mut child = command.spawn().unwrap();
    // An answer takes long enough to be met on its way.
    let arrived = || world.okta.journal().len() + world.aws.journal().len();
    for _ in 0..2_000 {
        if arrived() >= calls {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the command neither calls nor ends");
}

#[tokio::test]
async fn the_next_process_goes_on() {
    let world = World::set_up().await;
    let mut kills = 0;
    for calls in 0..20 {
        world.run(&["logout"]).await.ok();
        world.forget_calls();
        // Each answer waits a moment after it was counted.
        world.aws_fault(json!({ "service": "sts", "times": 1, "action": { "delayMs": 20 } }));
        let killed = killed_after(&world, &["get-cred", "--role-arn", READER], calls).await;
        world.aws.clear_faults();
        credentials(&world.get_cred(READER).await.ok());
        if !killed {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 4, "{kills} kills");
}

/// A file of megabytes, killed while the new one is being written.
#[tokio::test]
async fn a_file_is_never_torn() {
    let world = World::set_up().await;
    world.run(&["refresh"]).await.ok();
    let whole = std::fs::read_to_string(world.config()).unwrap();
    let mine = format!("[profile mine]\nregion = eu-west-1\n# {}\n", "x".repeat(32 << 20));
    let done = format!("{mine}\n{whole}");
    let folder = world.config().parent().unwrap().to_owned();
    let being_written = || {
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(".okta-dac-"))
    };
    let mut met = 0;
    for _ in 0..5 {
        std::fs::write(world.config(), &mine).unwrap();
        let mut command = std::process::Command::new(crate::world::program());
        world.surround(command.args(["aws", "refresh"]));
        let mut child = command.spawn().unwrap();
        while !being_written() && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = std::fs::read_to_string(world.config()).unwrap();
        assert!(now == mine || now == done, "{} bytes", now.len());
        met += usize::from(now == mine && being_written());
    }
    assert!(met > 0, "no kill met the write");
    world.run(&["refresh"]).await.ok();
    assert_eq!(std::fs::read_to_string(world.config()).unwrap().len(), done.len());
    assert!(!being_written(), "what killed edits left is gone");
}
