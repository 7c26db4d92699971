//! `okta-dac connect` and `connection`, end to end: the real program against an Okta org on
//! this machine.

#![expect(clippy::unwrap_used, reason = "tests")]

mod deployment;
mod setup;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};
use serde_json::Value;

struct World {
    okta: Emulator,
    home: tempfile::TempDir,
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl World {
    async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let okta = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        Self { okta, home: tempfile::tempdir().unwrap() }
    }

    fn credential(&self) -> PathBuf {
        self.home.path().join("credential.json")
    }

    fn token(&self) -> String {
        self.okta.api_token("superuser@demo.test").unwrap()
    }

    /// The program, with nothing of this process's environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tests::binaries().join("okta-dac"));
        command.args(arguments).env_clear().env("HOME", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs with something on stdin.
    async fn run(&self, arguments: &[&str], input: &str) -> Run {
        Self::run_of(self.command(arguments), input).await
    }

    async fn run_of(mut command: Command, input: &str) -> Run {
        let input = input.to_owned();
        let run = move || {
            let mut child = command.spawn().unwrap();
            // A program that wants none has closed its end.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            let output = child.wait_with_output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            Run {
                code: output.status.code().unwrap(),
                stdout: text(output.stdout),
                stderr: text(output.stderr),
            }
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    async fn connect(&self, more: &[&str], token: &str) -> Run {
        let (org, to) = (self.okta.url(), format!("file:{}", self.credential().display()));
        let arguments =
            [&["connect", "service-app", "--org", &org, "--to", &to, "--key", "p-256"], more].concat();
        self.run(&arguments, token).await
    }
}

impl Run {
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{} {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// REZ-01 to REZ-03: nothing on the command line, nothing printed, and the token is dead.
#[tokio::test]
async fn rez_02_a_connection_is_made_and_proven_and_no_secret_is_shown() {
    let world = World::start().await;
    let token = world.token();
    let run = world.connect(&["--preset", "rotation"], &token).await;
    let report = run.json();
    assert_eq!((&report["bootstrapToken"], &report["dpop"]), (&"revoked".into(), &true.into()));
    let kept = std::fs::read_to_string(world.credential()).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let key = kept["privateKey"].as_str().unwrap();
    let canary = key.lines().nth(1).unwrap();
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(canary) && !text.contains(&token), "{text}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(world.credential()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    // Dead: the same command says so, and changes nothing.
    let again = world.connect(&["--preset", "rotation"], &token).await;
    assert_eq!((again.code, again.stdout.as_str()), (21, ""), "{}", again.stderr);
    let org = world.okta.url();
    let to = format!("file:{}", world.credential().display());
    let verify = ["connection", "verify", "--org", &org, "--to", &to, "--preset", "rotation"];
    assert_eq!(world.run(&verify, "").await.json()["clientId"], kept["clientId"]);
    // What it is not to be: more is asked than it has, and less than it has is too strong.
    let other = ["connection", "verify", "--org", &org, "--to", &to, "--preset", "logs"];
    assert_eq!(world.run(&other, "").await.code, 23);
}

#[tokio::test]
async fn a_dry_run_reads_only_and_prints_the_plan() {
    let world = World::start().await;
    let token = world.token();
    let plan = world.connect(&["--preset", "response", "--dry-run"], &token).await.json();
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["do"].as_str().unwrap()).collect();
    assert_eq!(steps.first(), Some(&"makeKey"));
    assert_eq!(steps.last(), Some(&"revokeToken"));
    assert!(!world.credential().exists());
    assert!(world.okta.journal().iter().all(|call| call.method == "GET"));
    // The very token goes on to the run.
    world.connect(&["--preset", "response"], &token).await.json();
}

/// REZ-01: a token as an argument is refused before it is parsed, and not repeated.
#[tokio::test]
async fn rez_01_a_token_on_the_command_line_is_refused() {
    let world = World::start().await;
    let token = format!("00{}", "aB3_-".repeat(8));
    for words in [vec!["--token", &token], vec![token.as_str()]] {
        let run = world.connect(&words, "").await;
        assert_eq!((run.code, run.stdout.as_str()), (64, ""));
        assert!(run.stderr.contains("stdin") && !run.stderr.contains(&token), "{}", run.stderr);
    }
    // Options of the program before the group change nothing.
    let run = world.run(&["--json", "connect", "service-app", &token], "").await;
    assert!(run.code == 64 && !run.stderr.contains(&token), "{}", run.stderr);
    assert!(world.okta.journal().is_empty());
}

#[tokio::test]
async fn bad_input_is_one_sentence_and_no_call() {
    let world = World::start().await;
    let token = world.token();
    for (words, said) in [
        (&["--preset", "everything"][..], "there is no preset `everything`"),
        (&["--users", "group:"], "group:ID"),
        (&["--token-file", "/nothing/here"], "cannot be read"),
    ] {
        let run = world.connect(words, &token).await;
        assert_eq!((run.code, run.stdout.as_str()), (64, ""), "{words:?} {}", run.stderr);
        assert!(run.stderr.contains(said), "{words:?}: {}", run.stderr);
    }
    let run = world.connect(&[], "").await;
    assert!(run.code == 64 && run.stderr.contains("no API token was given"), "{}", run.stderr);
    let nowhere = ["connect", "service-app", "--org", "https://acme.test", "--to", "nowhere"];
    let run = world.run(&nowhere, &token).await;
    assert!(run.code == 64 && run.stderr.contains("file:PATH"), "{}", run.stderr);
    // REZ-04: any URL of an org, and nothing but an org's.
    let to = format!("file:{}", world.credential().display());
    for org in ["acme", "http://acme.test", "https://acme.test/login"] {
        let run = world.run(&["connect", "service-app", "--org", org, "--to", &to], &token).await;
        assert!(run.code == 64 && run.stderr.contains("is not the origin of an Okta org"), "{}", run.stderr);
    }
    assert!(world.okta.journal().is_empty());
}

/// What others can read is no place for a credential, nor one that holds something else.
#[tokio::test]
async fn a_file_that_others_read_is_refused() {
    let world = World::start().await;
    std::fs::write(world.credential(), "{\"theirs\":1}").unwrap();
    assert_eq!(world.connect(&[], &world.token()).await.code, 64);
    std::fs::set_permissions(world.credential(), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let run = world.connect(&[], &world.token()).await;
    assert!(run.code == 13 && !run.stderr.contains("theirs"), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(world.credential()).unwrap(), "{\"theirs\":1}");
}

/// The page's own commands, in its order; a rotation and an upgrade take five minutes at
/// least, and are proven elsewhere.
#[tokio::test]
async fn the_walkthroughs_of_the_page_run() {
    let world = World::start().await;
    let page = std::fs::read_to_string(tests::repository().join("docs/connections.md")).unwrap();
    let lines = page.lines().filter_map(|line| line.strip_prefix("$ okta-dac "));
    let (mut ran, mut planned) = (0, 0);
    for line in lines {
        let place = format!("file:{}/", world.home.path().display());
        let line = line.replace("https://acme.okta.com", &world.okta.url()).replace("file:", &place);
        let words: Vec<&str> = line.trim_end_matches(" < token").split(' ').collect();
        let reads = ["verify", "list", "api-token", "--dry-run"].iter().any(|word| words.contains(word));
        if !reads {
            world.okta.clear_journal();
            let plan = world.run(&[&words[..], &["--dry-run"]].concat(), &world.token()).await.json();
            assert!(!plan["steps"].as_array().unwrap().is_empty(), "{line}: {plan}");
            assert!(world.okta.journal().iter().all(|call| call.method == "GET"), "{line}");
            planned += 1;
        }
        if !line.contains("rotate-") && !line.contains("upgrade") {
            let run = world.run(&words, &world.token()).await;
            assert_eq!(run.code, 0, "{line}: {}", run.stderr);
            assert!(serde_json::from_str::<Value>(&run.stdout).is_ok(), "{line}: {}", run.stdout);
            ran += 1;
        }
    }
    assert_eq!((ran, planned), (9, 7));
    assert!(!world.home.path().join("tool.json").exists(), "taken out");
}

/// What ends a connection is asked for.
#[tokio::test]
async fn the_end_of_a_connection_is_asked_for() {
    let world = World::start().await;
    world.connect(&["--preset", "logs"], &world.token()).await.json();
    let (org, to) = (world.okta.url(), format!("file:{}", world.credential().display()));
    for what in ["revoke", "uninstall"] {
        let run = world.run(&["connection", what, "--org", &org, "--to", &to], &world.token()).await;
        assert!(run.code == 64 && run.stderr.contains("--yes"), "{what}: {}", run.stderr);
    }
    let run =
        world.run(&["connection", "rotate-key", "--org", &org, "--to", &to, "--overlap", "10"], "").await;
    assert!(run.code == 64 && run.stderr.contains("300"), "{}", run.stderr);
    // The credential of another org is not touched.
    let other = World::start().await;
    let wrong = ["connection", "uninstall", "--yes", "--org", &other.okta.url(), "--to", &to];
    let run = world.run(&wrong, &other.token()).await;
    assert!(run.code == 64 && run.stderr.contains("is of http"), "{}", run.stderr);
    assert!(world.credential().exists());
}

/// Killed at every call: the same command ends with one app and one key, and nothing else of
/// ours is left after its end.
#[tokio::test]
async fn a_killed_connect_is_completed_by_the_same_command() {
    let world = World::start().await;
    world.okta.configure(|settings| settings.latency_ms = 5);
    let (org, to) = (world.okta.url(), format!("file:{}", world.credential().display()));
    let words = ["--org", &org, "--to", &to, "--preset", "rotation"];
    let connect = [&["connect", "service-app", "--key", "p-256"], &words[..]].concat();
    let mut killed = 0;
    for call in 1..=40 {
        let before = world.okta.arrivals();
        let mut child = world.command(&connect).spawn().unwrap();
        child.stdin.take().unwrap().write_all(world.token().as_bytes()).unwrap();
        while world.okta.arrivals() < before + call && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        let run = world.run(&connect, &world.token()).await;
        assert_eq!(run.code, 0, "call {call}: {}", run.stderr);
        let snapshot = world.okta.snapshot();
        let apps = snapshot["apps"].as_object().unwrap().values();
        let keys: Vec<usize> = apps
            .filter(|app| app["label"] == "okta-dac rotation")
            .map(|app| app["settings"]["oauthClient"]["jwks"]["keys"].as_array().unwrap().len())
            .collect();
        assert_eq!(keys, [1], "call {call}");
        let verify = [&["connection", "verify"], &words[..]].concat();
        assert_eq!(world.run(&verify, "").await.code, 0, "call {call}");
        let uninstall = ["connection", "uninstall", "--yes", "--org", &org, "--to", &to];
        assert_eq!(world.run(&uninstall, &world.token()).await.code, 0, "call {call}");
        let snapshot = world.okta.snapshot();
        for kind in ["custom_roles", "resource_sets"] {
            assert_eq!(snapshot[kind].as_object().unwrap().len(), 0, "call {call}: {kind}");
        }
    }
    assert!(killed > 20, "{killed}");
}
