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

#[tokio::test]
async fn a_file_is_never_torn() {
    let world = World::set_up().await;
    world.run(&["refresh"]).await.ok();
    let whole = std::fs::read_to_string(world.config()).unwrap();
    for microseconds in (0..40_000).step_by(2_000) {
        std::fs::write(world.config(), "[profile mine]\nregion = eu-west-1\n").unwrap();
        let mut command = std::process::Command::new(crate::world::program());
        world.surround(command.args(["aws", "refresh"]));
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(microseconds)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let now = std::fs::read_to_string(world.config()).unwrap();
        let done = format!("[profile mine]\nregion = eu-west-1\n\n{whole}");
        assert!(
            now == "[profile mine]\nregion = eu-west-1\n" || now == done,
            "after {microseconds} µs: {now}"
        );
    }
    world.run(&["refresh"]).await.ok();
}
