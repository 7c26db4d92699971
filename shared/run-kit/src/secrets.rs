//! Secrets with a time to live, read at run time from Secrets Manager.
//!
//! The AWS Parameters and Secrets extension answers on localhost with the value that
//! Secrets Manager has, caches the value (300 s by default) and needs no SDK in the
//! function. A secret is never in the environment, which everyone with
//! `lambda:GetFunctionConfiguration` can read.

use std::time::Duration;

use operations::EnvVar;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::{ConfigError, Environment, chain, http_client};

/// Longest wait for the extension.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait for the extension while the value of before can be used.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why a secret cannot be used. Never says what was found instead.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The extension did not answer.
    #[error("reach the secrets extension on port {port}")]
    Unreachable {
        /// Where the extension was looked for.
        port: u16,
        /// Why it was not reached.
        source: reqwest::Error,
    },
    /// The extension refused.
    #[error("read the secret `{id}`: the secrets extension answers {status}")]
    Refused {
        /// Name or ARN of the secret.
        id: String,
        /// HTTP status.
        status: u16,
    },
    /// The extension's answer has another shape.
    #[error("read the secret `{id}`: it is no text")]
    Malformed {
        /// Name or ARN of the secret.
        id: String,
    },
    /// The secret has another shape than it must have.
    #[error("read the secret `{id}`")]
    Unusable {
        /// Name or ARN of the secret.
        id: String,
        /// The rule that the value breaks.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A reader of secrets, through the extension.
#[derive(Clone, Debug)]
pub struct Secrets {
    http: reqwest::Client,
    port: u16,
    session_token: SecretString,
}

/// Where the extension has what a text is stored in.
#[derive(Clone, Copy, Debug)]
enum Store {
    /// Secrets Manager.
    SecretsManager,
    /// Systems Manager's Parameter Store.
    ParameterStore,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterValue {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: SecretString,
}

impl Secrets {
    /// A reader as the environment describes it: the extension's port, and what
    /// Lambda gives the function to show to the extension.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let session_token = environment.text(&EnvVar::AWS_SESSION_TOKEN)?.into();
        let text = environment.text(&EnvVar::SECRETS_EXTENSION_PORT)?;
        let refuse = |_| ConfigError::value(&EnvVar::SECRETS_EXTENSION_PORT, "must be a port number", &text);
        let port = text.parse().map_err(refuse)?;
        let http = http_client(TIMEOUT).map_err(|error| ConfigError::System(error.to_string()))?;
        Ok(Self { http, port, session_token })
    }

    /// The secret with this name or ARN, as it is now.
    ///
    /// # Errors
    ///
    /// [`SecretError`].
    pub async fn read(&self, id: &str) -> Result<SecretString, SecretError> {
        let answer: SecretValue = self.get(Store::SecretsManager, id).await?;
        Ok(answer.secret_string)
    }

    /// The parameter of Systems Manager with this name, as the extension has it.
    ///
    /// # Errors
    ///
    /// [`SecretError`].
    pub async fn read_parameter(&self, name: &str) -> Result<SecretString, SecretError> {
        let answer: ParameterValue = self.get(Store::ParameterStore, name).await?;
        Ok(answer.parameter.value)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, store: Store, id: &str) -> Result<T, SecretError> {
        let (port, id) = (self.port, id.to_owned());
        let malformed = || SecretError::Malformed { id: id.clone() };
        let (path, name) = match store {
            Store::SecretsManager => ("secretsmanager/get", "secretId"),
            Store::ParameterStore => ("systemsmanager/parameters/get", "name"),
        };
        // INVARIANT: a constant with a port number is a URL.
        #[expect(clippy::expect_used, reason = "invariant above")]
        let mut url = Url::parse(&format!("http://localhost:{port}/{path}")).expect("a URL");
        url.query_pairs_mut().append_pair(name, &id);
        if matches!(store, Store::ParameterStore) {
            url.query_pairs_mut().append_pair("withDecryption", "true");
        }
        let response = self
            .http
            .get(url)
            .header("X-Aws-Parameters-Secrets-Token", self.session_token.expose_secret())
            .send()
            .await
            .map_err(|source| SecretError::Unreachable { port, source: source.without_url() })?;
        if !response.status().is_success() {
            return Err(SecretError::Refused { id, status: response.status().as_u16() });
        }
        response.json().await.map_err(|_| malformed())
    }
}

/// Time between two reads of a secret whose value is not accepted.
const AT_MOST_ONCE: Duration = Duration::from_secs(60);

type Parse<T> =
    Box<dyn Fn(&SecretString) -> Result<T, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// One secret, and what is made of its text: kept for a while, and read again then.
pub struct Secret<T> {
    secrets: Secrets,
    store: Store,
    id: String,
    time_to_live: Duration,
    parse: Parse<T>,
    kept: Mutex<Option<Kept<T>>>,
}

struct Kept<T> {
    read: Instant,
    text: SecretString,
    value: T,
}

impl<T: Clone> Secret<T> {
    /// The secret with this name or ARN; nothing is read yet.
    pub fn new<E>(
        secrets: Secrets,
        id: String,
        time_to_live: Duration,
        parse: impl Fn(&SecretString) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::stored(Store::SecretsManager, secrets, id, time_to_live, parse)
    }

    /// The parameter of Systems Manager with this name; nothing is read yet.
    pub fn of_parameter<E>(
        secrets: Secrets,
        name: String,
        time_to_live: Duration,
        parse: impl Fn(&SecretString) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::stored(Store::ParameterStore, secrets, name, time_to_live, parse)
    }

    fn stored<E>(
        store: Store,
        secrets: Secrets,
        id: String,
        time_to_live: Duration,
        parse: impl Fn(&SecretString) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let parse = Box::new(move |text: &SecretString| parse(text).map_err(Into::into));
        Self { secrets, store, id, time_to_live, parse, kept: Mutex::default() }
    }

    async fn read(&self) -> Result<SecretString, SecretError> {
        match self.store {
            Store::SecretsManager => self.secrets.read(&self.id).await,
            Store::ParameterStore => self.secrets.read_parameter(&self.id).await,
        }
    }

    /// The value, as it was at most the time to live ago. It is older while the secret
    /// cannot be read, and gone when the secret has another shape. A text that did not
    /// change keeps its value.
    ///
    /// # Errors
    ///
    /// [`SecretError`].
    pub async fn get(&self) -> Result<T, SecretError> {
        let mut kept = self.kept.lock().await;
        let Some(former) = kept.as_mut() else {
            let text = self.read().await?;
            let value = self.parse(&text)?;
            *kept = Some(Kept { read: Instant::now(), text, value: value.clone() });
            return Ok(value);
        };
        if former.read.elapsed() < self.time_to_live {
            return Ok(former.value.clone());
        }
        match tokio::time::timeout(PATIENCE, self.read()).await {
            Ok(Ok(text)) => {
                if text.expose_secret() != former.text.expose_secret() {
                    *former = Kept { read: former.read, value: self.parse(&text)?, text };
                }
                former.read = Instant::now();
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), secret = self.id, "a secret is that of before");
            }
            Err(_elapsed) => {
                let error = "the secrets extension is slow";
                tracing::warn!(error, secret = self.id, "a secret is that of before");
            }
        }
        Ok(former.value.clone())
    }

    /// Reads the secret anew next time: the value is not accepted any more. A value that
    /// was read less than a minute ago stays: nobody has a newer one.
    pub async fn forget(&self) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.read.elapsed() >= AT_MOST_ONCE) {
            *kept = None;
        }
    }

    fn parse(&self, text: &SecretString) -> Result<T, SecretError> {
        (self.parse)(text).map_err(|source| SecretError::Unusable { id: self.id.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A secrets extension: what it has, and how often it was asked.
    #[derive(Clone, Default)]
    struct Extension {
        port: u16,
        text: Arc<std::sync::Mutex<Option<&'static str>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Extension {
        async fn start() -> Self {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let own = Self { port: listener.local_addr().unwrap().port(), ..Self::default() };
            let shared = own.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let _ = stream.read(&mut [0; 4096]).await;
                    shared.asked.fetch_add(1, Ordering::SeqCst);
                    let answer = match *shared.text.lock().unwrap() {
                        Some(text) => {
                            let body = serde_json::json!({ "SecretString": text }).to_string();
                            format!(
                                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                                body.len()
                            )
                        }
                        None => {
                            "HTTP/1.1 500 Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
                        }
                    };
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
            own
        }

        fn has(&self, text: Option<&'static str>) {
            *self.text.lock().unwrap() = text;
        }

        /// A secret that must be a number.
        fn number(&self, seconds: u64) -> Secret<u32> {
            let port = ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", self.port.to_string());
            let secrets = Secrets::prepare(&Environment::of([port])).unwrap();
            let parse = |text: &SecretString| text.expose_secret().parse::<u32>();
            Secret::new(secrets, "secret".to_owned(), Duration::from_secs(seconds), parse)
        }
    }

    async fn later() {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn a_value_is_kept_for_its_time() {
        let extension = Extension::start().await;
        let secret = extension.number(60);
        extension.has(Some("1"));
        assert_eq!((secret.get().await.unwrap(), secret.get().await.unwrap()), (1, 1));
        assert_eq!(extension.asked.load(Ordering::SeqCst), 1);
        extension.has(Some("2"));
        later().await;
        assert_eq!(secret.get().await.unwrap(), 2);
        extension.has(None);
        later().await;
        assert_eq!(secret.get().await.unwrap(), 2, "the extension fails");
        extension.has(Some("no number"));
        later().await;
        let error = secret.get().await.unwrap_err();
        assert!(matches!(&error, SecretError::Unusable { .. }), "{error}");
        assert!(!chain(&error).contains("no number"), "{}", chain(&error));
    }

    #[tokio::test]
    async fn a_value_that_was_rejected_is_read_again() {
        let extension = Extension::start().await;
        let secret = extension.number(300);
        extension.has(None);
        assert!(secret.get().await.is_err(), "there is nothing of before");
        extension.has(Some("1"));
        assert_eq!(secret.get().await.unwrap(), 1);
        extension.has(Some("2"));
        secret.forget().await;
        assert_eq!(secret.get().await.unwrap(), 1, "at most once a minute");
        later().await;
        assert_eq!(secret.get().await.unwrap(), 1, "it has time to live");
        secret.forget().await;
        assert_eq!(secret.get().await.unwrap(), 2);
    }
}
