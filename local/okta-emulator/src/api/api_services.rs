//! API service integrations: apps of the catalogue that get tokens with a secret.
//!
//! Evidence: Okta Management API 2026.06.3, `createApiServiceIntegrationInstance` (the secret
//! is in this answer alone), `deleteApiServiceIntegrationInstance` (its grants go as well),
//! `createApiServiceIntegrationInstanceSecret` (two at most; a new one makes none inactive).
//! Roles are for service apps alone (E0000227): an integration may do what its scopes say,
//! which is not documented in so many words.
//! Of types in Okta's catalogue nothing is known here: every name is one, and it takes the
//! scopes that it is given.

use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::error::OktaError;
use crate::json::{Object, href, object, stamp, text, texts, turn, with_links};
use crate::org::Org;
use crate::paging::{self, Limits};

use super::{app_credentials, app_defaults, apps};

const INTEGRATIONS: Auth = Auth::Admin("oauthIntegrations");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/integrations/api/v1/api-services", "listApiServiceIntegrationInstances", INTEGRATIONS, list),
    post("/integrations/api/v1/api-services", "createApiServiceIntegrationInstance", INTEGRATIONS, create),
    get("/integrations/api/v1/api-services/{apiServiceId}", "getApiServiceIntegrationInstance", INTEGRATIONS, get_one),
    delete("/integrations/api/v1/api-services/{apiServiceId}", "deleteApiServiceIntegrationInstance", INTEGRATIONS, remove),
    get("/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets", "listApiServiceIntegrationInstanceSecrets", INTEGRATIONS, list_secrets),
    post("/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets", "createApiServiceIntegrationInstanceSecret", INTEGRATIONS, create_secret),
    delete("/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets/{secretId}", "deleteApiServiceIntegrationInstanceSecret", INTEGRATIONS, delete_secret),
    post("/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets/{secretId}/lifecycle/activate", "activateApiServiceIntegrationInstanceSecret", INTEGRATIONS, activate_secret),
    post("/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets/{secretId}/lifecycle/deactivate", "deactivateApiServiceIntegrationInstanceSecret", INTEGRATIONS, deactivate_secret),
];

/// The secret of an integration is that of the app behind it.
fn render(org: &Org, integration: &Object, call: &Call) -> Value {
    let id = text(integration, "id");
    let grants = org.grants.get(id).into_iter().flat_map(|grants| grants.values());
    let scopes: Vec<&str> = grants.map(|grant| text(grant, "scopeId")).collect();
    let own = call.url(format!("/integrations/api/v1/api-services/{id}"));
    let links = json!({
        "self": href(own.clone()), "client": href(call.url(format!("/oauth2/v1/clients/{id}"))),
        "client-secrets": href(format!("{own}/credentials/secrets")),
    });
    let mut printed = with_links(integration, links);
    printed["grantedScopes"] = scopes.into();
    if let Some(printed) = printed.as_object_mut() {
        printed.remove("status");
        printed.remove("lastUpdated");
    }
    printed
}

fn list(org: &mut Org, call: &Call) -> Outcome {
    let all = org.service_integrations.values();
    Ok(paging::reply(call, all, Limits(20, 200), |of| text(of, "id").to_owned(), |of| render(org, of, call)))
}

fn create(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?;
    let (kind, scopes) = (text(body, "type"), texts(body, "/grantedScopes"));
    if kind.is_empty() {
        return Err(OktaError::missing("type"));
    }
    if scopes.is_empty() || !scopes.iter().all(|scope| crate::oauth::scopes::is_okta_scope(scope)) {
        return Err(OktaError::validation("grantedScopes", "grantedScopes: The scopes are not valid"));
    }
    let mut integration = object(json!({
        "type": kind, "name": kind, "createdBy": call.caller.who.id(),
        "configGuideUrl": format!("https://developer.okta.test/{kind}"),
    }));
    if let Some(properties) = body.get("properties") {
        integration.insert("properties".to_owned(), properties.clone());
    }
    let id = org.new_id("0oa");
    let time = crate::clock::okta_time(call.now);
    let client = json!({ "client_id": id, "token_endpoint_auth_method": "client_secret_basic" });
    let settings = json!({
        "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
        "dpop_bound_access_tokens": false,
    });
    let mut app = apps::seeded(&id, kind, client, settings, &time);
    app_defaults::complete(&mut app);
    org.apps.insert(id.clone(), app);
    stamp(&mut integration, &id, "ACTIVE", call.now);
    org.service_integrations.insert(id.clone(), integration);
    app_credentials::make_super_admin(org, &id, call);
    for scope in scopes {
        app_credentials::insert_grant(org, &id, scope, call.caller.who.id(), &call.org_url, call.now);
    }
    let secret = crate::random::random();
    app_credentials::insert_secret(org, &id, &secret, call.now);
    let mut answer = render(org, &org.service_integrations[&id], call);
    answer["clientSecret"] = secret.into();
    Ok(Reply::new(201, answer))
}

fn id(org: &Org, call: &Call) -> Result<String, OktaError> {
    let id = call.parameter("apiServiceId");
    let known = org.service_integrations.contains_key(id);
    if known { Ok(id.to_owned()) } else { Err(OktaError::not_found(id, "ApiServiceIntegrationInstance")) }
}

fn get_one(org: &mut Org, call: &Call) -> Outcome {
    let id = id(org, call)?;
    Ok(Reply::ok(render(org, &org.service_integrations[&id], call)))
}

fn remove(org: &mut Org, call: &Call) -> Outcome {
    let id = id(org, call)?;
    org.service_integrations.remove(&id);
    apps::forget(org, &id);
    Ok(Reply::no_content())
}

fn render_secret(id: &str, secret: &Object, call: &Call) -> Value {
    let own = format!("/integrations/api/v1/api-services/{id}/credentials/secrets/{}", text(secret, "id"));
    app_credentials::print_secret(call.url(own), secret)
}

fn list_secrets(org: &mut Org, call: &Call) -> Outcome {
    let id = id(org, call)?;
    let secrets = org.app_secrets.get(&id).into_iter().flat_map(|secrets| secrets.values());
    Ok(Reply::ok(secrets.map(|secret| render_secret(&id, secret, call)).collect()))
}

fn create_secret(org: &mut Org, call: &Call) -> Outcome {
    let id = id(org, call)?;
    app_credentials::may_have_another(org, &id)?;
    let secret = app_credentials::insert_secret(org, &id, &crate::random::random(), call.now);
    Ok(Reply::new(201, render_secret(&id, &org.app_secrets[&id][&secret], call)))
}

fn secret<'o>(org: &'o mut Org, call: &Call) -> Result<(String, &'o mut Object), OktaError> {
    let (id, secret) = (id(org, call)?, call.parameter("secretId"));
    let found = org.app_secrets.get_mut(&id).and_then(|secrets| secrets.get_mut(secret));
    Ok((id, found.ok_or_else(|| OktaError::not_found(secret, "OAuth2ClientSecret"))?))
}

fn delete_secret(org: &mut Org, call: &Call) -> Outcome {
    let (id, secret) = secret(org, call)?;
    if text(secret, "status") == "ACTIVE" {
        return Err(OktaError::validation("client_secret", "You can't delete an active client secret."));
    }
    org.app_secrets.get_mut(&id).map(|secrets| secrets.remove(call.parameter("secretId")));
    Ok(Reply::no_content())
}

fn activate_secret(org: &mut Org, call: &Call) -> Outcome {
    let (id, secret) = secret(org, call)?;
    turn(secret, "ACTIVE", call.now);
    Ok(Reply::ok(render_secret(&id, secret, call)))
}

fn deactivate_secret(org: &mut Org, call: &Call) -> Outcome {
    let (id, secret) = secret(org, call)?;
    turn(secret, "INACTIVE", call.now);
    Ok(Reply::ok(render_secret(&id, secret, call)))
}
