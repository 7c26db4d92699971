//! `cargo xtask`: see [`xtask`].

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{
    Api, Conformance, NewOperation, Part, SecretsContract, TestApi, WholeWay, bench, bench_credential,
    conformance, generate, new_operation, placeholder_key, scale, secrets_contract, stages, test_api,
    whole_way,
};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes every file that is derived from the table of operations.
    Generate,
    /// Writes the files of a new operation; its tests fail until it is filled in.
    NewOperation(NewOperation),
    /// Measures the functions in target/lambda, the operations, the authorizer and
    /// the emulator.
    Bench {
        /// Measure this part alone.
        #[arg(long)]
        only: Option<Part>,
    },
    /// Measures two ways to read the credential.
    BenchCredential,
    /// Runs clients that Okta and AWS publish against the emulator.
    Conformance(Conformance),
    /// Makes a throw-away certificate, uploads it to an Okta org and prints its
    /// key id. Reads an API token from standard input. The private key is never
    /// stored.
    PlaceholderKey {
        /// Origin of the org.
        #[arg(long)]
        org: String,
    },
    /// Tries what Secrets Manager does against the local accounts and two emulators of others.
    SecretsContract(SecretsContract),
    /// Measures operations in orgs with few and with many tenants.
    Scale {
        /// How many tenants; may be repeated.
        #[arg(long, default_values_t = [300, 3_000, 10_000, 100_000])]
        tenants: Vec<u32>,
    },
    /// Shows the stages of a deployed API, their limits and the authorizers.
    Stages(Api),
    /// Sends generated requests to the local stack and judges the answers by
    /// docs/openapi.json.
    TestApi(TestApi),
    /// Goes from an org that nobody prepared to a platform that serves, and back.
    WholeWay(WholeWay),
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let result = match Arguments::parse().command {
        Command::Generate => write_generated(root),
        Command::NewOperation(operation) => new_operation(root, &operation),
        Command::Bench { only } => bench(root, only),
        Command::BenchCredential => bench_credential(root),
        Command::Scale { tenants } => scale(root, &tenants),
        Command::Conformance(tools) => conformance(root, &tools),
        Command::WholeWay(tools) => whole_way(root, &tools),
        Command::SecretsContract(tools) => secrets_contract(root, &tools),
        Command::Stages(api) => stages(&api),
        Command::TestApi(tools) => test_api(root, &tools),
        Command::PlaceholderKey { org } => {
            let mut token = String::new();
            match std::io::stdin().read_to_string(&mut token) {
                Ok(_) => placeholder_key(&org, token.trim()),
                Err(error) => Err(error.to_string()),
            }
        }
    };
    match result {
        Ok(message) => {
            say(&message);
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn say(message: &str) {
    println!("{message}");
}

fn write_generated(root: &Path) -> Result<String, String> {
    let files = generate(root)?;
    let mut changed = Vec::new();
    for file in &files {
        let path = root.join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|content| content == file.content) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        std::fs::write(&path, &file.content).map_err(|error| format!("{}: {error}", path.display()))?;
        changed.push(format!("wrote {}", file.path.display()));
    }
    changed.push(format!("{} files are as the table says", files.len()));
    Ok(changed.join("\n"))
}
