//! Groups and their admin roles.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CustomRoleId, GroupId, ResourceSetId, RoleAssignmentId};

/// A group (schema `Group`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// When it was created, RFC 3339, UTC.
    pub created: String,
    /// When its profile last changed, RFC 3339, UTC.
    pub last_updated: String,
    /// `OKTA_GROUP`, or `APP_GROUP` and `BUILT_IN`, which cannot be changed.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name and description.
    pub profile: GroupProfile,
    /// What `expand=stats` adds.
    #[serde(rename = "_embedded", default, deserialize_with = "super::null_is_default")]
    embedded: Embedded,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "super::null_is_default")]
    stats: Stats,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Stats {
    /// Spelled so by Okta (schema `Group`).
    #[serde(rename = "hasAdminPrivlege", default, deserialize_with = "super::null_is_default")]
    has_admin_privlege: bool,
    /// Spelled so by tools that read it.
    #[serde(rename = "hasAdminPrivilege", default, deserialize_with = "super::null_is_default")]
    has_admin_privilege: bool,
}

impl Group {
    /// Whether the group holds an admin role, as far as Okta was asked for statistics.
    pub fn has_admin_role(&self) -> bool {
        self.embedded.stats.has_admin_privlege || self.embedded.stats.has_admin_privilege
    }
}

/// Profile of a group (schema `OktaUserGroupProfile`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupProfile {
    /// 1 to 255 characters, unique among groups of the type `OKTA_GROUP`.
    pub name: String,
    /// At most 1,024 characters.
    #[serde(default, deserialize_with = "super::null_is_default")]
    pub description: String,
    /// Custom attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl GroupProfile {
    /// A profile without custom attributes.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: description.into(), other: Map::new() }
    }
}

/// An admin role of a group (schema `StandardRole`).
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// Id of the assignment.
    pub id: RoleAssignmentId,
    /// `USER_ADMIN`, `SUPER_ADMIN`, …, or `CUSTOM`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `USER`, `GROUP` or `CLIENT`: whose the role is, as far as Okta says.
    #[serde(rename = "assignmentType", default)]
    pub assignment: Option<String>,
    /// Of a custom role its id.
    #[serde(rename = "role")]
    pub custom_role: Option<CustomRoleId>,
    /// Of a custom role the set of resources that it is for.
    #[serde(rename = "resource-set")]
    pub resource_set: Option<ResourceSetId>,
}
