//! Key pairs of service apps.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretString;
use serde_json::Value;

use crate::stop::{Code, Stop};

/// A kind of key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 3,072 bits.
    #[default]
    Rsa3072,
    /// RSA with 2,048 bits.
    Rsa2048,
    /// The elliptic curve P-256.
    P256,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rsa3072, Self::Rsa2048, Self::P256];

    fn name(self) -> &'static str {
        match self {
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa2048 => "rsa-2048",
            Self::P256 => "p-256",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is none of rsa-3072, rsa-2048, p-256"))
    }
}

/// A new pair. Printing it shows which, and no secret.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The thumbprint of the public half (RFC 7638).
    pub key_id: String,
    /// The private half, PKCS #8 in PEM form.
    pub private: SecretString,
    /// The public half as a JWK, with `kid`, `use` and `alg`.
    pub public: Value,
}

impl KeyPair {
    /// Makes a pair.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate(kind: KeyKind) -> Result<Self, Stop> {
        let failed = |_| Stop::new(Code::Defect, "a key cannot be made");
        let rsa = |size| -> Result<_, Stop> {
            let pair = aws_lc_rs::rsa::KeyPair::generate(size).map_err(failed)?;
            Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?.as_ref().to_vec())
        };
        let der = zeroize::Zeroizing::new(match kind {
            KeyKind::Rsa3072 => rsa(KeySize::Rsa3072)?,
            KeyKind::Rsa2048 => rsa(KeySize::Rsa2048)?,
            KeyKind::P256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
            }
        });
        let private = SecretString::from(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_slice())));
        Self::of(private)
    }

    /// The pair of a private key in PEM form.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn of(private: SecretString) -> Result<Self, Stop> {
        use secrecy::ExposeSecret;
        let bad = |_| Stop::new(Code::Operator, "the stored private key cannot be read");
        let text = private.expose_secret().as_bytes();
        let rsa = EncodingKey::from_rsa_pem(text).map(|key| (key, Algorithm::RS256));
        let (key, algorithm) = rsa
            .or_else(|_| EncodingKey::from_ec_pem(text).map(|key| (key, Algorithm::ES256)))
            .map_err(bad)?;
        let jwk = Jwk::from_encoding_key(&key, algorithm).map_err(bad)?;
        let key_id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(bad)?;
        let mut public =
            serde_json::to_value(&jwk).map_err(|_| Stop::new(Code::Defect, "a key has no JWK"))?;
        public["kid"] = key_id.as_str().into();
        public["use"] = "sig".into();
        public["alg"] = if algorithm == Algorithm::RS256 { "RS256" } else { "ES256" }.into();
        Ok(Self { key_id, private, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_its_own_again_and_shows_no_secret() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse::<KeyKind>().unwrap(), kind);
            let pair = KeyPair::generate(kind).unwrap();
            let again = KeyPair::of(pair.private.clone()).unwrap();
            assert_eq!((&again.key_id, &again.public), (&pair.key_id, &pair.public));
            let shown = format!("{pair:?} {}", pair.public);
            assert!(!shown.contains("PRIVATE") && pair.public.get("d").is_none(), "{shown}");
        }
        assert!("rsa-1024".parse::<KeyKind>().is_err());
    }
}
