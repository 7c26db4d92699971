//! Objects of which id and name matter.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An authorization server, a scope, a claim, a policy, a rule, a trusted origin.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Named {
    /// A member that is text.
    pub fn text(&self, member: &str) -> &str {
        self.other.get(member).and_then(Value::as_str).unwrap_or_default()
    }
}
