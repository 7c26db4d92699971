//! `make whole-way`: from an org that nobody prepared to a platform that serves, and back, on this
//! machine, with the commands that a person types.
//!
//! The org is the local stack's Okta, Secrets Manager is the local stack's, because the functions
//! read their secrets through the local stack's extension; everything else of AWS is MiniStack, an
//! emulator of AWS. What MiniStack does differently from AWS is listed in docs/deploying.md.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use okta_client::{ApiToken, Client, OrgUrl};
use operations::OPERATIONS;
use serde_json::{Value, json};

use crate::local_stack;
use crate::running::{Running, ministack_on};

/// What MiniStack prints, and the functions that it runs.
const MINISTACK_LOG: &str = "target/ministack.log";

/// The password of everybody in the demo org.
const PASSWORD: &str = "Demo-Passw0rd";

/// Where the credentials and the hook secret are in Secrets Manager.
const SECRETS: &str = "okta-dac/";

/// The stack, as samconfig.toml names it.
const STACK: &str = "okta-dac";

/// The tools to deploy with.
#[derive(Clone, Debug, Args)]
pub struct WholeWay {
    /// The SAM CLI.
    #[arg(long)]
    pub sam: PathBuf,
    /// MiniStack.
    #[arg(long)]
    pub ministack: PathBuf,
}

/// Goes the whole way, and stops everything; gives the session as a person sees it.
///
/// # Errors
///
/// A sentence.
pub fn whole_way(root: &Path, tools: &WholeWay) -> Result<String, String> {
    // The tools run in another folder.
    let tools = &WholeWay { sam: root.join(&tools.sam), ministack: root.join(&tools.ministack) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|error| error.to_string())?.block_on(run(root, tools));
    result.map_err(|error| {
        let log = std::fs::read_to_string(root.join(MINISTACK_LOG)).unwrap_or_default();
        format!("{error}\nthe end of {MINISTACK_LOG}:\n{}", tail(&log))
    })
}

async fn run(root: &Path, tools: &WholeWay) -> Result<String, String> {
    let (_stack, addresses) = local_stack::start_with(root, &["--unprepared"])?;
    let address = |name: &str| addresses[name].as_str().unwrap_or_default().to_owned();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.map_err(|error| error.to_string())?.port();
    let aws = format!("http://127.0.0.1:{port}");
    let http = run_kit::http_client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    let session_token = addresses["runtimeEnvironment"]["AWS_SESSION_TOKEN"].as_str().unwrap_or_default();
    let _ministack = start_ministack(root, tools, port, session_token)?;
    wait_for(&http, &format!("{aws}/_ministack/health")).await?;
    let template = package(root)?;
    let folder = template.parent().unwrap_or(root).to_owned();
    let mut person = Person {
        program: PathBuf::from(address("cli")),
        folder,
        okta: address("okta"),
        aws: aws.clone(),
        secrets_manager: address("aws"),
        http,
        session: String::new(),
    };
    person.prepare()?;
    let before = person.org().await?;

    let setup =
        ["org", "setup", "--origin", "https://app.example.test", "--superuser", "superuser@demo.test"];
    let all = ["--secrets", SECRETS, "--delegation", "--responses", "--rotation"];
    let report = person.with_token(&[&setup[..], &all].concat()).await?;
    person.complete_samconfig(&addresses["parameters"])?;
    person.deploy(tools)?;
    let api = adapt(&person.http, &aws).await?;
    let api = format!("{aws}/_aws/execute-api/{api}/v1");
    person.finds(&["silent-hook"]).await?;
    person.with_token(&[&setup[..], &all, &["--api", &api]].concat()).await?;

    let of = |name: &str| report["parameters"][name].as_str().unwrap_or_default().to_owned();
    let (issuer, client) = (of("TokenIssuer"), of("OktaDacAppId"));
    let login = ["--api", &api, "--issuer", &issuer, "--client-id", &client];
    person.login("superuser@demo.test", "superuser", &login).await?;
    person.calls("superuser", &["tenants", "add", "globex"], (0, "/name", "globex"))?;
    let acme = person.calls("superuser", &["tenants", "add", "acme"], (0, "/name", "acme"))?;
    let bad = ["tenants", "add", "in/itech"];
    person.calls("superuser", &bad, (1, "", "must consist of a-z"))?;
    let users = acme["USERS_groupId"].as_str().unwrap_or_default().to_owned();
    let admin = person.join("admin@acme.test", &users).await?;
    person.calls("superuser", &["admins", "assign", "acme", &admin], (0, "", ""))?;
    person.login("admin@acme.test", "acme", &login).await?;
    person.calls("acme", &["tenants", "get", "acme"], (0, "/name", "acme"))?;
    person.calls("acme", &["tenants", "get", "globex"], (3, "", "not"))?;
    person.calls("acme", &["tenants", "add", "initech"], (3, "", "not"))?;
    // A tenant that changed a moment ago is not judged.
    person.let_time_pass(90).await?;
    person.finds(&[]).await?;
    let (exported, _) = person.types(&["data", "export", "--stack", STACK, "--to", "tables"], "", 0)?;
    let (imported, _) = person.types(&["data", "import", "--stack", STACK, "--from", "tables"], "", 0)?;
    let [exported, imported] =
        [exported, imported].map(|report| serde_json::from_str::<Value>(&report).unwrap_or_default());
    let is_all_there = exported["items"].as_u64() > Some(0) && imported["kept"] == exported["items"];
    if !is_all_there {
        return Err(format!("the tables in files are {exported}, and back {imported}"));
    }

    let token = person.token().await?;
    let (_, refused) = person.types(&["org", "remove", "--secrets", SECRETS, "--yes"], &token, 3)?;
    if !refused.contains("acme, globex") {
        return Err(format!("the tenants are not named: {refused}"));
    }
    person.with_token(&["org", "remove", "--secrets", SECRETS, "--with-tenants", "--yes"]).await?;
    person.let_time_pass(5).await?;
    let now = person.org().await?;
    let kinds = before.keys().chain(now.keys());
    if let Some(kind) = kinds.into_iter().find(|kind| before.get(*kind) != now.get(*kind)) {
        let [before, now] = [&before, &now].map(|org| org.get(kind).unwrap_or(&Value::Null));
        return Err(format!("`org remove` leaves other {kind} than before:\n{before}\n{now}"));
    }
    person.session.push_str("the org is as it was\n");
    Ok(person.session)
}

/// Who types the commands, and where.
struct Person {
    program: PathBuf,
    /// With `samconfig.toml`, and the person's own files.
    folder: PathBuf,
    okta: String,
    aws: String,
    secrets_manager: String,
    http: reqwest::Client,
    /// What was typed, and what came of it.
    session: String,
}

impl Person {
    /// A folder without what a former run left.
    fn prepare(&self) -> Result<(), String> {
        let home = self.folder.join("home");
        let _ = std::fs::remove_dir_all(&home);
        let _ = std::fs::remove_file(self.folder.join("samconfig.toml"));
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().args(words).current_dir(&self.folder);
        for (name, value) in [
            ("HOME", self.folder.join("home").display().to_string()),
            ("OKTA_DAC_ORG", self.okta.clone()),
            ("AWS_ENDPOINT_URL", self.aws.clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets_manager.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ] {
            command.env(name, value);
        }
        command
    }

    /// Types a command, which ends with this exit code; gives stdout, and stderr.
    fn types(&mut self, words: &[&str], stdin: &str, code: i32) -> Result<(String, String), String> {
        let (began, shown) = (Instant::now(), format!("okta-dac {}", words.join(" ")));
        let mut command = self.program(&[&["--output", "jsonl"], words].concat());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().map_err(|error| format!("okta-dac does not start: {error}"))?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin.as_bytes()).map_err(|error| error.to_string())?;
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (out, err) = (text(output.stdout), text(output.stderr));
        if output.status.code() != Some(code) {
            return Err(format!("`{shown}`: {}, and not {code}\n{out}{err}", output.status));
        }
        let end = if code == 0 { out.lines().last() } else { err.lines().last() };
        self.note(&shown, code, began, end.unwrap_or_default());
        Ok((out, err))
    }

    fn note(&mut self, shown: &str, code: i32, began: Instant, said: &str) {
        let (line, ms): (String, _) = (said.chars().take(100).collect(), began.elapsed().as_millis());
        self.session.push_str(&format!("$ {shown}\n  {line}\n  exit code {code}, {ms} ms\n"));
    }

    /// A bootstrap token, as an admin makes one in the console.
    async fn token(&self) -> Result<String, String> {
        let body = json!({ "owner": "superuser@demo.test" }).to_string();
        let url = format!("{}/_emulator/api-tokens", self.okta);
        let answer = call(&self.http, "POST", &url, None, Some(body)).await?.1;
        Ok(answer["token"].as_str().unwrap_or_default().to_owned())
    }

    /// A command with a bootstrap token on stdin; gives its report.
    async fn with_token(&mut self, words: &[&str]) -> Result<Value, String> {
        let token = self.token().await?;
        let (text, _) = self.types(words, &token, 0)?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}: {text}", words.join(" ")))
    }

    /// Lets the doctor look at everything; it finds this, and nothing else.
    async fn finds(&mut self, codes: &[&str]) -> Result<(), String> {
        let (token, code) = (self.token().await?, if codes.is_empty() { 0 } else { 3 });
        let (text, _) = self.types(&["org", "doctor", "--stack", STACK], &token, code)?;
        let report: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        let found = report["findings"].as_array().into_iter().flatten();
        let found: Vec<&str> = found.filter_map(|finding| finding["code"].as_str()).collect();
        if found == codes {
            Ok(())
        } else {
            Err(format!("the doctor is to find {codes:?}, and says {report:#}"))
        }
    }

    /// What a person decides: the architecture of the build, and where the local stack listens.
    fn complete_samconfig(&self, stack: &Value) -> Result<(), String> {
        let path = self.folder.join("samconfig.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let own = |name: &str| format!("  \"{name}={}\",\n", stack[name].as_str().unwrap_or_default());
        let list = "parameter_overrides = [\n";
        let more = format!("{list}{}{}", own("SecretsExtensionPort"), own("DnsResolvers"));
        let text =
            text.replace("Architecture=arm64", &format!("Architecture={architecture}")).replace(list, &more);
        std::fs::write(&path, text).map_err(|error| error.to_string())
    }

    /// `make deploy`, but for the build, and with MiniStack as AWS.
    fn deploy(&mut self, tools: &WholeWay) -> Result<(), String> {
        let began = Instant::now();
        let output = Command::new(&tools.sam)
            .current_dir(&self.folder)
            .env("AWS_ENDPOINT_URL", &self.aws)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("SAM_CLI_TELEMETRY", "0")
            .args(["deploy", "--no-progressbar"])
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => {
                self.note("sam deploy", 0, began, "");
                Ok(())
            }
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                let said = tail(&String::from_utf8_lossy(&said));
                Err(format!("sam deploy failed, {}:\n{said}", output.status))
            }
            Err(error) => Err(format!("{} does not start: {error}", tools.sam.display())),
        }
    }

    /// Signs in by the device flow: the program says a code, which the user allows in a browser.
    async fn login(&mut self, login: &str, profile: &str, more: &[&str]) -> Result<(), String> {
        let began = Instant::now();
        let words = [&["login", "--no-browser", "--profile", profile], more].concat();
        let mut child = self.program(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.as_mut().map_err(|error| error.to_string())?;
        let code = code(child)?;
        self.allow(login, &code).await?;
        let mut text = String::new();
        let read = child.stdout.take().map(|mut stdout| stdout.read_to_string(&mut text));
        read.transpose().map_err(|error| error.to_string())?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("`okta-dac login` as {login}: {status}"));
        }
        self.note(&format!("okta-dac login --profile {profile} …"), 0, began, login);
        Ok(())
    }

    /// The user, in a browser.
    async fn allow(&self, login: &str, code: &str) -> Result<(), String> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(|error| error.to_string())?;
        let post = async |path: &str, body: String, cookie: &str| {
            let request = http.post(format!("{}{path}", self.okta)).body(body).header("cookie", cookie);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            request.send().await.map_err(|error| error.to_string())
        };
        let form = format!("username={}&password={PASSWORD}&fromURI=%2F", login.replace('@', "%40"));
        let signed_in = post("/login/sign-in", form, "").await?;
        let cookie = signed_in.headers().get("set-cookie").and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
        let answer = post("/activate", format!("user_code={code}&action=allow"), &cookie).await?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if text.contains("Device activated") { Ok(()) } else { Err(format!("{login} cannot allow {code}")) }
    }

    /// A command of the API, and what it says: the exit code, and a text in a member of the body,
    /// or in the message; gives the body.
    fn calls(&mut self, profile: &str, words: &[&str], expected: (i32, &str, &str)) -> Result<Value, String> {
        let (code, pointer, text) = expected;
        let (out, err) = self.types(&[words, &["--profile", profile]].concat(), "", code)?;
        let answer: Value = serde_json::from_str(&out).unwrap_or_default();
        let told = answer.pointer(pointer).and_then(Value::as_str).filter(|_| code == 0).unwrap_or(&err);
        match told.contains(text) {
            true => Ok(answer),
            false => Err(format!("`{}`: expected `{text}`, got {out}{err}", words.join(" "))),
        }
    }

    /// The first user of a tenant, as an administrator of the org puts them into the group; gives
    /// the user's id.
    async fn join(&self, login: &str, group: &str) -> Result<String, String> {
        let org = OrgUrl::parse(&self.okta).map_err(|error| error.to_string())?;
        let client = Client::new(org, ApiToken::from(self.token().await?));
        let client = client.map_err(|error| error.to_string())?;
        let user = client.get_user(login).await.map_err(|error| error.to_string())?.id;
        let joined = client.assign_user_to_group(&group.into(), &user).await;
        joined.map(|()| user.to_string()).map_err(|error| error.to_string())
    }

    /// What there is in the org.
    async fn org(&self) -> Result<serde_json::Map<String, Value>, String> {
        let url = format!("{}/_emulator/snapshot?stable=true", self.okta);
        let snapshot = call(&self.http, "GET", &url, None, None).await?.1;
        snapshot.as_object().cloned().ok_or_else(|| "the org has no snapshot".to_owned())
    }

    async fn let_time_pass(&self, seconds: u64) -> Result<(), String> {
        let url = format!("{}/_emulator/settings", self.okta);
        let settings = call(&self.http, "GET", &url, None, None).await?.1;
        let offset = settings["clockOffsetMs"].as_i64().unwrap_or_default();
        let offset = offset + i64::try_from(seconds).unwrap_or_default() * 1_000;
        let body = json!({ "clockOffsetMs": offset }).to_string();
        call(&self.http, "PUT", &url, None, Some(body)).await.map(drop)
    }
}

/// The code that `okta-dac login` says.
fn code(child: &mut Child) -> Result<String, String> {
    let stderr = child.stderr.take().ok_or("okta-dac has no stderr")?;
    let mut said = String::new();
    for line in BufReader::new(stderr).lines().take(3) {
        let line = line.map_err(|error| error.to_string())?;
        if let Some((_, code)) = line.split_once("the code ") {
            return Ok(code.trim().trim_end_matches('.').to_owned());
        }
        said.push_str(&line);
    }
    Err(format!("`okta-dac login` says no code: {said}"))
}

/// What is deployed: the template, and the functions as `cargo build` made them for the
/// local stack, without what is for debuggers. Not in `target/lambda`, where stands
/// what is deployed to AWS.
fn package(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/whole-way");
    let failed = |error: &dyn std::fmt::Display| format!("target/whole-way: {error}");
    for operation in OPERATIONS {
        let function = folder.join("functions").join(operation.name);
        std::fs::create_dir_all(&function).map_err(|error| failed(&error))?;
        let program = root.join("target/debug").join(operation.name);
        let strip = Command::new("strip").arg("-o").arg(function.join("bootstrap")).arg(&program).output();
        let strip = strip.map_err(|error| format!("strip does not start: {error}"))?;
        if !strip.status.success() {
            return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&strip.stderr)));
        }
    }
    let template = std::fs::read_to_string(root.join("template.yaml")).map_err(|error| failed(&error))?;
    let template = template.replace("CodeUri: target/lambda/", "CodeUri: functions/");
    let path = folder.join("template.yaml");
    std::fs::write(&path, template).map_err(|error| failed(&error))?;
    Ok(path)
}

fn start_ministack(root: &Path, tools: &WholeWay, port: u16, session_token: &str) -> Result<Running, String> {
    let path = root.join(MINISTACK_LOG);
    let open = || std::fs::File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
    let (output, errors) = open().map_err(|error| format!("{MINISTACK_LOG}: {error}"))?;
    Running::guarded(&tools.ministack, &[], |command| {
        ministack_on(command, port)
            .env("MINISTACK_HOST", "127.0.0.1")
            // It hands these two to the functions, but only if it has them itself. The
            // first is shown to the secrets extension; without the second the functions
            // would ask the real DynamoDB.
            .env("AWS_SESSION_TOKEN", session_token)
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .stdout(output)
            .stderr(errors);
    })
}

/// The end of what a tool said.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

async fn wait_for(http: &reqwest::Client, url: &str) -> Result<(), String> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("MiniStack does not answer within 30 s".to_owned())
}

/// MiniStack knows no identity source `context.path`, and counts it as missing:
/// here the authorizer is asked for every request instead. Gives the API's id.
async fn adapt(http: &reqwest::Client, aws: &str) -> Result<String, String> {
    let apis = call(http, "GET", &format!("{aws}/restapis"), None, None).await?.1;
    let api = apis["item"][0]["id"].as_str().ok_or("there is no API after the deployment")?.to_owned();
    let url = format!("{aws}/restapis/{api}/authorizers");
    let authorizers = call(http, "GET", &url, None, None).await?.1;
    let authorizer =
        authorizers["item"][0]["id"].as_str().ok_or("there is no authorizer after the deployment")?;
    let change = json!({ "patchOperations": [
        { "op": "replace", "path": "/identitySource", "value": "method.request.header.Authorization" },
        { "op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0" },
    ] });
    call(http, "PATCH", &format!("{url}/{authorizer}"), None, Some(change.to_string())).await?;
    Ok(api)
}

async fn call(
    http: &reqwest::Client,
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<String>,
) -> Result<(u16, Value), String> {
    let method = method.parse().map_err(|_| format!("{method} is no method"))?;
    let mut request = http.request(method, url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = request.body(body.unwrap_or_default()).send().await.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
