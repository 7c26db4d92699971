//! The README's first screen, and the walkthrough of docs/responses.md, give what they show.

use std::process::Command;

use tests::{TestStack, repository};

/// Commands of the `console` blocks and the line that each is said to print.
fn examples(readme: &str) -> Vec<(String, String)> {
    let blocks = readme.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut examples = Vec::new();
    for block in blocks {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let output = lines.next_if(|line| !line.starts_with("$ ")).unwrap_or_default();
            examples.push((command.to_owned(), output.to_owned()));
        }
    }
    examples
}

/// Without times, and without the ids of groups that are made at the same time.
fn stable(json: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|_| json.into());
    for member in ["created", "lastUpdated", "ADMINS_groupId", "USERS_groupId"] {
        if value[member].is_string() {
            value[member] = "…".into();
        }
    }
    value.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_screen_runs_as_written() {
    let stack = TestStack::start().await;
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let examples = examples(&readme);
    let (definitions, calls): (Vec<_>, Vec<_>) =
        examples.into_iter().partition(|(command, _)| command.contains("() {"));
    let is_call = |command: &str| command.starts_with("curl") || command.starts_with("okta-dac");
    let calls: Vec<_> = calls.into_iter().filter(|(command, _)| is_call(command)).collect();
    assert_eq!((definitions.len(), calls.len()), (2, 6));
    for (command, expected) in calls {
        // A person sees what the program says of a refusal, too.
        let script = format!("{}\n{}\nexec 2>&1\n{command}", definitions[0].0, definitions[1].0)
            .replace("http://127.0.0.1:3000", &stack.stack.api_url())
            .replace("http://127.0.0.1:8700", &stack.okta().url())
            .replace("curl ", "curl -s ");
        let run = move || Command::new("bash").args(["-c", &script]).current_dir(repository()).output();
        let output = tokio::task::spawn_blocking(run);
        let output = String::from_utf8(output.await.unwrap().unwrap().stdout).unwrap();
        if command.starts_with("okta-dac") {
            assert_eq!(output.lines().next(), Some(expected.as_str()), "{command}");
            continue;
        }
        match expected.strip_suffix("…}") {
            Some(start) => assert!(output.starts_with(start), "{command}\n{output}\n{expected}"),
            None => assert_eq!(stable(&output), stable(&expected), "{command}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walkthrough_of_responses_runs_as_written() {
    walk_through("docs/responses.md").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walkthrough_of_rotation_runs_as_written() {
    walk_through("docs/rotation.md").await;
}

/// Every command of the page in one shell; what it shows is what comes.
async fn walk_through(page: &str) {
    let stack = TestStack::start().await;
    let page = std::fs::read_to_string(repository().join(page)).unwrap();
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    let (commands, shown): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| line.starts_with("$ "));
    let script: String = commands.iter().map(|command| format!("{}\n", &command[2..])).collect();
    let script = script
        .replace("http://127.0.0.1:3000", &stack.stack.api_url())
        .replace("http://127.0.0.1:8700", &stack.okta().url())
        .replace("http://127.0.0.1:4600", &stack.stack.aws.url())
        .replace("http://127.0.0.1:9001", &stack.stack.lambda_url());
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(&folder);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = String::from_utf8(output.await.unwrap().unwrap().stdout).unwrap();
    assert_eq!(output.lines().collect::<Vec<_>>(), shown);
    assert!(commands.len() > 8);
}
