//! Policies and their rules.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{PolicyId, RuleId};

/// A policy (schema `Policy`).
#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
}

/// A rule of the IDP_DISCOVERY policy that is to be created.
#[derive(Clone, Debug, Serialize)]
pub struct NewPolicyRule {
    /// Its name.
    pub name: String,
    /// `IDP_DISCOVERY`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Schema `PolicyRuleConditions`.
    pub conditions: Value,
    /// Schema `IdpDiscoveryPolicyRule`'s `actions`.
    pub actions: Value,
    /// Its place, from 1; without one it comes last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u64>,
}

impl PolicyRule {
    /// Texts of the `SUFFIX` and `EQUALS` patterns that a login is compared with.
    pub fn patterns(&self) -> Vec<&str> {
        let all = self.other.get("conditions").and_then(|c| c.pointer("/userIdentifier/patterns"));
        let domains = |pattern: &&Value| matches!(pattern["matchType"].as_str(), Some("SUFFIX" | "EQUALS"));
        let all = all.and_then(Value::as_array).into_iter().flatten();
        all.filter(domains).filter_map(|pattern| pattern["value"].as_str()).collect()
    }

    /// The same rule with other patterns: those that `keep` keeps, and one more.
    #[must_use]
    pub fn with_patterns(&self, keep: impl Fn(&str) -> bool, more: Option<&str>) -> Self {
        let mut rule = self.clone();
        let conditions = rule.other.entry("conditions").or_insert_with(|| json!({}));
        if !conditions["userIdentifier"].is_object() {
            conditions["userIdentifier"] = json!({ "type": "IDENTIFIER" });
        }
        let patterns = &mut conditions["userIdentifier"]["patterns"];
        let old = patterns.as_array().cloned().unwrap_or_default();
        let is_kept = |pattern: &Value| pattern["value"].as_str().is_none_or(&keep);
        let mut new: Vec<Value> = old.into_iter().filter(is_kept).collect();
        new.extend(more.map(|value| json!({ "matchType": "SUFFIX", "value": value })));
        *patterns = new.into();
        rule
    }

    /// Its place among the rules: the first that matches counts. The default rule, which
    /// is always last, has none.
    pub fn priority(&self) -> Option<u64> {
        let is_system = self.other.get("system") == Some(&Value::Bool(true));
        self.other.get("priority").and_then(Value::as_u64).filter(|_| !is_system)
    }

    /// The same rule at another place; the rules from there on move down.
    #[must_use]
    pub fn at(&self, priority: u64) -> Self {
        let mut rule = self.clone();
        rule.other.insert("priority".to_owned(), priority.into());
        rule
    }

    /// Whether the rule has patterns of any kind: one without is for everybody.
    pub fn is_limited(&self) -> bool {
        let all = self.other.get("conditions").and_then(|c| c.pointer("/userIdentifier/patterns"));
        all.and_then(Value::as_array).is_some_and(|patterns| !patterns.is_empty())
    }

    /// Ids of the IdPs that an IDP_DISCOVERY rule sends users to.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let providers = self.other.get("actions").and_then(|actions| actions.pointer("/idp/providers"));
        let providers = providers.and_then(Value::as_array).into_iter().flatten();
        providers.filter_map(|provider| provider["id"].as_str())
    }

    /// Whether an IDP_DISCOVERY rule sends users to this IdP.
    pub fn routes_to(&self, idp: &str) -> bool {
        self.providers().any(|provider| provider == idp)
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
