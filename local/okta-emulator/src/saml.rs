//! Okta as a SAML 2.0 identity provider, for AWS: the page that an app opens,
//! with a signed assertion.
//!
//! Evidence: captures in gimme-aws-creds' tests and saml2aws (the form, the
//! entities in its attributes, five minutes to both sides, both response and
//! assertion signed); AWS's documentation of the attributes. The XML is written
//! in its exclusive canonical form, so that it can be signed as it stands
//! (XML-DSig, exc-c14n).

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::{rand, signature};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::SignedDuration;
use serde_json::Value;

use crate::api::authn;
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::json::{Object, at, lookup, text, texts};
use crate::markup::escaped;
use crate::oauth::session::start_session;
use crate::oauth::{claims, pages, token_endpoint};
use crate::org::{Org, User};
use crate::random::random;

/// Where AWS takes assertions.
const AWS: &str = "https://signin.aws.amazon.com/saml";

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/home/{appName}/{appId}/{linkId}", "openApp", Auth::Public, open),
    get("/app/{appName}/{externalKey}/sso/saml", "openSamlApp", Auth::Public, open),
    post("/app/{appName}/{externalKey}/sso/saml", "openSamlAppWithPost", Auth::Public, open),
    get("/app/{externalKey}/sso/saml/metadata", "samlMetadata", Auth::Public, metadata),
    get("/login/token/sso", "tokenSso", Auth::Public, token_sso),
    post("/login/token/sso", "tokenSsoWithPost", Auth::Public, token_sso),
];

/// As Okta writes attribute values: entities for whatever is no letter.
fn entities(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._".contains(c) {
                c.to_string()
            } else {
                format!("&#x{:x};", u32::from(c))
            }
        })
        .collect()
}

/// The org's certificate, base64 of the DER form: self-signed, of the key that
/// signs ID tokens.
pub(crate) fn certificate(org: &mut Org) -> Result<String, OktaError> {
    let (_, kid) = org.own_keys()?;
    let failed = |_| OktaError::injected(500);
    let pair = rcgen::KeyPair::from_pem(org.keys[&kid].pem()).map_err(failed)?;
    let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).map_err(failed)?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "okta-emulator");
    parameters.serial_number = Some(1_u64.into());
    let certificate = parameters.self_signed(&pair).map_err(failed)?;
    Ok(BASE64_STANDARD.encode(certificate.der()))
}

/// The app that a link leads to: by id, or by its SAML key (`exk…`).
fn linked_app<'o>(org: &'o Org, call: &Call) -> Result<&'o Object, OktaError> {
    let key = call.parameter("externalKey");
    let id = match key.strip_prefix("exk") {
        Some(rest) => format!("0oa{rest}"),
        None => call.parameter("appId").to_owned(),
    };
    org.app(&id)
}

/// Okta as the identity provider of an app.
fn issuer(app: &Object) -> String {
    format!("http://www.okta.com/exk{}", &text(app, "id")[3..])
}

/// What an administrator uploads to AWS: the certificate that signs assertions.
fn metadata(org: &mut Org, call: &Call) -> Outcome {
    let issuer = issuer(linked_app(org, call)?);
    let sso = call.url(format!("/app/amazon_aws/{}/sso/saml", call.parameter("externalKey")));
    let certificate = certificate(org)?;
    let binding = |name: &str| {
        let name = format!("urn:oasis:names:tc:SAML:2.0:bindings:{name}");
        format!("<md:SingleSignOnService Binding=\"{name}\" Location=\"{sso}\"/>")
    };
    let (post, redirect) = (binding("HTTP-POST"), binding("HTTP-Redirect"));
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><md:EntityDescriptor entityID=\"{issuer}\" \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\">\
         <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{post}{redirect}</md:IDPSSODescriptor>\
         </md:EntityDescriptor>"
    );
    Ok(Reply::text("text/xml;charset=utf-8", text))
}

/// Opens an app: with a session, or with a session token that makes one
/// (`sessionToken`, and `onetimetoken` as aws-okta sends it).
fn open(org: &mut Org, call: &Call) -> Outcome {
    let app = linked_app(org, call)?.clone();
    let given = call.query("sessionToken").or_else(|| call.query("onetimetoken"));
    let by_token = given.and_then(|token| org.live.session_tokens.remove(token));
    let by_cookie = call.cookie("sid").and_then(|id| org.live.sessions.get(id)).cloned();
    let live = |session: &crate::org::live::Session| session.expires > call.now.as_second();
    match (by_token.filter(live), by_cookie.filter(live)) {
        (Some(session), _) => {
            let (session, cookie) = start_session(org, call, &session.user, session.amr);
            Ok(with_factor(org, call, &app, &session)?.with("set-cookie", cookie))
        }
        (None, Some(session)) => with_factor(org, call, &app, &session),
        (None, None) => Ok(pages::sign_in(call, "", None)),
    }
}

/// The page, or one that asks for a second factor first, if the app wants its own and the
/// session has none. The script has the state as Okta's page has it: `\\x2D` is a hyphen.
fn with_factor(org: &mut Org, call: &Call, app: &Object, session: &crate::org::live::Session) -> Outcome {
    let wanted = call.settings.app_factor.iter().any(|id| id == text(app, "id"));
    if !wanted || session.amr.iter().any(|method| method == "mfa") {
        return page(org, call, app, &session.user);
    }
    let token = authn::step_up(org, &session.user, call.now).replace('-', "\\x2D");
    let html = format!(
        "<!DOCTYPE html><html><head><title>Okta</title></head><body><script>var stateToken = '{token}';</script></body></html>"
    );
    Ok(Reply::text("text/html;charset=utf-8", html))
}

/// The same with a web SSO token, as okta-aws-cli and gimme-aws-creds send it.
fn token_sso(org: &mut Org, call: &Call) -> Outcome {
    let given = call.form("token").or_else(|| call.query("token")).unwrap_or_default().to_owned();
    let Some((user, app)) = token_endpoint::web_sso_claims(org, &given, call) else {
        return Ok(pages::sign_in(call, "", None));
    };
    let app = org.app(&app)?.clone();
    page(org, call, &app, &user)
}

/// The form that posts the assertion to AWS.
fn page(org: &mut Org, call: &Call, app: &Object, user: &str) -> Outcome {
    if text(app, "name") != "amazon_aws" {
        return Ok(pages::message(text(app, "label"), "This app has no page in the emulator."));
    }
    if !org.is_assigned(user, text(app, "id")) {
        return Ok(pages::message("Access denied", "User is not assigned to this application."));
    }
    let user = org.user(user)?.clone();
    let response = BASE64_STANDARD.encode(assertion(org, call, app, &user)?);
    let form = format!(
        "<!DOCTYPE html><html><head><title>Okta</title></head><body><form id=\"appForm\" action=\"{}\" method=\"POST\">\
         <input name=\"SAMLResponse\" type=\"hidden\" value=\"{}\"/><input name=\"RelayState\" type=\"hidden\" value=\"\"/>\
         </form></body></html>",
        entities(AWS),
        entities(&response)
    );
    Ok(Reply::text("text/html;charset=utf-8", form))
}

/// The roles of a user: `samlRoles` of the app user; a role without a provider has that of
/// the app.
fn roles(org: &Org, app: &Object, user: &User) -> Vec<String> {
    let profile = claims::app_user(org, text(app, "id"), user);
    let provider = at(app, "/settings/app/identityProviderArn").to_owned();
    let pair = |role: &str| if role.contains(',') { role.to_owned() } else { format!("{provider},{role}") };
    texts(&profile, "/samlRoles").into_iter().map(pair).collect()
}

fn assertion(org: &mut Org, call: &Call, app: &Object, user: &User) -> Result<String, OktaError> {
    let time = |seconds: i64| okta_time(call.now + SignedDuration::from_secs(seconds));
    let issuer = issuer(app);
    let (response_id, assertion_id) = (format!("id{}", hex()), format!("id{}", hex()));
    let attribute = |name: &str, values: &[String]| {
        let values: String = values
            .iter()
            .map(|value| format!("<saml2:AttributeValue>{}</saml2:AttributeValue>", escaped(value)))
            .collect();
        format!(
            "<saml2:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/{name}\" \
             NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\">{values}</saml2:Attribute>"
        )
    };
    let duration = lookup(app, "/settings/app/sessionDuration").and_then(Value::as_u64).unwrap_or(3_600);
    let (now, before, after) = (time(0), time(-300), time(300));
    let (login, issued_by) = (escaped(user.login()), escaped(&issuer));
    let attributes = [
        attribute("Role", &roles(org, app, user)),
        attribute("RoleSessionName", &[user.login().to_owned()]),
        attribute("SessionDuration", &[duration.to_string()]),
    ]
    .concat();
    // Attributes and namespaces in canonical order: namespaces first, then by name.
    let open = format!(
        "<saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{assertion_id}\" \
         IssueInstant=\"{now}\" Version=\"2.0\"><saml2:Issuer \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{issued_by}</saml2:Issuer>"
    );
    let rest = format!(
        "<saml2:Subject><saml2:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">{login}\
         </saml2:NameID><saml2:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml2:SubjectConfirmationData NotOnOrAfter=\"{after}\" Recipient=\"{AWS}\"></saml2:SubjectConfirmationData>\
         </saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\">\
         <saml2:AudienceRestriction><saml2:Audience>urn:amazon:webservices</saml2:Audience></saml2:AudienceRestriction>\
         </saml2:Conditions><saml2:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"{assertion_id}\">\
         <saml2:AuthnContext><saml2:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef>\
         </saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>{attributes}\
         </saml2:AttributeStatement></saml2:Assertion>"
    );
    let assertion = format!("{open}{}{rest}", sign(org, &assertion_id, &format!("{open}{rest}"))?);
    let open = format!(
        "<saml2p:Response xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{AWS}\" \
         ID=\"{response_id}\" IssueInstant=\"{now}\" Version=\"2.0\"><saml2:Issuer \
         xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{issued_by}</saml2:Issuer>"
    );
    let rest = format!(
        "<saml2p:Status><saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
         </saml2p:StatusCode></saml2p:Status>{assertion}</saml2p:Response>"
    );
    let signature = sign(org, &response_id, &format!("{open}{rest}"))?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{open}{signature}{rest}"))
}

fn hex() -> String {
    random().bytes().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The `ds:Signature` of an element in canonical form, enveloped.
fn sign(org: &mut Org, id: &str, canonical: &str) -> Result<String, OktaError> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    let digest = BASE64_STANDARD.encode(digest);
    let info = |namespace: &str| {
        format!(
            "<ds:SignedInfo{namespace}><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference \
             URI=\"#{id}\"><ds:Transforms><ds:Transform \
             Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
             Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms><ds:DigestMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{digest}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
    };
    let certificate = certificate(org)?;
    let (_, kid) = org.own_keys()?;
    let failed = || OktaError::injected(500);
    let pair = rcgen::KeyPair::from_pem(org.keys[&kid].pem()).map_err(|_| failed())?;
    let pair = RsaKeyPair::from_pkcs8(&pair.serialize_der()).map_err(|_| failed())?;
    let mut signature = vec![0; pair.public_modulus_len()];
    let signed = info(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"");
    pair.sign(&signature::RSA_PKCS1_SHA256, &rand::SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| failed())?;
    Ok(format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{}<ds:SignatureValue>{}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </ds:Signature>",
        info(""),
        BASE64_STANDARD.encode(signature)
    ))
}
