//! Authorization servers, their policies, scopes and claims.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks};
use crate::{Outcome, facts};

facts! {
    r17_a_rule_without_scopes_is_completed: "a rule whose condition of scopes is empty is accepted and completed",
    r18_a_policy_without_conditions_is_completed: "a policy without conditions is accepted and completed",
    r19_an_active_server_is_deleted: "an active authorization server is deleted",
    r20_a_server_is_completed: "a server has a description, issuerMode DYNAMIC and links with hints",
    r20_rotation_by_hand_is_kept_by_a_replacement_alone: "the rotation mode is taken at PUT, not at POST",
    r21_scopes_have_every_member: "a scope has displayName, description and apiResourceId",
    r21_system_claims_have_no_value: "a claim of the type SYSTEM has no value",
    r21_one_bare_word_is_an_expression: "an expression of one bare word is accepted",
}

fn path(server: &Value) -> String {
    format!("/api/v1/authorizationServers/{}", at(server, "/id"))
}

async fn policy(org: &mut Org, server: &Value) -> Result<Value, String> {
    let body = json!({ "name": org.name(), "description": "parity", "priority": 1, "status": "ACTIVE", "type": "OAUTH_AUTHORIZATION_POLICY" });
    org.post(&format!("{}/policies", path(server)), body).await?.is(201, &json!({ "id": "*" }))
}

async fn r17_a_rule_without_scopes_is_completed(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let policy = policy(org, &server).await?;
    let body = json!({
        "name": org.name(), "type": "RESOURCE_ACCESS", "priority": 1,
        "conditions": {
            "grantTypes": { "include": ["implicit"] }, "scopes": {},
            "people": { "users": { "include": [] }, "groups": { "include": ["EVERYONE"], "exclude": [] } },
        },
        "actions": { "token": { "accessTokenLifetimeMinutes": 60, "refreshTokenWindowMinutes": 10_080 } },
    });
    let expected =
        json!({ "conditions": { "scopes": { "include": [] }, "people": { "users": { "exclude": [] } } } });
    let rules = format!("{}/policies/{}/rules", path(&server), at(&policy, "/id"));
    org.post(&rules, body).await?.is(201, &expected).map(drop)
}

async fn r18_a_policy_without_conditions_is_completed(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let policy = policy(org, &server).await?;
    let expected = json!({
        "conditions": { "clients": { "include": [] } }, "_links": { "deactivate": hints(&["POST"]) },
    });
    org.get(&format!("{}/policies/{}", path(&server), at(&policy, "/id"))).await?.is(200, &expected).map(drop)
}

async fn r19_an_active_server_is_deleted(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    org.delete(&path(&server)).await?.is(204, &Value::Null).map(drop)
}

async fn r20_a_server_is_completed(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let both = hints(&["GET", "POST"]);
    let expected = json!({
        "description": null, "issuerMode": "DYNAMIC", "default": false,
        "_links": { "claims": both, "scopes": both, "policies": both, "keys": hints(&["GET"]) },
    });
    org.get(&path(&server)).await?.is(200, &expected).map(drop)
}

async fn r20_rotation_by_hand_is_kept_by_a_replacement_alone(org: &mut Org) -> Outcome {
    let manual = json!({ "credentials": { "signing": { "rotationMode": "MANUAL" } } });
    let server = org.server(&manual).await?;
    let auto = json!({ "credentials": { "signing": { "rotationMode": "AUTO", "nextRotation": "*" } } });
    org.get(&path(&server)).await?.is(200, &auto)?;
    let mut body = json!({ "name": at(&server, "/name"), "description": "", "audiences": ["api://parity"] });
    crate::org::merge(&mut body, &manual);
    let server = org.put(&path(&server), body).await?.is(200, &manual)?;
    lacks(&server, &["/credentials/signing/nextRotation"])
}

async fn r21_scopes_have_every_member(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let expected = json!({ "displayName": null, "description": null, "apiResourceId": null });
    org.post(&format!("{}/scopes", path(&server)), json!({ "name": "parity" }))
        .await?
        .is(201, &expected)
        .map(drop)
}

async fn r21_system_claims_have_no_value(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let claims = org.get(&format!("{}/claims", path(&server))).await?.is(200, &json!("*"))?;
    let claims: Vec<&Value> = claims.as_array().into_iter().flatten().collect();
    for claim in claims.iter().filter(|claim| claim["valueType"] == "SYSTEM") {
        lacks(claim, &["/value"])?;
    }
    let preferred = claims.iter().find(|claim| claim["name"] == "preferred_username");
    match preferred.map(|claim| &claim["alwaysIncludeInToken"]) {
        Some(Value::Bool(true)) => Ok(()),
        other => Err(format!("preferred_username has alwaysIncludeInToken {other:?}")),
    }
}

async fn r21_one_bare_word_is_an_expression(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let claim = json!({
        "name": "parity", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": "cool", "status": "ACTIVE",
        "conditions": {}, "alwaysIncludeInToken": true,
    });
    org.post(&format!("{}/claims", path(&server)), claim)
        .await?
        .is(201, &json!({ "value": "cool" }))
        .map(drop)
}
