//! The local stack as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::running::Running;

/// Starts the local stack on free ports; gives what it prints with `--json`. What
/// its functions log is in `target/local-stack.log`.
pub(crate) fn start(root: &Path) -> Result<(Running, Value), String> {
    start_with(root, &[])
}

/// The same with more arguments.
pub(crate) fn start_with(root: &Path, arguments: &[&str]) -> Result<(Running, Value), String> {
    let log = root.join("target/local-stack.log");
    let log = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let ports = ["--api-port", "--lambda-port", "--okta-port", "--dynamodb-port", "--aws-port"]
        .map(|port| [port, "0"]);
    let arguments = [ports.as_flattened(), &["--json"], arguments].concat();
    let mut running = Running::guarded(root.join("target/debug/local-stack"), &arguments, |command| {
        command.current_dir(root).stdout(Stdio::piped()).stderr(log);
    })?;
    let mut line = String::new();
    if let Some(output) = running.child().stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    let addresses = serde_json::from_str(&line)
        .map_err(|_| "the local stack does not start: see target/local-stack.log".to_owned())?;
    Ok((running, addresses))
}

/// A superuser's token that the stack's authorizer accepts now, for everything.
pub(crate) async fn token(addresses: &Value) -> Result<String, String> {
    let http = run_kit::http_client(Duration::from_secs(10)).map_err(|error| error.to_string())?;
    let url = format!("{}/_emulator/token", addresses["okta"].as_str().unwrap_or_default());
    let scopes = ["openid", "dac.admin", "managed.access", "dac.respond"];
    let request = http.post(url).json(&json!({ "login": "superuser@demo.test", "scopes": scopes }));
    let answer = async { request.send().await?.error_for_status()?.json::<Value>().await };
    let answer = answer.await.map_err(|error| error.to_string())?;
    Ok(answer["access_token"].as_str().unwrap_or_default().to_owned())
}
