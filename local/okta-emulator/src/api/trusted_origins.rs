//! Trusted origins: who may call with cookies (CORS) and where a sign-in may
//! lead (REDIRECT).
//!
//! Evidence: recordings of the Terraform provider, in full recorded answer 25
//! (docs/emulator.md); createTrustedOrigin.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::error::OktaError;
use crate::json::{Object, hinted, keep, lookup, stamp, text, turn, with_links};
use crate::org::Org;
use crate::paging::{self, Limits};

const ORIGINS: Auth = Auth::Admin("trustedOrigins");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/trustedOrigins", "listTrustedOrigins", ORIGINS, list_origins),
    post("/api/v1/trustedOrigins", "createTrustedOrigin", ORIGINS, create_origin),
    get("/api/v1/trustedOrigins/{trustedOriginId}", "getTrustedOrigin", ORIGINS, get_origin),
    put("/api/v1/trustedOrigins/{trustedOriginId}", "replaceTrustedOrigin", ORIGINS, replace_origin),
    delete("/api/v1/trustedOrigins/{trustedOriginId}", "deleteTrustedOrigin", ORIGINS, delete_origin),
    post("/api/v1/trustedOrigins/{trustedOriginId}/lifecycle/activate", "activateTrustedOrigin", ORIGINS, activate_origin),
    post("/api/v1/trustedOrigins/{trustedOriginId}/lifecycle/deactivate", "deactivateTrustedOrigin", ORIGINS, deactivate_origin),
];

/// Whether an active trusted origin allows `usage` (`CORS` or `REDIRECT`) for
/// the origin of `url`.
pub(crate) fn trusts(org: &Org, url: &str, usage: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let origin = url.origin().ascii_serialization();
    org.trusted_origins.values().any(|trusted| {
        let scopes = lookup(trusted, "/scopes").and_then(Value::as_array);
        text(trusted, "status") == "ACTIVE"
            && text(trusted, "origin") == origin
            && scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope["type"] == usage))
    })
}

fn render(origin: &Object, call: &Call) -> Value {
    let own = call.url(format!("/api/v1/trustedOrigins/{}", text(origin, "id")));
    let next = if text(origin, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut links = json!({ "self": hinted(own.clone(), &["GET", "PUT", "DELETE"]) });
    links[next] = hinted(format!("{own}/lifecycle/{next}"), &["POST"]);
    with_links(origin, links)
}

/// `q` is a part of name or origin.
fn list_origins(org: &mut Org, call: &Call) -> Outcome {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let found = org.trusted_origins.values().filter(|origin| {
        ["name", "origin"].iter().any(|member| text(origin, member).to_lowercase().contains(&q))
    });
    let cursor = |origin: &&Object| text(origin, "id").to_owned();
    Ok(paging::reply(call, found, Limits(20, 200), cursor, |origin| render(origin, call)))
}

fn valid(org: &Org, call: &Call, own: Option<&str>) -> Result<Object, OktaError> {
    let mut origin = call.object()?.clone();
    origin.remove("_links");
    let url = url::Url::parse(text(&origin, "origin")).ok().map(|url| url.origin().ascii_serialization());
    if text(&origin, "name").is_empty() {
        return Err(OktaError::missing("name"));
    }
    if url.as_deref() != Some(text(&origin, "origin")) {
        return Err(OktaError::validation("origin", "origin: The field must be scheme, host and port"));
    }
    let scopes = lookup(&origin, "/scopes").and_then(Value::as_array);
    let known = ["CORS", "REDIRECT", "IFRAME_EMBED"];
    let good = |scope: &Value| known.contains(&scope["type"].as_str().unwrap_or_default());
    if !scopes.is_some_and(|scopes| !scopes.is_empty() && scopes.iter().all(good)) {
        return Err(OktaError::validation("scopes", "scopes: CORS, REDIRECT or IFRAME_EMBED"));
    }
    for member in ["name", "origin"] {
        let taken =
            |other: &&Object| text(other, member) == text(&origin, member) && Some(text(other, "id")) != own;
        if org.trusted_origins.values().any(|other| taken(&other)) {
            return Err(OktaError::duplicate(member));
        }
    }
    Ok(origin)
}

fn create_origin(org: &mut Org, call: &Call) -> Outcome {
    let mut origin = valid(org, call, None)?;
    let (id, by) = (org.new_id("tos"), call.caller.who.id());
    stamp(&mut origin, &id, "ACTIVE", call.now);
    origin.insert("createdBy".to_owned(), by.into());
    origin.insert("lastUpdatedBy".to_owned(), by.into());
    let answer = render(&origin, call);
    org.trusted_origins.insert(id, origin);
    Ok(Reply::ok(answer))
}

fn origin<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("trustedOriginId");
    org.trusted_origins.get_mut(id).ok_or_else(|| OktaError::not_found(id, "TrustedOrigin"))
}

fn get_origin(org: &mut Org, call: &Call) -> Outcome {
    Ok(Reply::ok(render(origin(org, call)?, call)))
}

fn replace_origin(org: &mut Org, call: &Call) -> Outcome {
    let mut new = valid(org, call, Some(call.parameter("trustedOriginId")))?;
    let old = origin(org, call)?;
    keep(&mut new, old, &["id", "status", "created", "createdBy"], call.now);
    new.insert("lastUpdatedBy".to_owned(), call.caller.who.id().into());
    *old = new;
    get_origin(org, call)
}

fn delete_origin(org: &mut Org, call: &Call) -> Outcome {
    origin(org, call)?;
    org.trusted_origins.remove(call.parameter("trustedOriginId"));
    Ok(Reply::no_content())
}

fn activate_origin(org: &mut Org, call: &Call) -> Outcome {
    turn(origin(org, call)?, "ACTIVE", call.now);
    get_origin(org, call)
}

fn deactivate_origin(org: &mut Org, call: &Call) -> Outcome {
    turn(origin(org, call)?, "INACTIVE", call.now);
    get_origin(org, call)
}
