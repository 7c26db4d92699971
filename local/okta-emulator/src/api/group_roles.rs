//! Admin roles of groups and their targets.
//!
//! Evidence: recordings of the Terraform provider (create answers 201; the
//! assignment id of a role with targets is the base32 of its type, the same
//! for every group), reference page "Administrator roles" 2024-09.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::org::{Org, Role};
use crate::page;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/groups/{groupId}/roles", operation_id: "listGroupAssignedRoles", auth: Auth::ApiToken, handler: list_roles },
    Route { method: "POST", path: "/api/v1/groups/{groupId}/roles", operation_id: "assignRoleToGroup", auth: Auth::ApiToken, handler: assign_role },
    Route { method: "DELETE", path: "/api/v1/groups/{groupId}/roles/{roleAssignmentId}", operation_id: "unassignRoleFromGroup", auth: Auth::ApiToken, handler: unassign_role },
    Route { method: "GET", path: "/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups", operation_id: "listGroupTargetsForGroupRole", auth: Auth::ApiToken, handler: list_targets },
    Route { method: "PUT", path: "/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups/{targetGroupId}", operation_id: "assignGroupTargetToGroupAdminRole", auth: Auth::ApiToken, handler: assign_target },
    Route { method: "DELETE", path: "/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups/{targetGroupId}", operation_id: "unassignGroupTargetFromGroupAdminRole", auth: Auth::ApiToken, handler: unassign_target },
];

/// Type, label and assignment id; the id is fixed where a role has targets.
const TYPES: &[(&str, &str, Option<&str>)] = &[
    ("USER_ADMIN", "Group Administrator", Some("KVJUKUS7IFCE2SKO")),
    ("HELP_DESK_ADMIN", "Help Desk Administrator", Some("JBCUYUC7IRCVGS27IFCE2SKO")),
    (
        "GROUP_MEMBERSHIP_ADMIN",
        "Group Membership Administrator",
        Some("I5JE6VKQL5GUKTKCIVJFGSCJKBPUCRCNJFHA"),
    ),
    ("READ_ONLY_ADMIN", "Read-Only Administrator", None),
    ("ORG_ADMIN", "Organization Administrator", None),
    ("SUPER_ADMIN", "Super Administrator", None),
];

fn render(role: &Role, group: &str, org_url: &str) -> Value {
    let label = TYPES.iter().find(|(kind, ..)| *kind == role.kind).map(|(_, label, _)| *label);
    json!({
        "id": role.id, "label": label, "type": role.kind, "status": "ACTIVE", "created": role.created,
        "lastUpdated": role.last_updated, "assignmentType": "GROUP",
        "_links": { "assignee": { "href": format!("{org_url}/api/v1/groups/{group}") } },
    })
}

fn list_roles(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let group = &org.group(call.parameter("groupId"))?.id;
    let roles = org.group_roles.get(group).into_iter().flatten();
    Ok(Reply::ok(roles.map(|role| render(role, group, &call.org_url)).collect()))
}

fn assign_role(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let group = org.group(call.parameter("groupId"))?.id.clone();
    let kind = call.object()?.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some((kind, _, id)) = TYPES.iter().find(|(known, ..)| *known == kind) else {
        return Err(OktaError::validation("type", "type: The role type is not valid"));
    };
    if org.group_roles.get(&group).is_some_and(|roles| roles.iter().any(|role| role.kind == *kind)) {
        return Err(OktaError::role_assigned());
    }
    let id = id.map_or_else(|| org.new_id("gra"), str::to_owned);
    let time = okta_time(call.now);
    let role = Role {
        id,
        kind: (*kind).to_owned(),
        created: time.clone(),
        last_updated: time,
        targets: BTreeSet::new(),
    };
    let answer = render(&role, &group, &call.org_url);
    org.group_roles.entry(group).or_default().push(role);
    Ok(Reply::new(201, answer))
}

fn unassign_role(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let role = role(org, call)?.id.clone();
    if let Some(roles) = org.group_roles.get_mut(call.parameter("groupId")) {
        roles.retain(|r| r.id != role);
    }
    Ok(Reply::no_content())
}

/// An empty list means that the role applies to every group.
fn list_targets(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let targets = role(org, call)?.targets.clone();
    let groups = targets
        .into_iter()
        .filter_map(|id| {
            let rendered = super::groups::render(org.groups.get(&id)?, &call.org_url);
            Some((id, rendered))
        })
        .collect();
    Ok(page::reply(call, groups, 20, 200))
}

fn assign_target(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let target = org.group(call.parameter("targetGroupId"))?.id.clone();
    role(org, call)?.targets.insert(target);
    Ok(Reply::no_content())
}

/// Removing the last target "causes an exception" (reference page); the error
/// code is not verified.
fn unassign_target(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let target = call.parameter("targetGroupId");
    let role = role(org, call)?;
    if !role.targets.contains(target) {
        return Err(OktaError::not_found(target, "RoleTarget"));
    }
    if role.targets.len() == 1 {
        return Err(OktaError::validation("target", "The last target of a role cannot be removed."));
    }
    role.targets.remove(target);
    Ok(Reply::no_content())
}

fn role<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Role, OktaError> {
    let group = org.group(call.parameter("groupId"))?.id.clone();
    let id = call.parameter("roleAssignmentId");
    org.group_roles
        .get_mut(&group)
        .and_then(|roles| roles.iter_mut().find(|role| role.id == id))
        .ok_or_else(|| OktaError::not_found(id, "RoleAssignment"))
}
