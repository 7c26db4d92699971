//! The public keys of the authorization server.
//!
//! Fetched once, shared by concurrent requests, fetched again for an unknown
//! key id (at most every ten seconds, or anybody could make us ask Okta with
//! made-up tokens) and when they are an hour old. While Okta is down the keys
//! that are there stay in use, for a day.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// Least time between two fetches.
const PAUSE: Duration = Duration::from_secs(10);

/// Age from which the keys are fetched again: a withdrawn key must not be
/// accepted for ever.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// Age from which keys are not used any more, however long the issuer is down.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3_600);

/// A public key, parsed once: that is a good part of verifying a signature.
#[derive(Clone, Debug)]
pub struct Key {
    /// The only algorithm that it may be used with.
    pub algorithm: Algorithm,
    pub(crate) public: ParsedPublicKey,
}

/// The keys of one issuer.
pub struct Jwks {
    http: reqwest::Client,
    url: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: HashMap<String, Key>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    /// Why the last fetch failed; `None` if it did not.
    failure: Option<String>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The issuer does not have it.
    #[error("find the token's key id among the issuer's keys")]
    Unknown,
    /// The issuer did not answer.
    #[error("fetch the issuer's keys: {0}")]
    Unavailable(String),
}

impl Jwks {
    /// The keys at `url`; nothing is fetched yet.
    pub fn new(http: reqwest::Client, url: Url) -> Self {
        Self { http, url, state: Mutex::default() }
    }

    /// The key called `kid`.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub async fn key(&self, kid: &str) -> Result<Key, KeyError> {
        // Held while fetching, so that requests that come meanwhile wait for
        // this fetch instead of making their own.
        let mut state = self.state.lock().await;
        let fresh = state.fetched.is_some_and(|at| at.elapsed() < MAX_AGE);
        if let Some(key) = state.keys.get(kid).filter(|_| fresh) {
            return Ok(key.clone());
        }
        if state.tried.is_none_or(|at| at.elapsed() >= PAUSE) {
            state.tried = Some(Instant::now());
            match self.fetch().await {
                Ok(keys) => {
                    state.keys = keys;
                    state.fetched = state.tried;
                    state.failure = None;
                }
                Err(reason) => state.failure = Some(reason),
            }
        }
        if state.fetched.is_some_and(|at| at.elapsed() >= GIVEN_UP) {
            state.keys.clear();
        }
        match (state.keys.get(kid), &state.failure) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(reason)) => Err(KeyError::Unavailable(reason.clone())),
            (None, None) => Err(KeyError::Unknown),
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Key>, String> {
        let set = async {
            let response = self.http.get(self.url.clone()).send().await?.error_for_status()?;
            response.json::<Published>().await
        };
        let set = set.await.map_err(|error| error.without_url().to_string())?;
        // One key that cannot be read is no reason to have none.
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(keys.filter_map(|key| usable(&key)).collect())
    }
}

/// RFC 7517, 5.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// A signing key: RSA for RS256, P-256 for ES256. The algorithm follows from
/// the key, never from the token.
pub(crate) fn usable(jwk: &Jwk) -> Option<(String, Key)> {
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let named = |algorithm| jwk.common.key_algorithm.is_none_or(|named| named == algorithm);
    let number = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let (algorithm, public) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if named(KeyAlgorithm::RS256) => {
            let key = RsaPublicKeyComponents { n: number(&rsa.n)?, e: number(&rsa.e)? };
            (Algorithm::RS256, key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?)
        }
        AlgorithmParameters::EllipticCurve(curve)
            if curve.curve == EllipticCurve::P256 && named(KeyAlgorithm::ES256) =>
        {
            // An uncompressed point (SEC 1, 2.3.3).
            let point = [vec![4], number(&curve.x)?, number(&curve.y)?].concat();
            (Algorithm::ES256, ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?)
        }
        _ => return None,
    };
    Some((jwk.common.key_id.clone()?, Key { algorithm, public }))
}
