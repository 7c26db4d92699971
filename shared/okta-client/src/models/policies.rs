//! Policies and their rules.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PolicyId, RuleId};

/// A policy (schema `Policy`).
#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
}

impl PolicyRule {
    /// Whether an IDP_DISCOVERY rule sends users to this IdP.
    pub fn routes_to(&self, idp: &str) -> bool {
        let providers = self.other.get("actions").and_then(|actions| actions.pointer("/idp/providers"));
        providers.and_then(Value::as_array).is_some_and(|providers| providers.iter().any(|p| p["id"] == idp))
    }
}

/// A rule of a policy (schema `PolicyRule`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyRule {
    /// Its id.
    pub id: RuleId,
    /// Its name.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`; changed by the lifecycle calls only.
    pub status: String,
    /// Conditions, actions, priority and everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
