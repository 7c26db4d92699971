//! Apps: what is filled in, what links say, what is never given back.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks, merge};
use crate::{Outcome, facts};

facts! {
    r02_an_app_is_completed: "an app that is given a label and little else has every member of an app",
    r03_links_of_an_app: "an app links to its logo, its policies and, with SAML, its help and metadata",
    r04_a_replaced_client_shows_its_secret: "the answer of replaceApplication has the client secret",
    r05_a_client_is_completed: "an OIDC client is completed, issuer_mode DYNAMIC",
    r23_a_shared_password_is_never_returned: "credentials.password and an empty userName are not returned",
    r23_a_saml_app_is_completed: "a SAML app has idpIssuer and lists, and no empty override",
    s_an_active_app_is_not_deleted: "deleteApplication of an active app is 403 E0000056 with a cause",
    s_a_malformed_expand_is_refused: "a malformed expand of listApplications is 400",
    s_an_inactive_auto_login_app_is_not_replaced: "replaceApplication of an inactive auto-login app is 400 E0000024",
    s_a_key_without_a_curve_is_refused: "an EC key without crv is refused",
    s_the_second_group_has_priority_one: "the first group of an app has priority 0, the second one 1",
}

fn oidc(kind: &str) -> Value {
    let redirects = if kind == "service" { json!([]) } else { json!(["https://app.parity.test/"]) };
    let (grant, response) =
        if kind == "service" { ("client_credentials", "token") } else { ("authorization_code", "code") };
    json!({
        "name": "oidc_client", "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "client_secret_basic" } },
        "settings": { "oauthClient": {
            "application_type": kind, "grant_types": [grant], "response_types": [response], "redirect_uris": redirects,
        } },
    })
}

fn saml() -> Value {
    json!({ "signOnMode": "SAML_2_0", "settings": { "signOn": {
        "ssoAcsUrl": "https://app.parity.test/acs", "audience": "https://app.parity.test",
        "recipient": "https://app.parity.test/acs", "destination": "https://app.parity.test/acs",
        "audienceOverride": "", "destinationOverride": "", "recipientOverride": "", "ssoAcsUrlOverride": "",
        "subjectNameIdTemplate": "${user.userName}",
        "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "responseSigned": true, "assertionSigned": true, "signatureAlgorithm": "RSA_SHA256",
        "digestAlgorithm": "SHA256", "honorForceAuthn": true,
        "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    } } })
}

fn shared_password() -> Value {
    json!({
        "name": "template_swa", "signOnMode": "BROWSER_PLUGIN",
        "credentials": {
            "scheme": "SHARED_USERNAME_AND_PASSWORD", "userName": "shared", "password": { "value": "Canary-Shared-1" },
        },
        "settings": { "app": {
            "url": "https://app.parity.test/login", "usernameField": "user", "passwordField": "word", "buttonField": "go",
        } },
    })
}

async fn r02_an_app_is_completed(org: &mut Org) -> Outcome {
    let bookmark = json!({
        "name": "bookmark", "signOnMode": "BOOKMARK",
        "settings": { "app": { "requestIntegration": false, "url": "https://app.parity.test" } },
    });
    for (kind, hidden, signing) in [(oidc("web"), true, json!({ "kid": "*" })), (bookmark, false, json!({}))]
    {
        let app = org.app(&kind).await?;
        let link = format!("{}_link", at(&app, "/name"));
        org.get(&format!("/api/v1/apps/{}", at(&app, "/id"))).await?.is(
            200,
            &json!({
                "accessibility": { "selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null },
                "visibility": {
                    "autoLaunch": false, "autoSubmitToolbar": false, "hide": { "iOS": hidden, "web": hidden },
                    "appLinks": { link: true },
                },
                "features": [], "universalLogout": {},
                "credentials": { "userNameTemplate": { "template": "${source.login}", "type": "BUILT_IN" }, "signing": signing },
                "settings": {
                    "app": {}, "manualProvisioning": false, "implicitAssignment": false, "emOptInStatus": "NONE",
                    "notifications": { "vpn": { "network": { "connection": "DISABLED" }, "message": null, "helpUrl": null } },
                    "notes": { "admin": null, "enduser": null },
                },
            }),
        )?;
    }
    Ok(())
}

async fn r03_links_of_an_app(org: &mut Org) -> Outcome {
    let app = org.app(&saml()).await?;
    let of = |type_: &str| json!({ "href": "*", "type": type_ });
    let expected = json!({ "_links": {
        "uploadLogo": hints(&["POST"]), "policies": hints(&["PUT"]), "accessPolicy": { "href": "*" },
        "profileEnrollment": { "href": "*" }, "help": of("text/html"), "metadata": of("application/xml"),
        "groups": { "href": "*" }, "users": { "href": "*" }, "deactivate": { "href": "*" },
    } });
    org.get(&format!("/api/v1/apps/{}", at(&app, "/id"))).await?.is(200, &expected).map(drop)
}

async fn r04_a_replaced_client_shows_its_secret(org: &mut Org) -> Outcome {
    let app = org.app(&oidc("web")).await?;
    let path = format!("/api/v1/apps/{}", at(&app, "/id"));
    let secret = at(&app, "/credentials/oauthClient/client_secret");
    let mut body = oidc("web");
    merge(
        &mut body,
        &json!({ "label": at(&app, "/label"), "credentials": { "oauthClient": { "client_id": at(&app, "/id") } } }),
    );
    let expected = json!({ "credentials": { "oauthClient": { "client_secret": secret } } });
    org.put(&path, body).await?.is(200, &expected)?;
    let read = org.get(&path).await?.is(200, &json!({}))?;
    lacks(&read, &["/credentials/oauthClient/client_secret"])
}

async fn r05_a_client_is_completed(org: &mut Org) -> Outcome {
    let app = org.app(&oidc("web")).await?;
    org.get(&format!("/api/v1/apps/{}", at(&app, "/id")))
        .await?
        .is(
            200,
            &json!({ "settings": { "oauthClient": {
                "client_uri": null, "logo_uri": null, "issuer_mode": "DYNAMIC", "consent_method": "TRUSTED",
                "idp_initiated_login": { "mode": "DISABLED", "default_scope": [] }, "wildcard_redirect": "DISABLED",
                "dpop_bound_access_tokens": false, "participate_slo": false,
            } } }),
        )
        .map(drop)
}

async fn r23_a_shared_password_is_never_returned(org: &mut Org) -> Outcome {
    let app = org.app(&shared_password()).await?;
    let read = org.get(&format!("/api/v1/apps/{}", at(&app, "/id"))).await?;
    let read = read.is(200, &json!({ "credentials": { "userName": "shared", "revealPassword": false } }))?;
    let mut empty = shared_password();
    merge(&mut empty, &json!({ "credentials": { "scheme": "EDIT_USERNAME_AND_PASSWORD", "userName": "" } }));
    let empty = org.app(&empty).await?;
    for app in [&app, &read, &empty] {
        lacks(app, &["/credentials/password"])?;
        if app.to_string().contains("Canary") {
            return Err("the shared password is in the answer".to_owned());
        }
    }
    lacks(&empty, &["/credentials/userName"])
}

async fn r23_a_saml_app_is_completed(org: &mut Org) -> Outcome {
    let app = org.app(&saml()).await?;
    let app = org.get(&format!("/api/v1/apps/{}", at(&app, "/id"))).await?.is(
        200,
        &json!({ "settings": { "signOn": {
            "idpIssuer": "*", "spIssuer": null, "requestCompressed": false, "inlineHooks": [], "acsEndpoints": [],
            "assertionEncryption": { "enabled": false },
        } } }),
    )?;
    let empty = ["audienceOverride", "destinationOverride", "recipientOverride", "ssoAcsUrlOverride"];
    let empty = empty.map(|name| format!("/settings/signOn/{name}"));
    lacks(&app, &empty.each_ref().map(String::as_str))
}

async fn s_an_active_app_is_not_deleted(org: &mut Org) -> Outcome {
    let app = org.app(&oidc("web")).await?;
    let refused = json!({ "errorCode": "E0000056", "errorCauses": [{ "errorSummary": "*" }] });
    org.delete(&format!("/api/v1/apps/{}", at(&app, "/id"))).await?.is(403, &refused).map(drop)
}

async fn s_a_malformed_expand_is_refused(org: &mut Org) -> Outcome {
    org.get("/api/v1/apps?expand=nothing").await?.is(400, &json!({ "errorCode": "*" })).map(drop)
}

async fn s_an_inactive_auto_login_app_is_not_replaced(org: &mut Org) -> Outcome {
    let kind = json!({
        "signOnMode": "AUTO_LOGIN", "visibility": { "autoSubmitToolbar": false },
        "settings": { "signOn": { "redirectUrl": "https://app.parity.test", "loginUrl": "https://app.parity.test/login" } },
    });
    let app = org.app(&kind).await?;
    let path = format!("/api/v1/apps/{}", at(&app, "/id"));
    org.post(&format!("{path}/lifecycle/deactivate"), json!({})).await?.is(200, &json!({}))?;
    let mut body = kind;
    merge(&mut body, &json!({ "label": at(&app, "/label"), "name": at(&app, "/name") }));
    org.put(&path, body).await?.refused(400, "E0000024").map(drop)
}

async fn s_a_key_without_a_curve_is_refused(org: &mut Org) -> Outcome {
    let app = org.app(&oidc("service")).await?;
    let key = json!({ "kty": "EC", "kid": "parity", "use": "sig", "alg": "ES256", "x": "AQAB", "y": "AQAB" });
    let path = format!("/api/v1/apps/{}/credentials/jwks", at(&app, "/id"));
    org.post(&path, key).await?.refused(400, "E0000001").map(drop)
}

async fn s_the_second_group_has_priority_one(org: &mut Org) -> Outcome {
    let app = org.app(&oidc("web")).await?;
    for priority in [0, 1] {
        let group = org.group().await?;
        let path = format!("/api/v1/apps/{}/groups/{}", at(&app, "/id"), at(&group, "/id"));
        org.put(&path, json!({})).await?.is(200, &json!({ "priority": priority }))?;
    }
    Ok(())
}
