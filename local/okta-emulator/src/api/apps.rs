//! Apps and their group assignments.
//!
//! Evidence: recordings of the Terraform provider (assignment by PUT is an
//! upsert that answers 200; `id` is the group's).

use serde_json::{Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::org::{App, AppGroup, Org};
use crate::page;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/apps/{appId}", operation_id: "getApplication", auth: Auth::ApiToken, handler: get_application },
    Route { method: "GET", path: "/api/v1/apps", operation_id: "listApplications", auth: Auth::ApiToken, handler: list_applications },
    Route { method: "GET", path: "/api/v1/apps/{appId}/groups", operation_id: "listApplicationGroupAssignments", auth: Auth::ApiToken, handler: list_assignments },
    Route { method: "GET", path: "/api/v1/apps/{appId}/groups/{groupId}", operation_id: "getApplicationGroupAssignment", auth: Auth::ApiToken, handler: get_assignment },
    Route { method: "PUT", path: "/api/v1/apps/{appId}/groups/{groupId}", operation_id: "assignGroupToApplication", auth: Auth::ApiToken, handler: assign_group },
    Route { method: "DELETE", path: "/api/v1/apps/{appId}/groups/{groupId}", operation_id: "unassignApplicationFromGroup", auth: Auth::ApiToken, handler: unassign_group },
];

fn render(app: &App, org_url: &str) -> Value {
    json!({
        "id": app.id, "name": app.name, "label": app.label, "status": app.status, "created": app.created,
        "lastUpdated": app.last_updated, "features": [], "signOnMode": "OPENID_CONNECT",
        "_links": { "groups": { "href": format!("{org_url}/api/v1/apps/{}/groups", app.id) }, "logo": [] },
    })
}

fn app<'o>(org: &'o Org, call: &Call) -> Result<&'o App, OktaError> {
    let id = call.parameter("appId");
    org.apps.get(id).ok_or_else(|| OktaError::not_found(id, "AppInstance"))
}

fn get_application(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    Ok(Reply::ok(render(app(org, call)?, &call.org_url)))
}

/// `q` is a prefix of name or label.
fn list_applications(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let found = org
        .apps
        .values()
        .filter(|app| [&app.name, &app.label].iter().any(|text| text.to_lowercase().starts_with(&q)))
        .map(|app| (app.id.clone(), render(app, &call.org_url)))
        .collect();
    Ok(page::reply(call, found, 200, 200))
}

fn render_assignment(app: &str, group: &str, assignment: &AppGroup, org_url: &str) -> Value {
    let href = |path: String| json!({ "href": format!("{org_url}/api/v1/{path}") });
    json!({
        "id": group, "lastUpdated": assignment.last_updated, "priority": assignment.priority,
        "profile": assignment.profile,
        "_links": {
            "app": href(format!("apps/{app}")), "group": href(format!("groups/{group}")),
            "self": href(format!("apps/{app}/groups/{group}")),
        },
    })
}

fn list_assignments(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let app = app(org, call)?.id.clone();
    let found = org
        .app_groups
        .get(&app)
        .into_iter()
        .flatten()
        .map(|(group, assignment)| (group.clone(), render_assignment(&app, group, assignment, &call.org_url)))
        .collect();
    Ok(page::reply(call, found, 20, 200))
}

fn get_assignment(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let (app, group) = (app(org, call)?, call.parameter("groupId"));
    let assignment = org.app_groups.get(&app.id).and_then(|groups| groups.get(group));
    let assignment = assignment.ok_or_else(|| OktaError::not_found(group, "ApplicationGroupAssignment"))?;
    Ok(Reply::ok(render_assignment(&app.id, group, assignment, &call.org_url)))
}

fn assign_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let app = app(org, call)?.id.clone();
    let group = org.group(call.parameter("groupId"))?.id.clone();
    let body = call.body.as_ref();
    let profile = body.and_then(|b| b.get("profile")).and_then(Value::as_object).cloned().unwrap_or_default();
    let groups = org.app_groups.entry(app).or_default();
    let next = groups.values().map(|g| g.priority + 1).max().unwrap_or(0);
    let priority = body
        .and_then(|b| b.get("priority"))
        .and_then(Value::as_u64)
        .or_else(|| groups.get(&group).map(|g| g.priority))
        .unwrap_or(next);
    groups.insert(group, AppGroup { priority, profile, last_updated: okta_time(call.now) });
    get_assignment(org, call)
}

fn unassign_group(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let app = app(org, call)?.id.clone();
    let group = call.parameter("groupId");
    let removed = org.app_groups.get_mut(&app).and_then(|groups| groups.remove(group));
    removed
        .map(|_| Reply::no_content())
        .ok_or_else(|| OktaError::not_found(group, "ApplicationGroupAssignment"))
}
