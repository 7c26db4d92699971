//! Schemas of users and of the users of an app: which attributes a profile may
//! have.
//!
//! Evidence: recordings of the Terraform provider (a partial update of
//! `definitions.custom`; null removes an attribute; arrays are combined across
//! groups only with `"union":"ENABLE"`), in full recorded answer 24 (docs/emulator.md), and
//! 14 for the attribute that goes with its property; reference page "Schemas".

use serde_json::{Value, json};

use super::base_attributes::of_app_users;
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, lookup, lookup_mut, text};
use crate::org::Org;

const SCHEMAS: Auth = Auth::Admin("schemas");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/meta/schemas/user/{schemaId}", "getUserSchema", SCHEMAS, get_user_schema),
    post("/api/v1/meta/schemas/user/{schemaId}", "updateUserProfile", SCHEMAS, update_user_profile),
    get("/api/v1/meta/schemas/apps/{appId}/default", "getApplicationUserSchema", SCHEMAS, get_app_schema),
    post("/api/v1/meta/schemas/apps/{appId}/default", "updateApplicationUserProfile", SCHEMAS, update_app_profile),
];

fn render(schema: &Object, url: String) -> Value {
    let mut printed = schema.clone();
    printed.insert("id".to_owned(), url.into());
    Value::Object(printed)
}

/// The id of a user schema; `default` is that of the default type.
fn user_schema_id(org: &Org, call: &Call) -> Result<String, OktaError> {
    let id = call.parameter("schemaId");
    let default = || org.user_types.get(&org.default_user_type()).map(|kind| text(kind, "schema").to_owned());
    let id = if id == "default" { default().unwrap_or_default() } else { id.to_owned() };
    let known = org.user_types.values().any(|kind| text(kind, "schema") == id);
    if known { Ok(id) } else { Err(OktaError::not_found(&id, "UserSchema")) }
}

fn get_user_schema(org: &mut Org, call: &Call) -> Outcome {
    let id = user_schema_id(org, call)?;
    let kind = org.user_types.values().find(|kind| text(kind, "schema") == id);
    let kind = kind.map(|kind| text(kind, "id")).unwrap_or_default();
    let url = call.url(format!("/api/v1/meta/schemas/user/{id}"));
    let mut printed = render(&org.schemas[&id], url.clone());
    printed["_links"] = json!({
        "self": { "rel": "self", "href": url, "method": "GET" },
        "type": { "rel": "type", "href": call.url(format!("/api/v1/meta/types/user/{kind}")), "method": "GET" },
    });
    Ok(Reply::ok(printed))
}

fn update_user_profile(org: &mut Org, call: &Call) -> Outcome {
    let id = user_schema_id(org, call)?;
    let removed = update(org, &id, call)?;
    let kinds = org.user_types.iter().filter(|(_, kind)| text(kind, "schema") == id);
    let kinds: Vec<String> = kinds.map(|(kind, _)| kind.clone()).collect();
    if !removed.is_empty() {
        for user in org.users.values_mut().filter(|user| kinds.contains(&user.kind)) {
            user.profile.retain(|name, _| !removed.contains(name));
        }
    }
    get_user_schema(org, call)
}

/// Made when it is first asked for.
fn app_schema(org: &mut Org, call: &Call) -> Result<String, OktaError> {
    let app = org.app(call.parameter("appId"))?.clone();
    let id = text(&app, "id").to_owned();
    org.schemas.entry(id.clone()).or_insert_with(|| of_app_users(&app, &okta_time(call.now)));
    Ok(id)
}

fn get_app_schema(org: &mut Org, call: &Call) -> Outcome {
    let app = app_schema(org, call)?;
    let url = call.url(format!("/api/v1/meta/schemas/apps/{app}/default"));
    Ok(Reply::ok(render(&org.schemas[&app], url)))
}

fn update_app_profile(org: &mut Org, call: &Call) -> Outcome {
    let app = app_schema(org, call)?;
    update(org, &app, call)?;
    get_app_schema(org, call)
}

/// Adds, replaces or, with null, removes custom attributes; gives the names of those removed.
fn update(org: &mut Org, id: &str, call: &Call) -> Result<Vec<String>, OktaError> {
    let body = call.object()?;
    let changes = lookup(body, "/definitions/custom/properties").and_then(Value::as_object);
    let Some(schema) = org.schemas.get_mut(id) else { return Err(OktaError::not_found(id, "UserSchema")) };
    let base = lookup(schema, "/definitions/base/properties").cloned().unwrap_or_default();
    for (name, attribute) in changes.into_iter().flatten() {
        if base.get(name).is_some() {
            return Err(OktaError::validation(
                "definitions",
                format!("{name}: The attribute is a base attribute"),
            ));
        }
        let kind = attribute["type"].as_str().unwrap_or_default();
        let known = ["string", "boolean", "number", "integer", "array"].contains(&kind);
        if !attribute.is_null() && !known {
            return Err(OktaError::validation(
                "definitions",
                format!("{name}: The type is missing or unknown"),
            ));
        }
        if kind == "array" && attribute["items"]["type"].as_str().is_none() {
            return Err(OktaError::validation("definitions", format!("{name}: An array needs `items.type`")));
        }
    }
    let mut removed = Vec::new();
    if let Some(Value::Object(custom)) = lookup_mut(schema, "/definitions/custom/properties") {
        for (name, attribute) in changes.into_iter().flatten() {
            if attribute.is_null() {
                removed.extend(custom.remove(name).map(|_| name.clone()));
                continue;
            }
            let mut attribute = attribute.clone();
            if let Some(attribute) =
                attribute.as_object_mut().filter(|a| a.get("required") == Some(&json!(false)))
            {
                attribute.remove("required");
            }
            for (key, default) in [
                ("scope", json!("NONE")),
                ("mutability", json!("READ_WRITE")),
                ("master", json!({ "type": "PROFILE_MASTER" })),
                ("permissions", json!([{ "principal": "SELF", "action": "READ_ONLY" }])),
            ] {
                if attribute.get(key).is_none() {
                    attribute[key] = default;
                }
            }
            custom.insert(name.clone(), attribute);
        }
    }
    schema.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    Ok(removed)
}

/// Whether a profile has what the schema of `kind` requires, and nothing that
/// it does not know.
pub(crate) fn check_profile(org: &Org, kind: &str, profile: &Object, of: &str) -> Result<(), OktaError> {
    let schema = org.user_types.get(kind).and_then(|kind| org.schemas.get(text(kind, "schema")));
    let Some(schema) = schema else { return Ok(()) };
    for required in crate::json::texts(schema, "/definitions/base/required") {
        if text(profile, required).is_empty() {
            return Err(OktaError::missing(required));
        }
    }
    check_attributes(schema, profile, of)
}

/// Whether the schema knows every attribute, and each has the type it says.
pub(crate) fn check_attributes(schema: &Object, profile: &Object, of: &str) -> Result<(), OktaError> {
    let properties = |part: &str| lookup(schema, &format!("/definitions/{part}/properties"));
    let known = |name: &str| {
        [properties("custom"), properties("base")].into_iter().flatten().find_map(|p| p.get(name))
    };
    for (name, value) in profile {
        let Some(attribute) = known(name) else {
            return Err(OktaError::validation(
                of,
                format!("Property name '{name}' is not defined in profile"),
            ));
        };
        let fits = match attribute["type"].as_str().unwrap_or("string") {
            _ if value.is_null() => true,
            "array" => value.is_array(),
            "boolean" => value.is_boolean(),
            "number" | "integer" => value.is_number(),
            _ => value.is_string(),
        };
        if !fits {
            return Err(OktaError::validation(
                of,
                format!("{name}: The value is of another type than the attribute"),
            ));
        }
    }
    Ok(())
}

/// Whether the arrays of an app user's groups are combined for this attribute.
pub(crate) fn is_union(schema: &Object, attribute: &str) -> bool {
    lookup(schema, &format!("/definitions/custom/properties/{attribute}/union")) == Some(&json!("ENABLE"))
}
