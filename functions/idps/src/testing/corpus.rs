//! Metadata in the shapes in which identity providers publish them. The documents are made here,
//! and so are their certificates.

use super::*;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";

/// The certificate that assertions are signed with, and one that is for something else.
struct Keys {
    signing: String,
    other: String,
}

impl Keys {
    fn new() -> Self {
        Self { signing: certificate(), other: certificate() }
    }

    /// Metadata have the base64 alone.
    fn base64(pem: &str) -> String {
        pem.lines().filter(|line| !line.starts_with("-----")).collect()
    }

    fn of(&self, usage: &str, pem: &str) -> String {
        let usage = if usage.is_empty() { String::new() } else { format!(" use=\"{usage}\"") };
        let x509 = Self::base64(pem);
        format!(
            "<KeyDescriptor{usage}><KeyInfo xmlns=\"{DS}\"><X509Data><X509Certificate>{x509}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    }

    fn signing(&self) -> String {
        self.of("signing", &self.signing)
    }
}

fn certificate() -> String {
    let pair = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem()
}

fn sso(binding: &str, location: &str) -> String {
    format!("<SingleSignOnService Binding=\"{binding}\" Location=\"{location}\"/>")
}

/// A document without prefixes; `before` and `inside` are what the product has besides.
fn plain(entity: &str, before: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EntityDescriptor ID=\"_1\" entityID=\"{entity}\" xmlns=\"{METADATA}\">{before}<IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{inside}</IDPSSODescriptor></EntityDescriptor>"
    )
}

/// The same document with the prefixes `md` and `ds`.
fn prefixed(document: &str) -> String {
    let mut text = document.replace(&format!(" xmlns=\"{METADATA}\""), &format!(" xmlns:md=\"{METADATA}\""));
    text = text.replace(&format!("<KeyInfo xmlns=\"{DS}\">"), &format!("<KeyInfo xmlns:ds=\"{DS}\">"));
    for name in
        ["EntityDescriptor", "IDPSSODescriptor", "KeyDescriptor", "SingleSignOnService", "NameIDFormat"]
    {
        text = text
            .replace(&format!("<{name}"), &format!("<md:{name}"))
            .replace(&format!("</{name}"), &format!("</md:{name}"));
    }
    for name in ["KeyInfo", "X509Data", "X509Certificate", "KeyName"] {
        text = text
            .replace(&format!("<{name}"), &format!("<ds:{name}"))
            .replace(&format!("</{name}"), &format!("</ds:{name}"));
    }
    text
}

/// A signature over the document, with a certificate of its own, as AD FS and Entra have it.
fn signature(pem: &str) -> String {
    let x509 = Keys::base64(pem);
    format!(
        "<Signature xmlns=\"{DS}\"><SignedInfo/><SignatureValue>AAAA</SignatureValue><KeyInfo><X509Data><X509Certificate>{x509}</X509Certificate></X509Data></KeyInfo></Signature>"
    )
}

/// A role of WS-Federation with keys of its own.
fn federation(keys: &Keys, kind: &str) -> String {
    let key = keys.of("signing", &keys.other);
    format!(
        "<RoleDescriptor xsi:type=\"fed:{kind}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\">{key}</RoleDescriptor>"
    )
}

/// What each publishes: name, document, address, binding, issuer.
fn corpus(keys: &Keys) -> Vec<(&'static str, String, &'static str, &'static str, &'static str)> {
    let (signing, encryption) = (keys.signing(), keys.of("encryption", &keys.other));
    let formats = "<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>";
    let document = |entity: &str, before: &str, parts: &[String]| plain(entity, before, &parts.concat());
    let both = |url: &str| [sso(REDIRECT, url), sso(POST, url)].concat();
    vec![
        (
            "AD FS",
            document(
                "http://adfs.example.test/adfs/services/trust",
                &[
                    signature(&keys.other),
                    federation(keys, "ApplicationServiceType"),
                    federation(keys, "SecurityTokenServiceType"),
                ]
                .concat(),
                &[
                    encryption.clone(),
                    signing.clone(),
                    formats.to_owned(),
                    both("https://adfs.example.test/adfs/ls/"),
                ],
            ),
            "https://adfs.example.test/adfs/ls/",
            "HTTP-POST",
            "http://adfs.example.test/adfs/services/trust",
        ),
        (
            "Entra",
            document(
                "https://sts.example.test/11111111-2222-3333-4444-555555555555/",
                &[signature(&keys.other), federation(keys, "SecurityTokenServiceType")].concat(),
                &[
                    signing.clone(),
                    both("https://login.example.test/11111111-2222-3333-4444-555555555555/saml2"),
                ],
            ),
            "https://login.example.test/11111111-2222-3333-4444-555555555555/saml2",
            "HTTP-POST",
            "https://sts.example.test/11111111-2222-3333-4444-555555555555/",
        ),
        (
            "Google",
            prefixed(&document(
                "https://accounts.example.test/o/saml2?idpid=C01abc&amp;x=1",
                "",
                &[
                    signing.clone(),
                    formats.to_owned(),
                    both("https://accounts.example.test/o/saml2/idp?idpid=C01abc&amp;x=1"),
                ],
            )),
            "https://accounts.example.test/o/saml2/idp?idpid=C01abc&x=1",
            "HTTP-POST",
            "https://accounts.example.test/o/saml2?idpid=C01abc&x=1",
        ),
        (
            "Okta",
            prefixed(&document(
                "http://www.okta.example.test/exk1",
                "",
                &[
                    signing.clone(),
                    formats.to_owned(),
                    sso(POST, "https://org.example.test/app/x/exk1/sso/saml"),
                    sso(REDIRECT, "https://org.example.test/app/x/exk1/sso/saml"),
                ],
            )),
            "https://org.example.test/app/x/exk1/sso/saml",
            "HTTP-POST",
            "http://www.okta.example.test/exk1",
        ),
        (
            "OneLogin",
            document(
                "https://app.example.test/saml/metadata/1",
                "",
                &[
                    signing.clone(),
                    sso(REDIRECT, "https://acme.example.test/trust/saml2/http-redirect/sso/1"),
                    sso(POST, "https://acme.example.test/trust/saml2/http-post/sso/1"),
                    sso(SOAP, "https://acme.example.test/trust/saml2/soap/sso/1"),
                ],
            ),
            "https://acme.example.test/trust/saml2/http-post/sso/1",
            "HTTP-POST",
            "https://app.example.test/saml/metadata/1",
        ),
        (
            "PingFederate",
            prefixed(&document(
                "PingFederate-IdP",
                "",
                &[
                    signing.clone(),
                    sso(SOAP, "https://ping.example.test/idp/soap"),
                    both("https://ping.example.test/idp/SSO.saml2"),
                ],
            )),
            "https://ping.example.test/idp/SSO.saml2",
            "HTTP-POST",
            "PingFederate-IdP",
        ),
        (
            "Keycloak",
            prefixed(&document(
                "https://keycloak.example.test/realms/acme",
                "",
                &[
                    signing.replace("<X509Data>", "<KeyName>abc</KeyName><X509Data>"),
                    both("https://keycloak.example.test/realms/acme/protocol/saml"),
                    sso(
                        "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact",
                        "https://keycloak.example.test/artifact",
                    ),
                ],
            )),
            "https://keycloak.example.test/realms/acme/protocol/saml",
            "HTTP-POST",
            "https://keycloak.example.test/realms/acme",
        ),
        (
            "JumpCloud",
            prefixed(&document(
                "JumpCloud",
                "",
                &[signing.clone(), formats.to_owned(), sso(REDIRECT, "https://sso.example.test/saml2/acme")],
            )),
            "https://sso.example.test/saml2/acme",
            "HTTP-REDIRECT",
            "JumpCloud",
        ),
        (
            "Auth0",
            document(
                "urn:acme.auth0.example.test",
                "",
                &[signing.clone(), both("https://acme.auth0.example.test/samlp/client")],
            ),
            "https://acme.auth0.example.test/samlp/client",
            "HTTP-POST",
            "urn:acme.auth0.example.test",
        ),
        (
            // The same certificate for both, and one without a use.
            "simpleSAMLphp",
            prefixed(&document(
                "https://ssp.example.test/simplesaml/saml2/idp/metadata.php",
                "",
                &[
                    signing.clone(),
                    keys.of("encryption", &keys.signing),
                    keys.of("", &keys.signing),
                    sso(REDIRECT, "https://ssp.example.test/simplesaml/saml2/idp/SSOService.php"),
                ],
            )),
            "https://ssp.example.test/simplesaml/saml2/idp/SSOService.php",
            "HTTP-REDIRECT",
            "https://ssp.example.test/simplesaml/saml2/idp/metadata.php",
        ),
    ]
}

#[tokio::test]
async fn metadata_are_taken_as_products_publish_them() {
    let org = TestOrg::start().await;
    for nth in 0..corpus(&Keys::new()).len() {
        // Each with certificates of its own.
        let keys = Keys::new();
        let (product, document, url, binding, issuer) = corpus(&keys).swap_remove(nth);
        let sent = idp(ACME).text("application/samlmetadata+xml", &document);
        let answer = org
            .call::<UpdateIdp>(&sent)
            .await
            .unwrap_or_else(|problem| panic!("{product}: {:?}", problem.document("id")));
        let sso = &answer["protocol"]["endpoints"]["sso"];
        assert_eq!([&sso["url"], &sso["binding"], &sso["destination"]], [url, binding, url], "{product}");
        assert_eq!(answer["protocol"]["credentials"]["trust"]["issuer"], issuer, "{product}");
        assert_eq!(answer["x5c"][0], Keys::base64(&keys.signing), "{product}");
    }
}

/// Shibboleth publishes the key of the back channel beside that of the front channel, both for
/// signing, and nothing says which signs assertions: a person does.
#[tokio::test]
async fn shibboleths_two_keys_are_a_persons_decision() {
    let (org, keys) = (TestOrg::start().await, Keys::new());
    let scope = "<Extensions><shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" regexp=\"false\">example.test</shibmd:Scope></Extensions>";
    let parts = [
        scope.to_owned(),
        keys.of("signing", &keys.other),
        keys.signing(),
        sso(REDIRECT, "https://shib.example.test/idp/profile/SAML2/Redirect/SSO"),
    ];
    let document = plain("https://shib.example.test/idp/shibboleth", "", &parts.concat());
    let refused = refused(&org, &idp(ACME).text("application/samlmetadata+xml", &document)).await;
    assert!(refused["detail"].as_str().unwrap().contains("several valid certificates"), "{refused}");
    let one = document.replace(&keys.of("signing", &keys.other), "");
    org.call::<UpdateIdp>(&idp(ACME).text("application/samlmetadata+xml", &one)).await.unwrap();
}
