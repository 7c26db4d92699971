//! Where a credential goes: a file, a secret of Secrets Manager, a parameter of Systems
//! Manager.
//!
//! A file holds the whole document. On AWS the credential in use is what readers get: the
//! version `AWSCURRENT` of the secret, or the parameter of the name. The key or secret to
//! come is kept beside it: as the version `AWSPENDING`, or as the parameter `<name>.pending`.
//! What was in use before is `AWSPREVIOUS` by itself.
//!
//! Beside the credential are the public halves of its keys, where they are published.

mod aws;
mod file;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

use crate::stop::{Code, Stop};
use crate::stored::Stored;

pub use self::aws::Account;

/// A place for a credential.
#[derive(Clone, Debug)]
pub enum Sink {
    /// A file for its owner alone.
    File(PathBuf),
    /// A secret, by name or ARN.
    SecretsManager {
        /// Name or ARN.
        name: String,
        /// Who asks.
        account: Arc<Account>,
    },
    /// A parameter, by its name, which begins with a slash.
    ParameterStore {
        /// Name.
        name: String,
        /// Who asks.
        account: Arc<Account>,
    },
}

impl Sink {
    /// The same place, asked with this region and these credentials.
    #[must_use]
    pub fn with_account(self, account: Arc<Account>) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::SecretsManager { name, .. } => Self::SecretsManager { name, account },
            Self::ParameterStore { name, .. } => Self::ParameterStore { name, account },
        }
    }
}

impl FromStr for Sink {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str, more: &str| {
            (1..=512).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
                // Beside a credential, that is the place of what everybody may read.
                && !name.ends_with("/jwks")
                && !name.ends_with(".jwks")
                && !name.ends_with(".pending")
        };
        let account = Arc::default();
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() && !path.ends_with(".jwks.json") => {
                Ok(Self::File(PathBuf::from(path)))
            }
            Some(("secretsmanager", name)) if is_name(name, "/_+=.@-:") => {
                Ok(Self::SecretsManager { name: name.to_owned(), account })
            }
            Some(("ssm", name)) if name.starts_with('/') && is_name(name, "/_.-") => {
                Ok(Self::ParameterStore { name: name.to_owned(), account })
            }
            _ => Err(format!(
                "`{text}` is no place for a credential: file:PATH, secretsmanager:NAME or ssm:/NAME"
            )),
        }
    }
}

impl std::fmt::Display for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::SecretsManager { name, .. } => write!(f, "secretsmanager:{name}"),
            Self::ParameterStore { name, .. } => write!(f, "ssm:{name}"),
        }
    }
}

impl Sink {
    /// What is there.
    ///
    /// # Errors
    ///
    /// The place cannot be read, others may read it, or it holds something else.
    pub async fn read(&self) -> Result<Option<Stored>, Stop> {
        let read = match self {
            Self::File(path) => file::read(path),
            Self::SecretsManager { name, account } => aws::secret::read(account, name).await,
            Self::ParameterStore { name, account } => aws::parameter::read(account, name).await,
        };
        read.map_err(|stop| Stop { sentence: format!("{self}: {}", stop.sentence), ..stop })
    }

    /// Replaces what is there, at once and lastingly. What readers get is never without the
    /// credential in use. Says whether the place was made by that.
    ///
    /// # Errors
    ///
    /// The place cannot be written; what was there stays.
    pub async fn write(&self, stored: &Stored) -> Result<bool, Stop> {
        let written = match self {
            Self::File(path) => file::write(path, stored),
            Self::SecretsManager { name, account } => aws::secret::write(account, name, stored).await,
            Self::ParameterStore { name, account } => aws::parameter::write(account, name, stored).await,
        };
        written.map_err(|stop| Stop { sentence: format!("{self}: {}", stop.sentence), ..stop })
    }

    /// Writes the public halves of the keys beside the credential.
    ///
    /// # Errors
    ///
    /// The place cannot be written.
    pub async fn publish(&self, stored: &Stored) -> Result<(), Stop> {
        let document = format!("{:#}\n", stored.public_keys()?);
        let written = match self {
            Self::File(path) => file::publish(path, &document),
            Self::SecretsManager { name, account } => aws::secret::publish(account, name, &document).await,
            Self::ParameterStore { name, account } => aws::parameter::publish(account, name, &document).await,
        };
        written.map_err(|stop| Stop { sentence: format!("{}: {}", self.public(), stop.sentence), ..stop })
    }

    /// Whether there is room for what is published beside the credential: nothing is there, or
    /// keys that the credential's place holds.
    ///
    /// # Errors
    ///
    /// The place is an ARN, beside which is nothing, or something else is there.
    pub async fn can_publish(&self, stored: &Stored) -> Result<(), Stop> {
        let there = match self {
            Self::SecretsManager { name, .. } if name.starts_with("arn:") => {
                let sentence = "published keys lie beside the credential: `--to` needs the name of the secret, and not its ARN";
                return Err(Stop::new(Code::Usage, sentence));
            }
            Self::File(path) => file::published(path),
            Self::SecretsManager { name, account } => aws::secret::published(account, name).await,
            Self::ParameterStore { name, account } => aws::parameter::published(account, name).await,
        };
        let there = there
            .map_err(|stop| Stop { sentence: format!("{}: {}", self.public(), stop.sentence), ..stop })?;
        let held = stored.public_keys()?;
        let is_ours = there.is_none_or(|text| {
            let there = serde_json::from_str::<Value>(&text).unwrap_or_default();
            let held = held["keys"].as_array();
            there["keys"]
                .as_array()
                .zip(held)
                .is_some_and(|(keys, held)| keys.iter().all(|key| held.contains(key)))
        });
        if is_ours {
            return Ok(());
        }
        let sentence = format!(
            "{} holds something else than the keys of this connection: name another place",
            self.public()
        );
        Err(Stop::new(Code::Ambiguous, sentence))
    }

    /// Where [`Sink::publish`] writes.
    pub fn public(&self) -> String {
        match self {
            Self::File(path) => format!("file:{}", file::public(path).display()),
            Self::SecretsManager { name, .. } => format!("secretsmanager:{}", aws::secret::public(name)),
            Self::ParameterStore { name, .. } => format!("ssm:{}", aws::parameter::public(name)),
        }
    }

    /// Takes away what [`Sink::publish`] wrote.
    ///
    /// # Errors
    ///
    /// The place cannot be written.
    pub async fn withdraw(&self) -> Result<(), Stop> {
        let removed = match self {
            Self::File(path) => file::withdraw(path),
            Self::SecretsManager { name, account } => aws::secret::withdraw(account, name).await,
            Self::ParameterStore { name, account } => aws::parameter::withdraw(account, name).await,
        };
        removed.map_err(|stop| Stop { sentence: format!("{}: {}", self.public(), stop.sentence), ..stop })
    }

    /// Takes away what is there.
    ///
    /// # Errors
    ///
    /// The place cannot be written.
    pub async fn remove(&self) -> Result<(), Stop> {
        let removed = match self {
            Self::File(path) => file::remove(path),
            Self::SecretsManager { name, account } => aws::secret::remove(account, name).await,
            Self::ParameterStore { name, account } => aws::parameter::remove(account, name).await,
        };
        removed.map_err(|stop| Stop { sentence: format!("{self}: {}", stop.sentence), ..stop })
    }
}
