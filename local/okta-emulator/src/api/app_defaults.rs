//! What Okta adds to an app that was given without, and what Okta never gives back.
//!
//! Evidence: recorded answers 2, 5 and 23 (docs/emulator.md). The values of `universalLogout` are
//! those of an app that does not support it (schema `ApplicationUniversalLogout`).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use crate::json::{Object, at, fill, lookup_mut, text, without};

/// Modes of sign-on with a password that Okta types or keeps.
const PASSWORD_MODES: &[&str] = &["AUTO_LOGIN", "BASIC_AUTH", "BROWSER_PLUGIN", "SECURE_PASSWORD_STORE"];

/// Whether the app proves who its user is with a signature.
fn signs(app: &Object) -> bool {
    ["OPENID_CONNECT", "SAML_1_1", "SAML_2_0", "WS_FEDERATION"].contains(&text(app, "signOnMode"))
}

/// Completes an app of any kind. The app has its id, its name and its sign-on mode.
pub(crate) fn complete(app: &mut Object) {
    let is_oidc = text(app, "signOnMode") == "OPENID_CONNECT";
    let link = format!("{}_link", text(app, "name"));
    // ID tokens of all clients have one key, assertions of each app its own.
    let key = if is_oidc { "" } else { text(app, "label") };
    let signing = if signs(app) { json!({ "kid": signing_kid(key) }) } else { json!({}) };
    fill(
        app,
        json!({
            "accessibility": { "selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null },
            "visibility": {
                "autoLaunch": false, "autoSubmitToolbar": false, "hide": { "iOS": is_oidc, "web": is_oidc },
                "appLinks": { link: true },
            },
            "features": [],
            "credentials": {
                "userNameTemplate": { "template": "${source.login}", "type": "BUILT_IN" }, "signing": signing,
            },
            "settings": {
                "app": {}, "manualProvisioning": false, "implicitAssignment": false, "emOptInStatus": "NONE",
                "notifications": {
                    "vpn": { "network": { "connection": "DISABLED" }, "message": null, "helpUrl": null },
                },
                "notes": { "admin": null, "enduser": null },
            },
            "universalLogout": {
                "status": "UNSUPPORTED", "supportType": "PARTIAL", "identityStack": "NOT_SHARED",
                "protocol": "PROPRIETARY",
            },
        }),
    );
    if at(app, "/credentials/userNameTemplate/type") == "CUSTOM" {
        fill(app, json!({ "credentials": { "userNameTemplate": { "pushStatus": "DONT_PUSH" } } }));
    }
    match text(app, "signOnMode") {
        "OPENID_CONNECT" => complete_oidc(app),
        "SAML_2_0" => complete_saml(app),
        mode if PASSWORD_MODES.contains(&mode) => complete_password(app),
        _ => {}
    }
}

fn complete_oidc(app: &mut Object) {
    let kind = at(app, "/settings/oauthClient/application_type").to_owned();
    let is_service = kind == "service";
    let is_public = ["browser", "native"].contains(&kind.as_str());
    let method = if is_public { "none" } else { "client_secret_basic" };
    let (grant, response) =
        if is_service { ("client_credentials", "token") } else { ("authorization_code", "code") };
    fill(
        app,
        json!({
            "credentials": { "oauthClient": {
                "client_id": app["id"], "token_endpoint_auth_method": method, "autoKeyRotation": true,
                "pkce_required": is_public,
            } },
            "settings": { "oauthClient": {
                "client_uri": null, "logo_uri": null, "redirect_uris": [], "response_types": [response],
                "grant_types": [grant], "application_type": "web", "consent_method": "TRUSTED",
                "issuer_mode": "DYNAMIC", "idp_initiated_login": { "mode": "DISABLED", "default_scope": [] },
                "wildcard_redirect": "DISABLED", "dpop_bound_access_tokens": false,
            } },
        }),
    );
    if !is_service {
        fill(app, json!({ "settings": { "oauthClient": { "participate_slo": false } } }));
    }
}

fn complete_saml(app: &mut Object) {
    for name in ["audienceOverride", "destinationOverride", "recipientOverride", "ssoAcsUrlOverride"] {
        let pointer = format!("/settings/signOn/{name}");
        if lookup_mut(app, &pointer).is_some_and(|value| value == "") {
            without(app, &[&pointer]);
        }
    }
    fill(
        app,
        json!({ "settings": { "signOn": {
            "idpIssuer": "http://www.okta.com/${org.externalKey}", "spIssuer": null, "requestCompressed": false,
            "inlineHooks": [], "acsEndpoints": [], "allowMultipleAcsEndpoints": false,
            "assertionEncryption": { "enabled": false },
            // Required by the description; a signed assertion is what a SAML app sends.
            "assertionSigned": true, "responseSigned": true, "honorForceAuthn": false,
        } } }),
    );
}

/// The shared password is write-only.
fn complete_password(app: &mut Object) {
    without(app, &["/credentials/password"]);
    if at(app, "/credentials/userName").is_empty() {
        without(app, &["/credentials/userName"]);
    }
    fill(app, json!({ "credentials": { "scheme": "EDIT_USERNAME_AND_PASSWORD", "revealPassword": false } }));
}

/// The id of a key that is signed with: like Okta's, 43 characters that say nothing.
pub(crate) fn signing_kid(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()))
}
