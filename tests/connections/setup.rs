//! `okta-dac org setup`: the real program against an org that nobody prepared and an AWS account,
//! both on this machine.

use std::sync::{Arc, Mutex};

use aws_emulator::{AwsEmulator, DEMO_ACCOUNT};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use okta_emulator::{Action, DEMO_ORG, Drop, Emulator, Fault, Options, Seed};
use serde_json::{Value, json};

use crate::{Run, World};

pub(crate) struct Org {
    pub(crate) world: World,
    aws: AwsEmulator,
}

impl Org {
    pub(crate) async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap().unprepared();
        let okta = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        let seed = aws_emulator::Seed::parse(DEMO_ACCOUNT).unwrap();
        let options = aws_emulator::Options { port: 0, seed, okta_url: okta.url() };
        let aws = AwsEmulator::start(options).await.unwrap();
        Self { world: World { okta, home: tempfile::tempdir().unwrap() }, aws }
    }

    fn file(&self) -> std::path::PathBuf {
        self.world.home.path().join("samconfig.toml")
    }

    pub(crate) async fn setup(&self, more: &[&str], token: &str) -> Run {
        let file = self.file().display().to_string();
        self.run("setup", &[&["--samconfig", &file], more].concat(), token).await
    }

    async fn run(&self, what: &str, more: &[&str], token: &str) -> Run {
        let org = self.world.okta.url();
        let fixed = ["--output", "json", "org", what, "--org", &org];
        let mut command = self.world.command(&[&fixed, more].concat());
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        World::run_of(command, token).await
    }

    fn secret(&self, name: &str) -> Value {
        serde_json::from_str(&self.aws.vault().secret(name).unwrap()).unwrap()
    }
}

pub(crate) const ALL: [&str; 6] =
    ["--secrets", "okta-dac/", "--origin", "https://app.example.test", "--superuser", "superuser@demo.test"];

#[tokio::test]
async fn an_org_is_prepared_with_credentials_and_the_file_of_the_deployment() {
    let org = Org::start().await;
    let token = org.world.token();
    let run = org.setup(&ALL, &token).await;
    let report = run.json();
    assert_eq!(report["bootstrapToken"], "revoked");
    let file = std::fs::read_to_string(org.file()).unwrap();
    let parameters = report["parameters"].as_object().unwrap();
    for (name, value) in parameters {
        assert!(file.contains(&format!("  \"{name}={}\",\n", value.as_str().unwrap())), "{name}: {file}");
    }
    let secrets = ["okta-dac/okta-credential", "okta-dac/okta-read", "okta-dac/hook-secret"];
    for (parameter, name) in
        ["OktaCredentialSecretArn", "OktaReadCredentialSecretArn", "HookSecretArn"].into_iter().zip(secrets)
    {
        let arn = parameters[parameter].as_str().unwrap();
        assert!(arn.starts_with("arn:aws:secretsmanager:") && arn.contains(name), "{arn}");
    }
    // No secret is anywhere but in its secret.
    let key = |name| org.secret(name)["privateKey"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
    let hook = org.secret(secrets[2])["current"].as_str().unwrap().to_owned();
    assert_eq!(hook.len(), 64);
    for secret in [key(secrets[0]), key(secrets[1]), hook.clone(), token.clone()] {
        for text in [&run.stdout, &run.stderr, &file] {
            assert!(!text.contains(&secret), "{text}");
        }
    }
    // The token is dead, and a new one finds nothing to do.
    let dead = org.setup(&ALL, &token).await;
    assert!(dead.code != 0 && dead.stdout.is_empty(), "{} {}", dead.code, dead.stderr);
    org.world.okta.catch_up();
    let before = org.world.okta.stable_snapshot();
    let again = org.setup(&ALL, &org.world.token()).await.json();
    assert_eq!((&again["made"], &again["parameters"]), (&json!([]), &report["parameters"]));
    assert_eq!(org.secret(secrets[2])["current"], hook.as_str());
    assert_eq!(std::fs::read_to_string(org.file()).unwrap(), file);
    let now = org.world.okta.stable_snapshot();
    for kind in ["groups", "apps", "authorization_servers", "trusted_origins", "idp_keys"] {
        let names = |of: &Value| of[kind].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&now), names(&before), "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_made() {
    let org = Org::start().await;
    let before = org.world.okta.snapshot();
    let token = org.world.token();
    let refused = |run: Run, code: i32, says: &str| {
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    };
    refused(org.setup(&["--origin", "https://a.test/path"], &token).await, 2, "scheme, host and port");
    let origin = ["--origin", "https://app.example.test"];
    refused(
        org.setup(&[&origin[..], &["--superuser", "nobody@demo.test"]].concat(), &token).await,
        2,
        "there is no such user",
    );
    refused(org.setup(&[&origin[..], &["--rotation"]].concat(), &token).await, 2, "--secrets");
    std::fs::write(org.file(), "parameter_overrides = \"A=b\"\n").unwrap();
    refused(org.setup(&[], &token).await, 2, "--origin");
    refused(org.setup(&origin, &token).await, 2, "samconfig.toml.example");
    std::fs::remove_file(org.file()).unwrap();
    let shown = org.setup(&["--token", &token], "").await;
    assert!(!shown.stderr.contains(&token), "{}", shown.stderr);
    refused(shown, 2, "stdin");
    let plan = org.setup(&[&origin[..], &["--dry-run"]].concat(), &token).await.json();
    assert!(plan["steps"].as_array().unwrap().len() > 10, "{plan}");
    assert!(!org.file().exists());
    assert_eq!(org.world.okta.snapshot()["groups"], before["groups"]);
}

/// An API that answers the verification of a hook with this secret, at an address.
async fn api(secret: Arc<Mutex<String>>) -> String {
    let verify = async move |headers: HeaderMap| {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match text("authorization") == *secret.lock().unwrap() {
            true => Ok(Json(json!({ "verification": text("x-okta-verification-challenge") }))),
            false => Err(StatusCode::UNAUTHORIZED),
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/events/okta", get(verify));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/v1")
}

/// The same command again, once the API is deployed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hooks_are_made_and_proven_once_the_api_is_deployed() {
    let org = Org::start().await;
    org.setup(&ALL, &org.world.token()).await.json();
    let knows = Arc::new(Mutex::new("another".to_owned()));
    let address = api(Arc::clone(&knows)).await;
    let run = async |more: &[&str]| {
        let words = [&ALL[..], &["--delegation", "--api", &address], more].concat();
        org.setup(&words, &org.world.token()).await
    };
    // The API has another secret, as before its deployment: the same command goes on.
    let early = run(&[]).await;
    assert_eq!(early.code, 20, "{}", early.stderr);
    assert!(early.stderr.contains("did not revoke the bootstrap token"), "{}", early.stderr);
    assert!(
        early.stderr.contains("/v1/events/okta") && early.stderr.contains("HookSecretArn"),
        "{}",
        early.stderr
    );
    *knows.lock().unwrap() = org.secret("okta-dac/hook-secret")["current"].as_str().unwrap().to_owned();
    let hooks = run(&[]).await.json()["hooks"].clone();
    assert_eq!(hooks["made"], json!(["let Okta verify the event hook"]), "{hooks}");
    let again = run(&[]).await.json()["hooks"].clone();
    assert_eq!(again["made"], json!([]));
    assert_eq!(
        [&again["eventHookId"], &again["tokenHookId"]],
        [&hooks["eventHookId"], &hooks["tokenHookId"]]
    );
    // The secret was replaced: both hooks send the new one.
    let other = "0123456789abcdef0123456789abcdef";
    org.aws.vault().plant_secret("okta-dac/hook-secret", &json!({ "current": other }).to_string());
    other.clone_into(&mut knows.lock().unwrap());
    let mended = run(&[]).await;
    assert!(!mended.stdout.contains(other) && !mended.stderr.contains(other));
    assert_eq!(
        mended.json()["hooks"]["made"],
        json!(["write the token hook", "write the event hook", "let Okta verify the event hook"])
    );
    let snapshot = org.world.okta.snapshot();
    for kind in ["event_hooks", "inline_hooks"] {
        let hooks: Vec<&Value> = snapshot[kind].as_object().unwrap().values().collect();
        assert_eq!(hooks.len(), 1, "{kind}");
        assert_eq!(hooks[0]["channel"]["config"]["authScheme"]["value"], other, "{kind}");
    }
    // Another deployment's address is written into the hook of before; a hook that is somebody
    // else's stops the run.
    let elsewhere = api(knows).await;
    let moved = org.setup(&[&ALL[..], &["--api", &elsewhere]].concat(), &org.world.token()).await.json();
    assert_eq!(
        moved["hooks"]["made"],
        json!(["write the token hook", "write the event hook", "let Okta verify the event hook"])
    );
    // While the API takes a former secret, a verification proves nothing: both are written.
    let both = json!({ "current": other, "previous": "f".repeat(32) }).to_string();
    org.aws.vault().plant_secret("okta-dac/hook-secret", &both);
    let words = [&ALL[..], &["--api", &elsewhere]].concat();
    let written = org.setup(&words, &org.world.token()).await.json()["hooks"]["made"].clone();
    assert_eq!(written[0], "write the token hook");
}

pub(crate) fn codes(run: &Run) -> Vec<String> {
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// The doctor reads with the credential that setup made, and takes it for no right to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_org_is_examined_and_taken_back() {
    let org = Org::start().await;
    let kinds = [
        "groups",
        "apps",
        "authorization_servers",
        "trusted_origins",
        "idp_keys",
        "user_types",
        "event_hooks",
    ];
    let parts = |org: &Org| {
        org.world.okta.catch_up();
        let snapshot = org.world.okta.stable_snapshot();
        kinds.map(|kind| (kind, snapshot[kind].clone()))
    };
    let before = parts(&org);
    let unprepared = org.run("doctor", &[], &org.world.token()).await;
    assert_eq!((unprepared.code, codes(&unprepared)), (3, vec!["not-prepared".to_owned()]));
    org.setup(&[&ALL[..], &["--delegation", "--responses", "--rotation"]].concat(), &org.world.token())
        .await
        .json();
    org.world.okta.catch_up();
    let read = ["--secrets", "okta-dac/"];
    let prepared = org.run("doctor", &read, "").await;
    assert_eq!((prepared.code, codes(&prepared)), (3, vec!["silent-hook".to_owned()]), "{}", prepared.stderr);
    let hook = org.secret("okta-dac/hook-secret")["current"].as_str().unwrap().to_owned();
    let address = api(Arc::new(Mutex::new(hook))).await;
    org.setup(&[&ALL[..], &["--delegation", "--api", &address]].concat(), &org.world.token()).await.json();
    let whole = org.run("doctor", &read, "").await;
    assert_eq!((whole.code, codes(&whole)), (0, vec![]), "{}", whole.stdout);
    assert!(whole.stderr.contains("--stack"), "{}", whole.stderr);
    let refused = org.run("doctor", &["--secrets", "okta-dac/", "--fix"], "").await;
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    // Nothing is taken out unasked, and nothing of a plan.
    let there = parts(&org);
    let unasked = org.run("remove", &read, &org.world.token()).await;
    assert!(unasked.code == 2 && unasked.stderr.contains("--yes"), "{} {}", unasked.code, unasked.stderr);
    let plan = org.run("remove", &[&read[..], &["--dry-run"]].concat(), &org.world.token()).await.json();
    assert_eq!(parts(&org), there);
    let token = org.world.token();
    let removed = org.run("remove", &[&read[..], &["--yes"]].concat(), &token).await.json();
    assert_eq!((&removed["removed"], &removed["left"]), (&plan["steps"], &json!([])));
    assert_eq!(parts(&org), before);
    for name in ["okta-credential", "okta-read", "okta-doctor", "okta-rotation", "hook-secret"] {
        assert!(org.aws.vault().secret(&format!("okta-dac/{name}")).is_none(), "{name}");
    }
    let dead = org.run("doctor", &[], &token).await;
    assert!(dead.code != 0 && dead.stdout.is_empty(), "{}", dead.stderr);
}

/// Broken at calls of Okta from the first to the last, after which the answer is lost as by a kill:
/// the same command completes, and no secret is made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_breaks_among_the_credentials_is_completed_by_the_next() {
    let whole = Org::start().await;
    whole.world.okta.clear_journal();
    let report = whole.setup(&ALL, &whole.world.token()).await.json();
    let calls = whole.world.okta.journal().len() as u64;
    let names = ["okta-credential", "okta-read", "okta-doctor", "hook-secret"];
    let mut broken = 0;
    for part in 0..10 {
        let org = Org::start().await;
        // Half-way to the end of setup itself, whose own tests break every call.
        let nth = calls / 5 + part * (calls - calls / 5) / 10;
        let lost = Action { drop: Some(Drop::After), ..Action::default() };
        org.world.okta.order(Fault::on_call(nth, 4, lost));
        broken += usize::from(org.setup(&ALL, &org.world.token()).await.code != 0);
        org.world.okta.clear_faults();
        org.world.okta.catch_up();
        let again = org.setup(&ALL, &org.world.token()).await.json();
        let count = |report: &Value| report["parameters"].as_object().unwrap().len();
        assert_eq!(count(&again), count(&report), "at {nth} of {calls}");
        for name in names {
            assert!(
                org.aws.vault().secret(&format!("okta-dac/{name}")).is_some(),
                "{name} at {nth} of {calls}"
            );
        }
        let apps = |org: &Org| {
            let snapshot = org.world.okta.stable_snapshot();
            let apps = snapshot["apps"].as_object().unwrap().values();
            apps.map(|app| app["label"].as_str().unwrap().to_owned())
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(apps(&org), apps(&whole), "at {nth} of {calls}");
    }
    assert!(broken > 4, "{broken} runs broke");
}
