//! The tables of the local DynamoDB: those of the template.

use std::path::Path;

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};

use crate::template::Template;

/// Who may act for whom when the stack starts: the user, and the agents.
type Grants = Vec<(String, Vec<String>)>;

/// The tables, and what they have when the stack starts.
pub(crate) struct Tables {
    pub(crate) database: Database,
    requests: Vec<Value>,
    grants: Grants,
}

impl Tables {
    /// Makes the tables that are missing; in memory, if there is no folder for them. The
    /// grants of the org's users are taken over into the state table, as if the users had
    /// made them; those that the table has stay.
    pub(crate) fn open(template: &Template, data: Option<&Path>, grants: Grants) -> Result<Self, String> {
        let database = match data {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
                Database::new(&folder.join("dynamodb.sqlite").display().to_string())
            }
            None => Database::memory(),
        };
        let database = database.map_err(|error| failed(&error))?;
        let tables = Self { database, requests: template.tables.clone(), grants };
        tables.fill()?;
        Ok(tables)
    }

    /// Back to what the tables of a new stack have.
    pub(crate) fn reset(&self) -> Result<(), String> {
        for table in &self.requests {
            let request = json!({ "TableName": table["TableName"] });
            let request = serde_json::from_value(request).map_err(|error| failed(&error))?;
            self.database.delete_table(request).map_err(|error| failed(&error))?;
        }
        self.fill()
    }

    fn fill(&self) -> Result<(), String> {
        for table in &self.requests {
            let request = serde_json::from_value(table.clone()).map_err(|error| failed(&error))?;
            match self.database.create_table(request) {
                Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        for (delegator, agents) in &self.grants {
            let grant = |agent: &String| json!({ "M": { "id": { "S": "seed" }, "agent": { "S": agent } } });
            let grants: Vec<_> = agents.iter().map(grant).collect();
            let item = json!({ "id": { "S": format!("grants#{delegator}") }, "grants": { "L": grants } });
            let put = json!({
                "TableName": "StateTable", "Item": item, "ConditionExpression": "attribute_not_exists(id)",
            });
            let request = serde_json::from_value(put).map_err(|error| failed(&error))?;
            match self.database.put_item(request) {
                Ok(_) | Err(DynoxideError::ConditionalCheckFailedException(..)) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        self.put_response()
    }

    /// A response of the demo org, about `user@globex.test`: the sample requests are about it.
    fn put_response(&self) -> Result<(), String> {
        let (user, at) = ("00u00000000000000007", "0mmmmmmmm00000000000");
        let response = json!({
            "id": format!("{user}{at}"), "user": user, "status": "active", "reason": "A response of the demo org",
            "actions": [{ "action": "clear-sessions", "outcome": "done", "at": "2026-01-31T12:00:00.000Z" }],
            "actor": { "requestId": "demo" }, "contained": false, "created": "2026-01-31T12:00:00.000Z",
            "before": { "status": "ACTIVE" },
        });
        let text = |text: &str| json!({ "S": text });
        let put = json!({
            "TableName": "ResponsesTable", "ConditionExpression": "attribute_not_exists(version)",
            "Item": {
                "user": text(user), "at": text(at), "all": text("all"), "status": text("active"),
                "open": text("open"), "due": text("9999-12-31T23:59:59.999Z"),
                "response": text(&response.to_string()), "version": { "N": "1" },
            },
        });
        let request = serde_json::from_value(put).map_err(|error| failed(&error))?;
        match self.database.put_item(request) {
            Ok(_) | Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> String {
    error.to_string()
}
