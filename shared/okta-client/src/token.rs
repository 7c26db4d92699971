//! Access tokens of an OAuth client.
//!
//! A token is kept until shortly before it expires; callers that need a new
//! one at the same moment share one request for it; one that Okta rejects is
//! thrown away, once per call. Tokens that are bound to a key (DPoP, RFC 9449)
//! are used as soon as Okta asks for them: an app that wants them says so with
//! its first refusal.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use http::{HeaderMap, Method, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::credential::{Authentication, OAuthClient};
use crate::transport::{ATTEMPT_TIMEOUT, communication};
use crate::{Error, retry};

/// A token is not used for so long before it expires.
const MARGIN: Duration = Duration::from_secs(60);

/// Lifetime of a client assertion; Okta takes up to an hour.
const ASSERTION_LIFETIME: i64 = 300;

/// An access token.
#[derive(Debug)]
pub(crate) struct AccessToken {
    value: SecretString,
    /// Whether calls must come with a proof.
    bound: bool,
    until: Instant,
}

impl AccessToken {
    /// The token, if it is bound to a key.
    pub(crate) fn bound_value(&self) -> Option<&SecretString> {
        self.bound.then_some(&self.value)
    }
}

/// The tokens of one client.
#[derive(Debug)]
pub(crate) struct Tokens {
    client: OAuthClient,
    endpoint: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    key: Option<ProofKey>,
    nonce: Option<String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("token", &self.token.is_some()).finish_non_exhaustive()
    }
}

/// The key that tokens are bound to: made anew with each client, never stored.
struct ProofKey {
    key: EncodingKey,
    public: Jwk,
}

/// RFC 6749, 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    token_type: String,
    expires_in: u64,
}

/// RFC 6749, 5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default, deserialize_with = "crate::models::null_is_default")]
    error_description: String,
}

impl Tokens {
    pub(crate) fn new(client: OAuthClient, endpoint: Url) -> Self {
        Self { client, endpoint, state: Mutex::default() }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client.client_id
    }

    /// The token to use now.
    pub(crate) async fn get(
        &self,
        http: &reqwest::Client,
        deadline: Instant,
    ) -> Result<Arc<AccessToken>, Error> {
        let late =
            |_| Error::Communication { reason: "the deadline has passed".to_owned(), never_sent: true };
        let mut state = tokio::time::timeout_at(deadline, self.state.lock()).await.map_err(late)?;
        if let Some(token) = state.token.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(Arc::clone(token));
        }
        let token = Arc::new(self.fetch(http, deadline, &mut state).await.map_err(before_the_call)?);
        state.token = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Okta does not take this token: the next call fetches another one.
    pub(crate) async fn reject(&self, token: &Arc<AccessToken>) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, token)) {
            state.token = None;
        }
    }

    /// The headers of a call with this token.
    pub(crate) async fn headers(
        &self,
        token: &AccessToken,
        method: &Method,
        url: &Url,
    ) -> Result<Vec<(&'static str, SecretString)>, Error> {
        let value = token.value.expose_secret();
        if !token.bound {
            return Ok(vec![("authorization", format!("Bearer {value}").into())]);
        }
        let state = self.state.lock().await;
        let key = state.key.as_ref().ok_or_else(unsigned)?;
        let proof = key.proof(method, url, state.nonce.as_deref(), Some(value))?;
        Ok(vec![("authorization", format!("DPoP {value}").into()), ("dpop", proof.into())])
    }

    /// Asks for a token: at most three times, since an app may first ask for a
    /// proof and then for its nonce.
    async fn fetch(
        &self,
        http: &reqwest::Client,
        deadline: Instant,
        state: &mut State,
    ) -> Result<AccessToken, Error> {
        if self.client.dpop && state.key.is_none() {
            state.key = Some(ProofKey::generate()?);
        }
        for _ in 0..2 {
            match self.ask(http, deadline, state).await {
                Err(Error::Token { code, .. }) if code == "invalid_dpop_proof" && state.key.is_none() => {
                    state.key = Some(ProofKey::generate()?);
                }
                Err(Error::Token { code, .. }) if code == "use_dpop_nonce" && state.nonce.is_some() => {}
                done => return done,
            }
        }
        self.ask(http, deadline, state).await
    }

    async fn ask(
        &self,
        http: &reqwest::Client,
        deadline: Instant,
        state: &mut State,
    ) -> Result<AccessToken, Error> {
        let mut form =
            vec![("grant_type", "client_credentials".to_owned()), ("scope", self.client.scopes.clone())];
        let mut request = http.post(self.endpoint.clone()).header("accept", "application/json");
        match &self.client.authentication {
            Authentication::Secret(secret) => {
                request = request.basic_auth(&self.client.client_id, Some(secret.expose_secret()));
            }
            Authentication::PrivateKey(key) => {
                let now = jiff::Timestamp::now().as_second();
                // A fresh `jti` each time: Okta takes an assertion once.
                let claims = json!({
                    "iss": self.client.client_id, "sub": self.client.client_id, "aud": self.endpoint.as_str(),
                    "iat": now, "exp": now + ASSERTION_LIFETIME, "jti": random(),
                });
                let header = Header { kid: Some(key.key_id.clone()), ..Header::new(key.algorithm) };
                let assertion = jsonwebtoken::encode(&header, &claims, &key.key).map_err(|_| unsigned())?;
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.extend([("client_assertion_type", kind.to_owned()), ("client_assertion", assertion)]);
            }
        }
        if let Some(key) = &state.key {
            request = request
                .header("dpop", key.proof(&Method::POST, &self.endpoint, state.nonce.as_deref(), None)?);
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let left = deadline.saturating_duration_since(Instant::now());
        let response = request
            .timeout(left.min(ATTEMPT_TIMEOUT))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .map_err(communication)?;
        let (status, headers) = (response.status(), response.headers().clone());
        keep_nonce(&headers, &mut state.nonce);
        let bytes = response.bytes().await.map_err(communication)?;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::RateLimited { retry_after: retry::until_reset(&headers) });
        }
        if !status.is_success() {
            let status = status.as_u16();
            return Err(match serde_json::from_slice::<Refused>(&bytes) {
                Ok(refused) => {
                    Error::Token { status, code: refused.error, description: refused.error_description }
                }
                Err(_) => Error::Unexpected { status },
            });
        }
        let granted: Granted = serde_json::from_slice(&bytes)
            .map_err(|_| Error::Undecodable { operation_id: "token", path: String::new() })?;
        let lifetime = Duration::from_secs(granted.expires_in.min(86_400));
        Ok(AccessToken {
            value: granted.access_token,
            bound: granted.token_type.eq_ignore_ascii_case("DPoP"),
            until: Instant::now() + lifetime.saturating_sub(MARGIN.min(lifetime / 2)),
        })
    }

    /// Keeps the nonce of an answer; gives whether the call must be repeated
    /// with it.
    pub(crate) async fn learn_nonce(&self, headers: &HeaderMap) -> bool {
        let mut challenges =
            headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let wanted = challenges.any(|text| text.contains("use_dpop_nonce"));
        let mut state = self.state.lock().await;
        keep_nonce(headers, &mut state.nonce) && wanted
    }
}

fn keep_nonce(headers: &HeaderMap, nonce: &mut Option<String>) -> bool {
    let given = headers.get("dpop-nonce").and_then(|value| value.to_str().ok());
    if let Some(given) = given {
        *nonce = Some(given.to_owned());
    }
    given.is_some()
}

impl ProofKey {
    fn generate() -> Result<Self, Error> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| unsigned())?;
        let der = pair.to_pkcs8v1().map_err(|_| unsigned())?;
        let key = EncodingKey::from_ec_der(der.as_ref());
        let public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| unsigned())?;
        Ok(Self { key, public })
    }

    /// A proof for one call (RFC 9449, 4.2). `htu` is without query.
    fn proof(
        &self,
        method: &Method,
        url: &Url,
        nonce: Option<&str>,
        token: Option<&str>,
    ) -> Result<String, Error> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims = json!({
            "htm": method.as_str(), "htu": target.as_str(), "iat": jiff::Timestamp::now().as_second(), "jti": random(),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(token) = token {
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())).into();
        }
        let header = Header {
            typ: Some("dpop+jwt".to_owned()),
            jwk: Some(self.public.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| unsigned())
    }
}

/// A failure here comes before the call that the token is for: that one cannot
/// have been done.
fn before_the_call(error: Error) -> Error {
    let unreadable = |status| Error::Token {
        status,
        code: "unreadable".to_owned(),
        description: "the answer is not what RFC 6749 says".to_owned(),
    };
    match error {
        Error::Communication { reason, .. } => Error::Communication { reason, never_sent: true },
        Error::Unexpected { status } => unreadable(status),
        Error::Undecodable { .. } => unreadable(200),
        other => other,
    }
}

fn unsigned() -> Error {
    Error::InvalidRequest("a signature".to_owned())
}

/// 128 bits, for `jti`.
fn random() -> String {
    let mut bytes = [0; 16];
    // INVARIANT: the system's source of randomness does not fail once it works;
    // Okta refuses what is not different.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
