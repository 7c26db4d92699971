//! Linked objects: a named relationship between two users.
//!
//! Evidence: recordings of the Terraform provider (definitions answer 201, a
//! link 204); listLinkedObjectsForUser (`[]` when there is none).

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::json::{at, href};
use crate::org::Org;

const LINKS: Auth = Auth::Admin("linkedObjects");
const USERS: Auth = Auth::Admin("users");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    post("/api/v1/meta/schemas/user/linkedObjects", "createLinkedObjectDefinition", LINKS, create_definition),
    get("/api/v1/meta/schemas/user/linkedObjects", "listLinkedObjectDefinitions", LINKS, list_definitions),
    get("/api/v1/users/{userIdOrLogin}/linkedObjects/{relationshipName}", "listLinkedObjectsForUser", USERS, list_links),
    put("/api/v1/users/{userIdOrLogin}/linkedObjects/{primaryRelationshipName}/{primaryUserId}", "assignLinkedObjectValueForPrimary", USERS, link),
    delete("/api/v1/users/{userIdOrLogin}/linkedObjects/{relationshipName}", "deleteLinkedObjectForUser", USERS, unlink),
];

fn create_definition(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let (primary, associated) = (at(&body, "/primary/name").to_owned(), at(&body, "/associated/name"));
    let taken = |name: &str| {
        org.linked_objects
            .values()
            .any(|known| at(known, "/primary/name") == name || at(known, "/associated/name") == name)
    };
    if primary.is_empty()
        || associated.is_empty()
        || primary == associated
        || taken(&primary)
        || taken(associated)
    {
        return Err(OktaError::new(409, "E0000127", "The linked object definition is invalid or exists."));
    }
    let mut answer = body.clone();
    answer.insert(
        "_links".to_owned(),
        json!({ "self": href(call.url(format!("/api/v1/meta/schemas/user/linkedObjects/{primary}"))) }),
    );
    org.linked_objects.insert(primary, body);
    Ok(Reply::new(201, Value::Object(answer)))
}

fn list_definitions(org: &mut Org, _: &Call) -> Outcome {
    Ok(Reply::ok(org.linked_objects.values().cloned().map(Value::Object).collect()))
}

/// From the associated user to the one primary user, or from the primary user
/// to every associated one.
fn list_links(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userIdOrLogin"))?.id.clone();
    let name = call.parameter("relationshipName");
    let found: Vec<&String> = if org.linked_objects.contains_key(name) {
        org.links.get(&user).and_then(|links| links.get(name)).into_iter().collect()
    } else {
        let definition = org.linked_objects.iter().find(|(_, known)| at(known, "/associated/name") == name);
        let (primary, _) = definition.ok_or_else(|| OktaError::not_found(name, "LinkedObject"))?;
        org.links.iter().filter(|(_, links)| links.get(primary) == Some(&user)).map(|(id, _)| id).collect()
    };
    let link = |id: &String| json!({ "_links": { "self": href(call.url(format!("/api/v1/users/{id}"))) } });
    Ok(Reply::ok(found.into_iter().map(link).collect()))
}

fn link(org: &mut Org, call: &Call) -> Outcome {
    let associated = org.user(call.parameter("userIdOrLogin"))?.id.clone();
    let primary = org.user(call.parameter("primaryUserId"))?.id.clone();
    let name = call.parameter("primaryRelationshipName");
    if !org.linked_objects.contains_key(name) {
        return Err(OktaError::not_found(name, "LinkedObject"));
    }
    org.links.entry(associated).or_default().insert(name.to_owned(), primary);
    Ok(Reply::no_content())
}

fn unlink(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("userIdOrLogin"))?.id.clone();
    let name = call.parameter("relationshipName");
    org.links.get_mut(&user).and_then(|links| links.remove(name));
    Ok(Reply::no_content())
}
