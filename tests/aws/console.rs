//! The console of AWS.

use serde_json::json;

use crate::world::{READER, World};

async fn open(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(url.trim()).send().await.unwrap();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.status().as_u16(), to.unwrap_or_default())
}

#[tokio::test]
async fn an_address_is_good_once() {
    let world = World::set_up().await;
    let link = ["console", "--role-arn", READER, "--link", "--service", "s3"];
    let url = world.run(&link).await.ok();
    assert!(!url.contains("SecretAccessKey") && !url.contains("sessionKey"), "{url}");
    let first = open(&url).await;
    assert_eq!(first, (303, "https://us-east-1.console.aws.amazon.com/s3/home?region=us-east-1".to_owned()));
    assert_eq!(open(&url).await.0, 400);
    let entries = world.aws.journal();
    assert!(entries.iter().any(|entry| entry.service == "signin" && entry.action == "getSigninToken"));
}

/// OPEN-5: GovCloud's page for a role of GovCloud; and nothing where no console is known.
#[tokio::test]
async fn open_5_the_page_is_of_the_roles_partition() {
    let world = World::set_up().await;
    let gov = "arn:aws-us-gov:iam::444444444444:role/Reader";
    let url = world.run(&["console", "--role-arn", gov, "--link", "--path", "ec2/v2"]).await.ok();
    assert_eq!(open(&url).await.1, "https://us-gov-west-1.console.amazonaws-us-gov.com/ec2/v2");
    let iso = "arn:aws-iso:iam::444444444444:role/Reader";
    world.run(&["console", "--role-arn", iso, "--link"]).await.refused(2);
}

#[tokio::test]
async fn a_duration_that_aws_does_not_take_is_left_out() {
    let world = World::set_up().await;
    let link = ["console", "--role-arn", READER, "--link", "--session-duration", "3600"];
    assert_eq!(world.run(&link).await.stderr, "");
    world.aws.configure(|settings| settings.refuse_console_duration = true);
    let run = world.run(&link).await;
    assert!(run.stderr.contains("--session-duration"), "{run:?}");
    run.ok();
    world.aws_fault(
        json!({ "service": "signin", "action": { "error": { "status": 500, "code": "x", "message": "y" } } }),
    );
    world.run(&link).await.refused(8);
}
