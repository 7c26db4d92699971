//! The program behind `make run`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tests::{binaries, repository};

/// The options with ports, and their variables.
const PORTS: [(&str, &str); 5] = [
    ("--api-port", "API_PORT"),
    ("--lambda-port", "LAMBDA_PORT"),
    ("--okta-port", "OKTA_PORT"),
    ("--dynamodb-port", "DYNAMODB_PORT"),
    ("--aws-port", "AWS_PORT"),
];

fn command() -> Command {
    let mut command = Command::new(binaries().join("local-stack"));
    command.current_dir(repository()).args(PORTS.iter().flat_map(|(option, _)| [*option, "0"]));
    command.arg("--bin-dir").arg(binaries()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the stack and reads its addresses.
fn start() -> (Child, Value) {
    let mut child = command().arg("--json").spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn fails(output: Output, sentence: &str) {
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{message}");
    assert!(message.starts_with("make run: ") && message.contains(sentence), "{message}");
    assert_eq!(message.trim().lines().count(), 1, "{message}");
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (option, variable) in PORTS {
        let mut command = Command::new(binaries().join("local-stack"));
        command.current_dir(repository()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (other, _) in PORTS {
            command.args([other, if other == option { &port } else { "0" }]);
        }
        fails(command.output().unwrap(), variable);
    }
}

#[test]
fn what_is_missing_is_one_sentence() {
    let empty = std::env::temp_dir();
    let mut no_binaries = Command::new(binaries().join("local-stack"));
    no_binaries.current_dir(repository()).args(PORTS.iter().flat_map(|(option, _)| [*option, "0"]));
    no_binaries.arg("--bin-dir").arg(empty.join("no-such-folder"));
    fails(no_binaries.output().unwrap(), "cargo build");
    fails(command().args(["--template", "no-such.yaml"]).output().unwrap(), "no-such.yaml");
    fails(command().args(["--seed", "no-such.yaml"]).output().unwrap(), "no-such.yaml");
}

#[test]
fn nothing_is_left_running() {
    for how in ["-TERM", "-INT", "-KILL"] {
        let (mut child, addresses) = start();
        let lambda = addresses["lambda"].as_str().unwrap();
        // A call starts a function's process.
        let event = repository().join("events/list-tenants.json");
        let url = format!("{lambda}/2015-03-31/functions/list-tenants/invocations");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let client = reqwest::Client::builder().build().unwrap();
            client.post(url).body(std::fs::read(event).unwrap()).send().await.unwrap().status()
        });
        assert_eq!(status, 200);
        let functions = children(child.id());
        assert!(!functions.is_empty());
        signal(&child, how);
        child.wait().unwrap();
        for process in functions {
            // Ends by itself when its connection breaks; wait for that.
            while is_running(process) {
                std::thread::yield_now();
            }
        }
    }
}

fn children(parent: u32) -> Vec<u32> {
    let of = |entry: std::fs::DirEntry| -> Option<u32> {
        let id = entry.file_name().to_str()?.parse().ok()?;
        (stat(id)?.1 == parent).then_some(id)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| of(entry.ok()?)).collect()
}

fn is_running(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process.
fn stat(process: u32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
