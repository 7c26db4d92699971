//! An Okta org, AWS accounts and a person's machine, for one test.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use aws_emulator::{AwsEmulator, DEMO_ACCOUNT};
use okta_emulator::{DEMO_ORG, Emulator, Seed};
use serde_json::{Value, json};

pub(crate) const READER: &str = "arn:aws:iam::123456789012:role/Reader";
pub(crate) const OPERATOR: &str = "arn:aws:iam::123456789012:role/Operator";
pub(crate) const AUDITOR: &str = "arn:aws:iam::123456789012:role/Auditor";
pub(crate) const PASSWORD: &str = "Demo-Passw0rd";
pub(crate) const TOTP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// A user with a password alone.
pub(crate) const USER: &str = "user@globex.test";
/// The user with a second factor, whose seed is [`TOTP`].
pub(crate) const WITH_FACTOR: &str = "user@acme.test";
/// What a person types to end a program.
pub(crate) const CTRL_C: &str = "\x03";
const APP: &str = "/app/amazon_aws/exk1awsaccount000001/sso/saml";

pub(crate) struct World {
    pub(crate) okta: Emulator,
    pub(crate) aws: AwsEmulator,
    pub(crate) home: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or_default());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Run {
    /// The data, of a run that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The messages, of a run that ended so and printed nothing.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        self.stderr
    }
}

impl World {
    /// A Classic org.
    pub(crate) async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        Self::with_seed(seed).await
    }

    pub(crate) async fn with_seed(seed: Seed) -> Self {
        tests::binaries();
        let okta = Emulator::start(okta_emulator::Options { port: 0, seed, state_file: None }).await.unwrap();
        okta.configure(|settings| settings.classic_engine = true);
        let seed = aws_emulator::Seed::parse(DEMO_ACCOUNT).unwrap();
        let aws =
            AwsEmulator::start(aws_emulator::Options { port: 0, seed, okta_url: okta.url() }).await.unwrap();
        Self { okta, aws, home: tempfile::tempdir().unwrap() }
    }

    /// Set up by `init`, for a user with a password alone.
    pub(crate) async fn set_up() -> Self {
        let world = Self::start().await;
        world.init(json!({})).await.ok();
        world
    }

    /// Set up by `init`, for the user who has a second factor, by its seed.
    pub(crate) async fn set_up_with_factor() -> Self {
        let world = Self::start().await;
        world.init(json!({ "username": WITH_FACTOR, "totpSeed": TOTP })).await.ok();
        world
    }

    /// `init` with these settings besides.
    pub(crate) async fn init(&self, more: Value) -> Run {
        let mut settings = json!({
            "ssoUrl": format!("{}{APP}", self.okta.url()), "username": USER, "password": PASSWORD,
            "store": "file",
        });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        self.run_with(&["init", "--stdin-json"], settings.to_string().into_bytes()).await
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home().join(".aws/config")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home().join(".local/state/okta-dac/aws")
    }

    /// The program, with nothing of this process's environment, and no terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(program()).arg("aws").args(arguments);
        self.surround(&mut command);
        command
    }

    /// The program itself, which Ctrl-C reaches however this process was started: what a
    /// shell starts in the background ignores Ctrl-C, and so do its children.
    pub(crate) fn interruptible(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(program()).arg("aws").args(arguments);
        self.surround(&mut command);
        command
    }

    /// The variables of a person's machine.
    pub(crate) fn surround(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("AWS_ENDPOINT_URL_SIGNIN", self.aws.url());
        command.env("OKTA_DAC_AWS_INSECURE_LOCAL", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments).spawn().unwrap()).await
    }

    pub(crate) async fn run_with(&self, arguments: &[&str], input: Vec<u8>) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        finish(child).await
    }

    pub(crate) async fn get_cred(&self, role: &str) -> Run {
        self.run(&["get-cred", "--role-arn", role]).await
    }

    /// How often Okta was asked this.
    pub(crate) fn okta_calls(&self, operation: &str) -> usize {
        self.okta.journal().iter().filter(|entry| entry.operation_id == Some(operation)).count()
    }

    /// How often AWS was asked this.
    pub(crate) fn aws_calls(&self, action: &str) -> usize {
        self.aws.journal().iter().filter(|entry| entry.action == action).count()
    }

    pub(crate) fn forget_calls(&self) {
        self.okta.clear_journal();
        self.aws.clear_journal();
    }

    /// A fault of AWS's.
    pub(crate) fn aws_fault(&self, fault: Value) {
        self.aws.order(serde_json::from_value(fault).unwrap());
    }

    /// Runs with a terminal, on which a person sees and types; what they saw comes back, too.
    pub(crate) async fn run_with_terminal(
        &self,
        arguments: &[&str],
        person: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> (Run, String) {
        self.converse_with(self.command(arguments), person).await
    }

    /// The same with a command that was made before.
    pub(crate) async fn converse_with(
        &self,
        quiet: Command,
        person: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> (Run, String) {
        let (master, terminal) = pty();
        // The terminal becomes the one of the new session; stdin is the only way to name it.
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", "setsid", "--ctty"]).args(quiet.get_args());
        self.surround(&mut command);
        for (name, value) in quiet.get_envs() {
            value.map(|value| command.env(name, value));
        }
        let child = command.stdin(terminal).spawn().unwrap();
        // Its own copy would keep the terminal alive.
        drop(command);
        let seen = tokio::task::spawn_blocking(move || converse(master, person));
        let run = finish(child).await;
        (run, seen.await.unwrap())
    }
}

/// Plays the person until the terminal is gone.
fn converse(mut master: std::fs::File, mut person: impl FnMut(&str) -> Option<String>) -> String {
    let (mut seen, mut answered, mut buffer) = (String::new(), 0, [0; 4096]);
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if let Some(answer) = person(&seen[answered..]) {
            answered = seen.len();
            let end = if answer == CTRL_C { "" } else { "\n" };
            let _ = master.write_all(format!("{answer}{end}").as_bytes());
        }
    }
    let modes = rustix::termios::tcgetattr(&master).unwrap().local_modes;
    assert!(modes.contains(rustix::termios::LocalModes::ECHO), "what is typed is shown again: {seen}");
    seen
}

/// A new pseudo-terminal: the person's side, and the program's.
fn pty() -> (std::fs::File, std::fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (std::fs::File::from(master), terminal)
}

/// Waits without holding up the emulators.
async fn finish(child: Child) -> Run {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap().into()).await.unwrap()
}

pub(crate) fn program() -> PathBuf {
    tests::binaries().join("okta-dac")
}

/// The JSON of a credential process.
pub(crate) fn credentials(text: &str) -> Value {
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}
