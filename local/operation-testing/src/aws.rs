//! AWS as far as operations need it: a DynamoDB with their table, and the call
//! that flushes the authorizer's cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::routing::delete;
use dynoxide::Database;
use lambda_kit::Resources;
use serde_json::{Value, json};
use state::State;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name of the table.
pub(crate) const TABLE: &str = "state";

/// The services, on ports of their own.
pub(crate) struct Aws {
    pub(crate) resources: Resources,
    pub(crate) flushes: Arc<AtomicUsize>,
    pub(crate) server: JoinHandle<()>,
    control_plane: JoinHandle<()>,
    database: Database,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        let database = Database::memory().expect("a database");
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        });
        database.create_table(serde_json::from_value(table).expect("a table")).expect("it is created");
        let (listener, url) = listen().await;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let flushes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&flushes);
        let flush = move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { StatusCode::ACCEPTED }
        };
        let router = axum::Router::new().route("/restapis/api/stages/v1/cache/authorizers", delete(flush));
        let (listener, control_plane_url) = listen().await;
        let control_plane = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let resources = Resources::with(State::local(TABLE, &url, &control_plane_url));
        Self { resources, flushes, server, control_plane, database }
    }

    pub(crate) fn end_locks(&self) {
        for id in self.items("lock#") {
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

impl Drop for Aws {
    fn drop(&mut self) {
        self.server.abort();
        self.control_plane.abort();
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}
