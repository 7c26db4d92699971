//! Secrets Manager, as a rotation needs it. The port and what it says are here;
//! `secrets_manager` is the port by the AWS SDK.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use zeroize::Zeroizing;

/// The label of the version that readers get.
pub const CURRENT: &str = "AWSCURRENT";

/// The label of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// The label of the version that a rotation makes.
pub const PENDING: &str = "AWSPENDING";

/// What a secret says of itself (`DescribeSecret`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Rotation is switched on.
    pub rotates: bool,
    /// The labels of each version that has some.
    pub labels: BTreeMap<String, BTreeSet<String>>,
}

impl Described {
    /// Whether a version has a label.
    pub fn has(&self, version: &str, label: &str) -> bool {
        self.labels.get(version).is_some_and(|labels| labels.contains(label))
    }

    /// The versions with a label; more than one is not as AWS says.
    pub fn with(&self, label: &str) -> Vec<&str> {
        let with = self.labels.iter().filter(|(_, labels)| labels.contains(label));
        with.map(|(version, _)| version.as_str()).collect()
    }
}

/// A version of a secret (`GetSecretValue`).
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// Id of the version.
    pub version: String,
    /// The text.
    pub text: Zeroizing<String>,
    /// When the version was made.
    pub created: Option<Timestamp>,
}

/// What came of writing a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Done,
    /// The version has another value already (`ResourceExistsException`).
    Exists,
}

/// A call of Secrets Manager failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Secrets Manager: {message}")]
pub struct VaultError {
    /// What the service says, which has no secret.
    pub message: String,
    /// The same call may succeed later.
    pub retryable: bool,
}

/// Secrets Manager.
pub trait Vault: Sync {
    /// `DescribeSecret`.
    fn describe(&self, secret: &str) -> impl Future<Output = Result<Described, VaultError>> + Send;

    /// `GetSecretValue`: of a version with a label; `None` if there is none, or it is empty.
    fn value(
        &self,
        secret: &str,
        version: Option<&str>,
        label: &str,
    ) -> impl Future<Output = Result<Option<Value>, VaultError>> + Send;

    /// `PutSecretValue`, with the version's id and the label: left out, the SDK makes an id up,
    /// and AWS takes the label of the version in use.
    fn put(
        &self,
        secret: &str,
        version: &str,
        label: &str,
        text: &str,
    ) -> impl Future<Output = Result<Put, VaultError>> + Send;

    /// `UpdateSecretVersionStage`: moves a label, or takes it away. A label that is there, or
    /// gone, already is a success.
    fn label(
        &self,
        secret: &str,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> impl Future<Output = Result<(), VaultError>> + Send;
}
