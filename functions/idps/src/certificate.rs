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
    #[error("the certificate is signed with SHA-1 or MD5; SHA-256 or better is needed")]
    WeakSignature,
    #[error(
        "the certificate has the name `{PLACEHOLDER}`, which is okta-dac's own; make one with another name"
    )]
    OurName,
}

impl Certificate {
    /// Reads PEM, or base64 of the DER form, of one certificate.
    pub(crate) fn parse(text: &str) -> Result<Self, CertificateError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let base64 = match text.trim().strip_prefix(BEGIN) {
            Some(rest) => match rest.split_once(END) {
                Some((base64, "")) => base64,
                Some(_) => return Err(CertificateError::Several),
                None => return Err(CertificateError::Unreadable),
            },
            None => text,
        };
        let base64: String = base64.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = BASE64_STANDARD.decode(base64).map_err(|_| CertificateError::Unreadable)?;
        match X509Certificate::from_der(&der) {
            Ok(([], _)) => Ok(Self(der)),
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
        if WEAK.contains(&certificate.signature_algorithm.algorithm.to_id_string().as_str()) {
            return Err(CertificateError::WeakSignature);
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
