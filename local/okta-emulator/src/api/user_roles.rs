//! Admin roles of users.
//!
//! Evidence: reference page "Role assignments" 2025 (`listAssignedRolesForUser`: the
//! user's own roles, `assignmentType` `USER`, and those of their groups, `GROUP`).
//! Assigning and unassigning are left out: okta-dac gives roles to groups alone.

use crate::call::{Auth, Call, Outcome, Reply, Route, get};
use crate::error::OktaError;
use crate::org::Org;

use super::group_roles::render;

const ROLES: Auth = Auth::Admin("roles");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/users/{userId}/roles", "listAssignedRolesForUser", ROLES, list_roles),
];

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
