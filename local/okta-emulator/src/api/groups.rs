//! Groups and memberships.
//!
//! Evidence: recordings of the Terraform provider (create answers 200, members
//! 204 without a body, no `_links.self`), reference page "Groups" 2024-09.

use serde_json::{Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::filter::Filter;
use crate::org::{Group, Org};
use crate::page;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/groups", operation_id: "listGroups", auth: Auth::ApiToken, handler: list_groups },
    Route { method: "POST", path: "/api/v1/groups", operation_id: "addGroup", auth: Auth::ApiToken, handler: add_group },
    Route { method: "GET", path: "/api/v1/groups/{groupId}", operation_id: "getGroup", auth: Auth::ApiToken, handler: get_group },
    Route { method: "PUT", path: "/api/v1/groups/{groupId}", operation_id: "replaceGroup", auth: Auth::ApiToken, handler: replace_group },
    Route { method: "DELETE", path: "/api/v1/groups/{groupId}", operation_id: "deleteGroup", auth: Auth::ApiToken, handler: delete_group },
    Route { method: "GET", path: "/api/v1/groups/{groupId}/users", operation_id: "listGroupUsers", auth: Auth::ApiToken, handler: list_group_users },
    Route { method: "PUT", path: "/api/v1/groups/{groupId}/users/{userId}", operation_id: "assignUserToGroup", auth: Auth::ApiToken, handler: assign_user_to_group },
    Route { method: "DELETE", path: "/api/v1/groups/{groupId}/users/{userId}", operation_id: "unassignUserFromGroup", auth: Auth::ApiToken, handler: unassign_user_from_group },
];

/// A group as Okta prints it: there is no `_links.self`.
pub(crate) fn render(group: &Group, org_url: &str) -> Value {
    let link = |end: &str| json!({ "href": format!("{org_url}/api/v1/groups/{}/{end}", group.id) });
    json!({
        "id": group.id, "created": group.created, "lastUpdated": group.last_updated,
        "lastMembershipUpdated": group.last_membership_updated, "objectClass": ["okta:user_group"],
        "type": group.kind, "profile": { "name": group.name, "description": group.description },
        "_links": { "logo": [], "owners": link("owners"), "users": link("users"), "apps": link("apps") },
    })
}

/// `q` is a prefix search that never pages; `search` pages by cursor.
/// Both are served from the index, see `searchLagMs`.
fn list_groups(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let (search, q) = (call.query("search"), call.query("q"));
    if search.is_some() && (q.is_some() || call.query("filter").is_some()) {
        return Err(OktaError::invalid_search(
            "Can't specify a search query and filter in the same request.",
        ));
    }
    let filter = search.or(call.query("filter")).map(Filter::parse).transpose()?;
    let matching = org
        .indexed_groups(call.now, call.search_lag_ms)
        .into_values()
        .map(|group| (group.id.clone(), render(&group, &call.org_url)))
        .filter(|(_, group)| filter.as_ref().is_none_or(|filter| filter.matches(group)))
        .filter(|(_, group)| {
            let name = group["profile"]["name"].as_str().unwrap_or_default().to_lowercase();
            q.is_none_or(|q| name.starts_with(&q.to_lowercase()))
        })
        .collect();
    if q.is_none() {
        return Ok(page::reply(call, matching, 200, 10_000));
    }
    let limit = call.query("limit").and_then(|l| l.parse().ok()).unwrap_or(300);
    Ok(Reply::ok(matching.into_iter().take(limit).map(|(_, group)| group).collect()))
}

fn add_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let (name, description) = profile(call)?;
    if org.group_called(&name).is_some() {
        return Err(OktaError::duplicate("name"));
    }
    let id = org.insert_group(&name, &description, call.now);
    let group = org.group(&id)?.clone();
    // The index has not seen it: take it out, note the change, put it back.
    org.groups.remove(&id);
    org.before_group_change(&id, call.now);
    org.groups.insert(id, group.clone());
    Ok(Reply::ok(render(&group, &call.org_url)))
}

fn get_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    Ok(Reply::ok(render(org.group(call.parameter("groupId"))?, &call.org_url)))
}

fn replace_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let id = call.parameter("groupId");
    let (name, description) = profile(call)?;
    editable(org.group(id)?)?;
    if org.group_called(&name).is_some_and(|other| other != id) {
        return Err(OktaError::duplicate("name"));
    }
    org.before_group_change(id, call.now);
    if let Some(group) = org.groups.get_mut(id) {
        group.name = name;
        group.description = description;
        group.last_updated = okta_time(call.now);
    }
    get_group(org, call)
}

/// Takes memberships, app assignments and roles with it (inferred). What
/// happens to a role target is not documented: it is dropped, except that the
/// last target of a role blocks the deletion, or the role would widen to every
/// group of the org.
fn delete_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let id = call.parameter("groupId");
    editable(org.group(id)?)?;
    let last_target = |(owner, roles): (&String, &Vec<crate::org::Role>)| {
        owner != id && roles.iter().any(|role| role.targets.len() == 1 && role.targets.contains(id))
    };
    if org.group_roles.iter().any(last_target) {
        return Err(OktaError::last_target());
    }
    org.before_group_change(id, call.now);
    org.groups.remove(id);
    org.group_roles.remove(id);
    for role in org.group_roles.values_mut().flatten() {
        role.targets.remove(id);
    }
    for assignments in org.app_groups.values_mut() {
        assignments.remove(id);
    }
    Ok(Reply::no_content())
}

fn list_group_users(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let group = org.group(call.parameter("groupId"))?;
    let users = group
        .members
        .iter()
        .filter_map(|id| Some((id.clone(), super::users::render(org.users.get(id)?, &call.org_url))))
        .collect();
    Ok(page::reply(call, users, 1_000, 1_000))
}

/// Repeating it is assumed to be harmless.
fn assign_user_to_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    membership(org, call, |members, user| members.insert(user))
}

fn unassign_user_from_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    membership(org, call, |members, user| members.remove(&user))
}

fn membership(
    org: &mut Org,
    call: &Call,
    change: impl FnOnce(&mut std::collections::BTreeSet<String>, String) -> bool,
) -> Result<Reply, OktaError> {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let id = call.parameter("groupId");
    editable(org.group(id)?)?;
    if let Some(group) = org.groups.get_mut(id)
        && change(&mut group.members, user)
    {
        group.last_membership_updated = okta_time(call.now);
    }
    Ok(Reply::no_content())
}

/// Only groups of the type `OKTA_GROUP` can be changed.
fn editable(group: &Group) -> Result<(), OktaError> {
    if group.kind == "OKTA_GROUP" { Ok(()) } else { Err(OktaError::forbidden()) }
}

/// Name (1 to 255 characters) and description (at most 1,024) of the body;
/// everything beside `profile` is ignored.
fn profile(call: &Call) -> Result<(String, String), OktaError> {
    let profile = call.object()?.get("profile").and_then(Value::as_object);
    let text = |key| profile.and_then(|p| p.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, description) = (text("name"), text("description"));
    if !(1..=255).contains(&name.chars().count()) {
        return Err(OktaError::validation("name", "name: The field must have 1 to 255 characters"));
    }
    if description.chars().count() > 1_024 {
        return Err(OktaError::validation("description", "description: The field is too long"));
    }
    Ok((name, description))
}
