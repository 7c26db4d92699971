//! What an org publishes, and the secrets of clients.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks};
use crate::{Outcome, facts};

facts! {
    r25_the_org_says_its_cell: "okta-organization has the cell and the settings",
    r25_the_metadata_of_the_org_have_no_keys: "the OAuth metadata of the org have no jwks_uri and no userinfo_endpoint",
    r25_secrets_of_a_client_have_hints: "the links of a client secret have hints",
    s_the_label_of_read_only: "the role READ_ONLY_ADMIN is labelled Read-only Administrator",
    a_no_credential_is_403: "a call without a credential is 403 E0000005",
    a_a_wrong_token_is_401: "a call with a wrong token is 401 E0000011",
}

async fn r25_the_org_says_its_cell(org: &mut Org) -> Outcome {
    let expected = json!({
        "cell": "*",
        "settings": {
            "analyticsCollectionEnabled": false, "bugReportingEnabled": "*", "omEnabled": "*", "pssoEnabled": "*",
            "desktopMFAEnabled": "*", "itpEnabled": "*",
        },
    });
    org.get("/.well-known/okta-organization").await?.is(200, &expected).map(drop)
}

async fn r25_the_metadata_of_the_org_have_no_keys(org: &mut Org) -> Outcome {
    let metadata = org.get("/.well-known/oauth-authorization-server").await?;
    let metadata =
        metadata.is(200, &json!({ "pushed_authorization_request_endpoint": "*", "issuer": org.url() }))?;
    if metadata["claims_supported"].as_array().is_none_or(Vec::is_empty) {
        return Err("claims_supported is empty".to_owned());
    }
    lacks(&metadata, &["/jwks_uri", "/userinfo_endpoint"])
}

async fn r25_secrets_of_a_client_have_hints(org: &mut Org) -> Outcome {
    let app = org
        .app(&json!({
            "name": "oidc_client", "signOnMode": "OPENID_CONNECT",
            "credentials": { "oauthClient": { "token_endpoint_auth_method": "client_secret_basic" } },
            "settings": { "oauthClient": {
                "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
            } },
        }))
        .await?;
    let path = format!("/api/v1/apps/{}/credentials/secrets", at(&app, "/id"));
    let expected = json!({ "_links": { "deactivate": hints(&["POST"]) } });
    org.post(&path, json!({})).await?.is(201, &expected).map(drop)
}

async fn s_the_label_of_read_only(org: &mut Org) -> Outcome {
    let group = org.group().await?;
    let path = format!("/api/v1/groups/{}/roles", at(&group, "/id"));
    org.post(&path, json!({ "type": "READ_ONLY_ADMIN" })).await?;
    org.get(&path).await?.is(200, &json!([{ "label": "Read-only Administrator" }])).map(drop)
}

async fn a_no_credential_is_403(org: &mut Org) -> Outcome {
    org.call_as("", "GET", "/api/v1/groups?limit=1").await?.refused(403, "E0000005").map(drop)
}

async fn a_a_wrong_token_is_401(org: &mut Org) -> Outcome {
    let refused: Result<Value, String> =
        org.call_as("SSWS wrong", "GET", "/api/v1/groups?limit=1").await?.refused(401, "E0000011");
    refused.map(drop)
}
