//! Custom admin roles, resource sets, and who has a role.
//!
//! Evidence: Okta Management API 2026.06.3, `createRole`, `listRoles`, `listRolePermissions`,
//! `createResourceSet` (at most 1,000 resources), `listBindings`,
//! `listUsersWithRoleAssignments`; concept page "Role assignment" (permissions by name).
//! What a permission allows is in [`crate::access`].

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::json::{Object, href, object, stamp, text, texts, with_links};
use crate::org::Org;
use crate::paging::{self, Limits};

const ROLES: Auth = Auth::Admin("roles");

/// Resources of a set at most.
const MOST_RESOURCES: usize = 1_000;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/iam/roles", "listRoles", ROLES, list_roles),
    post("/api/v1/iam/roles", "createRole", ROLES, create_role),
    get("/api/v1/iam/roles/{roleIdOrLabel}", "getRole", ROLES, get_role),
    put("/api/v1/iam/roles/{roleIdOrLabel}", "replaceRole", ROLES, replace_role),
    delete("/api/v1/iam/roles/{roleIdOrLabel}", "deleteRole", ROLES, delete_role),
    get("/api/v1/iam/roles/{roleIdOrLabel}/permissions", "listRolePermissions", ROLES, list_permissions),
    get("/api/v1/iam/resource-sets", "listResourceSets", ROLES, list_sets),
    post("/api/v1/iam/resource-sets", "createResourceSet", ROLES, create_set),
    get("/api/v1/iam/resource-sets/{resourceSetIdOrLabel}", "getResourceSet", ROLES, get_set),
    delete("/api/v1/iam/resource-sets/{resourceSetIdOrLabel}", "deleteResourceSet", ROLES, delete_set),
    get("/api/v1/iam/resource-sets/{resourceSetIdOrLabel}/resources", "listResourceSetResources", ROLES, list_resources),
    get("/api/v1/iam/resource-sets/{resourceSetIdOrLabel}/bindings", "listBindings", ROLES, list_bindings),
    get("/api/v1/iam/assignees/users", "listUsersWithRoleAssignments", ROLES, list_assignees),
];

/// By id or label.
fn find<'o>(
    all: &'o std::collections::BTreeMap<String, Object>,
    key: &str,
    kind: &str,
) -> Result<&'o Object, OktaError> {
    let called = || all.values().find(|object| text(object, "label") == key);
    all.get(key).or_else(called).ok_or_else(|| OktaError::not_found(key, kind))
}

fn role<'o>(org: &'o Org, call: &Call) -> Result<&'o Object, OktaError> {
    find(&org.custom_roles, call.parameter("roleIdOrLabel"), "Role")
}

fn set<'o>(org: &'o Org, call: &Call) -> Result<&'o Object, OktaError> {
    find(&org.resource_sets, call.parameter("resourceSetIdOrLabel"), "ResourceSet")
}

/// Without what has an endpoint of its own.
fn render(of: &Object, kind: &str, part: &str, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/iam/{kind}/{}", text(of, "id")));
    let mut printed = of.clone();
    for hidden in [part, "status"] {
        printed.remove(hidden);
    }
    with_links(&printed, json!({ "self": href(own.clone()), part: href(format!("{own}/{part}")) }))
}

fn render_role(role: &Object, call: &Call) -> Value {
    render(role, "roles", "permissions", call)
}

fn render_set(set: &Object, call: &Call) -> Value {
    let mut printed = render(set, "resource-sets", "resources", call);
    let own = printed["_links"]["self"]["href"].as_str().unwrap_or_default().to_owned();
    printed["_links"]["bindings"] = href(format!("{own}/bindings"));
    printed
}

/// One page under a name, with `_links.next`.
fn page<'o>(
    call: &Call,
    all: impl Iterator<Item = &'o Object>,
    name: &str,
    render: impl Fn(&Object) -> Value,
) -> Reply {
    paging::object(call, all, Limits(100, 100), name, |object| text(object, "id").to_owned(), render)
}

fn list_roles(org: &mut Org, call: &Call) -> Outcome {
    Ok(page(call, org.custom_roles.values(), "roles", |role| render_role(role, call)))
}

/// A label of its own, a description, and permissions that there are.
fn labelled<'o>(call: &Call, mut others: impl Iterator<Item = &'o Object>) -> Result<Object, OktaError> {
    let body = call.object()?;
    for member in ["label", "description"] {
        if text(body, member).is_empty() {
            return Err(OktaError::missing(member));
        }
    }
    if others.any(|other| text(other, "label") == text(body, "label")) {
        return Err(OktaError::duplicate("label"));
    }
    Ok(object(json!({ "label": text(body, "label"), "description": text(body, "description") })))
}

fn create_role(org: &mut Org, call: &Call) -> Outcome {
    let mut role = labelled(call, org.custom_roles.values())?;
    let permissions = texts(call.object()?, "/permissions");
    if permissions.is_empty() {
        return Err(OktaError::missing("permissions"));
    }
    if let Some(unknown) =
        permissions.iter().find(|permission| !crate::permissions::is_permission(permission))
    {
        return Err(OktaError::validation("permissions", format!("permissions: {unknown} is not valid")));
    }
    role.insert("permissions".to_owned(), permissions.into());
    let id = org.new_id("cr0");
    stamp(&mut role, &id, "ACTIVE", call.now);
    let answer = render_role(&role, call);
    org.custom_roles.insert(id, role);
    Ok(Reply::ok(answer))
}

fn get_role(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render_role(role(org, call)?, call)))
}

fn replace_role(org: &mut Org, call: &Call) -> Outcome {
    let id = text(role(org, call)?, "id").to_owned();
    let new = labelled(call, org.custom_roles.values().filter(|other| text(other, "id") != id))?;
    org.custom_roles.entry(id).or_default().extend(new);
    get_role(org, call)
}

/// Not one that somebody has (E0000170 and its status: not verified).
fn delete_role(org: &mut Org, call: &Call) -> Outcome {
    let id = text(role(org, call)?, "id").to_owned();
    if bound(org).any(|(role, _)| role == id) {
        return Err(OktaError::new(409, "E0000170", "The role is in use and cannot be deleted."));
    }
    org.custom_roles.remove(&id);
    Ok(Reply::no_content())
}

fn list_permissions(org: &mut Org, call: &Call) -> Outcome {
    let role = role(org, call)?;
    let permissions: Vec<Value> = texts(role, "/permissions")
        .into_iter()
        .map(
            |label| json!({ "label": label, "created": role["created"], "lastUpdated": role["lastUpdated"] }),
        )
        .collect();
    Ok(Reply::ok(json!({ "permissions": permissions, "_links": {} })))
}

fn list_sets(org: &mut Org, call: &Call) -> Outcome {
    Ok(page(call, org.resource_sets.values(), "resource-sets", |set| render_set(set, call)))
}

fn create_set(org: &mut Org, call: &Call) -> Outcome {
    let mut set = labelled(call, org.resource_sets.values())?;
    let resources = texts(call.object()?, "/resources");
    if resources.is_empty() || resources.len() > MOST_RESOURCES {
        return Err(OktaError::validation("resources", "resources: The field must have 1 to 1000 resources"));
    }
    let own = |resource: &&str| resource.starts_with(&call.url("/api/v1/")) || resource.starts_with("orn:");
    if let Some(unknown) = resources.iter().find(|resource| !own(resource)) {
        return Err(OktaError::validation("resources", format!("resources: {unknown} is not supported")));
    }
    set.insert("resources".to_owned(), resources.into());
    let id = org.new_id("iam");
    stamp(&mut set, &id, "ACTIVE", call.now);
    let answer = render_set(&set, call);
    org.resource_sets.insert(id, set);
    Ok(Reply::ok(answer))
}

fn get_set(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render_set(set(org, call)?, call)))
}

fn delete_set(org: &mut Org, call: &Call) -> Outcome {
    let id = text(set(org, call)?, "id").to_owned();
    if bound(org).any(|(_, set)| set == id) {
        return Err(OktaError::new(409, "E0000170", "The resource set is in use and cannot be deleted."));
    }
    org.resource_sets.remove(&id);
    Ok(Reply::no_content())
}

fn list_resources(org: &mut Org, call: &Call) -> Outcome {
    let set = set(org, call)?;
    let resources: Vec<Value> = texts(set, "/resources")
        .into_iter()
        .enumerate()
        .map(|(at, resource)| {
            json!({
                "id": format!("ire{at:0>17}"), "created": set["created"], "lastUpdated": set["lastUpdated"],
                "_links": { "self": href(resource) },
            })
        })
        .collect();
    Ok(Reply::ok(json!({ "resources": resources, "_links": {} })))
}

/// Custom role and resource set of every assignment.
fn bound(org: &Org) -> impl Iterator<Item = (&str, &str)> {
    let all = org.client_roles.values().chain(org.user_roles.values()).chain(org.group_roles.values());
    all.flatten().filter_map(|role| role.custom.as_ref()).map(|(role, set)| (role.as_str(), set.as_str()))
}

fn list_bindings(org: &mut Org, call: &Call) -> Outcome {
    let id = text(set(org, call)?, "id");
    let roles: std::collections::BTreeSet<&str> =
        bound(org).filter(|(_, set)| *set == id).map(|(role, _)| role).collect();
    let own = call.url(format!("/api/v1/iam/resource-sets/{id}/bindings"));
    let roles: Vec<Value> = roles
        .into_iter()
        .map(|role| {
            let binding = format!("{own}/{role}");
            json!({ "id": role, "_links": { "self": href(binding.clone()), "members": href(format!("{binding}/members")) } })
        })
        .collect();
    Ok(Reply::ok(json!({ "roles": roles, "_links": { "self": href(own) } })))
}

/// Users with a role of their own or by a group.
fn list_assignees(org: &mut Org, call: &Call) -> Outcome {
    let direct = org.user_roles.iter().filter(|(_, roles)| !roles.is_empty()).map(|(user, _)| user);
    let groups = org.group_roles.iter().filter(|(_, roles)| !roles.is_empty());
    let inherited = groups.filter_map(|(group, _)| org.groups.get(group)).flat_map(|group| &group.members);
    let users: std::collections::BTreeSet<&String> = direct.chain(inherited).collect();
    let render = |user: &String| {
        json!({ "id": user, "orn": format!("orn:okta:directory:{}:users:{user}", org.id),
            "_links": { "self": href(call.url(format!("/api/v1/users/{user}"))),
                "roles": href(call.url(format!("/api/v1/users/{user}/roles"))) } })
    };
    Ok(paging::object(call, users, Limits(100, 200), "value", |user| (*user).clone(), render))
}
