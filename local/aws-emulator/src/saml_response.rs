//! A SAML response, read and verified.
//!
//! Evidence: SAML 2.0 Core; XML Signature; IAM User Guide, "Configure SAML assertions for
//! the authentication response". Only documents that are written in their exclusive
//! canonical form can be verified, as the Okta emulator writes them: the bytes of the
//! element are what was signed.

use aws_lc_rs::{digest, signature};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};

use crate::error::AwsError;

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";

/// AWS takes an assertion so long after it was issued.
const REDEEMABLE: SignedDuration = SignedDuration::from_mins(5);

/// What an identity provider's metadata say of it.
pub(crate) struct Provider {
    pub(crate) entity_id: String,
    /// DER, base64.
    certificates: Vec<String>,
}

impl Provider {
    pub(crate) fn read(metadata: &str) -> Option<Self> {
        let document = Document::parse(metadata).ok()?;
        let entity_id = document.root_element().attribute("entityID")?.to_owned();
        let certificates = document.descendants().filter(|node| node.has_tag_name((DSIG, "X509Certificate")));
        let certificates = certificates.filter_map(|node| node.text()).map(without_space).collect();
        Some(Self { entity_id, certificates })
    }
}

/// What an assertion says.
pub(crate) struct Assertion {
    /// Values of the attribute `Role`.
    pub(crate) roles: Vec<String>,
    pub(crate) session_name: String,
    pub(crate) source_identity: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The identity provider's end of the session.
    pub(crate) session_not_after: Option<Timestamp>,
    pub(crate) subject: String,
    pub(crate) subject_type: String,
    pub(crate) audience: String,
    pub(crate) issuer: String,
}

impl Assertion {
    /// Every pair of provider and role; either may come first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.roles.iter().filter_map(|value| {
            let (first, second) = value.split_once(',')?;
            let (first, second) = (first.trim(), second.trim());
            if first.contains(":saml-provider/") { Some((first, second)) } else { Some((second, first)) }
        })
    }
}

/// Reads what was posted; `provider` signed it, or nobody cares ([`None`]).
pub(crate) fn read(posted: &str, provider: Option<&Provider>, now: Timestamp) -> Result<Assertion, AwsError> {
    let invalid = |message: &str| AwsError::invalid_identity_token(message);
    let text =
        BASE64_STANDARD.decode(without_space(posted)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| invalid("The input is not valid base64"))?;
    let document = Document::parse(&text)
        .map_err(|error| AwsError::invalid_identity_token(format!("Invalid XML: {error}")))?;
    let named = |name: &'static str| document.descendants().find(move |node| node.tag_name().name() == name);
    let assertion = named("Assertion").ok_or_else(|| invalid("No assertion in the response"))?;
    let within =
        |name: &'static str| assertion.descendants().find(move |node| node.tag_name().name() == name);
    let content =
        |name: &'static str| within(name).and_then(|node| node.text()).unwrap_or_default().to_owned();
    let issuer = content("Issuer");
    if let Some(provider) = provider {
        if issuer != provider.entity_id {
            return Err(invalid("Issuer not present in specified provider"));
        }
        let signed = [Some(assertion), named("Response")];
        if !signed.into_iter().flatten().any(|element| is_signed(&text, element, &provider.certificates)) {
            return Err(invalid("Response signature invalid"));
        }
    }
    let time = |node: Option<Node<'_, '_>>, name: &str| {
        node.and_then(|node| node.attribute(name)).and_then(|text| text.parse::<Timestamp>().ok())
    };
    let issued = time(Some(assertion), "IssueInstant").ok_or_else(|| invalid("IssueInstant is missing"))?;
    let conditions = within("Conditions");
    let over = time(conditions, "NotOnOrAfter").is_some_and(|end| now >= end);
    if over || now.duration_since(issued) > REDEEMABLE {
        return Err(AwsError::expired_token("Token must be redeemed within 5 minutes of issuance"));
    }
    if time(conditions, "NotBefore").is_some_and(|start| now < start) {
        return Err(invalid("Assertion is not yet valid"));
    }
    let values = |name: &str| -> Vec<String> {
        let wanted = format!("{ATTRIBUTES}{name}");
        let attributes = assertion.descendants().filter(|node| node.attribute("Name") == Some(&wanted));
        let values = attributes.flat_map(|node| node.children().filter(Node::is_element));
        values.filter_map(|value| value.text()).map(|text| text.trim().to_owned()).collect()
    };
    let session_name = values("RoleSessionName").into_iter().next().unwrap_or_default();
    if !is_session_name(&session_name) {
        return Err(invalid("RoleSessionName is required in AuthnResponse"));
    }
    let tag = |node: Node<'_, '_>| {
        let name = node.attribute("Name")?.strip_prefix(ATTRIBUTES)?.strip_prefix("PrincipalTag:")?;
        let value = node.children().find(Node::is_element)?.text()?;
        Some((name.to_owned(), value.to_owned()))
    };
    let name_id = within("NameID");
    let format = name_id.and_then(|node| node.attribute("Format")).unwrap_or_default();
    Ok(Assertion {
        roles: values("Role"),
        session_name,
        source_identity: values("SourceIdentity").into_iter().next(),
        tags: assertion.descendants().filter_map(tag).collect(),
        session_not_after: time(within("AuthnStatement"), "SessionNotOnOrAfter"),
        subject: content("NameID"),
        subject_type: format.rsplit(':').next().unwrap_or_default().to_owned(),
        audience: content("Audience"),
        issuer,
    })
}

/// Two to 64 of `[\w+=,.@-]`.
pub(crate) fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Whether one of the certificates signed this element.
fn is_signed(text: &str, element: Node<'_, '_>, certificates: &[String]) -> bool {
    let signed =
        element.children().find(|node| node.has_tag_name((DSIG, "Signature"))).and_then(|signature| {
            let within = |name: &'static str| {
                signature.descendants().find(move |node| node.has_tag_name((DSIG, name)))
            };
            let reference = within("Reference")?.attribute("URI")?.strip_prefix('#')?;
            if Some(reference) != element.attribute("ID") {
                return None;
            }
            // The enveloped signature is left out of what it signs.
            let (whole, own) = (element.range(), signature.range());
            let content = [&text[whole.start..own.start], &text[own.end..whole.end]].concat();
            let digest = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, content.as_bytes()));
            if digest != without_space(within("DigestValue")?.text()?) {
                return None;
            }
            let info = &text[within("SignedInfo")?.range()];
            let name = info.strip_prefix('<')?.split([' ', '>']).next()?;
            // The namespace is written where it is used first.
            let (prefix, _) = name.split_once(':')?;
            let info = info.replacen(name, &format!("{name} xmlns:{prefix}=\"{DSIG}\""), 1);
            let value = BASE64_STANDARD.decode(without_space(within("SignatureValue")?.text()?)).ok()?;
            certificates
                .iter()
                .any(|certificate| verifies(certificate, info.as_bytes(), &value))
                .then_some(())
        });
    signed.is_some()
}

fn verifies(certificate: &str, message: &[u8], value: &[u8]) -> bool {
    let Ok(der) = BASE64_STANDARD.decode(certificate) else { return false };
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&der) else { return false };
    let key = certificate.public_key().subject_public_key.data.as_ref();
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(message, value).is_ok()
}
