//! Admin roles of users.
//!
//! Evidence: reference page "Role assignments" 2025 (`listAssignedRolesForUser`: the
//! user's own roles, `assignmentType` `USER`, and those of their groups, `GROUP`).
//! `assignRoleToUser` answers 201, `unassignRoleFromUser` 204; a role of a group's cannot be
//! taken from the user.

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::error::OktaError;
use crate::org::Org;

use super::group_roles::{new_role, render};
use super::user_object::log;

const ROLES: Auth = Auth::Admin("roles");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/users/{userId}/roles", "listAssignedRolesForUser", ROLES, list_roles),
    post("/api/v1/users/{userId}/roles", "assignRoleToUser", ROLES, assign_role),
    delete("/api/v1/users/{userId}/roles/{roleAssignmentId}", "unassignRoleFromUser", ROLES, unassign_role),
];

fn assign_role(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let assigned = org.user_roles.get(&user).cloned().unwrap_or_default();
    let role = new_role(org, call, &assigned, "ra1")?;
    let answer = render(org, &role, "USER", call.url(format!("/api/v1/users/{user}")), call);
    org.user_roles.entry(user.clone()).or_default().push(role);
    log(org, call, "user.account.privilege.grant", "Grant user privilege", &user);
    Ok(Reply::new(201, answer))
}

fn unassign_role(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let id = call.parameter("roleAssignmentId");
    let roles = org.user_roles.entry(user.clone()).or_default();
    let before = roles.len();
    roles.retain(|role| role.id != id);
    if roles.len() == before {
        return Err(OktaError::not_found(id, "RoleAssignment"));
    }
    log(org, call, "user.account.privilege.revoke", "Revoke user privilege", &user);
    Ok(Reply::no_content())
}

fn list_roles(org: &mut Org, call: &Call) -> Outcome {
    let (org, name) = (&*org, call.parameter("userId"));
    let user = org.user(name).map_err(|_| OktaError::not_found(name, "User"))?.id.clone();
    let own = org.user_roles.get(&user).into_iter().flatten();
    let own = own.map(|role| render(org, role, "USER", call.url(format!("/api/v1/users/{user}")), call));
    let member_of = |group: &String| org.groups.get(group).is_some_and(|group| group.members.contains(&user));
    let inherited =
        org.group_roles.iter().filter(|(group, _)| member_of(group)).flat_map(|(group, roles)| {
            roles.iter().map(move |role| {
                render(org, role, "GROUP", call.url(format!("/api/v1/groups/{group}")), call)
            })
        });
    Ok(Reply::ok(own.chain(inherited).collect()))
}
