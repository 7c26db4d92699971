//! `make test-api`: generated requests against the local stack, judged by
//! docs/openapi.json.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::local_stack;

/// Generated requests for each operation and phase, at most.
const EXAMPLES: &str = "15";

/// The longest that all of it takes, in seconds.
const SECONDS: &str = "120";

/// Where the tool is.
#[derive(Clone, Debug, Args)]
pub struct TestApi {
    /// The program `schemathesis`.
    #[arg(long)]
    schemathesis: PathBuf,
}

/// Runs schemathesis as a superuser; gives its summary.
///
/// # Errors
///
/// Its report, if an answer has a status of 500 or more, or a status, a media
/// type or a body that the document does not describe.
pub fn test_api(root: &Path, tools: &TestApi) -> Result<String, String> {
    let (_stack, addresses) = local_stack::start(root)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let token = runtime.block_on(local_stack::token(&addresses))?;
    let output = Command::new(&tools.schemathesis)
        .current_dir(root.join("target"))
        .args(["run", "../docs/openapi.json", "--url", addresses["api"].as_str().unwrap_or_default()])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", EXAMPLES, "--max-time", SECONDS, "--generation-deterministic"])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .output()
        .map_err(|error| format!("{}: {error}", tools.schemathesis.display()))?;
    let report = String::from_utf8_lossy(&output.stdout);
    let summary = report.split("SUMMARY").last().unwrap_or_default();
    let lines =
        summary.lines().map(str::trim).filter(|line| line.contains("ested:") || line.contains("generated"));
    match output.status.success() {
        true => Ok(lines.collect::<Vec<_>>().join("\n")),
        false => Err(format!("schemathesis failed:\n{report}{}", String::from_utf8_lossy(&output.stderr))),
    }
}
