//! `make bench`: what is deployed, measured on this machine.
//!
//! Everything is compared within one run, on the loopback address: sizes and
//! starts of the binaries in `target/lambda`, what each operation asks of Okta, the
//! token hook under load,
//! the authorizer's decisions beside two published token verifiers, the
//! emulator with a large org, the program `okta-dac aws` beside its peers, and rotations of
//! passwords. The table is printed, and kept as JSON in `target/bench.json`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use authorizer::{Authorizer, Settings};
use clap::ValueEnum;
use okta_emulator::{DEMO_ORG, Emulator, Entry, Options, Seed, TokenRequest, calls_in_a_row};
use operations::OPERATIONS;
use serde_json::{Value, json};

use crate::local_stack;
use crate::runtime_api::{life, memory};

/// Starts per function; the first is not counted, it warms the page cache.
const RUNS: usize = 20;

/// Requests to each operation; the first is not counted, its process starts.
const WARM: usize = 20;

/// How long the emulator takes for each call of an operation.
const LATENCY_MS: u64 = 50;

/// The same while the operations are measured one by one.
const OPERATION_LATENCY_MS: u64 = 80;

/// Calls of the token hook a second, how many, and how many before they count.
const HOOK_RATE: u32 = 50;
const HOOK_CALLS: usize = 1_000;
const HOOK_WARM: usize = 16;

/// Requests before the memory is read.
const REQUESTS: usize = 1_000;

/// How long each rate is measured.
const MEASURED: Duration = Duration::from_secs(2);

/// The route that the authorizer is asked about.
const ARN: &str = "arn:aws:execute-api:us-east-1:000000000000:abc123/v1/GET/tenants/acme";

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Part {
    /// Size, starts and memory of the functions.
    Functions,
    /// Calls to Okta and latency of the operations.
    Operations,
    /// The token hook under load.
    Hook,
    /// Decisions of the authorizer.
    Authorizer,
    /// The emulator with a large org.
    Emulator,
    /// The program `okta-dac aws`.
    Aws,
    /// Rotations of passwords.
    Rotation,
}

/// Measures all, or one part.
///
/// # Errors
///
/// A sentence.
pub fn bench(root: &Path, only: Option<Part>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let wanted = |part: Part| only.is_none_or(|only| only == part);
    let (mut text, mut all) = (String::new(), json!({}));
    if wanted(Part::Functions) {
        let (_stack, addresses) = local_stack::start(root)?;
        let token = runtime.block_on(local_stack::token(&addresses))?;
        let rows = functions(root, &addresses, &token)?;
        table(
            &mut text,
            &format!("functions: start, median of {RUNS}; memory after {REQUESTS} requests"),
            &rows,
        );
        all["functions"] = rows.into();
    }
    if wanted(Part::Operations) {
        let (_stack, addresses) = local_stack::start(root)?;
        let rows = runtime.block_on(operations(root, &addresses))?;
        let title = format!(
            "operations: warm, debug builds, an Okta that takes {OPERATION_LATENCY_MS} ms for a call, median and 95th percentile of {WARM}"
        );
        table(&mut text, &title, &rows);
        all["operations"] = rows.into();
    }
    if wanted(Part::Hook) {
        let (_stack, addresses) = local_stack::start_with(root, &["--concurrency", "16"])?;
        let row = runtime.block_on(hook_load(&addresses))?;
        let title = format!(
            "token hook: {HOOK_RATE} delegated tokens a second through the gateway, debug builds, an Okta that takes {LATENCY_MS} ms for a call"
        );
        table(&mut text, &title, std::slice::from_ref(&row));
        all["hook"] = row;
    }
    if wanted(Part::Authorizer) {
        let rows = runtime.block_on(decisions(root))?;
        table(&mut text, "authorizer: decisions per second on one core", &rows);
        all["authorizer"] = rows.into();
    }
    if wanted(Part::Emulator) {
        let rows = runtime.block_on(large_org())?;
        table(&mut text, "emulator: 100,000 users, 20,000 groups", &rows);
        all["emulator"] = rows.into();
    }
    if wanted(Part::Aws) {
        let rows = runtime.block_on(crate::bench_aws::bench(root))?;
        table(&mut text, "okta-dac aws, release build", &rows);
        all["aws"] = rows.into();
    }
    if wanted(Part::Rotation) {
        let rows = runtime.block_on(crate::bench_rotation::bench(root))?;
        table(&mut text, "okta-dac rotate, release build", &rows);
        all["rotation"] = rows.into();
    }
    let file = root.join("target/bench.json");
    std::fs::write(&file, format!("{all:#}\n")).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text)
}

/// Rows of one shape as a table.
fn table(text: &mut String, title: &str, rows: &[Value]) {
    let Some(columns) = rows.first().and_then(Value::as_object) else { return };
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let _ = writeln!(text, "\n{title}\n\n| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
    for row in rows {
        let cells: Vec<String> = names
            .iter()
            .map(|name| match &row[*name] {
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_f64() => {
                    format!("{:.2}", number.as_f64().unwrap_or_default())
                }
                other => other.to_string(),
            })
            .collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// Size, starts and memory of each function in `target/lambda`.
fn functions(root: &Path, addresses: &Value, token: &str) -> Result<Vec<Value>, String> {
    let folder = root.join("target/lambda");
    let entries = std::fs::read_dir(&folder).map_err(|_| "run `make build` first".to_owned())?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let mut rows = Vec::new();
    for name in names {
        let program = folder.join(&name).join("bootstrap");
        let size =
            std::fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
        let event = match name.as_str() {
            "authorizer" => authorizer_event().to_string(),
            name => std::fs::read_to_string(root.join(format!("events/{name}.json")))
                .map_err(|error| format!("events/{name}.json: {error}"))?,
        };
        let event = with_token(&event, token)?;
        let mut starts = Vec::new();
        let mut answers = Vec::new();
        for run in 0..=RUNS {
            let (next, answer, _) = life(&program, addresses, &event, 1)?;
            if run > 0 {
                starts.push(next);
                answers.push(answer);
            }
        }
        starts.sort();
        answers.sort();
        let (_, _, memory) = life(&program, addresses, &event, REQUESTS)?;
        let milliseconds = |times: &[Duration]| times[RUNS / 2].as_secs_f64() * 1e3;
        rows.push(json!({
            "function": name, "bytes": size, "zipped": zipped(&program)?,
            "to /next, ms": milliseconds(&starts), "to first answer, ms": milliseconds(&answers),
            "memory, MiB": memory,
        }));
    }
    Ok(rows)
}

/// What each operation asks of Okta for its sample event, and how long it takes;
/// some samples find part of the work done. The org and the tables are as in the seed each
/// time. An operation that forwards the caller's own Okta token is left out: no file has one.
async fn operations(root: &Path, addresses: &Value) -> Result<Vec<Value>, String> {
    let http = run_kit::http_client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    let address = |part: &str| addresses[part].as_str().unwrap_or_default().to_owned();
    let (okta, lambda) = (address("okta"), address("lambda"));
    let send = async |request: reqwest::RequestBuilder| {
        let answer = async { request.send().await?.error_for_status()?.bytes().await };
        answer.await.map_err(|error| error.to_string())
    };
    let mut rows = Vec::new();
    // Where Okta's rules route users, `find-idp` is off.
    let measured = |operation: &&operations::Operation| {
        operation.http().is_some() || operation.name == "get-connection-keys"
    };
    for operation in OPERATIONS.iter().filter(measured) {
        let name = operation.name;
        let event = std::fs::read(root.join(format!("events/{name}.json")))
            .map_err(|error| format!("events/{name}.json: {error}"))?;
        let (mut times, mut journal) = (Vec::new(), Vec::<Entry>::new());
        for run in 0..=WARM {
            send(http.post(format!("{okta}/_emulator/reset"))).await?;
            send(http.post(format!("{lambda}/_local/reset"))).await?;
            let latency = json!({ "latencyMs": OPERATION_LATENCY_MS });
            send(http.put(format!("{okta}/_emulator/settings")).json(&latency)).await?;
            let invoke = http.post(format!("{lambda}/2015-03-31/functions/{name}/invocations"));
            let started = Instant::now();
            let answer = send(invoke.body(event.clone())).await?;
            let time = started.elapsed();
            let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
            if answer["statusCode"] != operation.success() {
                return Err(format!("{name}: {answer}"));
            }
            if run > 0 {
                times.push(time);
            }
            let entries = send(http.get(format!("{okta}/_emulator/requests"))).await?;
            journal = serde_json::from_slice(&entries).map_err(|error| error.to_string())?;
        }
        times.sort();
        rows.push(json!({
            "operation": name, "Okta calls": journal.len(), "in a row": calls_in_a_row(&journal),
            "ms": times[WARM / 2].as_secs_f64() * 1e3,
            "p95 ms": times[(WARM * 95).div_ceil(100) - 1].as_secs_f64() * 1e3,
        }));
    }
    Ok(rows)
}

/// Calls of the token hook at a steady rate, each with a delegation of its own.
/// Like the operations, it goes through the gateway and a real process.
async fn hook_load(addresses: &Value) -> Result<Value, String> {
    let http = run_kit::http_client(Duration::from_secs(10)).map_err(|error| error.to_string())?;
    let address = |part: &str| addresses[part].as_str().unwrap_or_default().to_owned();
    let (api, okta) = (address("api"), address("okta"));
    let json_of = async |request: reqwest::RequestBuilder| {
        let answer = async { request.send().await?.error_for_status()?.json::<Value>().await };
        answer.await.map_err(|error| error.to_string())
    };
    let wanted = json!({ "login": "agent@demo.test", "scopes": ["managed.access"] });
    let token = json_of(http.post(format!("{okta}/_emulator/token")).json(&wanted)).await?;
    let token = token["access_token"].as_str().unwrap_or_default().to_owned();
    let found = json_of(http.get(format!("{api}/agent")).bearer_auth(&token)).await?;
    let delegator = json!({ "entityid": found[0]["id"] });
    let mut ids = Vec::new();
    for _ in 0..HOOK_CALLS + HOOK_WARM {
        let started = json_of(http.post(format!("{api}/agent")).bearer_auth(&token).json(&delegator)).await?;
        ids.push(started["id"].as_str().unwrap_or_default().to_owned());
    }
    let agent = json_of(http.get(format!("{okta}/api/v1/users/agent@demo.test")).header(
        "authorization",
        format!("SSWS {}", Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?.api_token.token),
    ))
    .await?;
    let client = addresses["parameters"]["OktaDacAppId"].clone();
    let settings = http.put(format!("{okta}/_emulator/settings")).json(&json!({ "latencyMs": LATENCY_MS }));
    json_of(settings).await?;
    let call = |id: String| {
        let payload = json!({
            "eventType": "com.okta.oauth2.tokens.transform",
            "data": {
                "context": {
                    "protocol": { "request": { "state": id }, "client": { "id": client } },
                    "user": { "id": agent["id"] },
                },
                "access": { "claims": { "uid": agent["id"], "cid": client, "sub": "agent@demo.test" } },
            },
        });
        let request = http.post(format!("{api}/tokenEnrichment/agent")).json(&payload);
        let request = request.header("authorization", addresses["hookSecret"].as_str().unwrap_or_default());
        async move {
            let started = Instant::now();
            let answer = async { request.send().await?.error_for_status()?.text().await };
            let delegated = answer.await.is_ok_and(|answer| answer.contains("on_behalf_sub"));
            (started.elapsed(), delegated)
        }
    };
    let rest = ids.split_off(HOOK_WARM);
    futures::future::join_all(ids.into_iter().map(&call)).await;
    let cleared = http.delete(format!("{okta}/_emulator/requests")).send().await;
    cleared.map_err(|error| error.to_string())?;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / HOOK_RATE);
    let mut running = Vec::new();
    for id in rest {
        tick.tick().await;
        running.push(tokio::spawn(call(id)));
    }
    let mut times = Vec::new();
    let mut delegated = 0;
    for call in running {
        let (time, done) = call.await.map_err(|error| error.to_string())?;
        times.push(time);
        delegated += u32::from(done);
    }
    times.sort();
    let above = |share: usize| {
        let time = times[(times.len() * share).div_ceil(100) - 1];
        time.as_secs_f64() * 1e3 - LATENCY_MS as f64
    };
    let entries = json_of(http.get(format!("{okta}/_emulator/requests"))).await?;
    Ok(json!({
        "calls": times.len(), "delegated": delegated,
        "median above Okta's, ms": above(50), "p99 above Okta's, ms": above(99),
        "Okta calls each": entries.as_array().map_or(0, Vec::len) as f64 / times.len() as f64,
    }))
}

/// What API Gateway sends to an authorizer of the type REQUEST.
fn authorizer_event() -> Value {
    json!({
        "type": "REQUEST", "methodArn": ARN, "resource": "/tenants/{tenant}", "path": "/tenants/acme",
        "httpMethod": "GET", "headers": { "Authorization": "" },
        "multiValueHeaders": {}, "pathParameters": { "tenant": "acme" }, "queryStringParameters": {},
        "multiValueQueryStringParameters": {}, "stageVariables": {},
        "requestContext": { "path": "/v1/tenants/acme", "stage": "v1", "requestId": "bench", "httpMethod": "GET" },
    })
}

/// The size of the archive that is uploaded, near enough: one file, deflated.
pub(crate) fn zipped(program: &Path) -> Result<usize, String> {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(program).output();
    output.map(|output| output.stdout.len()).map_err(|error| format!("gzip: {error}"))
}

/// The event with this bearer token.
fn with_token(event: &str, token: &str) -> Result<String, String> {
    let mut event: Value = serde_json::from_str(event).map_err(|error| error.to_string())?;
    for (name, value) in event["headers"].as_object_mut().into_iter().flatten() {
        if name.eq_ignore_ascii_case("authorization") {
            *value = format!("Bearer {token}").into();
        }
    }
    Ok(event.to_string())
}

/// Decisions of the authorizer, and verifications by two published verifiers.
async fn decisions(root: &Path) -> Result<Vec<Value>, String> {
    let seed = Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?;
    let audience = seed.authorization_server.audience.clone();
    let emulator = Emulator::start(Options { port: 0, seed, state_file: None });
    let emulator = emulator.await.map_err(|error| error.to_string())?;
    let request = TokenRequest { login: "admin@acme.test".to_owned(), ..TokenRequest::default() };
    let token = emulator.access_token(&request)?;
    let output = Command::new("node")
        .arg("tests/conformance/bench_verifiers.js")
        .current_dir(root)
        .env("OKTA_URL", emulator.url())
        .env("TOKEN", &token)
        .output()
        .map_err(|error| format!("node: {error}"))?;
    let others: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        "the verifiers of tests/conformance do not run: `make conformance` installs them".to_owned()
    })?;

    // Alone: what DynamoDB takes for the revocations is not the authorizer's.
    let (issuer, client_ids) = (emulator.issuer(), Vec::new());
    let settings = Settings { issuer, audiences: vec![audience], client_ids };
    let new = || Authorizer::new(settings.clone()).map_err(|error| error.to_string());
    let header = format!("Bearer {token}");
    let decide = async |authorizer: &Authorizer| {
        let decided = authorizer.decide(&header, ARN, "/tenants/acme").await;
        decided.map(drop).map_err(|error| error.to_string())
    };
    let repeated = new()?;
    decide(&repeated).await?;
    let (mut count, started) = (0_u64, Instant::now());
    while started.elapsed() < MEASURED {
        for _ in 0..1_000 {
            decide(&repeated).await?;
        }
        count += 1_000;
    }
    let repeated = rate(count, started);
    let uncached = new()?.without_cache();
    decide(&uncached).await?;
    let (mut count, started) = (0_u64, Instant::now());
    while started.elapsed() < MEASURED {
        for _ in 0..50 {
            decide(&uncached).await?;
        }
        count += 50;
    }
    let uncached = rate(count, started);
    let aws = others["aws-jwt-verify"].as_f64().unwrap_or_default();
    let row = |what: &str, rate: f64| json!({ "what": what, "per second": rate.round(), "times aws-jwt-verify": rate / aws });
    Ok(vec![
        row("decision, token not seen before", uncached),
        row("decision, token seen before", repeated),
        row("aws-jwt-verify, verification alone", aws),
        row(
            "@okta/jwt-verifier, verification alone",
            others["@okta/jwt-verifier"].as_f64().unwrap_or_default(),
        ),
    ])
}

fn rate(count: u64, started: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let count = count as f64;
    count / started.elapsed().as_secs_f64()
}

/// A page of a search in a large org, and its start from a saved state.
async fn large_org() -> Result<Vec<Value>, String> {
    let path = std::env::temp_dir().join(format!("okta-dac-bench-{}.json", std::process::id()));
    let seed = || {
        let mut seed = Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?;
        (seed.bulk_users, seed.bulk_groups) = (100_000, 20_000);
        Ok::<_, String>(seed)
    };
    let token = format!("SSWS {}", seed()?.api_token.token);
    let options = |seed| Options { port: 0, seed, state_file: Some(path.clone()) };
    let text = |error: okta_emulator::StartError| error.to_string();
    let first = Emulator::start(options(seed()?)).await.map_err(text)?;
    first.save().map_err(text)?;
    drop(first);
    let started = Instant::now();
    let small = Seed::parse(DEMO_ORG).map_err(|error| error.to_string())?;
    let emulator = Emulator::start(options(small)).await.map_err(text)?;
    let mut rows = vec![row("start from a saved state", started.elapsed())];
    let saved = std::fs::metadata(&path).map_or(0, |file| file.len());
    std::fs::remove_file(&path).map_err(|error| error.to_string())?;
    let http = run_kit::http_client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    for (what, path) in [
        ("users, search for one login", "users?search=profile.login%20eq%20%22user99999%40bulk.test%22"),
        ("users, a page of 200 of a search", "users?search=profile.firstName%20eq%20%22bulk%22&limit=200"),
        ("users, the last page of a search", "users?search=profile.lastName%20sw%20%229999%22&limit=200"),
        ("groups, search for one name", "groups?search=profile.name%20eq%20%22BULK_19999%22&limit=200"),
        ("groups, a page of 200 by prefix", "groups?q=bulk_1&limit=200"),
    ] {
        let url = format!("{}/api/v1/{path}", emulator.url());
        let mut times = Vec::new();
        for _ in 0..11 {
            let started = Instant::now();
            let answer = http.get(&url).header("authorization", &token).send().await;
            let answer =
                answer.and_then(|answer| answer.error_for_status()).map_err(|error| error.to_string())?;
            answer.bytes().await.map_err(|error| error.to_string())?;
            times.push(started.elapsed());
        }
        times.sort();
        rows.push(row(&format!("{what}, median of 11"), times[5]));
    }
    rows.push(json!({ "what": "resident memory of this process", "value": memory(std::process::id())?, "unit": "MiB" }));
    rows.push(json!({ "what": "saved state", "value": saved / (1024 * 1024), "unit": "MiB" }));
    Ok(rows)
}

fn row(what: &str, time: Duration) -> Value {
    json!({ "what": what, "value": time.as_secs_f64() * 1e3, "unit": "ms" })
}
