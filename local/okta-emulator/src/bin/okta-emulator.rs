//! The Okta emulator alone; the local stack runs it together with the rest.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};

/// An Okta org in memory, on the loopback address.
#[derive(Parser)]
struct Arguments {
    /// Port; 0 picks a free one.
    #[arg(long, env = "OKTA_PORT", default_value_t = 8700)]
    port: u16,
    /// Seed to start with instead of the demo org.
    #[arg(long)]
    seed: Option<PathBuf>,
    /// Load the state from this file if it exists, and save it there on exit.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Print the emulated operations as JSON, and end.
    #[arg(long)]
    endpoints: bool,
}

fn endpoints() -> serde_json::Value {
    let rows = okta_emulator::endpoints();
    let scope = |(family, verb)| format!("okta.{family}.{verb}");
    let limits = |operation: &str| -> serde_json::Value {
        let rows =
            okta_emulator::LIMITS.iter().filter(|row| row.described && row.operations.contains(&operation));
        rows.map(|row| serde_json::json!({ "at": row.at, "least": row.least, "most": row.most, "pattern": row.pattern }))
            .collect()
    };
    rows.iter()
        .map(|row| {
            serde_json::json!({
                "operationId": row.operation_id, "method": row.method, "path": row.path, "scope": row.scope.map(scope),
                "limits": limits(row.operation_id),
            })
        })
        .collect()
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
async fn main() -> ExitCode {
    let run = async {
        let arguments = Arguments::parse();
        if arguments.endpoints {
            println!("{}", endpoints());
            return Ok(());
        }
        let yaml = match arguments.seed {
            None => DEMO_ORG.to_owned(),
            Some(path) => std::fs::read_to_string(&path)
                .map_err(|e| format!("{} cannot be read: {e}", path.display()))?,
        };
        let seed = Seed::parse(&yaml).map_err(|e| e.to_string())?;
        let options = Options { port: arguments.port, seed, state_file: arguments.state };
        let emulator = Emulator::start(options).await.map_err(|e| e.to_string())?;
        println!("ready: {}", emulator.url());
        tokio::signal::ctrl_c().await.map_err(|e| e.to_string())?;
        emulator.save().map_err(|e| e.to_string())
    };
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("okta-emulator: {sentence}");
            ExitCode::FAILURE
        }
    }
}
