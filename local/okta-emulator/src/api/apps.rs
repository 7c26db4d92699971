//! Apps and their group assignments.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 with the
//! members that Okta fills in; lifecycle calls 200 and `{}`; assignment by PUT
//! is an upsert that answers 200 and whose `id` is the group's), in full recorded
//! answers 2 to 5 and 23 (docs/emulator.md); reference page "Apps" (an active app
//! is not deleted: E0000056).

use serde_json::{Value, json};

use super::app_defaults;
use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, at, hinted, href, keep, lookup, lookup_mut, object, stamp, text, turn, without};
use crate::oauth::remote_keys;
use crate::org::{AppGroup, LogEntry, Org};
use crate::paging::{self, Limits};

const APPS: Auth = Auth::Admin("apps");

/// The policies that an Identity Engine org gives a new app.
pub(crate) const ACCESS_POLICY: &str = "rst1anytwofactors001";
pub(crate) const PROFILE_ENROLLMENT: &str = "rst1enrollment000001";

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/apps", "listApplications", APPS, list_apps),
    post("/api/v1/apps", "createApplication", APPS, create_app),
    get("/api/v1/apps/{appId}", "getApplication", APPS, get_app),
    put("/api/v1/apps/{appId}", "replaceApplication", APPS, replace_app),
    delete("/api/v1/apps/{appId}", "deleteApplication", APPS, delete_app),
    post("/api/v1/apps/{appId}/lifecycle/activate", "activateApplication", APPS, activate_app),
    post("/api/v1/apps/{appId}/lifecycle/deactivate", "deactivateApplication", APPS, deactivate_app),
    get("/api/v1/apps/{appId}/groups", "listApplicationGroupAssignments", APPS, list_assignments),
    get("/api/v1/apps/{appId}/groups/{groupId}", "getApplicationGroupAssignment", APPS, get_assignment),
    put("/api/v1/apps/{appId}/groups/{groupId}", "assignGroupToApplication", APPS, assign_group),
    delete("/api/v1/apps/{appId}/groups/{groupId}", "unassignApplicationFromGroup", APPS, unassign_group),
];

/// The path that a user opens an app with.
pub(crate) fn link_path(app: &Object) -> String {
    let id = text(app, "id");
    format!("/home/{}/{id}/aln{}", text(app, "name"), id.get(3..).unwrap_or_default())
}

/// An app as Okta prints it; the client secret only in the answer of a write.
pub(crate) fn render(org: &Org, app: &Object, call: &Call, with_secret: bool) -> Value {
    let id = text(app, "id");
    let own = call.url(format!("/api/v1/apps/{id}"));
    let next = if text(app, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut printed = app.clone();
    let method = at(app, "/credentials/oauthClient/token_endpoint_auth_method").to_owned();
    let mut links = json!({
        next: href(format!("{own}/lifecycle/{next}")), "groups": href(format!("{own}/groups")),
        "users": href(format!("{own}/users")), "uploadLogo": hinted(format!("{own}/logo"), &["POST"]),
        "logo": [{ "name": "medium", "href": call.url("/img/logos/default.png"), "type": "image/png" }],
        "appLinks": [{
            "name": format!("{}_link", text(app, "name")), "href": call.url(link_path(app)), "type": "text/html",
        }],
    });
    if !call.settings.classic_engine {
        links["accessPolicy"] = href(call.url(format!("/api/v1/policies/{ACCESS_POLICY}")));
        links["profileEnrollment"] = href(call.url(format!("/api/v1/policies/{PROFILE_ENROLLMENT}")));
        links["policies"] = hinted(format!("{own}/policies"), &["PUT"]);
    }
    if text(app, "signOnMode") == "SAML_2_0" {
        let help = call.url(format!("/app/{}/{id}/setup/help/SAML_2_0/instructions", text(app, "name")));
        links["help"] = json!({ "href": help, "type": "text/html" });
        links["metadata"] = json!({ "href": format!("{own}/sso/saml/metadata"), "type": "application/xml" });
    }
    if text(app, "signOnMode") == "OPENID_CONNECT" {
        let kind = if method == "private_key_jwt" { "jwks" } else { "secrets" };
        links["clientCredentials"] = json!([{ "name": kind, "href": format!("{own}/credentials/{kind}") }]);
    }
    let secret = org.app_secrets.get(id).and_then(|secrets| secrets.values().next());
    if let Some(client) = lookup_mut(&mut printed, "/credentials/oauthClient").filter(|_| with_secret)
        && let Some(secret) = secret
    {
        client["client_secret"] = text(secret, "client_secret").into();
    }
    printed.insert("_links".to_owned(), links);
    Value::Object(printed)
}

/// `q` is a prefix of name or label; it goes together with `filter`
/// (recorded). Only the properties that the reference names can be filtered.
fn list_apps(org: &mut Org, call: &Call) -> Outcome {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    if call.query("expand").is_some_and(|expand| !expand.starts_with("user/")) {
        return Err(OktaError::validation("expand", "expand: Only user/{userId}"));
    }
    let filter = call.query("filter").map(crate::filter::Filter::parse).transpose()?;
    if let Some(filter) = &filter {
        const KNOWN: &[&str] = &["id", "status", "name", "credentials.signing.kid", "user.id"];
        if let Some((path, _)) = filter.tests().into_iter().find(|(path, _)| !KNOWN.contains(path)) {
            return Err(OktaError::invalid_search(format!("{path} cannot be filtered")));
        }
    }
    let begins = |app: &Object| ["name", "label"].iter().any(|n| text(app, n).to_lowercase().starts_with(&q));
    let passes = |app: &Object| {
        filter.as_ref().is_none_or(|filter| {
            filter.matches(&Value::Object(app.clone()), crate::filter::Case::Insensitive)
        })
    };
    let found = org.apps.values().filter(|app| begins(app) && passes(app));
    let render = |app| render(org, app, call, false);
    Ok(paging::reply(call, found, Limits(200, 200), |app| text(app, "id").to_owned(), render))
}

fn get_app(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(org, org.app(call.parameter("appId"))?, call, false)))
}

/// The client id is the app's id unless one is given.
/// Evidence: `OpenIdConnectApplicationSettingsClient` (not with `client_credentials`), against
/// the guide "Secure API connections between orgs", which sets it.
fn may_bind(app: &Object, refused: bool) -> Result<(), OktaError> {
    let client = lookup(app, "/settings/oauthClient").cloned().unwrap_or_default();
    let is_service =
        client["grant_types"].as_array().into_iter().flatten().any(|kind| kind == "client_credentials");
    if refused && is_service && client["dpop_bound_access_tokens"] == true {
        let text =
            "dpop_bound_access_tokens: 'client_credentials' is not allowed with 'dpop_bound_access_tokens'";
        return Err(OktaError::validation("settings.oauthClient.dpop_bound_access_tokens", text));
    }
    Ok(())
}

fn create_app(org: &mut Org, call: &Call) -> Outcome {
    let mut app = valid(call)?;
    may_bind(&app, call.settings.dpop_refused_at_create)?;
    let id = match at(&app, "/credentials/oauthClient/client_id") {
        "" => org.new_id("0oa"),
        given if org.apps.contains_key(given) => return Err(OktaError::duplicate("client_id")),
        given => given.to_owned(),
    };
    let active = call.query("activate") != Some("false");
    if text(&app, "name").is_empty() {
        app.insert("name".to_owned(), generated_name(&app, &id).into());
    }
    stamp(&mut app, &id, if active { "ACTIVE" } else { "INACTIVE" }, call.now);
    app.insert("orn".to_owned(), format!("orn:okta:idp:{}:apps:{}:{id}", org.id, text(&app, "name")).into());
    complete(org, &mut app, call)?;
    org.apps.insert(id.clone(), app);
    if text(&org.apps[&id], "signOnMode") == "OPENID_CONNECT" {
        let method = at(&org.apps[&id], "/credentials/oauthClient/token_endpoint_auth_method").to_owned();
        if method.starts_with("client_secret") {
            let given = at(call.object()?, "/credentials/oauthClient/client_secret");
            let secret = if given.is_empty() { crate::random::random() } else { given.to_owned() };
            super::app_credentials::insert_secret(org, &id, &secret, call.now);
        }
    }
    Ok(Reply::ok(render(org, org.app(&id)?, call, true)))
}

/// What Okta fills in. The client secret is kept elsewhere, and the client id is the app's id.
fn complete(org: &mut Org, app: &mut Object, call: &Call) -> Result<(), OktaError> {
    without(app, &["/credentials/oauthClient/client_secret", "/credentials/oauthClient/client_id"]);
    app_defaults::complete(app);
    if let Some(Value::Array(keys)) = lookup_mut(app, "/settings/oauthClient/jwks/keys") {
        for key in keys {
            super::app_credentials::complete_key(org, key, call)?;
        }
    }
    Ok(())
}

/// Replaces everything but what Okta does not let a PUT change.
fn replace_app(org: &mut Org, call: &Call) -> Outcome {
    let mut new = valid(call)?;
    may_bind(&new, call.settings.dpop_refused_at_replace)?;
    let id = call.parameter("appId");
    let old = org.app(id)?.clone();
    if text(&old, "signOnMode") == "AUTO_LOGIN" && text(&old, "status") == "INACTIVE" {
        return Err(OktaError::new(400, "E0000024", "Bad request. The app is not active."));
    }
    keep(&mut new, &old, &["id", "orn", "name", "status", "created", "signOnMode"], call.now);
    complete(org, &mut new, call)?;
    let keys = lookup(&old, "/settings/oauthClient/jwks").cloned();
    if let (Some(keys), Some(client)) = (keys, lookup_mut(&mut new, "/settings/oauthClient"))
        && client.get("jwks").is_none()
        // Whoever moves an app's keys elsewhere loses those that it has.
        && client.get("jwks_uri").is_none()
    {
        client["jwks"] = keys;
    }
    org.apps.insert(id.to_owned(), new);
    Ok(Reply::ok(render(org, org.app(id)?, call, true)))
}

fn delete_app(org: &mut Org, call: &Call) -> Outcome {
    let app = org.app(call.parameter("appId"))?;
    let id = text(app, "id").to_owned();
    if text(app, "status") == "ACTIVE" {
        return Err(OktaError::new(403, "E0000056", "Delete application forbidden.")
            .because("An active application cannot be deleted."));
    }
    forget(org, &id);
    Ok(Reply::no_content())
}

/// Takes an app away with everything that is its own.
pub(crate) fn forget(org: &mut Org, id: &str) {
    org.apps.remove(id);
    org.app_groups.remove(id);
    org.app_secrets.remove(id);
    org.grants.remove(id);
    org.client_roles.remove(id);
    org.schemas.remove(id);
}

fn activate_app(org: &mut Org, call: &Call) -> Outcome {
    turn_app(org, call, "ACTIVE")
}

/// Takes the assignments with it.
fn deactivate_app(org: &mut Org, call: &Call) -> Outcome {
    let reply = turn_app(org, call, "INACTIVE")?;
    org.app_groups.remove(call.parameter("appId"));
    Ok(reply)
}

fn turn_app(org: &mut Org, call: &Call, status: &str) -> Outcome {
    let id = call.parameter("appId");
    let app = org.apps.get_mut(id).ok_or_else(|| OktaError::not_found(id, "AppInstance"))?;
    turn(app, status, call.now);
    Ok(Reply::ok(json!({})))
}

/// The name of an app that the body gives none: the key of its kind, or for a custom app one of its
/// own (schema `SamlApplication`).
fn generated_name(app: &Object, id: &str) -> String {
    match text(app, "signOnMode") {
        "OPENID_CONNECT" => "oidc_client".to_owned(),
        "BOOKMARK" => "bookmark".to_owned(),
        _ => {
            let label = text(app, "label").chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            format!("okta_{}_{}", label.to_lowercase(), id.trim_start_matches("0oa").trim_start_matches('0'))
        }
    }
}

/// The app of the body, without what Okta prints but does not take.
fn valid(call: &Call) -> Result<Object, OktaError> {
    let mut app = call.object()?.clone();
    for read_only in ["_links", "_embedded", "features", "universalLogout"] {
        app.remove(read_only);
    }
    if text(&app, "label").is_empty() {
        return Err(OktaError::missing("label"));
    }
    if text(&app, "signOnMode").is_empty() && text(&app, "name").is_empty() {
        return Err(OktaError::missing("signOnMode"));
    }
    if text(&app, "signOnMode") == "OPENID_CONNECT" {
        const METHODS: &[&str] =
            &["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];
        let method = at(&app, "/credentials/oauthClient/token_endpoint_auth_method");
        if !method.is_empty() && !METHODS.contains(&method) {
            return Err(OktaError::validation(
                "token_endpoint_auth_method",
                "token_endpoint_auth_method: The method is not valid",
            ));
        }
        let keys = lookup(&app, "/settings/oauthClient/jwks/keys").and_then(Value::as_array);
        let mut kids: Vec<&Value> = keys.into_iter().flatten().map(|key| &key["kid"]).collect();
        kids.sort_by_key(|kid| kid.to_string());
        let keys_given = !kids.is_empty();
        if kids.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(super::app_credentials::refused("All keys in the 'jwks' must have a unique `kid`."));
        }
        let address = remote_keys::address(&app);
        if !address.is_empty() && (!crate::hooks::may_be_called(address) || keys_given) {
            let text = "jwks_uri: The address must be an HTTPS URL, and instead of `jwks`";
            return Err(OktaError::validation("jwks_uri", text));
        }
    }
    Ok(app)
}

fn render_assignment(app: &str, group: &str, assignment: &AppGroup, call: &Call) -> Value {
    let link = |path: String| href(call.url(format!("/api/v1/{path}")));
    json!({
        "id": group, "lastUpdated": assignment.last_updated, "priority": assignment.priority,
        "profile": assignment.profile,
        "_links": {
            "app": link(format!("apps/{app}")), "group": link(format!("groups/{group}")),
            "self": link(format!("apps/{app}/groups/{group}")),
        },
    })
}

/// `q` is a prefix of the group's name.
fn list_assignments(org: &mut Org, call: &Call) -> Outcome {
    let app = text(org.app(call.parameter("appId"))?, "id").to_owned();
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let named = |id: &str| org.groups.get(id).is_some_and(|g| g.name().to_lowercase().starts_with(&q));
    let found = org.app_groups.get(&app).into_iter().flatten().filter(|(group, _)| named(group));
    let render = |(group, assignment): (&String, &AppGroup)| render_assignment(&app, group, assignment, call);
    Ok(paging::reply(call, found, Limits(20, 200), |(group, _)| (*group).clone(), render))
}

fn get_assignment(org: &mut Org, call: &Call) -> Outcome {
    let (app, group) = (text(org.app(call.parameter("appId"))?, "id"), call.parameter("groupId"));
    let assignment = org.app_groups.get(app).and_then(|groups| groups.get(group));
    let assignment = assignment.ok_or_else(|| OktaError::not_found(group, "ApplicationGroupAssignment"))?;
    Ok(Reply::ok(render_assignment(app, group, assignment, call)))
}

/// Attributes of the profile must be in the schema of the app's users.
fn assign_group(org: &mut Org, call: &Call) -> Outcome {
    let found = org.app(call.parameter("appId"))?;
    let app = text(found, "id").to_owned();
    let schema = org.schemas.get(&app).cloned();
    let schema = schema.unwrap_or_else(|| super::base_attributes::of_app_users(found, ""));
    let group = org.group(call.parameter("groupId"))?.id.clone();
    let empty = Object::new();
    let body = call.body.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    let profile = lookup(body, "/profile").and_then(Value::as_object).cloned().unwrap_or_default();
    super::schemas::check_attributes(&schema, &profile, "profile")?;
    let groups = org.app_groups.entry(app).or_default();
    let next = groups.values().map(|g| g.priority + 1).max().unwrap_or(0);
    let priority = lookup(body, "/priority")
        .and_then(Value::as_u64)
        .or_else(|| groups.get(&group).map(|g| g.priority))
        .unwrap_or(next);
    groups.insert(group, AppGroup { priority, profile, last_updated: okta_time(call.now) });
    get_assignment(org, call)
}

fn unassign_group(org: &mut Org, call: &Call) -> Outcome {
    let app = text(org.app(call.parameter("appId"))?, "id").to_owned();
    let group = call.parameter("groupId");
    if org.app_groups.get_mut(&app).and_then(|groups| groups.remove(group)).is_none() {
        return Err(OktaError::not_found(group, "ApplicationGroupAssignment"));
    }
    let (kind, message) = ("group.application_assignment.remove", "Remove assigned application from group");
    let (actor, targets) = (call.caller.who.id(), vec![group, app.as_str()]);
    org.log_event(LogEntry { kind, message, actor, targets, reason: None }, call.now);
    Ok(Reply::no_content())
}

/// An OIDC app with a fixed id, to be completed; used by the seed.
pub(crate) fn seeded(id: &str, label: &str, client: Value, settings: Value, time: &str) -> Object {
    object(json!({
        "id": id, "name": "oidc_client", "label": label, "status": "ACTIVE", "created": time, "lastUpdated": time,
        "features": [], "signOnMode": "OPENID_CONNECT",
        "credentials": {
            "userNameTemplate": { "template": "${source.login}", "type": "BUILT_IN" }, "oauthClient": client,
        },
        "settings": { "oauthClient": settings },
    }))
}
