//! Groups and memberships.
//!
//! Evidence: recordings of the Terraform provider (create answers 200, members
//! 204 without a body, no `_links.self`), reference page "Groups" 2024-09.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::filter::{Case, Filter};
use crate::json::{Object, lookup, text};
use crate::org::{Group, LogEntry, Org};
use crate::paging::{self, Limits};

const GROUPS: Auth = Auth::Admin("groups");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/groups", "listGroups", GROUPS, list_groups),
    post("/api/v1/groups", "addGroup", GROUPS, add_group),
    get("/api/v1/groups/{groupId}", "getGroup", GROUPS, get_group),
    put("/api/v1/groups/{groupId}", "replaceGroup", GROUPS, replace_group),
    delete("/api/v1/groups/{groupId}", "deleteGroup", GROUPS, delete_group),
    get("/api/v1/groups/{groupId}/users", "listGroupUsers", GROUPS, list_group_users),
    put("/api/v1/groups/{groupId}/users/{userId}", "assignUserToGroup", GROUPS, assign_user_to_group),
    delete("/api/v1/groups/{groupId}/users/{userId}", "unassignUserFromGroup", GROUPS, unassign_user_from_group),
    get("/api/v1/groups/{groupId}/apps", "listAssignedApplicationsForGroup", GROUPS, list_group_apps),
];

/// A group as Okta prints it: there is no `_links.self`. `expand=stats` adds
/// counts, with Okta's misspelling and the spelling that other tools read.
pub(crate) fn render(org: &Org, group: &Group, call: &Call) -> Value {
    let link = |end: &str| json!({ "href": call.url(format!("/api/v1/groups/{}/{end}", group.id)) });
    let logo = |name: &str| json!({ "name": name, "href": call.url(format!("/img/logos/groups/odyssey/okta-{name}.png")), "type": "image/png" });
    let mut printed = json!({
        "id": group.id, "created": group.created, "lastUpdated": group.last_updated,
        "lastMembershipUpdated": group.last_membership_updated, "objectClass": ["okta:user_group"],
        "type": group.kind, "profile": group.profile,
        "_links": {
            "logo": [logo("medium"), logo("large")], "owners": link("owners"), "users": link("users"),
            "apps": link("apps"),
        },
    });
    let expand = call.query("expand").unwrap_or_default();
    if expand.split(',').any(|part| part == "stats" || part == "app") {
        let apps = org.app_groups.values().filter(|groups| groups.contains_key(&group.id)).count();
        let admin = org.group_roles.get(&group.id).is_some_and(|roles| !roles.is_empty());
        printed["_embedded"] = json!({ "stats": {
            "usersCount": group.members.len(), "appsCount": apps, "groupPushMappingsCount": 0,
            "hasAdminPrivlege": admin, "hasAdminPrivilege": admin, "_links": {},
        } });
    }
    printed
}

/// `q` is a prefix search that never pages; `search` pages by cursor.
/// Both are served from the index, see `searchLagMs`.
fn list_groups(org: &mut Org, call: &Call) -> Outcome {
    let (search, q) = (call.query("search"), call.query("q"));
    if search.is_some() && (q.is_some() || call.query("filter").is_some()) {
        return Err(OktaError::query_and_filter());
    }
    let filter = search.or(call.query("filter")).map(Filter::parse).transpose()?;
    let prefix = q.map(str::to_lowercase);
    let mut found: Vec<&Group> = org
        .indexed_groups(call.now, call.settings.search_lag_ms)
        .into_iter()
        .filter(|group| filter.as_ref().is_none_or(|filter| filter.matches(*group, Case::Insensitive)))
        .filter(|group| prefix.as_ref().is_none_or(|prefix| group.name().to_lowercase().starts_with(prefix)))
        .filter(|group| call.caller.sees_group(&group.id))
        .collect();
    paging::sort(&mut found, call);
    if q.is_none() {
        let render = |group: &Group| render(org, group, call);
        return Ok(paging::reply(call, found, Limits(200, 10_000), |group| group.id.clone(), render));
    }
    let limit = call.query("limit").and_then(|l| l.parse().ok()).unwrap_or(300);
    Ok(Reply::ok(found.into_iter().take(limit).map(|group| render(org, group, call)).collect()))
}

fn add_group(org: &mut Org, call: &Call) -> Outcome {
    let profile = profile(call)?;
    if org.group_called(text(&profile, "name")).is_some() {
        return Err(OktaError::duplicate("name"));
    }
    let id = org.insert_group(profile, call.now);
    log(org, call, "group.lifecycle.create", "Okta group create", &[&id]);
    Ok(Reply::ok(render(org, org.group(&id)?, call)))
}

fn get_group(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(org, org.group(call.parameter("groupId"))?, call)))
}

fn replace_group(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("groupId");
    let profile = profile(call)?;
    editable(org.group(id)?)?;
    if org.group_called(text(&profile, "name")).is_some_and(|other| other != id) {
        return Err(OktaError::duplicate("name"));
    }
    org.before_group_change(id, call.now);
    if let Some(group) = org.groups.get_mut(id) {
        group.profile = profile;
        group.last_updated = okta_time(call.now);
    }
    log(org, call, "group.profile.update", "Update group profile", &[id]);
    get_group(org, call)
}

/// Takes memberships, app assignments and roles with it (inferred). What
/// happens to a role target is not documented: it is dropped, except that the
/// last target of a role blocks the deletion, or the role would widen to every
/// group of the org.
fn delete_group(org: &mut Org, call: &Call) -> Outcome {
    let id = call.parameter("groupId");
    editable(org.group(id)?)?;
    let last_target = |(owner, roles): (&String, &Vec<crate::org::Role>)| {
        owner != id && roles.iter().any(|role| role.targets.len() == 1 && role.targets.contains(id))
    };
    if org.group_roles.iter().any(last_target) {
        return Err(OktaError::last_target());
    }
    org.before_group_change(id, call.now);
    log(org, call, "group.lifecycle.delete", "Okta group delete", &[id]);
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

fn list_group_users(org: &mut Org, call: &Call) -> Outcome {
    let group = org.group(call.parameter("groupId"))?;
    let users = group.members.iter().filter_map(|id| org.users.get(id));
    let render = |user| super::user_object::render_in_list(user, &call.org_url);
    Ok(paging::reply(call, users, Limits(1_000, 1_000), |user| user.id.clone(), render))
}

/// Repeating it is assumed to be harmless.
fn assign_user_to_group(org: &mut Org, call: &Call) -> Outcome {
    membership(org, call, ("group.user_membership.add", "Add user to group membership"), |members, user| {
        members.insert(user)
    })
}

fn unassign_user_from_group(org: &mut Org, call: &Call) -> Outcome {
    if let Ok(user) = org.user(call.parameter("userId")).map(|user| user.id.clone()) {
        super::group_rules::except(org, call.parameter("groupId"), &user);
    }
    membership(
        org,
        call,
        ("group.user_membership.remove", "Remove user from group membership"),
        |members, user| members.remove(&user),
    )
}

fn membership(
    org: &mut Org,
    call: &Call,
    event: (&str, &str),
    change: impl FnOnce(&mut std::collections::BTreeSet<String>, String) -> bool,
) -> Outcome {
    let user = org.user(call.parameter("userId"))?.id.clone();
    let id = call.parameter("groupId");
    editable(org.group(id)?)?;
    if let Some(group) = org.groups.get_mut(id)
        && change(&mut group.members, user.clone())
    {
        group.last_membership_updated = okta_time(call.now);
        log(org, call, event.0, event.1, &[&user, id]);
    }
    Ok(Reply::no_content())
}

fn list_group_apps(org: &mut Org, call: &Call) -> Outcome {
    let group = org.group(call.parameter("groupId"))?;
    let assigned = |app: &&Object| {
        org.app_groups.get(text(app, "id")).is_some_and(|groups| groups.contains_key(&group.id))
    };
    let found = org.apps.values().filter(assigned);
    let render = |app| super::apps::render(org, app, call, false);
    Ok(paging::reply(call, found, Limits(20, 200), |app| text(app, "id").to_owned(), render))
}

/// Only groups of the type `OKTA_GROUP` can be changed.
fn editable(group: &Group) -> Result<(), OktaError> {
    if group.kind == "OKTA_GROUP" { Ok(()) } else { Err(OktaError::forbidden()) }
}

/// The profile of the body: a name, a description, and whatever else; everything
/// beside `profile` is ignored.
fn profile(call: &Call) -> Result<Object, OktaError> {
    let mut profile =
        lookup(call.object()?, "/profile").and_then(Value::as_object).cloned().unwrap_or_default();
    if text(&profile, "name").is_empty() {
        return Err(OktaError::missing("name"));
    }
    profile.entry("description").or_insert("".into());
    Ok(profile)
}

fn log(org: &mut Org, call: &Call, kind: &str, message: &str, targets: &[&str]) {
    let actor = call.caller.who.id();
    org.log_event(LogEntry { kind, message, actor, targets: targets.to_vec(), reason: None }, call.now);
}
