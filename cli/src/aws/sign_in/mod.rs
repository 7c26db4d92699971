//! How a person or a machine proves to Okta who it is.
//!
//! | module | mode | ends with |
//! |---|---|---|
//! | [`classic`] | `classic`: user name, password, [`factors`] | a SAML assertion |
//! | [`device`] | `device`: the device grant in a browser | a SAML assertion for each app |
//! | [`machine`] | `m2m`: a private key | a token for AssumeRoleWithWebIdentity |

pub mod classic;
pub mod device;
pub mod factors;
pub mod machine;
pub mod webauthn;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::http::Okta;
use super::settings::Mode;
use crate::failure::{Exit, Failure};

/// Secrets of one org.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Password.
    pub password: Option<String>,
    /// Seed of time-based codes.
    pub totp_seed: Option<super::totp::Seed>,
    /// Private key of a machine: PEM or JWK.
    pub private_key: Option<String>,
    /// What Okta knows this device by.
    pub device_token: Option<String>,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.password.zeroize();
        self.private_key.zeroize();
        self.device_token.zeroize();
    }
}

/// What Okta says of its engine: `v1` is Classic, `idx` is Identity Engine.
///
/// # Errors
///
/// [`Exit::Configuration`] where it cannot be known.
pub async fn detect(okta: &Okta) -> Result<Mode, Failure> {
    let answer = okta.get(okta.url("/.well-known/okta-organization")?, None).await?;
    match answer.json()["pipeline"].as_str() {
        Some("v1") => Ok(Mode::Classic),
        Some("idx") => Ok(Mode::Device),
        _ => Err(answer.detailed(
            Failure::new(Exit::Configuration, format!("{} does not say which engine it has", okta.org()))
                .hint("`okta-dac aws init --mode classic` or `--mode device` says it"),
        )),
    }
}

/// A token, and when it ends.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    /// The token: a secret.
    pub value: String,
    /// It is not to be used from then on.
    pub good_until: Timestamp,
}

impl Token {
    /// The token, while it is good.
    pub fn live(&self, now: Timestamp) -> Option<&str> {
        (self.good_until > now).then_some(self.value.as_str())
    }
}
