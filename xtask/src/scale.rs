//! `make scale`: operations in orgs with few and with many tenants, beside each other.
//!
//! Each org has its own local stack, with the setting `DiscoveryBy=webfinger` and a complete index
//! of domains, in which every tenant has one. What is asked of Okta must be the same however many
//! tenants there are, and no function may grow. Times are printed and not judged: the emulator
//! itself takes longer for a larger org.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::{
    Discovery, EmailDomain, Holder, Holders, INDEX_ITEM, IndexState, TenantDomains, holders_item,
    tenant_domains_item,
};
use okta_emulator::{DEMO_ORG, Entry, calls_in_a_row};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::local_stack;
use crate::runtime_api::memory;

/// Requests of each kind; the first is not counted, its process starts.
const REQUESTS: usize = 20;

/// How long the emulator takes for each call, beside its own work.
const LATENCY_MS: u64 = 30;

/// Most resident memory of a function, in MiB.
const MOST_MEMORY: f64 = 64.0;

/// Items in one write of DynamoDB.
const BATCH: usize = 25;

/// One kind of request, as it was measured.
struct Row {
    name: &'static str,
    calls: BTreeSet<(usize, usize)>,
    times: Vec<Duration>,
}

/// Measures orgs of these sizes.
///
/// # Errors
///
/// A sentence: also if an operation asks more of Okta in a larger org, or a function grows.
pub fn scale(root: &Path, sizes: &[u32]) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let (mut text, mut faults) = (String::new(), Vec::new());
    let mut calls: BTreeMap<&'static str, BTreeSet<BTreeSet<(usize, usize)>>> = BTreeMap::new();
    for &tenants in sizes {
        let started = Instant::now();
        let (rows, memories) = runtime.block_on(measure(root, tenants))?;
        let _ = writeln!(
            text,
            "\n{tenants} tenants, prepared and measured in {:.0} s: medians and 95th percentiles of {REQUESTS} requests, debug builds, an Okta that takes {LATENCY_MS} ms more for a call\n\n| request | Okta calls | in a row | ms | p95 ms |\n|---|---|---|---|---|",
            started.elapsed().as_secs_f64()
        );
        for Row { name, calls: asked, mut times } in rows {
            times.sort();
            let at = |part: usize| times[(times.len() * part).div_ceil(100) - 1].as_secs_f64() * 1e3;
            let numbers = |of: fn(&(usize, usize)) -> usize| {
                let numbers: BTreeSet<usize> = asked.iter().map(of).collect();
                numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ")
            };
            let (all, in_a_row) = (numbers(|asked| asked.0), numbers(|asked| asked.1));
            let _ = writeln!(text, "| {name} | {all} | {in_a_row} | {:.1} | {:.1} |", at(50), at(95));
            calls.entry(name).or_default().insert(asked);
        }
        let most = memories.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((function, most)) = most {
            let _ = writeln!(text, "\nMost memory of a function: {most:.1} MiB, `{function}`.");
        }
        let grown = memories.iter().filter(|(_, memory)| *memory > MOST_MEMORY);
        faults.extend(grown.map(|(name, memory)| format!("{name} has {memory:.1} MiB at {tenants} tenants")));
    }
    let differing = calls.into_iter().filter(|(_, asked)| asked.len() > 1);
    let differ =
        |(name, asked)| format!("{name} asks Okta differently often, in all and in a row: {asked:?}");
    faults.extend(differing.map(differ));
    match faults.is_empty() {
        true => Ok(text),
        false => Err(format!("{text}\n{}", faults.join("\n"))),
    }
}

/// Measures one org; gives also the memory of each function.
async fn measure(root: &Path, tenants: u32) -> Result<(Vec<Row>, Vec<(String, f64)>), String> {
    let seed = root.join("target/scale-seed.yaml");
    let org = format!("{DEMO_ORG}\nbulkTenants: {tenants}\n");
    std::fs::write(&seed, org).map_err(|error| format!("{}: {error}", seed.display()))?;
    let seed = seed.to_string_lossy();
    let arguments = ["--seed", &seed, "--parameter", "DiscoveryBy=webfinger"];
    let (mut stack, addresses) = local_stack::start_with(root, &arguments)?;
    let token = local_stack::token(&addresses).await?;
    let scale = Scale::of(&addresses, token)?;
    let ids = scale.tenants().await?;
    scale.fill_index(&ids).await?;
    // Calls at the same time can only be told where a call takes time.
    let latency = json!({ "latencyMs": LATENCY_MS });
    read(scale.http.put(format!("{}/_emulator/settings", scale.okta)).json(&latency)).await?;
    let mut rows = Vec::new();
    // Each request is about another one, and all parts of the org have some.
    let some = |n: usize| format!("tenant-{:06}", n * ids.len() / (REQUESTS + 1));
    let mut row = async |name, request: &dyn Fn(usize) -> RequestBuilder| {
        rows.push(scale.row(name, request).await?);
        Ok::<_, String>(())
    };
    row("add-tenant", &|n| scale.send(Method::POST, "/tenants", Some(json!({ "name": format!("new-{n}") }))))
        .await?;
    row("get-tenant", &|n| scale.send(Method::GET, &format!("/tenants/{}", some(n)), None)).await?;
    row("list-tenants, 30", &|_| scale.send(Method::GET, "/tenants?limit=30", None)).await?;
    row("list-tenants, by name", &|n| {
        scale.send(Method::GET, &format!("/tenants?limit=30&search={}", some(n)), None)
    })
    .await?;
    row("list-idps, 30", &|_| scale.send(Method::GET, "/idps?limit=30", None)).await?;
    row("add-tenant-domain, verified", &|n| {
        let body = json!({ "domain": format!("more-{n}.test"), "verified": true });
        scale.send(Method::POST, &format!("/tenants/{}/domains", some(n)), Some(body))
    })
    .await?;
    row("add-tenant-domain, pending", &|n| {
        let body = json!({ "domain": format!("pending-{n}.test") });
        scale.send(Method::POST, &format!("/tenants/{}/domains", some(n)), Some(body))
    })
    .await?;
    row("list-tenant-domains", &|n| scale.send(Method::GET, &format!("/tenants/{}/domains", some(n)), None))
        .await?;
    row("find-idp", &|n| {
        scale.send(Method::GET, &format!("/.well-known/webfinger?resource=ann@{}.test", some(n)), None)
    })
    .await?;
    row("update-tenant, suspend", &|n| {
        scale.send(Method::PUT, &format!("/tenants/{}", some(n)), Some(json!({ "status": "SUSPENDED" })))
    })
    .await?;
    Ok((rows, memories(root, stack.child().id())?))
}

/// A stack that is measured.
struct Scale {
    http: reqwest::Client,
    api: String,
    okta: String,
    dynamodb: String,
    table: String,
    token: String,
}

impl Scale {
    fn of(addresses: &Value, token: String) -> Result<Self, String> {
        let text =
            |path: &str| addresses.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            http: run_kit::http_client(Duration::from_secs(60)).map_err(|error| error.to_string())?,
            api: text("/api"),
            okta: text("/okta"),
            dynamodb: text("/dynamodb"),
            table: "StateTable".to_owned(),
            token,
        })
    }

    fn send(&self, method: Method, path: &str, body: Option<Value>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api)).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    async fn row(
        &self,
        name: &'static str,
        request: &dyn Fn(usize) -> RequestBuilder,
    ) -> Result<Row, String> {
        let mut row = Row { name, calls: BTreeSet::new(), times: Vec::new() };
        for n in 0..=REQUESTS {
            let journal = format!("{}/_emulator/requests", self.okta);
            read(self.http.delete(&journal)).await?;
            let started = Instant::now();
            let answer = request(n).send().await.map_err(|error| error.to_string())?;
            let (time, status) = (started.elapsed(), answer.status());
            if !status.is_success() {
                let text = answer.text().await.unwrap_or_default();
                return Err(format!("{name}: {status} {text}"));
            }
            if n > 0 {
                let entries: Vec<Entry> = serde_json::from_value(read(self.http.get(&journal)).await?)
                    .map_err(|e| e.to_string())?;
                row.calls.insert((entries.len(), calls_in_a_row(&entries)));
                row.times.push(time);
            }
        }
        Ok(row)
    }

    /// Ids of the tenants that were made for this, by their names.
    async fn tenants(&self) -> Result<Vec<(String, String)>, String> {
        let mut tenants = Vec::new();
        let mut next = Some(format!("{}/idps?limit=200", self.api));
        while let Some(url) = next {
            let answer = self.http.get(url).bearer_auth(&self.token).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            let links = answer.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
            let links: Vec<&str> = links.flat_map(|links| links.split(", <")).collect();
            let after = links.iter().find(|link| link.contains("rel=\"next\""));
            next = after.and_then(|link| Some(link.trim_start_matches('<').split_once('>')?.0.to_owned()));
            let idps: Value = answer.json().await.map_err(|error| error.to_string())?;
            let of = |idp: &Value| Some((idp["id"].as_str()?.to_owned(), idp["name"].as_str()?.to_owned()));
            tenants.extend(idps.as_array().into_iter().flatten().filter_map(of));
        }
        tenants.retain(|(_, name)| name.starts_with("tenant-"));
        Ok(tenants)
    }

    /// Gives every tenant a verified domain, and says that the index is complete.
    async fn fill_index(&self, tenants: &[(String, String)]) -> Result<(), String> {
        let mut items = vec![item(INDEX_ITEM, &json!(IndexState { complete_since: Some(1) }).to_string())];
        for (id, name) in tenants {
            let domain = EmailDomain::parse(&format!("{name}.test")).map_err(|error| error.to_string())?;
            let mut holders = Holders::default();
            holders.claim(&domain, Holder { id: id.clone(), by: Discovery::Webfinger, since: 1 });
            items.push(item(&holders_item(&domain), &json!(holders).to_string()));
            let verified = [domain.to_string()].into();
            let known = TenantDomains { verified, ..TenantDomains::default() };
            items.push(item(&tenant_domains_item(id), &json!(known).to_string()));
        }
        for items in items.chunks(BATCH) {
            let body = json!({ "RequestItems": { (self.table.as_str()): items } });
            let request = self.http.post(&self.dynamodb).json(&body);
            // The local tables want a signature, and do not look at it.
            let signature = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
            let request = request.header("authorization", signature).header("x-amz-date", "20260101T000000Z");
            let request = request.header("content-type", "application/x-amz-json-1.0");
            read(request.header("x-amz-target", "DynamoDB_20120810.BatchWriteItem")).await?;
        }
        Ok(())
    }
}

fn item(id: &str, content: &str) -> Value {
    json!({ "PutRequest": { "Item": { "id": { "S": id }, "content": { "S": content }, "version": { "S": "scale" } } } })
}

async fn read(request: RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let (status, url) = (answer.status(), answer.url().clone());
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    match status.is_success() {
        true => Ok(serde_json::from_slice(&body).unwrap_or_default()),
        false => Err(format!("{url}: {status} {}", String::from_utf8_lossy(&body))),
    }
}

/// The memory of each function of the stack under this guard.
fn memories(root: &Path, guard: u32) -> Result<Vec<(String, f64)>, String> {
    let processes = std::fs::read_dir("/proc").map_err(|error| error.to_string())?;
    let processes = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parents: BTreeMap<u32, u32> =
        processes.filter_map(|process| Some((process, parent_of(process)?))).collect();
    let is_ours = |process: u32| {
        let ancestors = std::iter::successors(Some(process), |process| parents.get(process).copied());
        ancestors.take(8).any(|process| process == guard)
    };
    let folder = root.join("target/debug");
    let mut memories = Vec::new();
    for process in parents.keys().copied().filter(|process| is_ours(*process)) {
        let Ok(program) = std::fs::read_link(format!("/proc/{process}/exe")) else { continue };
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if program.parent() == Some(&folder) && operations::OPERATIONS.iter().any(|one| one.name == name) {
            memories.push((name, memory(process)?));
        }
    }
    Ok(memories)
}

fn parent_of(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
