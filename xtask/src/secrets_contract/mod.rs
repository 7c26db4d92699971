//! `make secrets-contract`: one suite of facts about Secrets Manager, against the local AWS
//! accounts and against two emulators that others make, so that ours is not judged by us alone.
//!
//! Where another emulator differs, [`DIFFERENCES`] says so, and why the fact holds all the
//! same. A difference that is over fails the suite until its line is removed: the list only
//! shrinks.

mod facts;

use std::fmt::Write;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_emulator::{AwsEmulator, DEMO_ACCOUNT, Options, Seed};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use clap::Args;

use crate::running::{Running, ministack_on};

/// Longest wait for an emulator.
const START: Duration = Duration::from_secs(60);

/// An emulator that differs from a fact.
struct Difference {
    emulator: &'static str,
    fact: &'static str,
    /// What the emulator does instead.
    instead: &'static str,
}

/// What is different elsewhere; the evidence for each fact is beside the fact.
const DIFFERENCES: &[Difference] = &[
    differs("MiniStack", "a_secret_begins_with_one_current_version", "makes an id of its own"),
    differs("MiniStack", "a_value_is_read_by_version_and_label_together", "looks at the version alone"),
    differs("MiniStack", "the_same_version_with_another_value_is_refused", "keeps the other value"),
    differs(
        "MiniStack",
        "the_first_version_is_current_whatever_is_asked_for",
        "gives the label that was asked for alone",
    ),
    differs("MiniStack", "an_id_of_a_version_has_thirty_two_characters", "takes any"),
    differs("MiniStack", "a_rotation_needs_a_function", "begins"),
    differs(
        "MiniStack",
        "a_rotation_begins_with_an_empty_pending_version",
        "copies the value, and the copy is current",
    ),
    differs("MiniStack", "a_rotation_that_is_not_complete_is_refused", "begins"),
    differs("MiniStack", "rules_are_days_or_a_schedule", "takes both"),
    differs("MiniStack", "a_rotation_is_switched_off", "knows of no rotation"),
    differs("moto", "the_same_version_with_another_value_is_refused", "keeps the other value"),
    differs("moto", "what_is_current_is_read_without_a_label", "gives the value of before"),
    differs("moto", "a_rotation_needs_a_function", "begins"),
    differs(
        "moto",
        "a_rotation_begins_with_an_empty_pending_version",
        "looks for the function in its own Lambda, which needs Docker",
    ),
    differs("moto", "a_rotation_that_is_not_complete_is_refused", "looks for the function first"),
    differs("moto", "the_rules_of_a_rotation_are_kept", "looks for the function first"),
    differs("moto", "rules_are_days_or_a_schedule", "looks for the function first"),
    differs("moto", "a_rotation_is_switched_off", "looks for the function first"),
];

const fn differs(emulator: &'static str, fact: &'static str, instead: &'static str) -> Difference {
    Difference { emulator, fact, instead }
}

/// The emulators of others.
#[derive(Clone, Debug, Args)]
pub struct SecretsContract {
    /// MiniStack.
    #[arg(long)]
    pub ministack: PathBuf,
    /// The server of moto.
    #[arg(long)]
    pub moto: PathBuf,
}

/// Runs the suite against all three; gives how many facts each of them holds.
///
/// # Errors
///
/// A sentence for each fact that an emulator does not hold, and for each difference that is over.
pub fn secrets_contract(root: &Path, tools: &SecretsContract) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(run(root, tools))
}

async fn run(root: &Path, tools: &SecretsContract) -> Result<String, String> {
    let mut report = vec![local().await?];
    let (ministack, port) = (root.join(&tools.ministack), free_port()?);
    let _ministack = Running::guarded(&ministack, &[], |command| {
        ministack_on(command, port);
        quietly(root, command, "ministack-secrets.log");
    })?;
    report.push(beside("MiniStack", port).await?);
    let (moto, port) = (root.join(&tools.moto), free_port()?);
    let arguments = ["--host", "127.0.0.1", "--port", &port.to_string()];
    let _moto = Running::guarded(&moto, &arguments, |command| quietly(root, command, "moto.log"))?;
    report.push(beside("moto", port).await?);
    Ok(report.join("\n"))
}

/// Against the local AWS accounts, which differ from no fact.
///
/// # Errors
///
/// As [`secrets_contract`].
async fn local() -> Result<String, String> {
    let seed = Seed::parse(DEMO_ACCOUNT).map_err(|error| error.to_string())?;
    let options = Options { port: 0, seed, okta_url: "http://127.0.0.1:1".to_owned() };
    let aws = AwsEmulator::start(options).await.map_err(|error| error.to_string())?;
    judge("the local accounts", &aws.url()).await
}

async fn beside(emulator: &'static str, port: u16) -> Result<String, String> {
    let address = format!("127.0.0.1:{port}");
    let began = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        if began.elapsed() > START {
            return Err(format!("{emulator} does not answer within {} s", START.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    judge(emulator, &format!("http://{address}")).await
}

async fn judge(emulator: &'static str, endpoint: &str) -> Result<String, String> {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "the suite"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    let client = Client::from_conf(config);
    let (mut held, mut differences, mut wrong) = (0, String::new(), Vec::new());
    for fact in facts::FACTS {
        let known = DIFFERENCES.iter().find(|known| known.emulator == emulator && known.fact == fact.name);
        let name = format!("contract/{}", fact.name.replace('_', "-"));
        match ((fact.check)(client.clone(), name).await, known) {
            (Ok(()), None) => held += 1,
            (Ok(()), Some(_)) => {
                wrong.push(format!("{}: no difference any more: remove its line", fact.name))
            }
            (Err(error), None) => wrong.push(format!("{}: {error}", fact.name)),
            (Err(_), Some(Difference { instead, .. })) => {
                let _ = write!(differences, "\n  not {}: it {instead}", fact.name.replace('_', " "));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(format!("{emulator}: {held} of {} facts{differences}", facts::FACTS.len()));
    }
    Err(format!("{emulator}:\n{}", wrong.join("\n")))
}

fn free_port() -> Result<u16, String> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    Ok(port.map_err(|error| error.to_string())?.port())
}

fn quietly(root: &Path, command: &mut std::process::Command, log: &str) {
    if let Ok(file) = File::create(root.join("target").join(log))
        && let Ok(errors) = file.try_clone()
    {
        command.stdout(file).stderr(errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_local_accounts_hold_every_fact() {
        let all = facts::FACTS.len();
        assert_eq!(local().await.unwrap(), format!("the local accounts: {all} of {all} facts"));
    }

    #[test]
    fn a_difference_names_a_fact_and_an_emulator_of_others() {
        for Difference { emulator, fact, .. } in DIFFERENCES {
            assert!(facts::FACTS.iter().any(|known| known.name == *fact), "{fact}");
            assert!(["MiniStack", "moto"].contains(emulator), "{emulator}");
        }
    }
}
