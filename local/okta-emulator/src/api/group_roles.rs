//! Admin roles of groups and their targets.
//!
//! Evidence: recordings of the Terraform provider (create answers 201; the
//! assignment id of a role with targets is the base32 of its type, the same
//! for every group), reference page "Administrator roles" 2024-09.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::access;
use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{href, text};
use crate::org::{Group, LogEntry, Org, Role};
use crate::paging::{self, Limits};

const ROLES: Auth = Auth::Admin("roles");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/groups/{groupId}/roles", "listGroupAssignedRoles", ROLES, list_roles),
    post("/api/v1/groups/{groupId}/roles", "assignRoleToGroup", ROLES, assign_role),
    delete("/api/v1/groups/{groupId}/roles/{roleAssignmentId}", "unassignRoleFromGroup", ROLES, unassign_role),
    get("/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups", "listGroupTargetsForGroupRole", ROLES, list_targets),
    put("/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups/{targetGroupId}", "assignGroupTargetToGroupAdminRole", ROLES, assign_target),
    delete("/api/v1/groups/{groupId}/roles/{roleAssignmentId}/targets/groups/{targetGroupId}", "unassignGroupTargetFromGroupAdminRole", ROLES, unassign_target),
];

/// A role as Okta prints it; `assignee` is the URL of who has it.
pub(crate) fn render(org: &Org, role: &Role, kind: &str, assignee: String, call: &Call) -> Value {
    let mut printed = json!({
        "id": role.id, "type": role.kind, "status": "ACTIVE", "created": role.created,
        "lastUpdated": role.last_updated, "assignmentType": kind,
        "_links": { "assignee": { "href": assignee } },
    });
    match &role.custom {
        None => printed["label"] = access::role(&role.kind).map(|(_, label, _)| label).into(),
        Some((custom, set)) => {
            let iam = |path: String| href(call.url(format!("/api/v1/iam/{path}")));
            printed["label"] = org.custom_roles.get(custom).map(|role| text(role, "label")).into();
            printed["role"] = custom.as_str().into();
            printed["resource-set"] = set.as_str().into();
            printed["_links"]["role"] = iam(format!("roles/{custom}"));
            printed["_links"]["permissions"] = iam(format!("roles/{custom}/permissions"));
            printed["_links"]["resource-set"] = iam(format!("resource-sets/{set}"));
        }
    }
    printed
}

/// A new role of the type in the body, unless `assigned` has it.
pub(crate) fn new_role(
    org: &mut Org,
    call: &Call,
    assigned: &[Role],
    prefix: &str,
) -> Result<Role, OktaError> {
    let body = call.object()?;
    let (kind, time) = (text(body, "type"), okta_time(call.now));
    let (kind, id, custom) = if kind == "CUSTOM" {
        let (custom, set) = (text(body, "role"), text(body, "resource-set"));
        if !org.custom_roles.contains_key(custom) {
            return Err(OktaError::validation("role", "role: The role does not exist"));
        }
        if !org.resource_sets.contains_key(set) {
            return Err(OktaError::validation(
                "resource-set",
                "resource-set: The resource set does not exist",
            ));
        }
        (kind, org.new_id("irb"), Some((custom.to_owned(), set.to_owned())))
    } else {
        let Some((kind, _, id)) = access::role(kind) else {
            return Err(OktaError::validation("type", "type: The role type is not valid"));
        };
        (kind, id.map_or_else(|| org.new_id(prefix), str::to_owned), None)
    };
    if assigned.iter().any(|role| role.kind == kind && role.custom == custom) {
        return Err(OktaError::role_assigned());
    }
    let targets = BTreeSet::new();
    Ok(Role { id, kind: kind.to_owned(), created: time.clone(), last_updated: time, targets, custom })
}

fn group_url(call: &Call, group: &str) -> String {
    call.url(format!("/api/v1/groups/{group}"))
}

fn list_roles(org: &mut Org, call: &Call) -> Outcome {
    let group = &org.group(call.parameter("groupId"))?.id;
    let roles = org.group_roles.get(group).into_iter().flatten();
    Ok(Reply::ok(roles.map(|role| render(org, role, "GROUP", group_url(call, group), call)).collect()))
}

/// Not for a built-in group (E0000211).
fn assign_role(org: &mut Org, call: &Call) -> Outcome {
    let group = org.group(call.parameter("groupId"))?;
    if group.kind == "BUILT_IN" {
        return Err(OktaError::new(400, "E0000211", "Roles cannot be assigned to built-in groups."));
    }
    let group = group.id.clone();
    let assigned = org.group_roles.get(&group).cloned().unwrap_or_default();
    let role = new_role(org, call, &assigned, "gra")?;
    let answer = render(org, &role, "GROUP", group_url(call, &group), call);
    org.group_roles.entry(group).or_default().push(role);
    Ok(Reply::new(201, answer))
}

fn unassign_role(org: &mut Org, call: &Call) -> Outcome {
    let role = role(org, call)?.id.clone();
    if let Some(roles) = org.group_roles.get_mut(call.parameter("groupId")) {
        roles.retain(|r| r.id != role);
    }
    let (kind, message) = ("group.privilege.revoke", "Revoke group privilege");
    let (actor, targets) = (call.caller.who.id(), vec![call.parameter("groupId")]);
    org.log_event(LogEntry { kind, message, actor, targets, reason: None }, call.now);
    Ok(Reply::no_content())
}

/// An empty list means that the role applies to every group.
fn list_targets(org: &mut Org, call: &Call) -> Outcome {
    let targets = role(org, call)?.targets.clone();
    let groups: Vec<&Group> = targets.iter().filter_map(|id| org.groups.get(id)).collect();
    let render = |group: &Group| super::groups::render(org, group, call);
    Ok(paging::reply(call, groups, Limits(20, 200), |group| group.id.clone(), render))
}

fn assign_target(org: &mut Org, call: &Call) -> Outcome {
    let target = org.group(call.parameter("targetGroupId"))?.id.clone();
    let role = role(org, call)?;
    if !["USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN"].contains(&role.kind.as_str()) {
        return Err(OktaError::new(
            400,
            "E0000091",
            "The provided role type was not the same as required role type.",
        ));
    }
    role.targets.insert(target);
    Ok(Reply::no_content())
}

/// Removing the last target "causes an exception" (reference page); the error
/// code is not verified.
fn unassign_target(org: &mut Org, call: &Call) -> Outcome {
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
