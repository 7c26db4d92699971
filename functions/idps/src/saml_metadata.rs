//! SAML metadata of a tenant's own identity provider: XML, from which the
//! editable members follow (SAML 2.0 Metadata, 2.4.3).

use roxmltree::{Document, Node};
use serde_json::{Value, json};

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
    #[error(
        "the metadata have several certificates for signing; send the one that is to be trusted as `x5c`"
    )]
    SeveralCertificates,
    #[error("the metadata describe several entities; send the one `EntityDescriptor` that is to be trusted")]
    SeveralEntities,
}

/// The body of `update-idp` that says the same.
///
/// Documents with a document type are refused: there are no entities.
pub(crate) fn edits(xml: &[u8]) -> Result<Value, MetadataError> {
    let text = std::str::from_utf8(xml).map_err(|error| MetadataError::Syntax(error.to_string()))?;
    let document = Document::parse(text).map_err(|error| MetadataError::Syntax(error.to_string()))?;
    let mut entities = find(document.root(), METADATA, "EntityDescriptor");
    let entity = entities.next().ok_or(MetadataError::Missing("EntityDescriptor"))?;
    if entities.next().is_some() {
        return Err(MetadataError::SeveralEntities);
    }
    let issuer = entity.attribute("entityID").ok_or(MetadataError::Missing("entityID"))?;
    let idp = find(entity, METADATA, "IDPSSODescriptor").next();
    let idp = idp.ok_or(MetadataError::Missing("IDPSSODescriptor"))?;
    let service = |binding: &str| {
        let mut services = find(idp, METADATA, "SingleSignOnService");
        services.find(|service| service.attribute("Binding") == Some(binding))?.attribute("Location")
    };
    let sso = BINDINGS.iter().find_map(|(urn, name)| Some((service(urn)?, *name)));
    let (url, binding) = sso.ok_or(MetadataError::Missing("SingleSignOnService"))?;
    let keys = find(idp, METADATA, "KeyDescriptor");
    let keys = keys.filter(|key| key.attribute("use").is_none_or(|of| of == "signing"));
    let mut certificates: Vec<String> = keys
        .flat_map(|key| find(key, SIGNATURE, "X509Certificate"))
        .map(|certificate| certificate.text().unwrap_or_default().split_whitespace().collect())
        .collect();
    certificates.sort();
    certificates.dedup();
    let certificate = match &certificates[..] {
        [one] => one,
        [] => return Err(MetadataError::Missing("X509Certificate")),
        _ => return Err(MetadataError::SeveralCertificates),
    };
    Ok(json!({
        "protocol": {
            "endpoints": { "sso": { "url": url, "binding": binding, "destination": url } },
            "credentials": { "trust": { "issuer": issuer } },
        },
        "x5c": certificate,
    }))
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

    const GOOD: &str = r#"<?xml version="1.0"?>
        <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.test">
          <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
              <ds:X509Data><ds:X509Certificate>
                QUJD
                REVG
              </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
              <ds:X509Data><ds:X509Certificate>T1RIRVI=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.test/redirect"/>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.acme.test/post"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>"#;

    #[test]
    fn idp_11_metadata_say_what_a_body_says() {
        assert_eq!(
            edits(GOOD.as_bytes()).unwrap(),
            json!({
                "protocol": {
                    "endpoints": { "sso": {
                        "url": "https://idp.acme.test/post", "binding": "HTTP-POST", "destination": "https://idp.acme.test/post",
                    } },
                    "credentials": { "trust": { "issuer": "https://idp.acme.test" } },
                },
                "x5c": "QUJDREVG",
            })
        );
    }

    #[test]
    fn metadata_that_are_refused() {
        let without = |part: &str| GOOD.replace(part, "");
        let one = without("<?xml version=\"1.0\"?>");
        let federation = format!("<EntitiesDescriptor xmlns=\"{METADATA}\">{one}{one}</EntitiesDescriptor>");
        for (xml, reason) in [
            ("{}".to_owned(), "not XML"),
            (
                format!(
                    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
                    GOOD.replace("<?xml version=\"1.0\"?>", "")
                ),
                "document type",
            ),
            (without(" entityID=\"https://idp.acme.test\""), "entityID"),
            (GOOD.replace("SingleSignOnService", "SingleLogoutService"), "SingleSignOnService"),
            (GOOD.replace("IDPSSODescriptor", "SPSSODescriptor"), "IDPSSODescriptor"),
            (GOOD.replace("use=\"encryption\"", "use=\"signing\""), "several certificates"),
            (GOOD.replace("X509Certificate", "X509CRL"), "X509Certificate"),
            (federation, "several entities"),
        ] {
            let error = edits(xml.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}, expected {reason}");
        }
        assert!(edits(b"\xff\xfe").is_err());
    }
}
