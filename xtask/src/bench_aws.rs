//! `make bench ARGS='--only aws'`: what `okta-dac aws` takes, beside its peers and the floor.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_emulator::AwsEmulator;
use okta_dac::aws::profiles::{Content, Profile, ProfileFile};
use okta_dac::environment::{Environment, Folders};
use okta_emulator::{DEMO_ORG, Emulator, Seed};
use serde_json::{Value, json};

/// Runs of each command, after so many that are not counted.
const RUNS: usize = 500;
const WARM: usize = 20;

/// Processes at once, and roles of one sign-in.
const MANY: usize = 100;

/// What Okta and AWS take for a call.
const LATENCY_MS: u64 = 50;

/// Profiles of a file of a megabyte.
const PROFILES: usize = 500;

const ROLE: &str = "arn:aws:iam::123456789012:role/bulk/Role0";

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

    // The floor: a program that prints a file.
    let kept = world.home.join("kept.json");
    std::fs::write(&kept, output(world.command(&["get-cred", "--role-arn", ROLE])?)?)
        .map_err(|error| error.to_string())?;
    let floor = || {
        let mut cat = Command::new("cat");
        cat.arg(&kept);
        cat
    };
    let times = timed(RUNS, || world.command(&["get-cred", "--role-arn", ROLE]))?;
    row("get-cred, kept", "median 10 ms, p99 25 ms", percentiles(&times));
    row("`cat` of a file (the floor)", "", percentiles(&timed(RUNS, || Ok(floor()))?));
    let version = || Ok(bare(&world.program, &["--version"]));
    row("okta-dac --version", "5 ms", percentiles(&timed(RUNS, version)?));
    row("sockets of get-cred, kept", "0", sockets(&world)?);
    row("memory of get-cred, kept", "12 MB", memory(&world)?);
    let python = root.join(".tools/conformance-gimme/bin/python");
    if python.exists() {
        // It does not print its version without a configuration.
        let times = timed(10, || Ok(bare(&python, &["-c", "import gimme_aws_creds.main"])))?;
        row("gimme-aws-creds: loading its modules (its floor)", "", percentiles(&times));
        for (what, goal, figures) in world.botocore(root, &kept)? {
            row(&what, goal, figures);
        }
    }

    world.latency(LATENCY_MS);
    world.logout()?;
    let started = Instant::now();
    let children: Result<Vec<_>, String> = (0..MANY)
        .map(|_| {
            let mut command = world.command(&["get-cred", "--role-arn", ROLE])?;
            command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())
        })
        .collect();
    let ends =
        children?.into_iter().map(|child| tokio::task::spawn_blocking(move || child.wait_with_output()));
    let mut answers = std::collections::BTreeSet::new();
    for end in futures::future::join_all(ends).await {
        let output = end.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        answers.insert(output.stdout);
    }
    let calls = world.calls();
    row(
        "100 processes, nothing kept, 50 ms for a call",
        "1 sign-in, 1 call of STS, 2 s",
        format!("{} answer, {calls}, {:.2} s", answers.len(), started.elapsed().as_secs_f64()),
    );

    world.forget();
    let started = Instant::now();
    let mut refresh = world.command(&["refresh"])?;
    refresh.stdout(Stdio::null());
    let child = refresh.spawn().map_err(|error| error.to_string())?;
    let end = tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .map_err(|error| error.to_string())?;
    end.map_err(|error| error.to_string())?;
    row(
        "refresh of 100 roles, 50 ms for a call",
        "3 s",
        format!("{}, {:.2} s", world.calls(), started.elapsed().as_secs_f64()),
    );

    row("500 profiles into a file of 1 MB, without the network", "200 ms", profiles(&world.home)?);
    Ok(rows)
}

/// An org, accounts, and a folder that is the home.
struct World {
    okta: Emulator,
    aws: AwsEmulator,
    program: PathBuf,
    home: PathBuf,
}

impl World {
    async fn start(root: &Path) -> Result<Self, String> {
        let name = |number: usize| format!("arn:aws:iam::123456789012:role/bulk/Role{number}");
        let mut seed = Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?;
        for app in seed.apps.iter_mut().filter_map(|app| app.aws.as_mut()) {
            app.roles = (0..MANY).map(name).collect();
        }
        let options = okta_emulator::Options { port: 0, seed, state_file: None };
        let okta = Emulator::start(options).await.map_err(|error| error.to_string())?;
        okta.configure(|settings| settings.classic_engine = true);
        let role = |number: usize| format!("      - {{name: bulk/Role{number}, trusts: [\"saml:Okta\"]}}\n");
        let roles: String = (0..MANY).map(role).collect();
        let accounts = format!(
            "accounts:\n  - id: \"123456789012\"\n    samlProviders: [{{name: Okta, metadata: /app/exk1awsaccount000001/sso/saml/metadata}}]\n    roles:\n{roles}"
        );
        let seed = aws_emulator::Seed::parse(&accounts).map_err(|error| error.to_string())?;
        let options = aws_emulator::Options { port: 0, seed, okta_url: okta.url() };
        let aws = AwsEmulator::start(options).await.map_err(|error| error.to_string())?;
        let home = root.join("target/bench-aws");
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let world = Self { okta, aws, program: root.join("target/release/okta-dac"), home };
        let settings = json!({
            "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()),
            "username": "user@globex.test", "password": "Demo-Passw0rd", "store": "file",
        });
        let file = world.home.join("settings.json");
        std::fs::write(&file, settings.to_string()).map_err(|error| error.to_string())?;
        let mut init = world.command(&["init", "--stdin-json"])?;
        init.stdin(std::fs::File::open(&file).map_err(|error| error.to_string())?);
        run_quietly(init).await?;
        run_quietly(world.command(&["get-cred", "--role-arn", ROLE])?).await?;
        Ok(world)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, String> {
        let mut command = bare(&self.program, &["aws"]);
        command.args(arguments).env("HOME", &self.home).env("AWS_ENDPOINT_URL", self.aws.url());
        Ok(command)
    }

    fn latency(&self, milliseconds: u64) {
        self.okta.configure(|settings| settings.latency_ms = milliseconds);
        self.aws.configure(|settings| settings.latency_ms = milliseconds);
    }

    fn logout(&self) -> Result<(), String> {
        output(self.command(&["logout"])?)?;
        self.forget();
        Ok(())
    }

    fn forget(&self) {
        self.okta.clear_journal();
        self.aws.clear_journal();
    }

    fn calls(&self) -> String {
        let sign_ins = self.okta.journal().iter().filter(|entry| entry.operation_id == Some("authn")).count();
        let sts = self.aws.journal().iter().filter(|entry| entry.action == "AssumeRoleWithSAML").count();
        format!("{sign_ins} sign-ins, {sts} calls of STS")
    }

    /// botocore with our profile, and with `cat` of the same answer.
    fn botocore(&self, root: &Path, kept: &Path) -> Result<Vec<(String, &'static str, String)>, String> {
        let config = self.home.join("botocore-config");
        let program = self.program.display();
        let text = format!(
            "[profile okta-dac]\ncredential_process = \"{program}\" aws get-cred --role-arn \"{ROLE}\"\n[profile cat]\ncredential_process = cat {}\n",
            kept.display()
        );
        std::fs::write(&config, text).map_err(|error| error.to_string())?;
        let mut python =
            bare(&root.join(".tools/conformance-gimme/bin/python"), &["tests/conformance/bench_botocore.py"]);
        python.args(["okta-dac", "cat"]).current_dir(root);
        python.env("AWS_CONFIG_FILE", &config).env("HOME", &self.home);
        let said: Value = serde_json::from_slice(&output(python)?).map_err(|error| error.to_string())?;
        let of = |profile: &str| {
            let figure = |name: &str| said[profile][name].as_f64().unwrap_or_default();
            format!("median {:.1} ms, p99 {:.1} ms", figure("median"), figure("p99"))
        };
        Ok(vec![
            ("get-cred, kept, through botocore".to_owned(), "20 ms", of("okta-dac")),
            ("`cat` through botocore (the floor)".to_owned(), "", of("cat")),
        ])
    }
}

/// A command with an environment of its own.
pub(crate) fn bare(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("OKTA_DAC_AWS_INSECURE_LOCAL", "1");
    command
}

fn output(mut command: Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

/// In another thread: the emulators answer meanwhile.
async fn run_quietly(command: Command) -> Result<(), String> {
    let done = tokio::task::spawn_blocking(move || output(command)).await;
    done.map_err(|error| error.to_string())?.map(drop)
}

/// Wall times of a command, sorted.
fn timed(runs: usize, command: impl Fn() -> Result<Command, String>) -> Result<Vec<Duration>, String> {
    let mut times = Vec::with_capacity(runs);
    for number in 0..runs + WARM.min(runs) {
        let mut command = command()?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        run(command)?;
        if number >= WARM.min(runs) {
            times.push(started.elapsed());
        }
    }
    times.sort();
    Ok(times)
}

pub(crate) fn percentiles(times: &[Duration]) -> String {
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("median {:.1} ms, p95 {:.1} ms, p99 {:.1} ms", at(50), at(95), at(99))
}

/// How many sockets the kernel was asked for.
fn sockets(world: &World) -> Result<String, String> {
    let own = world.command(&["get-cred", "--role-arn", ROLE])?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=%network"]).arg(&world.program).args(own.get_args());
    strace.env_clear().env("HOME", &world.home).env("PATH", "/usr/bin:/bin");
    match strace.output() {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stderr)
            .lines()
            .filter(|line| line.contains("socket("))
            .count()
            .to_string()),
        Err(_) => Ok("strace is missing".to_owned()),
    }
}

/// The most memory that was resident, read while the process waits for a reader.
fn memory(world: &World) -> Result<String, String> {
    let failed = |error: std::io::Error| error.to_string();
    let (_reader, mut full) = std::io::pipe().map_err(failed)?;
    full.write_all(&[0; 65_536]).map_err(failed)?;
    let mut command = world.command(&["get-cred", "--role-arn", ROLE])?;
    let mut child = command.stdout(full).spawn().map_err(failed)?;
    let status = format!("/proc/{}/status", child.id());
    let started = Instant::now();
    let mut figure = "not known".to_owned();
    while started.elapsed() < Duration::from_secs(5) {
        let text = std::fs::read_to_string(&status).map_err(failed)?;
        let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if of("State:").is_some_and(|state| state.starts_with('S')) && of("Name:") == Some("okta-dac") {
            let kilobytes =
                of("VmHWM:").and_then(|text| text.trim_end_matches("kB").trim().parse::<f64>().ok());
            figure = format!("{:.1} MB", kilobytes.unwrap_or_default() / 1024.0);
            break;
        }
    }
    child.kill().and_then(|()| child.wait()).map_err(failed)?;
    Ok(figure)
}

/// An edit of a large file.
fn profiles(home: &Path) -> Result<String, String> {
    let file = home.join("large-config");
    let other =
        |number: usize| format!("[profile other{number}]\n# {}\nregion = eu-west-1\n", "x".repeat(1_900));
    std::fs::write(&file, (0..PROFILES).map(other).collect::<String>()).map_err(|error| error.to_string())?;
    let environment = Environment::default();
    let folders = Folders::new(&environment, Some(home));
    let edited = ProfileFile::find(&environment, &folders, Some(&file), None);
    let profiles: Vec<Profile> = (0..PROFILES)
        .map(|number| Profile {
            name: format!("okta-{number}"),
            role: format!("arn:aws:iam::123456789012:role/Role{number}"),
            org: okta_dac::aws::settings::DEFAULT_ORG.to_owned(),
            region: None,
            content: Content::Process(format!("run {number}")),
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut figures = Vec::new();
    for _ in 0..2 {
        let started = Instant::now();
        edited.edit(&profiles, &|_| false, false, false, deadline).map_err(|failure| failure.to_string())?;
        figures.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(format!("new {:.0} ms, again {:.0} ms", figures[0], figures[1]))
}
