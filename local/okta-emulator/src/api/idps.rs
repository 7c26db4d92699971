//! Identity providers.
//!
//! Evidence: recordings of the Terraform provider (create answers 200 with the
//! members that Okta fills in; lifecycle calls answer 200 and the IdP), in full
//! recorded answers 1 and 6 to 8 (docs/emulator.md), addresses of the social ones
//! from the description's examples; reference page "Identity Providers" 2024-09 (`status` is read-only, so that
//! POST makes an ACTIVE IdP and PUT keeps the status).

use serde_json::{Value, json};

use super::app_defaults::signing_kid;
use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, at, fill, hinted, stamp, text, with_links, without};
use crate::org::Org;
use crate::paging::{self, Limits};

const IDPS: Auth = Auth::Admin("idps");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/idps", "listIdentityProviders", IDPS, list_idps),
    post("/api/v1/idps", "createIdentityProvider", IDPS, create_idp),
    get("/api/v1/idps/{idpId}", "getIdentityProvider", IDPS, get_idp),
    put("/api/v1/idps/{idpId}", "replaceIdentityProvider", IDPS, replace_idp),
    delete("/api/v1/idps/{idpId}", "deleteIdentityProvider", IDPS, delete_idp),
    get("/api/v1/idps/{idpId}/metadata.xml", "getIdentityProviderMetadata", IDPS, metadata),
    post("/api/v1/idps/{idpId}/lifecycle/activate", "activateIdentityProvider", IDPS, activate_idp),
    post("/api/v1/idps/{idpId}/lifecycle/deactivate", "deactivateIdentityProvider", IDPS, deactivate_idp),
];

fn render(idp: &Object, org_url: &str) -> Value {
    let id = text(idp, "id");
    let link = |path: String, verb: &str| hinted(format!("{org_url}{path}"), &[verb]);
    if text(idp, "type") != "SAML2" {
        let query = "client_id={clientId}&response_type={responseType}&response_mode={responseMode}&scope={scopes}\
                     &redirect_uri={redirectUri}&state={state}&nonce={nonce}";
        let mut authorize = link(format!("/oauth2/v1/authorize?idp={id}&{query}"), "GET");
        authorize["templated"] = true.into();
        let callback = link("/oauth2/v1/authorize/callback".to_owned(), "POST");
        return with_links(idp, json!({ "authorize": authorize, "clientRedirectUri": callback }));
    }
    let turn = if text(idp, "status") == "ACTIVE" { "deactivate" } else { "activate" };
    let mut links = json!({
        "metadata": link(format!("/api/v1/idps/{id}/metadata.xml"), "GET"),
        "acs": link(format!("/sso/saml2/{id}"), "POST"), "users": link(format!("/api/v1/idps/{id}/users"), "GET"),
        turn: link(format!("/api/v1/idps/{id}/lifecycle/{turn}"), "POST"),
    });
    for document in ["metadata", "acs"] {
        links[document]["type"] = "application/xml".into();
    }
    with_links(idp, links)
}

/// Where the social ones always are: type, authorization endpoint, token endpoint.
const SOCIAL: &[(&str, &str, &str)] = &[
    (
        "FACEBOOK",
        "https://www.facebook.com/dialog/oauth",
        "https://graph.facebook.com/v2.5/oauth/access_token",
    ),
    ("GOOGLE", "https://accounts.google.com/o/oauth2/auth", "https://www.googleapis.com/oauth2/v3/token"),
    (
        "MICROSOFT",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    ),
];

/// What Okta fills in; used by the seed, too.
pub(crate) fn complete(idp: &mut Object) {
    let id = text(idp, "id").to_owned();
    fill(
        idp,
        json!({ "policy": {
            "accountLink": { "filter": null }, "subject": { "filter": null, "matchAttribute": null },
            "transformedUsernameMatchingEnabled": false,
        } }),
    );
    if text(idp, "type") == "SAML2" {
        without(idp, &["/issuerMode"]);
        let audience =
            format!("https://www.okta.com/saml2/service-provider/sp{}", id.get(3..).unwrap_or_default());
        fill(
            idp,
            json!({ "protocol": { "credentials": {
                "trust": { "audience": audience, "revocation": null, "revocationCacheLifetime": 0 },
                // Requests to all providers have one key.
                "signing": { "kid": signing_kid("idps") },
            } } }),
        );
        return;
    }
    fill(idp, json!({ "issuerMode": "DYNAMIC" }));
    if at(idp, "/protocol/type") == "OIDC" && text(idp, "type") == "OIDC" {
        fill(idp, json!({ "protocol": { "settings": { "nameFormat": null } } }));
    }
    let pkce = "/protocol/credentials/client/pkce_required";
    if crate::json::lookup(idp, pkce).is_some_and(Value::is_null) {
        without(idp, &[pkce]);
    }
    if let Some((_, authorization, token)) = SOCIAL.iter().find(|(kind, ..)| *kind == text(idp, "type")) {
        without(idp, &["/protocol/endpoints"]);
        fill(
            idp,
            json!({ "protocol": { "endpoints": {
                "authorization": { "url": authorization, "binding": "HTTP-REDIRECT" },
                "token": { "url": token, "binding": "HTTP-POST" },
            } } }),
        );
    }
}

fn idp<'o>(org: &'o mut Org, call: &Call) -> Result<&'o mut Object, OktaError> {
    let id = call.parameter("idpId");
    org.idps.get_mut(id).ok_or_else(|| OktaError::not_found(id, "IdpAppInstance"))
}

/// `q` is found anywhere in the name, in any case of letters (recordings of the Terraform provider);
/// `self` forgets `q` and `type`, `next` repeats them.
fn list_idps(org: &mut Org, call: &Call) -> Outcome {
    let q = call.query("q").unwrap_or_default().to_lowercase();
    let found = org
        .idps
        .values()
        .filter(|idp| text(idp, "name").to_lowercase().contains(&q))
        .filter(|idp| call.query("type").is_none_or(|kind| text(idp, "type") == kind));
    let render = |idp| render(idp, &call.org_url);
    Ok(paging::reply(call, found, Limits(20, 200), |idp| text(idp, "id").to_owned(), render))
}

fn create_idp(org: &mut Org, call: &Call) -> Outcome {
    let mut idp = valid(org, call, None)?;
    let id = org.new_id("0oa");
    stamp(&mut idp, &id, "ACTIVE", call.now);
    complete(&mut idp);
    let answer = render(&idp, &call.org_url);
    org.idps.insert(id, idp);
    Ok(Reply::ok(answer))
}

fn get_idp(org: &mut Org, call: &Call) -> Outcome {
    let idp = idp(org, call)?;
    Ok(Reply::ok(render(idp, &call.org_url)))
}

/// Replaces every member except `id`, `status`, `created` and `type`. The answer of a SAML IdP says
/// null of `created`.
fn replace_idp(org: &mut Org, call: &Call) -> Outcome {
    let id = text(idp(org, call)?, "id").to_owned();
    let mut new = valid(org, call, Some(&id))?;
    let old = idp(org, call)?;
    for key in ["id", "status", "created", "type"] {
        new.insert(key.to_owned(), old.get(key).cloned().unwrap_or_default());
    }
    new.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    complete(&mut new);
    *old = new;
    let mut answer = render(old, &call.org_url);
    if text(old, "type") == "SAML2" {
        answer["created"] = Value::Null;
    }
    Ok(Reply::ok(answer))
}

/// The metadata of the service provider that Okta is for this IdP, as recorded:
/// not in the published description.
fn metadata(org: &mut Org, call: &Call) -> Outcome {
    let idp = idp(org, call)?;
    let id = text(idp, "id").to_owned();
    let audience = crate::markup::escaped(at(idp, "/protocol/credentials/trust/audience"));
    let format = crate::markup::escaped(match at(idp, "/protocol/settings/nameFormat") {
        "" => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        format => format,
    });
    let certificate = crate::saml::certificate(org)?;
    let key = |usage: &str, methods: &str| {
        format!(
            "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             {methods}</md:KeyDescriptor>"
        )
    };
    let methods: String = [
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    ]
    .map(|method| format!("<md:EncryptionMethod Algorithm=\"{method}\"/>"))
    .concat();
    let acs = call.url(format!("/sso/saml2/{id}"));
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><md:EntityDescriptor entityID=\"{audience}\" \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><md:SPSSODescriptor AuthnRequestsSigned=\"true\" \
         WantAssertionsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         {}{}<md:NameIDFormat>{format}</md:NameIDFormat><md:AssertionConsumerService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{acs}\" index=\"0\" \
         isDefault=\"true\"/></md:SPSSODescriptor></md:EntityDescriptor>",
        key("encryption", &methods),
        key("signing", ""),
    );
    Ok(Reply::text("application/octet-stream", xml))
}

/// Routing rules that point at it stay, with a dangling id (not verified).
fn delete_idp(org: &mut Org, call: &Call) -> Outcome {
    let id = text(idp(org, call)?, "id").to_owned();
    org.idps.remove(&id);
    Ok(Reply::no_content())
}

fn activate_idp(org: &mut Org, call: &Call) -> Outcome {
    turn(org, call, "ACTIVE")
}

fn deactivate_idp(org: &mut Org, call: &Call) -> Outcome {
    turn(org, call, "INACTIVE")
}

fn turn(org: &mut Org, call: &Call, status: &str) -> Outcome {
    let idp = idp(org, call)?;
    idp.insert("status".to_owned(), status.into());
    idp.insert("lastUpdated".to_owned(), okta_time(call.now).into());
    get_idp(org, call)
}

/// The IdP of the body, without what Okta prints but does not take, if it has
/// what a SAML 2.0 IdP needs: name (unique), type, sign-on endpoint, a trusted
/// key that exists, a subject template.
fn valid(org: &Org, call: &Call, own_id: Option<&str>) -> Result<Object, OktaError> {
    let mut idp = call.object()?.clone();
    idp.remove("_links");
    let name = text(&idp, "name");
    if name.is_empty() {
        return Err(OktaError::missing("name"));
    }
    if org.idps.values().any(|other| text(other, "name") == name && Some(text(other, "id")) != own_id) {
        return Err(OktaError::duplicate("name"));
    }
    let body = Value::Object(idp.clone());
    let at = |pointer: &str| at(&idp, pointer);
    if text(&idp, "type") == "SAML2" {
        if !org.idp_keys.contains_key(at("/protocol/credentials/trust/kid")) {
            return Err(OktaError::validation("kid", "kid: The key does not exist"));
        }
        for required in [
            "/protocol/type",
            "/protocol/endpoints/sso/url",
            "/protocol/endpoints/sso/binding",
            "/protocol/endpoints/acs/type",
            "/protocol/credentials/trust/issuer",
            "/policy/provisioning/action",
            "/policy/subject/userNameTemplate/template",
            "/policy/subject/matchType",
        ] {
            if at(required).is_empty() {
                return Err(OktaError::validation(
                    "identityProvider",
                    format!("{required}: The field is required"),
                ));
            }
        }
    }
    let assigned = body.pointer("/policy/provisioning/groups/assignments").and_then(Value::as_array);
    for group in assigned.into_iter().flatten().filter_map(Value::as_str) {
        org.group(group)?;
    }
    Ok(idp)
}
