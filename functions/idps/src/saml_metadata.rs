//! SAML metadata of a tenant's own identity provider: XML, from which the
//! editable members follow (SAML 2.0 Metadata, 2.4.3).

use roxmltree::{Document, Node};
use run_kit::Violation;
use serde_json::{Value, json};

use crate::certificate::{Certificate, CertificateError};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The bindings that Okta sends requests by, in the order of preference.
const BINDINGS: [(&str, &str); 2] = [
    ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "HTTP-POST"),
    ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "HTTP-REDIRECT"),
];

/// Why metadata are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MetadataError {
    #[error("the body is not XML, or has a document type: {0}")]
    Syntax(String),
    #[error("the metadata have no `{0}`")]
    Missing(&'static str),
    #[error("`X509Certificate` {0}")]
    Certificate(CertificateError),
    #[error(
        "the metadata describe several identity providers; send the one `EntityDescriptor` that is to be trusted"
    )]
    SeveralEntities,
}

/// The body of `update-idp` that says the same, and the certificates that are published for signing.
///
/// Documents with a document type are refused: there are no entities.
pub(crate) fn edits(xml: &[u8]) -> Result<(Value, Vec<Certificate>), MetadataError> {
    let text = std::str::from_utf8(xml).map_err(|error| MetadataError::Syntax(error.to_string()))?;
    let document = Document::parse(text).map_err(|error| MetadataError::Syntax(error.to_string()))?;
    // A federation's document has service providers beside the identity provider.
    let entities = find(document.root(), METADATA, "EntityDescriptor");
    let providers: Vec<(Node<'_, '_>, Node<'_, '_>)> = entities
        .filter_map(|entity| Some((entity, find(entity, METADATA, "IDPSSODescriptor").next()?)))
        .collect();
    let (entity, idp) = match providers[..] {
        [one] => one,
        [] if find(document.root(), METADATA, "EntityDescriptor").next().is_none() => {
            return Err(MetadataError::Missing("EntityDescriptor"));
        }
        [] => return Err(MetadataError::Missing("IDPSSODescriptor")),
        _ => return Err(MetadataError::SeveralEntities),
    };
    let issuer = entity.attribute("entityID").ok_or(MetadataError::Missing("entityID"))?;
    let service = |binding: &str| {
        let mut services = find(idp, METADATA, "SingleSignOnService");
        services.find(|service| service.attribute("Binding") == Some(binding))?.attribute("Location")
    };
    let sso = BINDINGS.iter().find_map(|(urn, name)| Some((service(urn)?, *name)));
    let (url, binding) = sso.ok_or(MetadataError::Missing("SingleSignOnService"))?;
    let keys = find(idp, METADATA, "KeyDescriptor");
    let keys = keys.filter(|key| key.attribute("use").is_none_or(|of| of == "signing"));
    let mut certificates: Vec<Certificate> = Vec::new();
    for certificate in keys.flat_map(|key| find(key, SIGNATURE, "X509Certificate")) {
        let certificate = Certificate::parse(certificate.text().unwrap_or_default());
        let certificate = certificate.map_err(MetadataError::Certificate)?;
        if !certificates.contains(&certificate) {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(MetadataError::Missing("X509Certificate"));
    }
    let sent = json!({ "protocol": {
        "endpoints": { "sso": { "url": url, "binding": binding } },
        "credentials": { "trust": { "issuer": issuer } },
    } });
    Ok((sent, certificates))
}

/// What is wrong with members that follow from metadata, by the names that metadata have.
pub(crate) fn named(violations: Vec<Violation>) -> Vec<Violation> {
    let named = |violation: Violation| {
        let name = match violation.pointer.as_str() {
            "/protocol/endpoints/sso/url" => "`Location` of `SingleSignOnService`",
            "/protocol/credentials/trust/issuer" => "`entityID`",
            _ => return violation,
        };
        // Metadata have no destination to send beside it.
        let detail = match violation.detail.starts_with("has more than") {
            true => "must have at most 512 characters".to_owned(),
            false => violation.detail,
        };
        Violation { pointer: String::new(), detail: format!("{name} {detail}") }
    };
    violations.into_iter().map(named).collect()
}

fn find<'a, 'i: 'a>(
    of: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    of.descendants().filter(move |node| node.has_tag_name((namespace, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata with this certificate, indented as many write them.
    fn good() -> String {
        GOOD.replace("CERTIFICATE", &x5c(include_str!("fixtures/good.pem")))
    }

    fn x5c(pem: &str) -> String {
        Certificate::parse(pem)
            .unwrap()
            .x5c()
            .as_bytes()
            .chunks(64)
            .map(|line| format!("\n    {}", String::from_utf8_lossy(line)))
            .collect()
    }

    const GOOD: &str = r#"<?xml version="1.0"?>
        <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.test">
          <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
              <ds:X509Data><ds:X509Certificate>CERTIFICATE</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
              <ds:X509Data><ds:X509Certificate>T1RIRVI=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.test/redirect"/>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.acme.test/post"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>"#;

    #[test]
    fn idp_11_metadata_say_what_a_body_says() {
        let (sent, certificates) = edits(good().as_bytes()).unwrap();
        let sso = json!({ "url": "https://idp.acme.test/post", "binding": "HTTP-POST" });
        let trust = json!({ "issuer": "https://idp.acme.test" });
        let expected =
            json!({ "protocol": { "endpoints": { "sso": sso }, "credentials": { "trust": trust } } });
        assert_eq!(sent, expected);
        assert_eq!(certificates, [Certificate::parse(include_str!("fixtures/good.pem")).unwrap()]);
    }

    /// A federation's document: a service provider stands beside the identity provider.
    #[test]
    fn br_04_the_identity_provider_is_meant() {
        let one = good().replace("<?xml version=\"1.0\"?>", "");
        let service = r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.test"><md:SPSSODescriptor/></md:EntityDescriptor>"#;
        for both in [format!("{one}{service}"), format!("{service}{one}")] {
            let document = format!("<EntitiesDescriptor xmlns=\"{METADATA}\">{both}</EntitiesDescriptor>");
            assert_eq!(edits(document.as_bytes()).unwrap(), edits(good().as_bytes()).unwrap());
        }
    }

    /// Whole PEM, with lines of Unix or of Windows.
    #[test]
    fn br_06_a_whole_pem_inside_the_element() {
        let pem = include_str!("fixtures/good.pem");
        for pem in [pem.to_owned(), pem.replace('\n', "\r\n"), format!("Bag Attributes\n  name: x\n{pem}")] {
            let document = GOOD.replace("CERTIFICATE", &pem);
            assert_eq!(edits(document.as_bytes()).unwrap().1.len(), 1);
        }
        let error = edits(GOOD.replace("CERTIFICATE", "AAAA").as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("`X509Certificate` must be a certificate"), "{error}");
    }

    #[test]
    fn metadata_that_are_refused() {
        let good = good();
        let without = |part: &str| good.replace(part, "");
        let one = without("<?xml version=\"1.0\"?>");
        let federation = format!("<EntitiesDescriptor xmlns=\"{METADATA}\">{one}{one}</EntitiesDescriptor>");
        for (xml, reason) in [
            ("{}".to_owned(), "not XML"),
            (
                format!(
                    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
                    good.replace("<?xml version=\"1.0\"?>", "")
                ),
                "document type",
            ),
            (without(" entityID=\"https://idp.acme.test\""), "entityID"),
            (good.replace("SingleSignOnService", "SingleLogoutService"), "SingleSignOnService"),
            (good.replace("IDPSSODescriptor", "SPSSODescriptor"), "IDPSSODescriptor"),
            (
                good.replace("use=\"encryption\"", "use=\"signing\""),
                "`X509Certificate` must be a certificate",
            ),
            (good.replace("X509Certificate", "X509CRL"), "X509Certificate"),
            (federation, "several identity providers"),
        ] {
            let error = edits(xml.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}, expected {reason}");
        }
        assert!(edits(b"\xff\xfe").is_err());
    }
}
