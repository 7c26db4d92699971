//! Operations that Okta calls: inline hooks.
//!
//! Okta waits three seconds for a token hook and then issues the token as it was;
//! so does a status other than 200.
//! A hook therefore has a deadline of its own, and an answer for every doubt.

use std::future::Future;
use std::time::Duration;

use operations::{EnvVar, Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Run, Secret, Secrets, chain};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::Example;

/// Time from the begin of the function's work to the answer.
pub(crate) const DEADLINE: Duration = Duration::from_millis(2_500);

/// Time before [`DEADLINE`] that is left for keeping what was done.
pub(crate) const RECORD: Duration = Duration::from_millis(400);

/// Fewest bytes of a secret.
const MIN_LEN: usize = 32;

/// An inline hook. There is no authorizer before it: Okta sends the hook's secret
/// as `Authorization`. The value is what the hook is configured with.
pub trait Hook: Sized + Send + Sync + 'static {
    /// Its entry in the table.
    const OPERATION: &'static Operation;

    /// Reads what the hook is configured with, when the function starts: a function
    /// that cannot work does not start.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    fn prepare(environment: &Environment) -> Result<Self, ConfigError>;

    /// The answer, where nobody need be asked.
    fn unasked(payload: &Value) -> Option<Value>;

    /// What Okta is to do with the token of this payload. After the run's deadline
    /// there is time for a record, and no more.
    ///
    /// # Errors
    ///
    /// For the log; the answer is [`Hook::doubt`].
    fn call(&self, run: &Run, payload: Value) -> impl Future<Output = Result<Value, Failure>> + Send;

    /// What Okta is to do when there was no time to decide, or nothing to decide by.
    fn doubt(&self) -> Value;

    /// The one sample.
    fn example() -> Example;
}

/// What Okta may send as `Authorization`: two at once while one is replaced.
#[derive(Clone, Debug)]
pub(crate) struct HookSecrets {
    current: SecretString,
    previous: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    current: SecretString,
    previous: Option<SecretString>,
}

/// Why a secret cannot be used. Never says what was found instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HookSecretError {
    #[error("it must be {{\"current\": \"…\", \"previous\": \"…\"}}, `previous` may be left out")]
    Shape,
    #[error("`{0}` must have at least {MIN_LEN} bytes")]
    Short(&'static str),
}

/// How long the secrets are used without asking for them again.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);

/// Who calls a function that has no authorizer before it.
pub(crate) struct HookCaller(Secret<HookSecrets>);

impl HookCaller {
    /// Reads which secret it is; no secret is read yet.
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        let secret_id = environment.text(&EnvVar::HOOK_SECRET_ID)?;
        let secrets = Secrets::prepare(environment)?;
        Ok(Self(Secret::new(secrets, secret_id, TIME_TO_LIVE, HookSecrets::parse)))
    }

    /// Whether Okta calls; `false` where the secret cannot be read, which the log says.
    ///
    /// # Errors
    ///
    /// `unauthorized`: somebody else calls.
    pub(crate) async fn is_okta(&self, event: &lambda_http::Request) -> Result<bool, Failure> {
        let unknown = || Failure::new(ProblemCode::Unauthorized, "send the secret of the hook");
        let presented = event.headers().get("authorization").ok_or_else(unknown)?;
        match self.0.get().await {
            Ok(secrets) if secrets.accept(presented.as_bytes()) => Ok(true),
            Ok(_) => Err(unknown()),
            Err(error) => {
                tracing::error!(error = %chain(&error), "the hook's secret cannot be read");
                Ok(false)
            }
        }
    }
}

impl HookSecrets {
    pub(crate) fn parse(json: &SecretString) -> Result<Self, HookSecretError> {
        let stored: Stored =
            serde_json::from_str(json.expose_secret()).map_err(|_| HookSecretError::Shape)?;
        let long = |secret: &SecretString| secret.expose_secret().len() >= MIN_LEN;
        if !long(&stored.current) {
            return Err(HookSecretError::Short("current"));
        }
        if !stored.previous.as_ref().is_none_or(long) {
            return Err(HookSecretError::Short("previous"));
        }
        Ok(Self { current: stored.current, previous: stored.previous })
    }

    /// Whether `presented` is one of them; the time that it takes says only how
    /// long they are.
    pub(crate) fn accept(&self, presented: &[u8]) -> bool {
        let is = |secret: &SecretString| presented.ct_eq(secret.expose_secret().as_bytes());
        let previous = self.previous.as_ref().map_or(0.into(), is);
        (is(&self.current) | previous).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an-old-secret-of-the-hook-of-32-b";
    const NEW: &str = "a-new-secret-of-the-hook-of-32-by";

    fn secrets(json: &str) -> Result<HookSecrets, HookSecretError> {
        HookSecrets::parse(&SecretString::from(json.to_owned()))
    }

    #[test]
    fn dlg_05_two_secrets_count_and_nothing_else() {
        let both = secrets(&format!(r#"{{"current":"{NEW}","previous":"{OLD}"}}"#)).unwrap();
        assert!(both.accept(NEW.as_bytes()) && both.accept(OLD.as_bytes()));
        for other in ["", "x", &NEW[1..], &format!("{NEW} "), &format!("Bearer {NEW}")] {
            assert!(!both.accept(other.as_bytes()), "{other}");
        }
        let one = secrets(&format!(r#"{{"current":"{NEW}"}}"#)).unwrap();
        assert!(one.accept(NEW.as_bytes()) && !one.accept(OLD.as_bytes()) && !one.accept(b""));
    }

    #[test]
    fn dlg_05_short_and_misshapen_secrets_are_refused() {
        assert_eq!(
            secrets(r#"{"current":"0123456789012345678901234567890"}"#).unwrap_err(),
            HookSecretError::Short("current")
        );
        let short = secrets(&format!(r#"{{"current":"{NEW}","previous":""}}"#));
        assert_eq!(short.unwrap_err(), HookSecretError::Short("previous"));
        for shape in ["", "null", "[]", r#""text""#, "{}", r#"{"secret":"x"}"#, NEW] {
            assert_eq!(secrets(shape).unwrap_err(), HookSecretError::Shape, "{shape}");
        }
    }
}
