//! User types, each with a schema of its own.
//!
//! Evidence: recordings of the Terraform provider (`_links.schema` holds the
//! id of the schema; `name` cannot change); error E0000142.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, object, text, with_links};
use crate::org::Org;

const TYPES: Auth = Auth::Admin("userTypes");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/meta/types/user", "listUserTypes", TYPES, list_user_types),
    post("/api/v1/meta/types/user", "createUserType", TYPES, create_user_type),
    get("/api/v1/meta/types/user/{typeId}", "getUserType", TYPES, get_user_type),
    delete("/api/v1/meta/types/user/{typeId}", "deleteUserType", TYPES, delete_user_type),
];

fn render(kind: &Object, call: &Call) -> Value {
    let mut printed = kind.clone();
    printed.remove("schema");
    let link = |rel: &str, path: String| json!({ "rel": rel, "href": call.url(path), "method": "GET" });
    with_links(
        &printed,
        json!({
            "schema": link("schema", format!("/api/v1/meta/schemas/user/{}", text(kind, "schema"))),
            "self": link("self", format!("/api/v1/meta/types/user/{}", text(kind, "id"))),
        }),
    )
}

impl Org {
    /// The id of the type that users have unless they are given another.
    pub(crate) fn default_user_type(&self) -> String {
        let default = self.user_types.values().find(|kind| kind.get("default") == Some(&json!(true)));
        default.map(|kind| text(kind, "id").to_owned()).unwrap_or_default()
    }

    /// Creates a type and its schema; used by the seed, too.
    pub(crate) fn insert_user_type(&mut self, kind: Object, default: bool, now: jiff::Timestamp) -> String {
        let id = self.new_id("oty");
        self.insert_user_type_with(id, kind, default, now)
    }

    /// The same with an id that is given.
    pub(crate) fn insert_user_type_with(
        &mut self,
        id: String,
        mut kind: Object,
        default: bool,
        now: jiff::Timestamp,
    ) -> String {
        let schema = self.new_id("osc");
        let (time, by) = (okta_time(now), text(&kind, "createdBy").to_owned());
        kind.extend(object(json!({
            "id": id, "schema": schema, "created": time, "lastUpdated": time, "default": default,
            "createdBy": by, "lastUpdatedBy": by,
        })));
        self.schemas.insert(schema.clone(), super::base_attributes::of_users(&schema, &time));
        self.user_types.insert(id.clone(), kind);
        id
    }
}

fn list_user_types(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(org.user_types.values().map(|kind| render(kind, call)).collect()))
}

/// At most nine beside the default one.
fn create_user_type(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?;
    let (name, display) = (text(body, "name"), text(body, "displayName"));
    for (field, value) in [("name", name), ("displayName", display)] {
        if value.is_empty() {
            return Err(OktaError::missing(field));
        }
    }
    if org.user_types.values().any(|kind| text(kind, "name") == name) {
        return Err(OktaError::duplicate("name"));
    }
    if org.user_types.len() >= 10 {
        return Err(OktaError::validation("userType", "The maximum number of user types is reached"));
    }
    let mut kind = object(json!({
        "name": name, "displayName": display, "createdBy": call.caller.who.id(),
    }));
    if let Some(description) = body.get("description").filter(|description| !description.is_null()) {
        kind.insert("description".to_owned(), description.clone());
    }
    let id = org.insert_user_type(kind, false, call.now);
    Ok(Reply::ok(render(&org.user_types[&id], call)))
}

fn user_type<'o>(org: &'o Org, call: &Call) -> Result<&'o Object, OktaError> {
    let id = call.parameter("typeId");
    let id = if id == "default" { org.default_user_type() } else { id.to_owned() };
    org.user_types.get(&id).ok_or_else(|| OktaError::not_found(&id, "UserType"))
}

fn get_user_type(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(user_type(org, call)?, call)))
}

/// Not while users have it, and never the default one.
fn delete_user_type(org: &mut Org, call: &Call) -> Outcome {
    let kind = user_type(org, call)?;
    let (id, schema) = (text(kind, "id").to_owned(), text(kind, "schema").to_owned());
    if id == org.default_user_type() || org.users.values().any(|user| user.kind == id) {
        return Err(OktaError::new(403, "E0000142", "The user type cannot be deleted."));
    }
    org.user_types.remove(&id);
    org.schemas.remove(&schema);
    Ok(Reply::no_content())
}
