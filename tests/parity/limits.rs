//! Lengths: the longest value is taken, one character more is refused.

use serde_json::{Value, json};

use crate::org::{Org, at, saml};
use crate::{Outcome, facts};

facts! {
    l_names_of_groups: "the name of a group has at most 255 characters",
    l_names_of_rules: "the name of a routing rule has at most 50 characters",
    l_labels_of_apps: "the label of an app has at most 100 characters",
    l_names_of_idps: "the name of an identity provider has at most 100 characters",
    l_names_of_server_policies: "the name of a policy of an authorization server has at most 100 characters",
    l_names_of_users: "the first name of a user has at most 50 characters",
    l_secrets_of_clients: "the secret of a client has at least 14 characters",
}

/// A name of so many characters.
fn long(org: &mut Org, length: usize) -> String {
    let name = org.name();
    format!("{name}{}", "x".repeat(length.saturating_sub(name.len())))
}

async fn longest(org: &mut Org, path: &str, most: usize, body: impl Fn(String) -> Value) -> Outcome {
    let name = long(org, most);
    org.make(path, body(name.clone())).await?;
    org.post(path, body(format!("{name}x"))).await?.refused(400, "E0000001").map(drop)
}

async fn l_names_of_groups(org: &mut Org) -> Outcome {
    longest(org, "/api/v1/groups", 255, |name| json!({ "profile": { "name": name } })).await
}

async fn l_names_of_rules(org: &mut Org) -> Outcome {
    let path = format!("/api/v1/policies/{}/rules", org.policy("IDP_DISCOVERY").await?);
    let body = |name| {
        json!({
            "name": name, "type": "IDP_DISCOVERY", "actions": { "idp": { "providers": [{ "type": "OKTA" }] } },
            "conditions": { "network": { "connection": "ANYWHERE" } },
        })
    };
    longest(org, &path, 50, body).await
}

async fn l_labels_of_apps(org: &mut Org) -> Outcome {
    let settings = json!({ "app": { "requestIntegration": false, "url": "https://app.parity.test" } });
    let body =
        |label| json!({ "name": "bookmark", "signOnMode": "BOOKMARK", "label": label, "settings": settings });
    longest(org, "/api/v1/apps", 100, body).await
}

async fn l_names_of_idps(org: &mut Org) -> Outcome {
    let kid = org.key().await?;
    longest(org, "/api/v1/idps", 100, |name| saml(&name, &kid)).await
}

async fn l_names_of_server_policies(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let path = format!("/api/v1/authorizationServers/{}/policies", at(&server, "/id"));
    let body = |name| {
        json!({
            "name": name, "description": "parity", "priority": 1, "type": "OAUTH_AUTHORIZATION_POLICY",
            "conditions": { "clients": { "include": ["ALL_CLIENTS"] } },
        })
    };
    longest(org, &path, 100, body).await
}

async fn l_names_of_users(org: &mut Org) -> Outcome {
    let user = org.user("", &json!({ "profile": { "firstName": "x".repeat(50) } })).await?;
    let longer = json!({ "profile": { "firstName": "x".repeat(51) } });
    org.post(&format!("/api/v1/users/{}", at(&user, "/id")), longer).await?.refused(400, "E0000001").map(drop)
}

async fn l_secrets_of_clients(org: &mut Org) -> Outcome {
    let label = org.name();
    let body = json!({
        "name": "oidc_client", "signOnMode": "OPENID_CONNECT", "label": label,
        "credentials": { "oauthClient": {
            "token_endpoint_auth_method": "client_secret_basic", "client_secret": "thirteen-long",
        } },
        "settings": { "oauthClient": {
            "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
        } },
    });
    org.post("/api/v1/apps", body).await?.refused(400, "E0000001").map(drop)
}
