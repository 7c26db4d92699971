//! Inline hooks and trusted origins.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks, members};
use crate::{Outcome, facts};

facts! {
    r22_a_hook_is_completed: "a hook has headers and authScheme, and links with hints",
    r22_an_inactive_hook_is_not_executed: "an inactive hook has no link execute",
    r22_the_secrets_of_a_hook_are_never_returned: "neither the value of authScheme nor clientSecret is returned",
    r25_a_trusted_origin_has_hints: "the links of a trusted origin have hints",
}

fn hook(name: &str, kind: &str, config: Value) -> Value {
    let mut config = config;
    config["uri"] = "https://hook.parity.test/".into();
    config["method"] = "POST".into();
    json!({
        "name": name, "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
        "channel": { "type": kind, "version": "1.0.0", "config": config },
    })
}

async fn r22_a_hook_is_completed(org: &mut Org) -> Outcome {
    let name = org.name();
    let hook = org.make("/api/v1/inlineHooks", hook(&name, "HTTP", json!({}))).await?;
    let expected = json!({
        "channel": { "config": { "headers": [], "authScheme": null } },
        "_links": { "execute": hints(&["POST"]), "deactivate": hints(&["POST"]) },
    });
    org.get(&format!("/api/v1/inlineHooks/{}", at(&hook, "/id"))).await?.is(200, &expected).map(drop)
}

async fn r22_an_inactive_hook_is_not_executed(org: &mut Org) -> Outcome {
    let name = org.name();
    let hook = org.make("/api/v1/inlineHooks", hook(&name, "HTTP", json!({}))).await?;
    let path = format!("/api/v1/inlineHooks/{}/lifecycle/deactivate", at(&hook, "/id"));
    let expected = json!({ "_links": { "activate": hints(&["POST"]), "delete": hints(&["DELETE"]) } });
    let hook = org.post(&path, json!({})).await?.is(200, &expected)?;
    members(&hook, "/_links", &["self", "activate", "delete"])
}

async fn r22_the_secrets_of_a_hook_are_never_returned(org: &mut Org) -> Outcome {
    let scheme = json!({ "authScheme": { "type": "HEADER", "key": "authorization", "value": "Canary-1" } });
    let oauth = json!({
        "authType": "client_secret_post", "clientId": "parity", "clientSecret": "Canary-2", "scope": "api",
        "tokenUrl": "https://hook.parity.test/token",
    });
    for (kind, config) in [("HTTP", scheme), ("OAUTH", oauth)] {
        let name = org.name();
        let hook = org.make("/api/v1/inlineHooks", hook(&name, kind, config)).await?;
        let read =
            org.get(&format!("/api/v1/inlineHooks/{}", at(&hook, "/id"))).await?.is(200, &json!({}))?;
        for answer in [hook, read] {
            lacks(&answer, &["/channel/config/authScheme/value", "/channel/config/clientSecret"])?;
            if answer.to_string().contains("Canary") {
                return Err("a secret is in the answer".to_owned());
            }
        }
    }
    Ok(())
}

async fn r25_a_trusted_origin_has_hints(org: &mut Org) -> Outcome {
    let name = org.name();
    let body =
        json!({ "name": name, "origin": format!("https://{name}.test"), "scopes": [{ "type": "CORS" }] });
    let origin = org.make("/api/v1/trustedOrigins", body).await?;
    let expected =
        json!({ "_links": { "self": hints(&["GET", "PUT", "DELETE"]), "deactivate": hints(&["POST"]) } });
    org.get(&format!("/api/v1/trustedOrigins/{}", at(&origin, "/id"))).await?.is(200, &expected).map(drop)
}
