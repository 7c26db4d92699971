//! `rotate user`, `verify` and `batch`: secrets of an account on this machine.

use std::io::Write;

use aws_emulator::{AwsEmulator, DEMO_ACCOUNT, Options, Seed};
use serde_json::{Value, json};

use crate::world::{LOGIN, NEW, OLD, Run, World};

const SECRET: &str = "okta-dac/users/one";

struct Account {
    world: World,
    aws: AwsEmulator,
    /// Place of the credential.
    credential: String,
    folder: tempfile::TempDir,
}

impl Account {
    async fn start() -> Self {
        let world = World::start().await;
        let seed = Seed::parse(DEMO_ACCOUNT).unwrap();
        let options = Options { port: 0, seed, okta_url: world.okta.url() };
        let aws = AwsEmulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credential.json");
        std::fs::write(&path, json!({ "apiToken": world.token }).to_string()).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let credential = format!("file:{}", path.display());
        let account = Self { world, aws, credential, folder };
        account.plant(SECRET, LOGIN, OLD);
        account
    }

    fn plant(&self, id: &str, user: &str, password: &str) {
        let secret = json!({ "username": user, "password": password });
        self.aws.vault().plant_secret(id, &secret.to_string());
    }

    fn password(&self, id: &str) -> String {
        let text = self.aws.vault().secret(id).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["password"].as_str().unwrap().to_owned()
    }

    /// Calls Okta as a super admin.
    async fn post(&self, path: &str, body: &Value) -> Value {
        let client = reqwest::Client::builder().build().unwrap();
        let call = client.post(format!("{}/api/v1/{path}", self.world.okta.url())).json(body);
        let call = call.header("authorization", format!("SSWS {}", self.world.token));
        call.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// A user with the first password; gives the id.
    async fn add_user(&self, login: &str) -> String {
        let user = json!({
            "profile": { "login": login, "email": login, "firstName": "B", "lastName": "B" },
            "credentials": { "password": { "value": OLD } },
        });
        self.post("users", &user).await["id"].as_str().unwrap().to_owned()
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = self.world.command(words);
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    async fn run(&self, words: &[&str]) -> Run {
        let mut command = self.command(words);
        let spawned = command.spawn().unwrap();
        tokio::task::spawn_blocking(move || crate::world::ended(spawned, &[])).await.unwrap()
    }

    async fn user(&self, id: &str, more: &[&str]) -> Run {
        let org = self.world.okta.url();
        let words = ["user", "--org", &org, "--credential", &self.credential, "--secret-id", id];
        self.run(&[&words[..], more].concat()).await
    }

    async fn verify(&self, id: &str, more: &[&str]) -> Run {
        let org = self.world.okta.url();
        self.run(&[&["verify", "--org", &org, "--secret-id", id][..], more].concat()).await
    }
}

#[tokio::test]
async fn a_secret_is_rotated_by_hand() {
    let account = Account::start().await;
    let plan = account.user(SECRET, &["--dry-run"]).await;
    assert_eq!(
        (plan.code, &plan.line["would"], account.password(SECRET).as_str()),
        (0, &"change".into(), OLD)
    );
    let run = account.user(SECRET, &[]).await;
    assert_eq!((run.code, &run.line["outcome"]), (0, &"rotated".into()), "{run:?}");
    assert_eq!(run.line["steps"], json!(["lookup", "change", "verify"]));
    let now = account.password(SECRET);
    assert!(account.world.okta.is_password(LOGIN, &now) && now != OLD && !run.text.contains(&now));
    assert_eq!(account.aws.snapshot()["secrets"][SECRET], json!([["AWSCURRENT"], ["AWSPREVIOUS"]]));
}

/// Killed at every call of Okta: the same command goes on with the version that was begun.
#[tokio::test]
async fn a_rotation_by_hand_converges_after_a_kill() {
    let account = Account::start().await;
    let okta = &account.world.okta;
    for call in 1..=3 {
        okta.reset();
        account.aws.reset();
        let mut fault = okta_emulator::Fault::on_call(call, 1, okta_emulator::Action::default());
        (fault.action.delay_ms, fault.action.status) = (60_000, Some(500));
        okta.order(fault);
        let arrivals = okta.arrivals();
        let org = okta.url();
        let words = ["user", "--org", &org, "--credential", &account.credential, "--secret-id", SECRET];
        let mut child = account.command(&words).spawn().unwrap();
        okta.wait_for_arrivals(arrivals + call).await;
        child.kill().unwrap();
        child.wait().unwrap();
        okta.clear_faults();
        let run = account.user(SECRET, &[]).await;
        assert_eq!(run.code, 0, "{call}: {run:?}");
        assert!(okta.is_password(LOGIN, &account.password(SECRET)), "{call}");
        assert_eq!(account.world.failed_sign_ins(), 0, "{call}: {run:?}");
    }
}

#[tokio::test]
async fn what_is_not_right_is_said_before_anything_is_changed() {
    let account = Account::start().await;
    let nothing = account.user("okta-dac/users/nobody", &[]).await;
    assert_eq!((nothing.code, nothing.line["code"].as_u64()), (11, Some(11)), "{nothing:?}");
    let weak = account.user(SECRET, &["--length", "12"]).await;
    assert_eq!(weak.code, 64, "{weak:?}");
    account.aws.vault().plant_secret(SECRET, r#"{"password":"x"}"#);
    let shape = account.user(SECRET, &[]).await;
    assert_eq!(shape.code, 11, "{shape:?}");
    assert!(shape.line["message"].as_str().unwrap().contains("`username` and `password`"), "{shape:?}");
    assert!(account.world.okta.journal().is_empty());
}

/// One call, and nothing is changed: agreed, not agreed, not finished, not available.
#[tokio::test]
async fn verify_says_whether_vault_and_okta_agree() {
    let account = Account::start().await;
    let run = account.verify(SECRET, &[]).await;
    assert_eq!((run.code, &run.line["steps"]), (0, &json!(["verify"])), "{run:?}");
    account.plant(SECRET, LOGIN, NEW);
    let run = account.verify(SECRET, &[]).await;
    assert_eq!((run.code, &run.line["wrongAttempts"]), (14, &json!(1)), "{run:?}");
    // One call: without a credential nobody is looked up.
    assert_eq!(run.line["steps"], json!(["verify"]), "{run:?}");
    // A rotation that changed the password, and was not finished.
    let okta = &account.world.okta;
    account.plant(SECRET, LOGIN, OLD);
    let mut fault = okta_emulator::Fault::on_call(1, 9, okta_emulator::Action::default());
    (fault.operation_id, fault.action.status) = (Some("authn".to_owned()), Some(503));
    okta.order(fault);
    assert_eq!(account.user(SECRET, &[]).await.code, 20);
    assert_eq!(account.verify(SECRET, &[]).await.code, 20);
    okta.clear_faults();
    let run = account.verify(SECRET, &[]).await;
    assert_eq!((run.code, &run.line["retryable"]), (17, &json!(true)), "{run:?}");
    assert_eq!(account.user(SECRET, &[]).await.code, 0);
    assert_eq!(account.verify(SECRET, &[]).await.code, 0);
    // A user's id has to be looked up.
    let users = okta.snapshot()["users"].clone();
    let (id, _) =
        users.as_object().unwrap().iter().find(|(_, user)| user["profile"]["login"] == LOGIN).unwrap();
    account.plant(SECRET, id, &account.password(SECRET));
    assert_eq!(account.verify(SECRET, &[]).await.code, 21);
    let run = account.verify(SECRET, &["--credential", &account.credential]).await;
    assert_eq!((run.code, &run.line["userId"]), (0, &json!(id)), "{run:?}");
}

/// The name may be an address that is no login, or the user may not be able to sign in: a
/// credential shows which.
#[tokio::test]
async fn verify_with_a_credential_says_why_a_sign_in_is_refused() {
    let account = Account::start().await;
    let credential = ["--credential", account.credential.as_str()];
    let id = account.add_user("other@acme.test").await;
    account.post(&format!("users/{id}"), &json!({ "profile": { "email": "mail@acme.test" } })).await;
    account.world.okta.catch_up();
    account.plant(SECRET, "mail@acme.test", OLD);
    assert_eq!(account.verify(SECRET, &[]).await.code, 14);
    let run = account.verify(SECRET, &credential).await;
    assert_eq!((run.code, &run.line["userId"]), (0, &json!(id)), "{run:?}");
    account.post(&format!("users/{id}/lifecycle/suspend"), &json!({})).await;
    account.plant(SECRET, "other@acme.test", OLD);
    assert_eq!(account.verify(SECRET, &credential).await.code, 16);
}

/// All secrets whose names begin alike: a line for each, and a code that a monitor can go by.
#[tokio::test]
async fn verify_looks_at_all_secrets_of_a_beginning() {
    let account = Account::start().await;
    let org = account.world.okta.url();
    account.plant(SECRET, LOGIN, OLD);
    account.plant(&format!("{SECRET}-stale"), "admin@acme.test", NEW);
    account.plant("finance/ledger", LOGIN, NEW);
    let all = async |prefix: &str| {
        let mut command = account.command(&["verify", "--org", &org, "--all", prefix]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), lines)
    };
    let (code, lines) = all(SECRET).await;
    let [one, other, last] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((code, last), (1, &json!({ "v": 1, "items": 2, "before": 0, "codes": { "0": 1, "14": 1 } })));
    for line in [one, other] {
        let is_stale = line["secretId"] != SECRET;
        assert_eq!(line["code"], if is_stale { 14 } else { 0 }, "{line}");
    }
    account.plant(&format!("{SECRET}-stale"), LOGIN, OLD);
    assert_eq!(all(SECRET).await.0, 0);
    let both = account.run(&["verify", "--org", &org, "--all", SECRET, "--secret-id", SECRET]).await;
    let neither = account.run(&["verify", "--org", &org]).await;
    assert_eq!((both.code, neither.code), (64, 64));
}

/// Sixty users: killed in the middle, the same command with `--resume` repeats none.
#[tokio::test]
async fn a_batch_that_was_killed_goes_on_and_repeats_none() {
    let account = Account::start().await;
    let okta = &account.world.okta;
    let file = account.folder.path().join("users.jsonl");
    let mut lines = std::fs::File::create(&file).unwrap();
    for number in 0..60 {
        let (login, id) = (format!("batch{number}@acme.test"), format!("okta-dac/users/{number}"));
        account.add_user(&login).await;
        account.plant(&id, &login, OLD);
        writeln!(lines, "{}", json!({ "secretId": id, "login": login })).unwrap();
    }
    okta.clear_journal();
    let (org, path) = (okta.url(), file.display().to_string());
    let words = ["batch", "--org", &org, "--credential", &account.credential, "--file", &path];
    let arrivals = okta.arrivals();
    let mut child = account.command(&words).spawn().unwrap();
    okta.wait_for_arrivals(arrivals + 90).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let users = okta.snapshot()["users"].clone();
    let id_of = |login: &str| {
        let mut users = users.as_object().unwrap().iter();
        users.find(|(_, user)| user["profile"]["login"] == login).unwrap().0.clone()
    };
    let changes = || okta.journal().iter().filter(|call| call.operation_id == Some("changePassword")).count();
    let changes_of = |login: &str| {
        let path = format!("/api/v1/users/{}/credentials/change_password", id_of(login));
        okta.journal().iter().filter(|call| call.path == path).count()
    };
    let before = changes();
    assert!((10..60).contains(&before), "{before}");
    let ended: Vec<String> = std::fs::read_to_string(format!("{path}.state"))
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|line| line["secretId"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert!(!ended.is_empty());
    // Unasked, nothing is done a second time.
    let run = account.run(&words).await;
    assert_eq!(run.code, 64, "{run:?}");
    assert_eq!(changes(), before);
    let mut command = account.command(&[&words[..], &["--resume"]].concat());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let (done, now) = (last["before"].as_u64().unwrap(), last["codes"]["0"].as_u64().unwrap());
    assert_eq!((last["items"].as_u64(), done + now), (Some(60), 60), "{last}");
    for number in &ended {
        assert_eq!(changes_of(&format!("batch{number}@acme.test")), 1, "{number} had ended");
    }
    for number in 0..60 {
        let password = account.password(&format!("okta-dac/users/{number}"));
        assert!(okta.is_password(&format!("batch{number}@acme.test"), &password), "{number}");
        assert!(!text.contains(&password));
    }
    let state = std::fs::read_to_string(format!("{path}.state")).unwrap();
    assert!(!state.contains("Passw0rd") && state.lines().count() >= 60);
}

/// What a credential may, and what a sign-in proves, in orgs of several kinds.
#[tokio::test]
async fn the_doctor_says_what_a_credential_may_and_what_a_sign_in_proves() {
    let account = Account::start().await;
    let (org, okta) = (account.world.okta.url(), &account.world.okta);
    let words = ["doctor", "--org", &org, "--credential", &account.credential, "--canary", LOGIN];
    let look = account.run(&[&words[..], &["--dry-run"]].concat()).await;
    assert_eq!((look.code, &look.line["dryRun"]), (0, &json!(true)), "{look:?}");
    assert!(okta.is_password(LOGIN, OLD));
    let got = |run: &Run, what: &str| {
        let checks = run.line["checks"].as_array().unwrap();
        checks.iter().find(|check| check["what"] == what).unwrap()["got"].as_str().unwrap().to_owned()
    };
    let run = account.run(&words).await;
    assert_eq!(run.code, 0, "{run:?}");
    for (what, is) in [
        ("set", "allowed"),
        ("change", "allowed"),
        ("read-roles", "allowed"),
        ("sign-in", "proves"),
        ("wrong-sign-in", "refused"),
        ("unlock", "allowed"),
    ] {
        assert_eq!(got(&run, what), is, "{run:?}");
    }
    assert!(run.line["advice"].as_array().unwrap().is_empty());
    okta.configure(|settings| settings.passwords.factor_first = true);
    let run = account.run(&words).await;
    assert_eq!((run.code, got(&run, "wrong-sign-in").as_str()), (17, "proves-nothing"), "{run:?}");
    assert!(run.line["advice"][0].as_str().unwrap().contains("--verify change"), "{run:?}");
    okta.configure(|settings| {
        settings.passwords.factor_first = false;
        settings.passwords.sign_in_denied = true;
    });
    let run = account.run(&words).await;
    assert_eq!((run.code, got(&run, "sign-in").as_str()), (17, "refused"), "{run:?}");
    let admin = account.run(&[&words[..6], &["superuser@demo.test"]].concat()).await;
    assert_eq!(admin.code, 16, "{admin:?}");
    // A credential that only reads.
    let reader = account.add_user("reader@acme.test").await;
    account.post(&format!("users/{reader}/roles"), &json!({ "type": "READ_ONLY_ADMIN" })).await;
    let reader = okta.api_token("reader@acme.test").unwrap();
    let path = account.credential.strip_prefix("file:").unwrap();
    std::fs::write(path, json!({ "apiToken": reader }).to_string()).unwrap();
    let run = account.run(&words).await;
    assert_eq!(run.code, 17, "{run:?}");
    assert_eq!((got(&run, "set").as_str(), got(&run, "change").as_str()), ("refused", "unknown"), "{run:?}");
}
