//! An Okta org, and the program.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use okta_emulator::{DEMO_ORG, Emulator, Options, Seed};
use serde_json::{Value, json};

pub(crate) const LOGIN: &str = "user@acme.test";
pub(crate) const OLD: &str = "Demo-Passw0rd";
pub(crate) const NEW: &str = "Canary+Passw0rd-of-the-vault";

pub(crate) struct World {
    pub(crate) okta: Emulator,
    pub(crate) token: String,
    home: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) line: Value,
    /// Both streams.
    pub(crate) text: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let token = seed.api_token.token.clone();
        let okta = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        Self { okta, token, home: tempfile::tempdir().unwrap() }
    }

    /// The record with the credential.
    pub(crate) fn record(&self) -> Value {
        json!({
            "uid": "record-1", "title": "Okta API Access Details", "login": "", "password": self.token,
            "url": self.okta.url(),
        })
    }

    /// Parameters as Keeper hands them over.
    pub(crate) fn parameters(&self) -> Value {
        json!({
            "providerRecordUid": "p", "resourceRecordUid": null, "userRecordUid": "u", "user": LOGIN,
            "newPassword": NEW, "oldPassword": OLD, "records": encoded(&json!([self.record()])),
        })
    }

    /// The program, with nothing of this process's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tests::binaries().join("okta-dac"));
        command.arg("rotate").args(arguments).env_clear().env("HOME", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `rotate keeper`.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(&[&["keeper"], arguments].concat()).spawn().unwrap()
    }

    /// Runs the program with something on stdin.
    pub(crate) async fn keeper_of(&self, arguments: &[&str], input: Vec<u8>) -> Run {
        let child = self.spawn(arguments);
        tokio::task::spawn_blocking(move || ended(child, &input)).await.unwrap()
    }

    /// Runs the program with parameters.
    pub(crate) async fn keeper(&self, arguments: &[&str], parameters: &Value) -> Run {
        self.keeper_of(arguments, piped(parameters)).await
    }

    /// The password that works, of the two.
    pub(crate) fn works(&self) -> &'static str {
        match [OLD, NEW].map(|one| self.okta.is_password(LOGIN, one)) {
            [true, false] => OLD,
            [false, true] => NEW,
            other => panic!("not one of them works: {other:?}"),
        }
    }

    /// Signs in with the old password, and gives the cookie of the session.
    pub(crate) async fn session(&self) -> String {
        let client = reqwest::Client::builder().build().unwrap();
        let post = |path: &str, body: &Value| {
            client.post(format!("{}/api/v1/{path}", self.okta.url())).json(body).send()
        };
        // With a password alone.
        let reset = client.post(format!("{}/api/v1/users/{LOGIN}/lifecycle/reset_factors", self.okta.url()));
        let reset =
            reset.header("authorization", format!("SSWS {}", self.token)).json(&json!({})).send().await;
        reset.unwrap().error_for_status().unwrap();
        let signed_in = post("authn", &json!({ "username": LOGIN, "password": OLD })).await.unwrap();
        let token = signed_in.json::<Value>().await.unwrap()["sessionToken"].clone();
        let session = post("sessions", &json!({ "sessionToken": token })).await.unwrap();
        let cookie = session.error_for_status().unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Whether a session is still there.
    pub(crate) async fn is_session(&self, cookie: &str) -> bool {
        let call = reqwest::Client::builder()
            .build()
            .unwrap()
            .get(format!("{}/api/v1/sessions/me", self.okta.url()));
        call.header("cookie", cookie).send().await.unwrap().status().is_success()
    }

    pub(crate) fn status(&self) -> String {
        let users = self.okta.snapshot()["users"].clone();
        let user = users.as_object().unwrap().values().find(|user| user["profile"]["login"] == LOGIN);
        user.unwrap()["status"].as_str().unwrap().to_owned()
    }

    /// Failed sign-ins in the journal, with those by a wrong old password.
    pub(crate) fn failed_sign_ins(&self) -> usize {
        let journal = self.okta.journal();
        let failed = journal.iter().filter(|call| {
            (call.operation_id == Some("authn") && call.status == 401)
                || (call.operation_id == Some("changePassword") && call.status == 403)
        });
        failed.count()
    }
}

/// Base64 of JSON.
pub(crate) fn encoded(value: &Value) -> String {
    BASE64_STANDARD.encode(value.to_string())
}

/// As a shell pipes it.
pub(crate) fn piped(parameters: &Value) -> Vec<u8> {
    format!("{}\n", encoded(parameters)).into_bytes()
}

/// Gives the program its stdin, and waits for its end.
pub(crate) fn ended(mut child: Child, input: &[u8]) -> Run {
    // A program that wants none has closed its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stdout.lines().count() <= 1, "{stdout}");
    Run {
        code: output.status.code().unwrap(),
        line: serde_json::from_str(&stdout).unwrap_or_default(),
        text: stdout + &stderr,
    }
}
