//! AWS as far as operations need it: a DynamoDB with their tables.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{OPEN, OPEN_INDEX, grants_item};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name of the table.
pub(crate) const TABLE: &str = "state";

/// Name of the table of delegation's records.
/// Name of the table of responses.
pub(crate) const RESPONSES: &str = operations::EnvVar::RESPONSES_TABLE.example;

/// Name of the table of delegation's records.
pub(crate) const RECORDS: &str = operations::EnvVar::DELEGATION_EVENTS_TABLE.example;

/// The service, on a port of its own.
pub(crate) struct Aws {
    pub(crate) dynamodb_url: String,
    server: JoinHandle<()>,
    proxy: JoinHandle<()>,
    faults: Faults,
    database: Database,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        let database = Database::memory().expect("a database");
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes(&["id"]),
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        });
        let records = json!({
            "TableName": RECORDS, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes(&["delegator", "at", OPEN_INDEX]), "KeySchema": keys("delegator", "at"),
            "GlobalSecondaryIndexes": [index(OPEN_INDEX, OPEN_INDEX, "at")],
        });
        let responses = json!({
            "TableName": RESPONSES, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes(&["user", "at", "all", "open", "due"]),
            "KeySchema": keys("user", "at"),
            "GlobalSecondaryIndexes": [index("all", "all", "at"), index("open", "open", "due")],
        });
        for table in [table, records, responses] {
            database.create_table(serde_json::from_value(table).expect("a table")).expect("it is created");
        }
        let (listener, own_url) = listen().await;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let faults = Faults::default();
        let (listener, url) = listen().await;
        let http = run_kit::http_client(Duration::from_secs(5)).expect("a client");
        let proxy = axum::Router::new().fallback(pass).with_state((http, own_url, faults.clone()));
        let proxy = tokio::spawn(async move {
            let _ = axum::serve(listener, proxy).await;
        });
        let dynamodb_url = url;
        Self { dynamodb_url, server, proxy, database, faults }
    }

    /// Calls since the last question, and the bytes of their answers.
    pub(crate) fn take_traffic(&self) -> (usize, usize) {
        let mut fault = lock(&self.faults);
        std::mem::take(&mut fault.traffic)
    }

    /// Ends DynamoDB.
    pub(crate) fn stop(&self) {
        self.server.abort();
        self.break_calls(1, u64::MAX, false);
    }

    /// Lets `times` calls fail, beginning with the `nth` from now on; `after` they
    /// were done.
    pub(crate) fn break_calls(&self, nth: u64, times: u64, after: bool) {
        *lock(&self.faults) = Fault { passing: nth - 1, failing: times, after, ..Fault::default() };
    }

    /// Lets `times` transactions be canceled for this reason, from now on.
    pub(crate) fn cancel_transactions(&self, code: &'static str, times: u64) {
        *lock(&self.faults) = Fault { canceled: Some(code), failing: times, ..Fault::default() };
    }

    /// Everything in the tables, as text.
    pub(crate) fn everything(&self) -> String {
        let scan = |table: &str| {
            let request = serde_json::from_value(json!({ "TableName": table })).expect("a scan");
            let found = self.database.scan(request).expect("items");
            let mut found = serde_json::to_value(found).expect("JSON");
            found.sort_all_objects();
            found.to_string()
        };
        scan(TABLE) + &scan(RECORDS) + &scan(RESPONSES)
    }

    /// Writes an item with one number.
    pub(crate) fn put(&self, id: &str, name: &str, number: i64) {
        let item = json!({ "id": { "S": id }, (name): { "N": number.to_string() } });
        self.put_item(TABLE, &item);
    }

    /// Writes the record of a run that has not ended, as the run began it.
    pub(crate) fn begin_record(&self, partition: &str, time: &str, operation: &str) {
        let id = format!("run-of-{operation}");
        let members = [
            ("delegator", partition),
            ("at", &format!("{time}_{id}_{operation}")),
            ("time", time),
            ("event", operation),
            ("requestId", &id),
            ("outcome", "open"),
            (OPEN_INDEX, OPEN),
        ];
        let item: Value =
            members.iter().map(|&(name, text)| (name.to_owned(), json!({ "S": text }))).collect();
        self.put_item(RECORDS, &item);
    }

    /// Writes the grants of a user, as the user made them.
    pub(crate) fn grant(&self, delegator: &str, agents: &[String]) {
        let grant = |agent: &String| json!({ "M": { "id": { "S": "seed" }, "agent": { "S": agent } } });
        let grants: Vec<Value> = agents.iter().map(grant).collect();
        self.put_item(TABLE, &json!({ "id": { "S": grants_item(delegator) }, "grants": { "L": grants } }));
    }

    fn put_item(&self, table: &str, item: &Value) {
        let request = json!({ "TableName": table, "Item": item });
        let request = serde_json::from_value(request).expect("a request");
        self.database.put_item(request).expect("it is written");
    }

    pub(crate) fn end_locks(&self) {
        self.delete("lock#");
    }

    /// Empties the index of domains.
    pub(crate) fn forget_domains(&self) {
        for prefix in ["domain#", "domains-of#", "ending#", domain::INDEX_ITEM] {
            self.delete(prefix);
        }
    }

    fn delete(&self, prefix: &str) {
        for id in self.items(prefix) {
            let request = json!({ "TableName": TABLE, "Key": { "id": { "S": id } } });
            let request = serde_json::from_value(request).expect("a request");
            self.database.delete_item(request).expect("it is deleted");
        }
    }

    pub(crate) fn items(&self, prefix: &str) -> Vec<String> {
        let request = json!({ "TableName": TABLE });
        let found = self.database.scan(serde_json::from_value(request).expect("a scan")).expect("items");
        let found = serde_json::to_value(found).expect("JSON");
        let ids = found["Items"].as_array().into_iter().flatten();
        let ids = ids.filter_map(|item: &Value| Some(item["id"]["S"].as_str()?.to_owned()));
        ids.filter(|id| id.starts_with(prefix)).collect()
    }
}

fn attributes(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect()
}

fn keys(hash: &str, range: &str) -> Value {
    json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }])
}

fn index(name: &str, hash: &str, range: &str) -> Value {
    json!({ "IndexName": name, "Projection": { "ProjectionType": "ALL" }, "KeySchema": keys(hash, range) })
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.server.abort();
        self.proxy.abort();
    }
}

/// Which calls of DynamoDB fail.
#[derive(Debug, Default)]
struct Fault {
    passing: u64,
    failing: u64,
    after: bool,
    /// Only transactions fail, and for this reason.
    canceled: Option<&'static str>,
    /// Calls that passed, and the bytes of their answers.
    traffic: (usize, usize),
}

type Faults = Arc<Mutex<Fault>>;

fn lock(faults: &Faults) -> std::sync::MutexGuard<'_, Fault> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes a call on to DynamoDB, or lets it fail.
async fn pass(
    extract::State((http, url, faults)): extract::State<(reqwest::Client, String, Faults)>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let (fails, after) = {
        let mut fault = lock(&faults);
        let is_transaction = headers
            .get("x-amz-target")
            .is_some_and(|target| target.as_bytes().ends_with(b"TransactWriteItems"));
        if let Some(code) = fault.canceled
            && is_transaction
            && fault.failing > 0
        {
            fault.failing -= 1;
            let reasons = json!([{ "Code": code }, { "Code": "None" }]);
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let body = json!({ "__type": kind, "message": "canceled", "CancellationReasons": reasons });
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        let passes = fault.passing > 0 || fault.canceled.is_some();
        let fails = !passes && fault.failing > 0;
        fault.passing = fault.passing.saturating_sub(1);
        fault.failing = fault.failing.saturating_sub(u64::from(fails));
        (fails, fault.after)
    };
    let failed = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
    if fails && !after {
        return failed();
    }
    let answer = http.post(url).headers(headers).body(body).send().await;
    let Ok(answer) = answer else { return failed() };
    if fails {
        return failed();
    }
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_default();
    let mut fault = lock(&faults);
    fault.traffic = (fault.traffic.0 + 1, fault.traffic.1 + body.len());
    drop(fault);
    (status, headers, body).into_response()
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}
