//! `make bench ARGS='--only rotation'`: what a rotation takes, and how many of them in a minute.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_emulator::AwsEmulator;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use okta_emulator::{DEMO_ORG, Emulator, Seed};
use serde_json::{Value, json};

use crate::bench_aws::{bare, percentiles, run};
use crate::local_stack;

/// Rotations that Keeper starts, after some that are not counted.
const RUNS: usize = 40;
const WARM: usize = 4;

/// What Okta takes for a call.
const LATENCY_MS: u64 = 80;

/// Users of a batch.
const USERS: usize = 1_000;

const FIRST: &str = "First-Passw0rd-of-the-bench";

/// Measures.
///
/// # Errors
///
/// A sentence.
pub(crate) async fn bench(root: &Path) -> Result<Vec<Value>, String> {
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--release", "--package", "okta-dac"]).current_dir(root);
    run(build)?;
    let world = World::start(root).await?;
    let mut rows = Vec::new();
    let mut row = |what: &str, goal: &str, figures: String| {
        rows.push(json!({ "what": what, "goal": goal, "measured": figures }));
    };
    world.add("keeper@acme.test", "keeper@acme.test").await?;
    world.add("odd@acme.test", "mail@acme.test").await?;
    world.okta.configure(|settings| settings.latency_ms = LATENCY_MS);
    let (mut times, mut present) = (Vec::new(), FIRST.to_owned());
    world.okta.clear_journal();
    for number in 0..WARM + RUNS {
        let next = format!("Next-Passw0rd-of-the-bench-{number}");
        let began = Instant::now();
        world.keeper(&present, &next)?;
        if number >= WARM {
            times.push(began.elapsed());
        }
        present = next;
    }
    times.sort();
    row("keeper, 80 ms for a call, with the start of the process", "p95 450 ms", percentiles(&times));
    let journal = world.okta.journal();
    let calls = journal.len() / (WARM + RUNS);
    row("keeper: calls to Okta", "3", calls.to_string());
    row("keeper: failed sign-ins", "0", journal.iter().filter(|call| call.status == 401).count().to_string());

    for (name, user, goal) in [("login", "user99999@bulk.test", 2), ("e-mail", "mail@acme.test", 3)] {
        world.okta.clear_journal();
        world.dry_run(user)?;
        let what = format!("lookup by {name} in 100,000 users: calls to Okta");
        row(&what, &format!("at most {goal}"), world.okta.journal().len().to_string());
    }
    for (step, figures) in steps(root).await? {
        row(&format!("{step}, warm, 80 ms for a call of Okta"), "p95 350 ms", figures);
    }

    world.okta.configure(|settings| settings.latency_ms = 0);
    for number in 0..USERS {
        let login = format!("batch{number}@acme.test");
        world.add(&login, &login).await?;
        let secret = json!({ "username": login, "password": FIRST });
        world.aws.vault().plant_secret(&format!("okta-dac/users/{number}"), &secret.to_string());
    }
    world.okta.configure(|settings| (settings.latency_ms, settings.rate_limits) = (LATENCY_MS, true));
    world.okta.clear_journal();
    let began = Instant::now();
    let summary = world.batch()?;
    let took = began.elapsed();
    let refused = world.okta.journal().iter().filter(|call| call.status == 429).count();
    row(
        "batch of 1,000 users, half of 600 calls a minute",
        "250 users a minute, no 429",
        format!(
            "{:.0} users a minute, {:.0} s, {refused} answers 429, codes {}",
            USERS as f64 * 60.0 / took.as_secs_f64(),
            took.as_secs_f64(),
            summary["codes"]
        ),
    );
    Ok(rows)
}

/// The time of each step of the function that Secrets Manager invokes, in the local stack.
async fn steps(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let (_stack, addresses) = local_stack::start(root)?;
    let address = |part: &str| addresses[part].as_str().unwrap_or_default().to_owned();
    let http = run_kit::http_client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    let send = async |request: reqwest::RequestBuilder| {
        let answer = async { request.send().await?.error_for_status()?.json::<Value>().await };
        answer.await.map_err(|error| error.to_string())
    };
    let settings = format!("{}/_emulator/settings", address("okta"));
    send(http.put(settings).json(&json!({ "latencyMs": LATENCY_MS }))).await?;
    let rotate = format!("{}/_local/rotate/okta-dac/users/demo", address("lambda"));
    let mut times = BTreeMap::<String, Vec<Duration>>::new();
    for number in 0..WARM + RUNS {
        let rotated = send(http.post(&rotate).json(&json!({}))).await?;
        if rotated["status"] != "rotated" {
            return Err(rotated.to_string());
        }
        for step in rotated["steps"].as_array().into_iter().flatten().filter(|_| number >= WARM) {
            let name = step["step"].as_str().unwrap_or_default().to_owned();
            times
                .entry(name)
                .or_default()
                .push(Duration::from_millis(step["ms"].as_u64().unwrap_or_default()));
        }
    }
    Ok(times
        .into_iter()
        .map(|(step, mut times)| {
            times.sort();
            (step, percentiles(&times))
        })
        .collect())
}

/// An org, an account, and a folder that is the home.
struct World {
    okta: Emulator,
    aws: AwsEmulator,
    program: PathBuf,
    home: PathBuf,
    token: String,
}

impl World {
    async fn start(root: &Path) -> Result<Self, String> {
        let mut seed = Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?;
        seed.bulk_users = 100_000;
        let token = seed.api_token.token.clone();
        let options = okta_emulator::Options { port: 0, seed, state_file: None };
        let okta = Emulator::start(options).await.map_err(|error| error.to_string())?;
        let seed =
            aws_emulator::Seed::parse(aws_emulator::DEMO_ACCOUNT).map_err(|error| error.to_string())?;
        let options = aws_emulator::Options { port: 0, seed, okta_url: okta.url() };
        let aws = AwsEmulator::start(options).await.map_err(|error| error.to_string())?;
        let home = root.join("target/bench-rotation");
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        Ok(Self { okta, aws, program: root.join("target/release/okta-dac"), home, token })
    }

    async fn add(&self, login: &str, email: &str) -> Result<(), String> {
        let user = json!({
            "profile": { "login": login, "email": email, "firstName": "B", "lastName": "B" },
            "credentials": { "password": { "value": FIRST } },
        });
        let http = run_kit::http_client(Duration::from_secs(10)).map_err(|error| error.to_string())?;
        let call = http.post(format!("{}/api/v1/users", self.okta.url())).json(&user);
        let sent = call.header("authorization", format!("SSWS {}", self.token)).send().await;
        sent.and_then(reqwest::Response::error_for_status).map(drop).map_err(|error| error.to_string())
    }

    fn keeper(&self, old: &str, new: &str) -> Result<(), String> {
        self.rotate("keeper@acme.test", &["rotate", "keeper"], old, new)
    }

    /// Looks for a user, and changes nothing.
    fn dry_run(&self, user: &str) -> Result<(), String> {
        self.rotate(user, &["rotate", "keeper", "--dry-run"], FIRST, "Next-Passw0rd-of-the-bench")
    }

    fn rotate(&self, user: &str, words: &[&str], old: &str, new: &str) -> Result<(), String> {
        let records = json!([
            { "uid": "r", "title": "Okta API Access Details", "password": self.token, "url": self.okta.url() }
        ]);
        let parameters = json!({
            "user": user, "oldPassword": old, "newPassword": new,
            "records": BASE64_STANDARD.encode(records.to_string()),
        });
        let mut command = bare(&self.program, words);
        command.env("HOME", &self.home).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            let text = BASE64_STANDARD.encode(parameters.to_string());
            stdin.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stdout).into_owned()),
        }
    }

    /// The last line of `rotate batch`.
    fn batch(&self) -> Result<Value, String> {
        let failed = |error: std::io::Error| error.to_string();
        let credential = self.home.join("credential.json");
        std::fs::write(&credential, json!({ "apiToken": self.token }).to_string()).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&credential, mode).map_err(failed)?;
        }
        let file = self.home.join("users.jsonl");
        let lines: String =
            (0..USERS).map(|number| format!("{{\"secretId\":\"okta-dac/users/{number}\"}}\n")).collect();
        std::fs::write(&file, lines).map_err(failed)?;
        let credential = format!("file:{}", credential.display());
        let mut command = bare(&self.program, &["rotate", "batch", "--org", &self.okta.url()]);
        command.args(["--credential", &credential, "--file"]).arg(&file).env("HOME", &self.home);
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        let output = command.output().map_err(failed)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
