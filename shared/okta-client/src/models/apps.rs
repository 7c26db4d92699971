//! Assignments of groups to apps.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::GroupId;

/// An app's group (schema `ApplicationGroupAssignment`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationGroupAssignment {
    /// Id of the group.
    #[serde(skip_serializing)]
    pub id: GroupId,
    /// Attributes that the app gives to members of the group.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// Which group's attributes win; 0 is the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
}
