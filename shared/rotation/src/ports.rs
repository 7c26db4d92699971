//! What a rotation needs: of Okta, and of whoever remembers failed sign-ins.

use std::sync::atomic::{AtomicU8, Ordering};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::end::Code;
use crate::facts::{Admin, Proof, Said};

/// A user as Okta has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// The name that it signs in with.
    pub login: String,
    /// Okta's word.
    pub status: String,
    /// Who has the password (schema `AuthenticationProviderType`): `OKTA`, `IMPORT`,
    /// `ACTIVE_DIRECTORY`, `LDAP`, `FEDERATION`, `SOCIAL`.
    pub provider: String,
    /// Okta is changing the status.
    pub is_changing: bool,
    /// When the password last changed.
    pub password_changed: Option<Timestamp>,
}

/// Why something could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// How the run ends.
    pub code: Code,
    /// Okta's id of the error.
    pub error_id: Option<String>,
}

/// What a call that changes something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// In words of a rotation.
    pub said: Said,
    /// Okta's id of the error.
    pub error_id: Option<String>,
}

/// The org.
pub trait Okta: Sync {
    /// The user of an id or a login, whatever its case (`getUser`).
    fn read(&self, user: &str) -> impl Future<Output = Result<Option<Account>, Trouble>> + Send;

    /// Ids of the users with an e-mail address, two at most (`listUsers`).
    fn find(&self, email: &str) -> impl Future<Output = Result<Vec<String>, Trouble>> + Send;

    /// Whether a user has an admin role (`listAssignedRolesForUser`).
    fn roles(&self, id: &str) -> impl Future<Output = Admin> + Send;

    /// Unlocks (`unlockUser`).
    fn unlock(&self, id: &str) -> impl Future<Output = Reply> + Send;

    /// Changes (`changePassword`).
    fn change(&self, id: &str, old: &SecretString, new: &SecretString) -> impl Future<Output = Reply> + Send;

    /// Sets, as an admin (`updateUser`): a new one, which the policy may look at as it is
    /// configured, or the one before, which it lets through.
    fn set(&self, id: &str, password: &SecretString, is_new: bool) -> impl Future<Output = Reply> + Send;

    /// Signs in.
    fn probe(&self, login: &str, password: &SecretString) -> impl Future<Output = Proof> + Send;
}

/// Failed sign-ins of one user, across runs.
pub trait Attempts: Sync {
    /// How many are left in this hour.
    fn left(&self) -> impl Future<Output = Result<u8, Trouble>> + Send;

    /// One more failed.
    fn failed(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// A password was proven: Okta begins to count anew.
    fn proven(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Okta said that an admin's right set the password of this version of the secret, when
    /// no failed sign-in was left to prove it with.
    fn note_set(&self, version: &str) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Whether [`Attempts::note_set`] noted this version.
    fn is_set(&self, version: &str) -> impl Future<Output = Result<bool, Trouble>> + Send;
}

/// Two failed sign-ins per run, and nobody who remembers them afterwards.
#[derive(Debug, Default)]
pub struct PerRun(AtomicU8);

impl Attempts for PerRun {
    async fn left(&self) -> Result<u8, Trouble> {
        Ok(2_u8.saturating_sub(self.0.load(Ordering::Relaxed)))
    }

    async fn failed(&self) -> Result<(), Trouble> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn proven(&self) -> Result<(), Trouble> {
        self.0.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// One process takes all steps, and knows by itself what it proved.
    async fn note_set(&self, _version: &str) -> Result<(), Trouble> {
        Ok(())
    }

    async fn is_set(&self, _version: &str) -> Result<bool, Trouble> {
        Ok(false)
    }
}
