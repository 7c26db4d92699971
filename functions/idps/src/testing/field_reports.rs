//! What people report elsewhere about metadata, certificates and addresses.

use super::*;
use crate::certificate::Certificate;
use crate::edits::Edits;
use crate::saml_metadata;

/// A certificate whose key is good and whose own signature nobody looks at.
#[tokio::test]
async fn br_24_a_certificate_with_an_old_signature() {
    let org = TestOrg::start().await;
    let sha_1 = include_str!("../fixtures/sha-1.pem");
    let item = org.call::<UpdateIdp>(&update(&json!({ "x5c": sha_1 }))).await.unwrap();
    assert!(item["warnings"][0].as_str().unwrap().contains("SHA-1"), "{item}");
    // Sent back as it is, the warning says nothing.
    org.call::<UpdateIdp>(&update(&item)).await.unwrap();
    let answer = org.call::<UpdateIdp>(&update(&json!({ "x5c": GOOD }))).await.unwrap();
    assert!(answer.get("warnings").is_none(), "{answer}");
}

fn metadata(url: &str, certificates: &[&str]) -> TestRequest {
    let keys = certificates.iter().map(|pem| {
        format!(r#"<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{pem}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"#)
    });
    let xml = format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.test"><IDPSSODescriptor>{}<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{url}"/></IDPSSODescriptor></EntityDescriptor>"#,
        keys.collect::<String>()
    );
    idp(ACME).text("application/samlmetadata+xml", &xml)
}

/// What is stored is what was checked: trimmed, or refused.
#[tokio::test]
async fn br_08_text_with_blanks_and_control_characters() {
    let org = TestOrg::start().await;
    let stored = |pointer: &str| {
        org.emulator.stable_snapshot().pointer(&format!("/idps/idp:DAC_acme{pointer}")).cloned()
    };
    for (pointer, sent, kept) in [
        ("/protocol/endpoints/sso/url", " https://idp.acme.test/sso ", "https://idp.acme.test/sso"),
        ("/protocol/endpoints/sso/destination", "\thttps://idp.acme.test/sso\n", "https://idp.acme.test/sso"),
        ("/protocol/credentials/trust/issuer", " https://idp.acme.test ", "https://idp.acme.test"),
        ("/protocol/credentials/trust/audience", " urn:us ", "urn:us"),
    ] {
        org.call::<UpdateIdp>(&update(&nested(pointer, json!(sent)))).await.unwrap();
        assert_eq!(stored(pointer), Some(json!(kept)), "{pointer}");
    }
    let before = org.emulator.arrivals();
    for (pointer, sent) in [
        ("/protocol/endpoints/sso/url", "https://idp/s\nso"),
        ("/protocol/endpoints/sso/url", "https://idp/s so"),
        ("/protocol/endpoints/sso/url", "https:idp/sso"),
        ("/protocol/endpoints/sso/url", "https:\\\\idp\\sso"),
        ("/protocol/endpoints/sso/url", "https:///sso"),
        ("/protocol/endpoints/sso/destination", " "),
        ("/protocol/credentials/trust/issuer", " \n"),
        ("/protocol/credentials/trust/audience", "urn\0us"),
    ] {
        let problem = refused(&org, &update(&nested(pointer, json!(sent)))).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{sent:?}");
    }
    assert_eq!(org.emulator.arrivals(), before, "before anything is asked of Okta");
}

/// The address of requests is also their destination, which Okta takes no longer than 512.
#[tokio::test]
async fn br_09_an_address_that_is_longer_than_a_destination() {
    let org = TestOrg::start().await;
    let long = format!("https://idp.acme.test/{}", "a".repeat(600));
    let url = "/protocol/endpoints/sso/url";
    let problem = refused(&org, &update(&nested(url, json!(long)))).await;
    assert_eq!(problem["errors"][0]["pointer"], url, "{problem}");
    let both = json!({ "protocol": { "endpoints": { "sso": { "url": long, "destination": "https://idp.acme.test" } } } });
    org.call::<UpdateIdp>(&update(&both)).await.unwrap();
    let problem = refused(&org, &metadata(&long, &[GOOD])).await;
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["pointer"], error["detail"].as_str().unwrap().contains("`Location`")),
        (&json!(""), true),
        "{problem}"
    );
}

/// The present certificate and the next one, or the one before.
#[tokio::test]
async fn br_17_an_expired_certificate_beside_a_valid_one() {
    let org = TestOrg::start().await;
    let (expired, url) = (expired(), "https://idp.acme.test/sso");
    for both in [[GOOD, expired.as_str()], [expired.as_str(), GOOD]] {
        let answer = org.call::<UpdateIdp>(&metadata(url, &both)).await.unwrap();
        let x5c = answer["x5c"][0].as_str().unwrap();
        assert!(crate::certificate::Certificate::parse(GOOD).unwrap().is(x5c));
    }
    let ec = include_str!("../fixtures/ec.pem");
    let problem = refused(&org, &metadata(url, &[GOOD, ec])).await;
    assert!(problem["detail"].as_str().unwrap().contains("several valid certificates"), "{problem}");
    let problem = refused(&org, &metadata(url, &[&expired])).await;
    assert!(problem["detail"].as_str().unwrap().contains("has expired"), "{problem}");
}

/// What people have in a file beside the certificate, or instead of it.
#[tokio::test]
async fn br_06_containers_and_text_around_the_armour() {
    let org = TestOrg::start().await;
    let around = format!("Certificate:\n    Data: x\n\u{feff}{GOOD}\ntrailing text\n");
    org.call::<UpdateIdp>(&update(&json!({ "x5c": around }))).await.unwrap();
    let signed_data = "MIIBgwYJKoZIhvcNAQcCoIIBdDCCAXACAQExADALBgkqhkiG9w0BBwGgggFWMIIBUg==";
    for (text, reason) in [
        (format!("{GOOD}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "private key"),
        ("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----".to_owned(), "PKCS #7"),
        (signed_data.to_owned(), "PKCS #7"),
    ] {
        let problem = refused(&org, &update(&json!({ "x5c": text }))).await;
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{reason}: {problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Text that nobody checked: a parser says what is wrong with it, and never panics.
    #[test]
    fn no_text_ends_a_parser(text in "(\\PC|[<>&\"'/= \n-]|-----BEGIN CERTIFICATE-----|EntityDescriptor|X509Certificate){0,60}") {
        if let Ok(certificate) = Certificate::parse(&text) {
            let _ = (certificate.check(0), certificate.warning());
        }
        let _ = saml_metadata::edits(text.as_bytes());
        for pointer in ["/protocol/endpoints/sso/url", "/protocol/credentials/trust/issuer", "/x5c", "/status"] {
            let _ = Edits::read(nested(pointer, json!(text)));
        }
    }

    /// A certificate of which some bytes are others.
    #[test]
    fn no_certificate_ends_a_parser(changes in proptest::collection::vec((0_usize..900, any::<u8>()), 1..6)) {
        let good = Certificate::parse(GOOD).unwrap().x5c();
        let mut der = base64::prelude::Engine::decode(&base64::prelude::BASE64_STANDARD, good).unwrap();
        for (at, byte) in changes {
            let at = at % der.len();
            der[at] = byte;
        }
        let text = base64::prelude::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
        if let Ok(certificate) = Certificate::parse(&text) {
            let _ = (certificate.check(0), certificate.warning());
        }
    }
}
