//! The certificate that a tenant's assertions are signed with.

use base64::prelude::{BASE64_STANDARD, Engine};
use domain::PLACEHOLDER;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Fewest bits of an RSA modulus.
const RSA_BITS: usize = 2_048;

/// Fewest bits of a coordinate of an elliptic curve.
const EC_BITS: usize = 256;

/// Signatures that can be forged, or nearly: SHA-1 and MD5, with RSA, DSA, ECDSA.
const WEAK: [&str; 5] = [
    "1.2.840.113549.1.1.5",
    "1.2.840.113549.1.1.4",
    "1.3.14.3.2.29",
    "1.2.840.10040.4.3",
    "1.2.840.10045.4.1",
];

/// A certificate that may be trusted: its DER form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate(Vec<u8>);

/// Why a certificate is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("must be a certificate: PEM, or base64 of its DER form")]
    Unreadable,
    #[error("must be one certificate, the one that assertions are signed with")]
    Several,
    #[error(
        "holds a private key: keep it, replace it if others have seen this, and send the certificate alone"
    )]
    PrivateKey,
    #[error("is a PKCS #7 container: send the certificate alone, as PEM or base64 of its DER form")]
    Container,
    #[error("the certificate has expired: on {0}")]
    Expired(String),
    #[error("the certificate is not valid yet: before {0}")]
    NotYetValid(String),
    #[error("the certificate has an RSA key of {0} bits; at least 2048 are needed")]
    WeakKey(usize),
    #[error("the certificate has an elliptic curve of {0} bits; at least 256 are needed")]
    WeakCurve(usize),
    #[error("the certificate's key is neither RSA nor of an elliptic curve")]
    OtherKey,
    #[error(
        "the certificate has the name `{PLACEHOLDER}`, which is okta-dac's own; make one with another name"
    )]
    OurName,
}

impl Certificate {
    /// Reads PEM, or base64 of the DER form, of one certificate. Around the armour of PEM tools
    /// write text about the certificate, and OpenSSL has two names for it more (RFC 7468, 5).
    pub(crate) fn parse(text: &str) -> Result<Self, CertificateError> {
        const NAMES: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
        if text.contains("PRIVATE KEY-----") {
            return Err(CertificateError::PrivateKey);
        }
        if ["-----BEGIN PKCS7-----", "-----BEGIN CMS-----"].iter().any(|armour| text.contains(armour)) {
            return Err(CertificateError::Container);
        }
        let blocks: Vec<&str> = NAMES
            .iter()
            .flat_map(|name| {
                let (begin, end) = (format!("-----BEGIN {name}-----"), format!("-----END {name}-----"));
                let blocks = text.split(begin.as_str()).skip(1);
                blocks
                    .map(move |block| block.split(end.as_str()).next().unwrap_or_default())
                    .collect::<Vec<_>>()
            })
            .collect();
        let base64 = match blocks[..] {
            [] => text,
            [one] => one,
            _ => return Err(CertificateError::Several),
        };
        let base64: String = base64.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect();
        let der = BASE64_STANDARD.decode(base64).map_err(|_| CertificateError::Unreadable)?;
        match X509Certificate::from_der(&der) {
            Ok(([], _)) => Ok(Self(der)),
            // 1.2.840.113549.1.7.2, signedData.
            _ if der.windows(9).take(32).any(|oid| oid == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]) => {
                Err(CertificateError::Container)
            }
            _ => Err(CertificateError::Unreadable),
        }
    }

    /// Whether it may be trusted at a time, in seconds since 1970.
    pub(crate) fn check(&self, now: i64) -> Result<(), CertificateError> {
        let (_, certificate) =
            X509Certificate::from_der(&self.0).map_err(|_| CertificateError::Unreadable)?;
        let validity = certificate.validity();
        if self.0.windows(PLACEHOLDER.len()).any(|part| part == PLACEHOLDER.as_bytes()) {
            return Err(CertificateError::OurName);
        }
        if validity.not_after.timestamp() < now {
            return Err(CertificateError::Expired(validity.not_after.to_string()));
        }
        if validity.not_before.timestamp() > now {
            return Err(CertificateError::NotYetValid(validity.not_before.to_string()));
        }
        match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) if key.key_size() < RSA_BITS => {
                Err(CertificateError::WeakKey(key.key_size()))
            }
            Ok(PublicKey::EC(point)) if point.key_size() < EC_BITS => {
                Err(CertificateError::WeakCurve(point.key_size()))
            }
            Ok(PublicKey::RSA(_) | PublicKey::EC(_)) => Ok(()),
            _ => Err(CertificateError::OtherKey),
        }
    }

    /// What is weak about it. In SAML a key is trusted because the metadata name it, and nobody looks
    /// at the certificate's own signature (SAML V2.0 Metadata Interoperability Profile, 2.6.1).
    pub(crate) fn warning(&self) -> Option<&'static str> {
        let (_, certificate) = X509Certificate::from_der(&self.0).ok()?;
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        WEAK.contains(&algorithm.as_str()).then_some(
            "the certificate is signed with SHA-1 or MD5; only its key counts here, and the next one should be signed with SHA-256",
        )
    }

    /// Base64 of the DER form, as Okta takes it.
    pub(crate) fn x5c(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }

    /// Whether text that Okta keeps is this certificate, however it is broken into
    /// lines.
    pub(crate) fn is(&self, x5c: &str) -> bool {
        Self::parse(x5c).is_ok_and(|other| other == *self)
    }
}
