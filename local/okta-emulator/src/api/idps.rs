//! Identity providers.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 with the
//! members that Okta fills in; lifecycle calls answer 200 and the IdP),
//! reference page "Identity Providers" 2024-09 (`status` is read-only, so that
//! POST makes an ACTIVE IdP and PUT keeps the status).

use serde_json::{Map, Value, json};

use crate::clock::okta_time;
use crate::error::OktaError;
use crate::org::Org;
use crate::page;
use crate::routes::{Auth, Call, Reply, Route};

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/api/v1/idps", operation_id: "listIdentityProviders", auth: Auth::ApiToken, handler: list_idps },
    Route { method: "POST", path: "/api/v1/idps", operation_id: "createIdentityProvider", auth: Auth::ApiToken, handler: create_idp },
    Route { method: "GET", path: "/api/v1/idps/{idpId}", operation_id: "getIdentityProvider", auth: Auth::ApiToken, handler: get_idp },
    Route { method: "PUT", path: "/api/v1/idps/{idpId}", operation_id: "replaceIdentityProvider", auth: Auth::ApiToken, handler: replace_idp },
    Route { method: "DELETE", path: "/api/v1/idps/{idpId}", operation_id: "deleteIdentityProvider", auth: Auth::ApiToken, handler: delete_idp },
    Route { method: "POST", path: "/api/v1/idps/{idpId}/lifecycle/activate", operation_id: "activateIdentityProvider", auth: Auth::ApiToken, handler: activate_idp },
    Route { method: "POST", path: "/api/v1/idps/{idpId}/lifecycle/deactivate", operation_id: "deactivateIdentityProvider", auth: Auth::ApiToken, handler: deactivate_idp },
];

fn text<'v>(idp: &'v Map<String, Value>, key: &str) -> &'v str {
    idp.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn render(idp: &Map<String, Value>, org_url: &str) -> Value {
    let id = text(idp, "id");
    let href = |path: String| json!({ "href": format!("{org_url}{path}") });
    let turn = if text(idp, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut rendered = idp.clone();
    rendered.insert(
        "_links".to_owned(),
        json!({
            "metadata": href(format!("/api/v1/idps/{id}/metadata.xml")), "acs": href(format!("/sso/saml2/{id}")),
            "users": href(format!("/api/v1/idps/{id}/users")),
            turn: href(format!("/api/v1/idps/{id}/lifecycle/{turn}")),
        }),
    );
    Value::Object(rendered)
}

fn idp<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Map<String, Value>, OktaError> {
    let id = call.parameter("idpId");
    org.idps.get_mut(id).ok_or_else(|| OktaError::not_found(id, "IdpAppInstance"))
}

/// `q` is taken as a case-insensitive prefix of the name (not verified);
/// `self` forgets `q` and `type`, `next` repeats them.
fn list_idps(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let found = org
        .idps
        .values()
        .filter(|idp| text(idp, "name").to_lowercase().starts_with(&q))
        .filter(|idp| call.query("type").is_none_or(|kind| text(idp, "type") == kind))
        .map(|idp| (text(idp, "id").to_owned(), render(idp, &call.org_url)))
        .collect();
    Ok(page::reply(call, found, 20, 200))
}

fn create_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let mut idp = valid(org, call, None)?;
    let id = org.new_id("0oa");
    let time = Value::from(okta_time(call.now));
    idp.insert("id".to_owned(), id.clone().into());
    idp.insert("status".to_owned(), "ACTIVE".into());
    idp.insert("created".to_owned(), time.clone());
    idp.insert("lastUpdated".to_owned(), time);
    let trust = idp.get_mut("protocol").and_then(|p| p.pointer_mut("/credentials/trust"));
    if let Some(trust) = trust.and_then(Value::as_object_mut)
        && !trust.contains_key("audience")
    {
        let audience = format!("https://www.okta.com/saml2/service-provider/sp{}", &id[3..]);
        trust.insert("audience".to_owned(), audience.into());
    }
    let answer = render(&idp, &call.org_url);
    org.idps.insert(id, idp);
    Ok(Reply::ok(answer))
}

fn get_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let idp = idp(org, call)?;
    Ok(Reply::ok(render(idp, &call.org_url)))
}

/// Replaces every member except `id`, `status`, `created` and `type`.
fn replace_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let id = text(idp(org, call)?, "id").to_owned();
    let mut new = valid(org, call, Some(&id))?;
    let old = idp(org, call)?;
    for key in ["id", "status", "created", "type"] {
        new.insert(key.to_owned(), old.get(key).cloned().unwrap_or_default());
    }
    new.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    *old = new;
    get_idp(org, call)
}

/// Routing rules that point at it stay, with a dangling id (not verified).
fn delete_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    let id = text(idp(org, call)?, "id").to_owned();
    org.idps.remove(&id);
    Ok(Reply::no_content())
}

fn activate_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    turn(org, call, "ACTIVE")
}

fn deactivate_idp(org: &mut Org, call: &Call) -> Result<Reply, OktaError> {
    turn(org, call, "INACTIVE")
}

fn turn(org: &mut Org, call: &Call, status: &str) -> Result<Reply, OktaError> {
    let idp = idp(org, call)?;
    idp.insert("status".to_owned(), status.into());
    idp.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    get_idp(org, call)
}

/// The IdP of the body, without what Okta prints but does not take, if it has
/// what a SAML 2.0 IdP needs: name (unique), type, sign-on endpoint, a trusted
/// key that exists, a subject template.
fn valid(org: &Org, call: &Call, own_id: Option<&str>) -> Result<Map<String, Value>, OktaError> {
    let mut idp = call.object()?.clone();
    idp.remove("_links");
    let name = text(&idp, "name");
    if !(1..=100).contains(&name.chars().count()) {
        return Err(OktaError::validation("name", "name: The field must have 1 to 100 characters"));
    }
    if org.idps.values().any(|other| text(other, "name") == name && Some(text(other, "id")) != own_id) {
        return Err(OktaError::duplicate("name"));
    }
    let body = Value::Object(idp.clone());
    let at = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text(&idp, "type") == "SAML2" {
        if !org.idp_keys.contains_key(at("/protocol/credentials/trust/kid")) {
            return Err(OktaError::validation("kid", "kid: The key does not exist"));
        }
        for required in [
            "/protocol/type",
            "/protocol/endpoints/sso/url",
            "/protocol/endpoints/sso/binding",
            "/protocol/endpoints/acs/type",
            "/protocol/credentials/trust/issuer",
            "/policy/provisioning/action",
            "/policy/subject/userNameTemplate/template",
            "/policy/subject/matchType",
        ] {
            if at(required).is_empty() {
                return Err(OktaError::validation(
                    "identityProvider",
                    format!("{required}: The field is required"),
                ));
            }
        }
    }
    let assigned = body.pointer("/policy/provisioning/groups/assignments").and_then(Value::as_array);
    for group in assigned.into_iter().flatten().filter_map(Value::as_str) {
        org.group(group)?;
    }
    Ok(idp)
}
