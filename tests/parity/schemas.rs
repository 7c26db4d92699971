//! Schemas of users and of the users of an app.

use serde_json::{Value, json};

use crate::org::{Org, at, lacks};
use crate::{Outcome, facts};

facts! {
    r14_an_attribute_goes_with_its_property: "a user loses an attribute whose property is removed",
    r24_the_schema_of_users_has_lengths_and_formats: "the schema of users has lengths, formats and permissions",
    r24_an_oidc_app_has_twenty_one_attributes: "the users of an OIDC app have 21 attributes of scope SELF",
    r24_required_is_not_echoed: "a property that is given required false has no such member",
}

const USERS: &str = "/api/v1/meta/schemas/user/default";

fn custom(name: &str, attribute: Value) -> Value {
    json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": { name: attribute } } } })
}

async fn r14_an_attribute_goes_with_its_property(org: &mut Org) -> Outcome {
    let name = org.name().replace('-', "");
    let property = json!({ "title": "Parity", "type": "string" });
    org.post(USERS, custom(&name, property)).await?.is(200, &json!({}))?;
    let outcome = attribute_goes(org, &name).await;
    // Removed twice does no harm.
    org.post(USERS, custom(&name, Value::Null)).await?.is(200, &json!({}))?;
    outcome
}

async fn attribute_goes(org: &mut Org, name: &str) -> Outcome {
    let user = org.user("", &json!({ "profile": { name: "x" } })).await?;
    org.post(USERS, custom(name, Value::Null)).await?.is(200, &json!({}))?;
    let user = org.get(&format!("/api/v1/users/{}", at(&user, "/id"))).await?.is(200, &json!({}))?;
    lacks(&user, &[&format!("/profile/{name}")])
}

async fn r24_the_schema_of_users_has_lengths_and_formats(org: &mut Org) -> Outcome {
    let may = |action: &str| json!([{ "principal": "SELF", "action": action }]);
    let expected = json!({
        "description": "*",
        "definitions": { "base": { "properties": {
            "login": { "minLength": 5, "maxLength": 100 }, "firstName": { "minLength": 1, "maxLength": 50 },
            "mobilePhone": { "maxLength": 100 }, "email": { "format": "email" }, "locale": { "format": "locale" },
            "primaryPhone": { "permissions": may("HIDE") }, "middleName": { "permissions": may("READ_ONLY") },
        } } },
        "_links": { "type": { "rel": "type", "href": "*", "method": "GET" } },
    });
    org.get(USERS).await?.is(200, &expected).map(drop)
}

async fn r24_an_oidc_app_has_twenty_one_attributes(org: &mut Org) -> Outcome {
    let app = org
        .app(&json!({
            "name": "oidc_client", "signOnMode": "OPENID_CONNECT",
            "credentials": { "oauthClient": { "token_endpoint_auth_method": "client_secret_basic" } },
            "settings": { "oauthClient": {
                "application_type": "web", "grant_types": ["authorization_code"], "response_types": ["code"],
                "redirect_uris": ["https://app.parity.test/"],
            } },
        }))
        .await?;
    let schema = org.get(&format!("/api/v1/meta/schemas/apps/{}/default", at(&app, "/id"))).await?.is(
        200,
        &json!({ "definitions": { "base": {
            "required": ["userName", "name"],
            "properties": {
                "userName": { "externalName": "preferred_username", "scope": "SELF" },
                "street_address": { "externalName": "address.street_address", "scope": "SELF" },
            },
        } } }),
    )?;
    lacks(&schema, &["/_links"])?;
    match schema.pointer("/definitions/base/properties").and_then(Value::as_object).map(|all| all.len()) {
        Some(21) => Ok(()),
        other => Err(format!("{other:?} attributes")),
    }
}

async fn r24_required_is_not_echoed(org: &mut Org) -> Outcome {
    let name = org.name().replace('-', "");
    let property = json!({ "title": "Parity", "type": "string", "required": false });
    let schema = org.post(USERS, custom(&name, property)).await?.is(200, &json!({}));
    org.post(USERS, custom(&name, Value::Null)).await?.is(200, &json!({}))?;
    lacks(&schema?, &[&format!("/definitions/custom/properties/{name}/required")])
}
