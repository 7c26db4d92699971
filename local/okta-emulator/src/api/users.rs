//! Users, as far as tenants need them.
//!
//! Evidence: recordings of the Terraform provider (create answers 200; without
//! a password an activated user is PROVISIONED).

use serde_json::{Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::filter::Filter;
use crate::org::{Org, User};
use crate::page;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/users", operation_id: "listUsers", auth: Auth::ApiToken, handler: list_users },
    Route { method: "POST", path: "/api/v1/users", operation_id: "createUser", auth: Auth::ApiToken, handler: create_user },
    Route { method: "GET", path: "/api/v1/users/{id}", operation_id: "getUser", auth: Auth::ApiToken, handler: get_user },
    Route { method: "GET", path: "/api/v1/users/{id}/groups", operation_id: "listUserGroups", auth: Auth::ApiToken, handler: list_user_groups },
];

pub(crate) fn render(user: &User, org_url: &str) -> Value {
    json!({
        "id": user.id, "status": user.status, "created": user.created, "activated": user.created,
        "statusChanged": user.created, "lastLogin": null, "lastUpdated": user.last_updated,
        "passwordChanged": null, "profile": user.profile,
        "credentials": { "provider": { "type": "OKTA", "name": "OKTA" } },
        "_links": { "self": { "href": format!("{org_url}/api/v1/users/{}", user.id) } },
    })
}

fn list_users(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let filter = call.query("search").or(call.query("filter")).map(Filter::parse).transpose()?;
    let found = org
        .users
        .values()
        .map(|user| (user.id.clone(), render(user, &call.org_url)))
        .filter(|(_, user)| filter.as_ref().is_none_or(|filter| filter.matches(user)))
        .collect();
    Ok(page::reply(call, found, 200, 200))
}

/// `login` is unique, ignoring case.
fn create_user(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let profile = call.object()?.get("profile").and_then(Value::as_object).cloned().unwrap_or_default();
    for required in ["login", "email", "firstName", "lastName"] {
        if profile.get(required).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(OktaError::validation(
                required,
                format!("{required}: The field cannot be left blank"),
            ));
        }
    }
    let login = profile["login"].as_str().unwrap_or_default();
    if org.user(login).is_ok() {
        return Err(OktaError::duplicate("login"));
    }
    let status = if call.query("activate") == Some("false") { "STAGED" } else { "PROVISIONED" };
    let time = okta_time(call.now);
    let user = User {
        id: org.new_id("00u"),
        status: status.to_owned(),
        created: time.clone(),
        last_updated: time,
        profile,
    };
    let answer = render(&user, &call.org_url);
    org.users.insert(user.id.clone(), user);
    Ok(Reply::ok(answer))
}

fn get_user(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    Ok(Reply::ok(render(org.user(call.parameter("id"))?, &call.org_url)))
}

fn list_user_groups(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let user = org.user(call.parameter("id"))?.id.clone();
    let found = org
        .groups
        .values()
        .filter(|group| group.members.contains(&user))
        .map(|group| (group.id.clone(), super::groups::render(group, &call.org_url)))
        .collect();
    Ok(page::reply(call, found, 200, 200))
}
