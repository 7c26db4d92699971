//! `okta-dac` as a client of the API: the real program against the local stack.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use operations::{Access, OPERATIONS, ProblemCode};
use serde_json::{Value, json};
use tests::{Managed, Principal, Responding, Superuser, TenantAdmin, TestStack, binaries};

use crate::sample_events::stable;

const CLIENT: &str = "0oa1dacapp0000000001";
const PASSWORD: &str = "Demo-Passw0rd";

/// A person's machine.
struct Machine {
    home: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Machine {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binaries().join("okta-dac"));
        command.env_clear().env("HOME", self.home.path()).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, words: &[&str], stdin: &str) -> Run {
        let mut child = self.command(words).spawn().unwrap();
        let (mut input, text) = (child.stdin.take().unwrap(), stdin.to_owned());
        let ended = tokio::task::spawn_blocking(move || {
            let _ = input.write_all(text.as_bytes());
            drop(input);
            child.wait_with_output().unwrap()
        });
        let output = ended.await.unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A token in a file for its owner alone.
    fn token_file(&self, token: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let file = self.home.path().join("token");
        std::fs::write(&file, token).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// A command with somebody's token.
    async fn as_who(&self, api: &str, who: &str, words: &[&str]) -> Run {
        let file = self.token_file(who.trim_start_matches("Bearer ")).display().to_string();
        self.run(&[words, &["--api", api, "--token-file", &file]].concat(), "").await
    }
}

/// Who may call an operation, in the demo org.
fn caller(stack: &TestStack, access: Access, path: &str) -> String {
    let who = match access {
        Access::ManagedAccess if path == "/agent" => Managed("agent@demo.test").authorization(stack),
        Access::ManagedAccess => Managed("delegator@demo.test").authorization(stack),
        Access::Responder => Responding("superuser@demo.test").authorization(stack),
        _ => Superuser.authorization(stack),
    };
    who.unwrap()
}

/// The command of an operation, from the catalogue that the program was built with.
fn catalogue() -> BTreeMap<String, Value> {
    let all: Vec<Value> = serde_json::from_str(okta_dac::api::catalogue::COMMANDS).unwrap();
    all.into_iter().map(|one| (one["operation"].as_str().unwrap().to_owned(), one)).collect()
}

fn option(name: &str) -> String {
    name.chars().fold(String::from("--"), |mut option, c| {
        if c.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(c.to_ascii_lowercase());
        option
    })
}

/// The words that say a sample request.
fn words(command: &Value, target: &str, body: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pattern = command["path"].as_str().unwrap();
    let given: BTreeMap<&str, &str> = pattern.split('/').zip(path.split('/')).collect();
    let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let mut words = vec![text(&command["group"]), text(&command["name"])];
    let mut positional = true;
    for parameter in command["parameters"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap();
        match parameter["in"].as_str().unwrap() {
            "path" => words.push(given[format!("{{{name}}}").as_str()].to_owned()),
            "query" => words.extend(query.get(name).map(|value| format!("{}={value}", option(name)))),
            _ => {
                let Some(value) = body.map(|body| &body[name]).filter(|value| !value.is_null()) else {
                    continue;
                };
                let value = match value.as_array() {
                    Some(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
                    None => text(value),
                };
                let first = std::mem::take(&mut positional);
                match first && parameter["required"] == true && parameter["kind"] == "text" {
                    true => words.push(value),
                    false => words.push(format!("{}={value}", option(name))),
                }
            }
        }
    }
    words.extend(query.get("limit").map(|limit| format!("--limit={limit}")));
    words.extend((command["method"] == "DELETE").then(|| "--yes".to_owned()));
    words
}

/// Without times, and without ids that are drawn.
fn timeless(value: Value) -> Value {
    fn masked(value: &mut Value, name: &str) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| masked(value, name)),
            Value::Array(elements) => elements.iter_mut().for_each(|value| masked(value, name)),
            Value::String(text) => {
                let is_drawn = ["id", "requestId"].contains(&name) && text.len() > 20;
                if is_drawn || text.parse::<jiff::Timestamp>().is_ok() {
                    *value = "…".into();
                }
            }
            _ => {}
        }
    }
    let mut value = stable(value);
    masked(&mut value, "");
    value
}

/// Every operation of the table that callers have is a command, and what the command prints is
/// what the API answers.
#[tokio::test]
async fn every_operation_is_a_command_with_the_apis_own_answer() {
    let stack = TestStack::start().await;
    let (api, machine, catalogue) = (stack.stack.api_url(), Machine::new(), catalogue());
    let mut tried = 0;
    for endpoint in xtask::endpoints() {
        let Some(http) = endpoint.operation.http() else { continue };
        let name = endpoint.operation.name;
        let command = catalogue.get(name).unwrap_or_else(|| panic!("no command for {name}"));
        let example = (endpoint.example)();
        let begin_anew = async || {
            stack.okta().reset();
            assert_eq!(stack.local("/_local/reset", Value::Null).await.status, 204);
        };
        begin_anew().await;
        let bearer = caller(&stack, http.access, http.path);
        let mut headers = vec![("authorization", bearer.clone())];
        let bytes = example.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        if example.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let expected = stack.raw(http.method.as_str(), example.target, &headers, bytes).await;
        assert_eq!(expected.status, endpoint.operation.success(), "{name}: {expected}");
        begin_anew().await;
        let bearer = caller(&stack, http.access, http.path);
        let mut words = words(command, example.target, example.body.as_ref());
        if let Some(body) = example.body.as_ref().filter(|_| name == "update-idp") {
            let file = machine.home.path().join("body.json");
            std::fs::write(&file, body.to_string()).unwrap();
            words.extend(["--body".to_owned(), file.display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = machine.as_who(&api, &bearer, &words).await;
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}: {words:?} {run:?}");
        match expected.body {
            Value::Null => {}
            Value::String(text) => assert_eq!(run.stdout.get(..50), text.get(..50), "{name}"),
            body => assert_eq!(timeless(run.json()), timeless(body), "{name}"),
        }
        tried += 1;
    }
    assert_eq!(tried, OPERATIONS.iter().filter(|operation| operation.http().is_some()).count());
    assert_eq!(tried, catalogue.len());
}

/// Every problem of the table: its sentence, its code and the request's id on stderr, an exit
/// code that a script can go by, and nothing on stdout.
#[tokio::test]
async fn every_problem_is_said() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let answer = |axum::extract::Path(name): axum::extract::Path<String>| async move {
        let code = ProblemCode::ALL.iter().find(|code| code.as_str() == name).unwrap();
        let body = json!({
            "detail": format!("because of {name}"), "code": name, "status": code.status(),
            "errors": [{ "pointer": "/name", "detail": "is wrong" }],
        });
        let headers = [
            ("content-type", "application/problem+json"),
            ("x-request-id", "request-7"),
            ("retry-after", "99"),
        ];
        (axum::http::StatusCode::from_u16(code.status()).unwrap(), headers, body.to_string())
    };
    let router = axum::Router::new().route("/tenants/{name}", axum::routing::get(answer));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let machine = Machine::new();
    for code in ProblemCode::ALL {
        let run = machine.as_who(&api, "a.b.c", &["tenants", "get", code.as_str()]).await;
        let expected = match code.status() {
            401 | 403 => 3,
            429 | 502..=504 => 20,
            _ => 1,
        };
        assert_eq!((run.code, run.stdout.as_str()), (expected, ""), "{code:?}: {run:?}");
        for part in [
            &format!("because of {} ({})", code.as_str(), code.as_str()),
            "/name: is wrong",
            "request request-7",
        ] {
            assert!(run.stderr.contains(part), "{code:?}: {run:?}");
        }
    }
    server.abort();
    let silent = machine.as_who(&api, "a.b.c", &["tenants", "get", "acme"]).await;
    assert_eq!(silent.code, 20, "{silent:?}");
}

/// Lists come whole, or as many as were asked for; a POST that is sent again makes nothing twice.
#[tokio::test]
async fn lists_page_by_themselves_and_repetitions_change_nothing() {
    let stack = TestStack::start().await;
    let (api, machine) = (stack.stack.api_url(), Machine::new());
    let superuser = stack.bearer(Superuser);
    for n in 0..33 {
        stack.post("/tenants", Superuser, json!({ "name": format!("many-{n:02}") })).await;
    }
    stack.okta().catch_up();
    let all = machine.as_who(&api, &superuser, &["tenants", "list"]).await.json();
    assert_eq!(all.as_array().unwrap().len(), 35);
    let some = machine.as_who(&api, &superuser, &["tenants", "list", "--limit", "31"]).await.json();
    assert_eq!(some.as_array().unwrap()[..], all.as_array().unwrap()[..31]);
    let lines = machine.as_who(&api, &superuser, &["tenants", "list", "--output", "jsonl"]).await;
    assert_eq!(lines.stdout.lines().count(), 35);
    let table = machine.as_who(&api, &superuser, &["tenants", "list", "--output", "table"]).await;
    assert!(table.stdout.starts_with(" ID") && table.stdout.contains("many-07"), "{table:?}");
    // Okta is not there for a moment: the same request is sent again, with the same key.
    stack.break_call(1, 1, okta_emulator::Action { status: Some(503), ..okta_emulator::Action::default() });
    let added = machine.as_who(&api, &superuser, &["tenants", "add", "initech"]).await;
    assert_eq!((added.code, &added.json()["name"]), (0, &json!("initech")), "{added:?}");
    // Nothing is sent.
    let planned = machine.as_who(&api, &superuser, &["tenants", "add", "umbrella", "--dry-run"]).await.json();
    let url = format!("{api}/tenants");
    assert_eq!(planned, json!({ "method": "POST", "url": url, "body": { "name": "umbrella" } }));
    assert_eq!(stack.get("/tenants/umbrella", Superuser).await.status, 404);
    // Who cannot be asked has to say so beforehand.
    let delete = machine.as_who(&api, &superuser, &["tenants", "delete", "initech"]).await;
    assert!(delete.code == 2 && delete.stderr.contains("--yes"), "{delete:?}");
    let plan =
        machine.as_who(&api, &superuser, &["tenants", "delete", "initech", "--dry-run", "--yes"]).await;
    assert!(plan.code == 0 && plan.stdout.contains("initech"), "{plan:?}");
    assert_eq!(stack.get("/tenants/initech", Superuser).await.status, 200);
    let neighbour = stack.bearer(TenantAdmin("globex"));
    let refused = machine.as_who(&api, &neighbour, &["tenants", "get", "acme"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused:?}");
}

/// The API sends a header for each link; a page that is elsewhere is not asked for.
#[tokio::test]
async fn every_page_is_asked_for_and_none_elsewhere() {
    use axum::extract::RawQuery;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let own = api.clone();
    let answer = move |RawQuery(query): RawQuery| {
        let own = own.clone();
        async move {
            let query = query.unwrap_or_default();
            let (page, next) = match &query {
                query if query.contains("after=b") => (json!([{ "name": "c" }]), None),
                query if query.contains("after=a") => (json!([{ "name": "b" }]), Some("after=b")),
                _ => (json!([{ "name": "a" }]), Some("after=a")),
            };
            let host = if query.contains("search=elsewhere") { "http://127.0.0.1:1" } else { &own };
            let mut headers = axum::http::HeaderMap::new();
            headers.append("content-type", "application/json".parse().unwrap());
            headers.append("link", format!("<{own}/tenants?{query}>; rel=\"self\"").parse().unwrap());
            if let Some(next) = next {
                headers.append(
                    "link",
                    format!("<{host}/tenants?{next}&limit=200>; rel=\"next\"").parse().unwrap(),
                );
            }
            (headers, page.to_string())
        }
    };
    let router = axum::Router::new().route("/tenants", axum::routing::get(answer));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let machine = Machine::new();
    let all = machine.as_who(&api, "a.b.c", &["tenants", "list"]).await;
    assert_eq!(all.json(), json!([{ "name": "a" }, { "name": "b" }, { "name": "c" }]), "{all:?}");
    let elsewhere = machine.as_who(&api, "a.b.c", &["tenants", "list", "--search", "elsewhere"]).await;
    assert!(elsewhere.code == 1 && elsewhere.stderr.contains("elsewhere"), "{elsewhere:?}");
    server.abort();
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_sent() {
    let stack = TestStack::start().await;
    let (api, machine) = (stack.stack.api_url(), Machine::new());
    let superuser = stack.bearer(Superuser);
    let body = machine.home.path().join("body.json");
    std::fs::write(&body, "[1]").unwrap();
    let body = body.display().to_string();
    for (words, text) in [
        (vec!["tenants", "add"], "NAME"),
        (vec!["tenants", "update", "acme", "--status", "GONE"], "SUSPENDED"),
        (vec!["tenants", "get", ".."], "`tenant` is missing"),
        (vec!["domains", "delete", "acme", "..\t", "--yes"], "`domain` is missing"),
        (vec!["tenants", "get", "connect", "--status"], "--status"),
        (vec!["tenants", "add", "--body", &body], "expected a JSON object"),
        (vec!["tenants", "add", "--body", "/nowhere"], "--body /nowhere"),
        (vec!["tenants", "list", "--limit", "0"], "0"),
        (vec!["domains", "add", "acme"], "DOMAIN"),
    ] {
        let run = machine.as_who(&api, &superuser, &words).await;
        assert!(run.code == 2 && run.stderr.contains(text), "{words:?}: {run:?}");
    }
    assert!(stack.okta().journal().is_empty());
    // A token that others may read, an API without TLS, and a body from stdin.
    let file = machine.token_file("a.b.c");
    std::process::Command::new("chmod").arg("644").arg(&file).status().unwrap();
    let file = file.display().to_string();
    let words =
        |api: &'static str| ["tenants", "list", "--api", api, "--token-file", &file].map(str::to_owned);
    for (api, text) in [("https://api.test", "chmod 600"), ("http://api.test", "https")] {
        let run = machine.run(&words(api).each_ref().map(String::as_str), "").await;
        assert!(run.code == 2 && run.stderr.contains(text), "{run:?}");
    }
    let file = machine.token_file(superuser.trim_start_matches("Bearer ")).display().to_string();
    let from_stdin = ["tenants", "add", "--body", "-", "--api", &api, "--token-file", &file];
    let added = machine.run(&from_stdin, "{\"name\": \"initech\"}").await;
    assert_eq!(added.json()["name"], "initech", "{added:?}");
}

/// Files below a folder, with their modes.
fn files(folder: &Path) -> Vec<(PathBuf, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            found.push((path, mode & 0o777));
        }
    }
    found
}

/// The device flow: nobody types a secret into the program, and no file shows the token.
#[tokio::test]
async fn a_superuser_signs_in_and_out() {
    let stack = TestStack::start().await;
    let (api, okta, machine) = (stack.stack.api_url(), stack.okta().url(), Machine::new());
    let issuer = format!("{okta}/oauth2/aus1dac0000000000001");
    let none = machine.run(&["tenants", "list"], "").await;
    assert!(none.code == 3 && none.stderr.contains("okta-dac login"), "{none:?}");
    let new = machine.run(&["login", "--api", &api], "").await;
    assert!(new.code == 2 && new.stderr.contains("--issuer"), "{new:?}");
    let words = ["login", "--api", &api, "--issuer", &issuer, "--client-id", CLIENT, "--no-browser"];
    let mut child = machine.command(&words).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (first, second) = tokio::task::spawn_blocking(move || {
        let (mut first, mut second) = (String::new(), String::new());
        stderr.read_line(&mut first).unwrap();
        stderr.read_line(&mut second).unwrap();
        (first, second)
    })
    .await
    .unwrap();
    let address = first.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let code = second.split("the code ").nth(1).unwrap().trim().trim_end_matches('.');
    assert!(address.contains(code), "{first}{second}");
    // The person, in a browser.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = async |path: &str, form: &[(&str, &str)], cookie: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http.post(format!("{okta}{path}")).body(body).header("cookie", cookie);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    let form = [("username", "superuser@demo.test"), ("password", PASSWORD), ("fromURI", "/")];
    let signed_in = post("/login/sign-in", &form, "").await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let allowed = post("/activate", &[("user_code", code), ("action", "allow")], &cookie).await;
    assert!(allowed.text().await.unwrap().contains("Device activated"));
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["login"], &said["superuser"]), (&json!("superuser@demo.test"), &json!(true)), "{said}");
    // From now on nothing has to be said.
    let listed = machine.run(&["tenants", "list"], "").await;
    assert_eq!(listed.json()[0]["name"], "acme", "{listed:?}");
    assert_eq!(machine.run(&["whoami"], "").await.json(), said);
    let kept = files(machine.home.path());
    assert!(kept.iter().all(|(path, mode)| mode & 0o077 == 0 || path.ends_with("token")), "{kept:?}");
    let token = stack.token("superuser@demo.test");
    let header = token.split('.').next().unwrap();
    for (path, _) in &kept {
        let content = std::fs::read(path).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains(header), "{}", path.display());
    }
    // The token goes to no other API.
    let elsewhere = machine.run(&["tenants", "list", "--api", "https://evil.test"], "").await;
    assert!(elsewhere.code == 2 && elsewhere.stderr.contains("another API"), "{elsewhere:?}");
    assert_eq!(machine.run(&["logout"], "").await.code, 0);
    assert!(stack.okta().journal().iter().any(|call| call.operation_id == Some("revokeCustomAS")));
    assert_eq!(machine.run(&["tenants", "list"], "").await.code, 3);
}
