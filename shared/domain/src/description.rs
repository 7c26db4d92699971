//! What the description of an `ADMINS_` group says about its tenant.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::TenantName;

/// Description of every `USERS_` group that okta-dac makes. A group with this
/// text and without members is safe to remove when its tenant was never
/// completed.
pub const USERS_DESCRIPTION: &str = "Users of an okta-dac tenant";

/// The JSON in the description of an `ADMINS_` group.
///
/// It is the tenant's record: the group alone says which IdP is the tenant's
/// and what state the tenant is in. Members that are not ours are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminsDescription {
    /// Id of the tenant: the id of its IdP. Absent until the tenant is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Id of the active routing rule with the verified domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_rule_id: Option<String>,
    /// Id of the inactive routing rule with the pending domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_routing_rule_id: Option<String>,
    /// Absent means active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TenantStatus>,
    /// What to switch on again when a suspended tenant is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// Request id of the run that is creating the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creating: Option<String>,
    /// Former name, while the tenant is being renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Members of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl AdminsDescription {
    /// Reads a description; `None` if it is no JSON object of this shape, as
    /// after an edit by hand.
    pub fn parse(description: &str) -> Option<Self> {
        serde_json::from_str(description).ok()
    }

    /// The description as text.
    pub fn to_text(&self) -> String {
        // INVARIANT: only strings, enums, booleans and JSON values are inside,
        // which always serialise.
        #[expect(clippy::expect_used, reason = "invariant above")]
        serde_json::to_string(self).expect("a description serialises")
    }

    /// The name that the tenant had before a rename that is not complete.
    pub fn former_name(&self) -> Option<TenantName> {
        self.renamed_from.as_deref().and_then(|name| TenantName::parse(name).ok())
    }

    /// The state that callers see.
    pub fn status(&self) -> TenantStatus {
        self.status.unwrap_or(TenantStatus::Active)
    }
}

/// State of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TenantStatus {
    /// In use.
    Active,
    /// IdP and routing rules are off, its admins' role is limited to nobody. Nothing is
    /// deleted.
    Suspended,
}

impl TenantStatus {
    /// `ACTIVE` or `SUSPENDED`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TenantStatus::Active => "ACTIVE",
            TenantStatus::Suspended => "SUSPENDED",
        }
    }
}

/// What was on when the tenant was suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resume {
    /// The IdP was active.
    pub idp: bool,
    /// The routing rule was active.
    pub rule: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predecessors_description_is_read_and_kept() {
        let text = r#"{"tenantId": "0oa1", "routingRuleId": "0pr1", "note": "ours"}"#;
        let description = AdminsDescription::parse(text).unwrap();
        assert_eq!(description.tenant_id.as_deref(), Some("0oa1"));
        assert_eq!(description.status(), TenantStatus::Active);
        let again: Value = serde_json::from_str(&description.to_text()).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn ten_11_a_description_edited_by_hand_is_no_error() {
        for text in ["", "Admins of acme", "[]", "null", r#"{"tenantId": 7}"#] {
            assert_eq!(AdminsDescription::parse(text), None, "{text}");
        }
    }
}
