//! What stands beside the functions: the table and its locks, faults, processes.

use serde_json::{Value, json};

use crate::TestStack;

impl TestStack {
    /// Holds a lock for longer than any request waits.
    pub async fn hold_lock(&self, name: &str) {
        self.hold(&format!("lock#{name}")).await;
    }

    /// Holds a key of the table for longer than any request waits.
    pub async fn hold(&self, id: &str) {
        let item = json!({
            "id": { "S": id }, "expires": { "N": "9999999999" }, "owner": { "S": "somebody else" },
            "until": { "N": "9999999999999" },
        });
        self.dynamodb("PutItem", json!({ "TableName": "StateTable", "Item": item })).await;
    }

    /// Ends all locks, as if the time of their holders had passed.
    pub async fn end_locks(&self) {
        let found = self.dynamodb("Scan", json!({ "TableName": "StateTable" })).await;
        for item in found["Items"].as_array().into_iter().flatten() {
            if item["id"]["S"].as_str().is_some_and(|id| id.starts_with("lock#")) {
                let key = json!({ "id": item["id"] });
                self.dynamodb("DeleteItem", json!({ "TableName": "StateTable", "Key": key })).await;
            }
        }
    }

    /// Kills every process of a function that works on a call.
    pub fn kill_functions(&self) {
        self.stack.kill_running();
    }

    /// A call of DynamoDB, for preparing the table.
    pub async fn dynamodb(&self, call: &str, body: Value) -> Value {
        let scope = "AWS4-HMAC-SHA256 Credential=local/20260131/us-east-1/dynamodb/aws4_request";
        let request = self.http.post(self.stack.dynamodb_url());
        let request = request
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{call}"))
            .header("authorization", format!("{scope}, SignedHeaders=host, Signature=0"))
            .header("x-amz-date", "20260131T120000Z");
        let answer = request.body(body.to_string()).send().await.expect("DynamoDB answers");
        assert!(answer.status().is_success(), "{call}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Orders a fault of what stands beside the functions, or clears all; gives the status.
    pub async fn fault(&self, fault: Option<Value>) -> u16 {
        let url = format!("{}/_local/faults", self.stack.lambda_url());
        let request = match fault {
            Some(fault) => self.http.post(url).json(&fault),
            None => self.http.delete(url),
        };
        request.send().await.expect("an answer").status().as_u16()
    }
}
