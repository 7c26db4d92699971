//! Identity providers.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks, members, merge, saml};
use crate::{Outcome, facts};

facts! {
    r01_a_search_finds_inside_names: "q of listIdentityProviders finds inside a name",
    r06_an_idp_is_completed: "the policy of an identity provider has its nulls",
    r07_a_saml_idp_is_completed: "a SAML provider has a signing key, no issuerMode, and links with hints",
    r07_the_answer_of_a_replacement_has_no_created: "replaceIdentityProvider of a SAML provider answers created null",
    r08_an_oidc_idp_has_two_links: "an OIDC provider has two links, also when it is inactive",
    r08_google_has_fixed_endpoints: "a social provider has the endpoints of its product, and no null pkce_required",
    s_metadata_are_an_octet_stream: "the metadata of a SAML provider come as application/octet-stream",
}

async fn r01_a_search_finds_inside_names(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let inside = at(&idp, "/name").split_off(3);
    org.get(&format!("/api/v1/idps?q={inside}")).await?.is(200, &json!([{ "id": at(&idp, "/id") }])).map(drop)
}

async fn r06_an_idp_is_completed(org: &mut Org) -> Outcome {
    let expected = json!({ "policy": {
        "accountLink": { "filter": null }, "subject": { "filter": null, "matchAttribute": null },
        "transformedUsernameMatchingEnabled": false,
    } });
    for idp in [org.saml(&json!({})).await?, oidc(org).await?] {
        org.get(&format!("/api/v1/idps/{}", at(&idp, "/id"))).await?.is(200, &expected)?;
    }
    Ok(())
}

async fn r07_a_saml_idp_is_completed(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({ "issuerMode": "ORG_URL" })).await?;
    let document = |verb: &str| {
        let mut link = hints(&[verb]);
        link["type"] = "application/xml".into();
        link
    };
    let idp = org.get(&format!("/api/v1/idps/{}", at(&idp, "/id"))).await?.is(
        200,
        &json!({
            "protocol": { "credentials": {
                "signing": { "kid": "*" }, "trust": { "audience": "*", "revocation": null, "revocationCacheLifetime": 0 },
            } },
            "_links": {
                "metadata": document("GET"), "acs": document("POST"), "users": hints(&["GET"]),
                "deactivate": hints(&["POST"]),
            },
        }),
    )?;
    lacks(&idp, &["/issuerMode"])
}

async fn r07_the_answer_of_a_replacement_has_no_created(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let path = format!("/api/v1/idps/{}", at(&idp, "/id"));
    let body = saml(&at(&idp, "/name"), &at(&idp, "/protocol/credentials/trust/kid"));
    org.put(&path, body).await?.is(200, &json!({ "created": null }))?;
    org.get(&path).await?.is(200, &json!({ "created": "*" })).map(drop)
}

async fn oidc(org: &mut Org) -> Result<Value, String> {
    let mut body = saml(&org.name(), "");
    let endpoint = |path: &str, binding: &str| json!({ "url": format!("https://idp.parity.test/{path}"), "binding": binding });
    body["type"] = "OIDC".into();
    body["protocol"] = json!({
        "type": "OIDC", "scopes": ["openid"], "issuer": { "url": "https://idp.parity.test" },
        "endpoints": {
            "authorization": endpoint("authorize", "HTTP-REDIRECT"), "token": endpoint("token", "HTTP-POST"),
            "userInfo": endpoint("userinfo", "HTTP-REDIRECT"), "jwks": endpoint("keys", "HTTP-REDIRECT"),
        },
        "credentials": { "client": { "client_id": "parity-client", "client_secret": "parity-client-secret" } },
    });
    org.make("/api/v1/idps", body).await
}

async fn r08_an_oidc_idp_has_two_links(org: &mut Org) -> Outcome {
    let idp = oidc(org).await?;
    let path = format!("/api/v1/idps/{}", at(&idp, "/id"));
    for _ in 0..2 {
        let mut authorize = hints(&["GET"]);
        authorize["templated"] = true.into();
        let expected = json!({
            "protocol": { "settings": { "nameFormat": null } },
            "_links": { "authorize": authorize, "clientRedirectUri": hints(&["POST"]) },
        });
        let read = org.get(&path).await?.is(200, &expected)?;
        members(&read, "/_links", &["authorize", "clientRedirectUri"])?;
        org.post(&format!("{path}/lifecycle/deactivate"), json!({}))
            .await?
            .is(200, &json!({ "status": "INACTIVE" }))?;
    }
    Ok(())
}

async fn r08_google_has_fixed_endpoints(org: &mut Org) -> Outcome {
    let mut body = saml(&org.name(), "");
    body["type"] = "GOOGLE".into();
    let client = json!({ "client_id": "parity-client", "client_secret": "parity-client-secret", "pkce_required": null });
    body["protocol"] = json!({ "type": "OIDC", "scopes": ["profile", "email", "openid"], "credentials": { "client": client } });
    merge(&mut body, &json!({ "policy": { "provisioning": { "profileMaster": true } } }));
    let idp = org.make("/api/v1/idps", body).await?;
    let idp = org.get(&format!("/api/v1/idps/{}", at(&idp, "/id"))).await?.is(
        200,
        &json!({ "protocol": { "endpoints": {
            "authorization": { "url": "https://accounts.google.com/o/oauth2/auth", "binding": "HTTP-REDIRECT" },
            "token": { "url": "https://www.googleapis.com/oauth2/v3/token", "binding": "HTTP-POST" },
        } } }),
    )?;
    lacks(&idp, &["/protocol/credentials/client/pkce_required"])
}

async fn s_metadata_are_an_octet_stream(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let answer = org.get(&format!("/api/v1/idps/{}/metadata.xml", at(&idp, "/id"))).await?;
    match answer.header("content-type") {
        kind if kind.starts_with("application/octet-stream") => Ok(()),
        kind => Err(format!("the metadata come as {kind}")),
    }
}
