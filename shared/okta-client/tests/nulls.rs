//! Okta prints null of what an object has not: an object is read with and without each member that
//! Okta does not require.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use okta_client::models;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads an object as it is, without each member but the required ones, and with null for it.
fn reads<T: DeserializeOwned>(object: Value, required: &[&str]) {
    let name = std::any::type_name::<T>();
    let Value::Object(object) = object else { panic!("{name}") };
    let read = |object: &Map<String, Value>| serde_json::from_value::<T>(Value::Object(object.clone()));
    assert!(read(&object).is_ok(), "{name}");
    for member in object.keys() {
        let (mut without, mut null) = (object.clone(), object.clone());
        without.remove(member);
        null.insert(member.clone(), Value::Null);
        let is_required = required.contains(&member.as_str());
        for changed in [&without, &null] {
            assert_eq!(read(changed).is_err(), is_required, "{name} {member}: {:?}", read(changed).err());
        }
    }
}

#[test]
fn a_null_is_read_as_a_member_that_is_missing() {
    let time = "2026-01-01T00:00:00.000Z";
    reads::<models::IdentityProvider>(
        json!({ "id": "0oa1", "name": "x", "status": "ACTIVE", "created": time, "protocol": {}, "policy": {} }),
        &["id", "name", "status"],
    );
    reads::<models::IdpKey>(json!({ "kid": "1", "x5c": ["AA=="], "expiresAt": time }), &["kid"]);
    reads::<models::Group>(
        json!({
            "id": "00g1", "created": time, "lastUpdated": time, "type": "OKTA_GROUP", "profile": { "name": "x" },
            "_embedded": { "stats": { "hasAdminPrivlege": true } }, "_links": {},
        }),
        &["id", "created", "lastUpdated", "type", "profile"],
    );
    reads::<models::GroupProfile>(json!({ "name": "x", "description": "y", "custom": 1 }), &["name"]);
    reads::<models::User>(
        json!({
            "id": "00u1", "status": "ACTIVE", "created": time, "lastUpdated": time, "type": { "id": "oty1" },
            "profile": { "login": null }, "lastLogin": time, "_links": {},
        }),
        &["id", "status", "created", "lastUpdated", "type", "profile"],
    );
    reads::<models::UserType>(
        json!({ "id": "oty1", "name": "x", "displayName": "X", "description": "y", "default": true, "_links": {} }),
        &["id", "name"],
    );
    reads::<models::ApplicationGroupAssignment>(
        json!({ "id": "00g1", "profile": {}, "priority": 0, "lastUpdated": time }),
        &["id"],
    );
    reads::<models::ServiceIntegration>(
        json!({ "id": "0oa1", "type": "x", "name": "y", "grantedScopes": [], "clientSecret": "z" }),
        &["id", "type"],
    );
    reads::<models::Application>(
        json!({
            "id": "0oa1", "name": "oidc_client", "label": "x", "status": "ACTIVE", "signOnMode": "OPENID_CONNECT",
            "settings": { "notes": { "admin": null } }, "_links": {},
        }),
        &["id", "name", "label", "status"],
    );
    reads::<models::PolicyRule>(
        json!({ "id": "0pr1", "name": "x", "status": "ACTIVE", "priority": 1, "conditions": {}, "actions": {} }),
        &["id", "name", "status"],
    );
    reads::<models::LogEvent>(
        json!({
            "uuid": "1", "published": time, "eventType": "x", "outcome": { "result": "SUCCESS" },
            "actor": { "id": "00u1", "type": "User" }, "target": [{ "id": "00u1", "type": "User" }],
        }),
        &["uuid", "published", "eventType"],
    );
}
