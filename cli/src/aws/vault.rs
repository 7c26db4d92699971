//! Secrets on disk, encrypted; and the key, which is in the operating system's store.
//!
//! A sealed file is `ODAC1\n`, a random nonce of 12 bytes, and the ciphertext and tag of
//! one JSON object: AES-256-GCM-SIV, of which a repeated nonce gives away no more than that
//! two files are equal (RFC 8452). The file's name and the user's id are bound to it, so
//! that files cannot be swapped. What cannot be opened counts as absent.
//!
//! | store | where the key is |
//! |---|---|
//! | `keyring` | the kernel's keyring; after a restart from `key.bin`, by a passphrase (Argon2id) |
//! | `file` | `key.bin`, for its owner alone: it protects copies, not against the same user |
//! | `plaintext` | there is none: files are `ODAC0\n` and JSON |

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::files::{self, Place};
use super::key_store::{self, KeyFile};
use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;

const SEALED: &[u8] = b"ODAC1\n";
const PLAIN: &[u8] = b"ODAC0\n";

/// The file of the key.
pub(super) const KEY_FILE: &str = "key.bin";

/// Where the key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// The operating system's store.
    Keyring,
    /// A file for its owner alone.
    #[default]
    File,
    /// Nothing is encrypted.
    Plaintext,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Plaintext => "plaintext",
        })
    }
}

/// The key of every sealed file.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey(pub(super) [u8; 32]);

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`]: the system has no randomness.
    pub fn random() -> Result<Self, Failure> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| no_randomness())?;
        Ok(Self(key))
    }

    fn cipher(&self) -> Result<LessSafeKey, Failure> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &self.0);
        key.map(LessSafeKey::new).map_err(|_| Failure::defect("the key has a wrong length"))
    }

    /// Encrypts; `name` must be the same when it is opened.
    pub(super) fn seal(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| no_randomness())?;
        let mut text = Zeroizing::new(plain.to_vec());
        let sealed = self.cipher()?.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound(name)),
            &mut text,
        );
        let tag = sealed.map_err(|_| Failure::defect("a secret cannot be encrypted"))?;
        Ok([SEALED, &nonce, &text, tag.as_ref()].concat())
    }

    /// Decrypts; [`None`] for what this key did not make under this name.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let rest = sealed.strip_prefix(SEALED)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce.try_into().ok()?);
        let plain = self.cipher().ok()?.open_in_place(nonce, Aad::from(bound(name)), &mut text).ok()?.len();
        text.truncate(plain);
        Some(text)
    }
}

/// What a sealed file is bound to.
fn bound(name: &str) -> Vec<u8> {
    #[cfg(unix)]
    let user = rustix::process::getuid().as_raw();
    #[cfg(not(unix))]
    let user = 0;
    format!("ODAC1{name}{user}").into_bytes()
}

/// 32 hexadecimal digits that nobody can guess.
///
/// # Errors
///
/// [`Exit::Store`]: the system has no randomness.
pub fn random_hex() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn no_randomness() -> Failure {
    Failure::new(Exit::Store, "the system gives no random bytes")
}

/// Sealed files of one user.
pub struct Vault {
    place: Place,
    store: Store,
    key: Option<DataKey>,
}

impl Vault {
    /// Opens what [`Vault::make`] made; [`None`] if there is nothing.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`]; [`Exit::PersonNeeded`] where the passphrase has to be typed.
    pub fn open(place: &Place, store: Store, terminal: &mut Terminal) -> Result<Option<Self>, Failure> {
        let own = |key| Self { place: place.clone(), store, key };
        if store == Store::Plaintext {
            return Ok(Some(own(None)));
        }
        if store == Store::Keyring
            && let Some(key) = key_store::get(place)?
        {
            return Ok(Some(own(Some(key))));
        }
        let Some(bytes) = files::read(&place.file(KEY_FILE))? else { return Ok(None) };
        let file = KeyFile::parse(&bytes).ok_or_else(|| {
            let sentence = format!("{} is damaged", place.file(KEY_FILE).display());
            Failure::new(Exit::Store, sentence).hint("`okta-dac aws logout --all`, then `okta-dac aws init`")
        })?;
        let key = file.open(terminal)?;
        if store == Store::Keyring {
            key_store::put(place, &key)?;
        }
        Ok(Some(own(Some(key))))
    }

    /// Opens what there is, or makes a key; with `anew`, always. A passphrase is asked for
    /// only with the store `keyring`, on the terminal; an empty one is none. Nothing is
    /// written before.
    ///
    /// # Errors
    ///
    /// As [`Vault::open`].
    pub fn make(place: &Place, store: Store, terminal: &mut Terminal, anew: bool) -> Result<Self, Failure> {
        if store == Store::Plaintext {
            return Ok(Self { place: place.clone(), store, key: None });
        }
        if !anew && let Some(vault) = Self::open(place, store, terminal)? {
            return Ok(vault);
        }
        let key = DataKey::random()?;
        let passphrase = match store {
            Store::Keyring if terminal.is_there() => {
                terminal
                    .show("The key of your secrets is kept in the kernel's keyring until the next restart.");
                terminal.ask_secret("Passphrase that brings it back afterwards (empty: none)")?
            }
            _ => String::new(),
        };
        let passphrase = Zeroizing::new(passphrase);
        // Without a passphrase the key lies beside what it seals: that is the store `file`.
        let store = if passphrase.is_empty() { Store::File } else { store };
        if store == Store::Keyring {
            key_store::put(place, &key)?;
        }
        files::replace(&place.file(KEY_FILE), &KeyFile::make(&key, &passphrase)?)?;
        Ok(Self { place: place.clone(), store, key: Some(key) })
    }

    /// What a sealed file has; what cannot be opened counts as absent.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`]: the file is there and cannot be read.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(bytes) = files::read(&self.place.file(name))? else { return Ok(None) };
        let plain = match &self.key {
            Some(key) => key.open(name, &bytes),
            None => bytes.strip_prefix(PLAIN).map(|plain| Zeroizing::new(plain.to_vec())),
        };
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Replaces a sealed file of what can be had again.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn cache<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Failure> {
        files::replace_cached(&self.place.file(name), &self.sealed(name, value)?)
    }

    /// Replaces a sealed file.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Failure> {
        files::replace(&self.place.file(name), &self.sealed(name, value)?)
    }

    fn sealed<T: Serialize>(&self, name: &str, value: &T) -> Result<Vec<u8>, Failure> {
        let plain = serde_json::to_vec(value).map_err(|error| Failure::defect(error.to_string()))?;
        let plain = Zeroizing::new(plain);
        match &self.key {
            Some(key) => key.seal(name, &plain),
            None => Ok([PLAIN, &plain].concat()),
        }
    }

    /// Where the key is.
    pub fn store(&self) -> Store {
        self.store
    }
}

/// Takes away what another store than this one has of a key.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn forget_other_keys(place: &Place, store: Store) -> Result<(), Failure> {
    if store != Store::Keyring {
        key_store::remove(place);
    }
    if store == Store::Plaintext { files::remove(&place.file(KEY_FILE)) } else { Ok(()) }
}

/// Forgets the key: nothing that it sealed can be opened any more.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn forget_key(place: &Place) -> Result<(), Failure> {
    key_store::remove(place);
    files::remove(&place.file(KEY_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opens_under_its_own_name_alone() {
        let key = DataKey::random().unwrap();
        let sealed = key.seal("session.bin", b"secret").unwrap();
        assert_eq!(&**key.open("session.bin", &sealed).unwrap(), b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert!(key.open("other.bin", &sealed).is_none());
        assert!(DataKey::random().unwrap().open("session.bin", &sealed).is_none());
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(key.open("session.bin", &damaged).is_none(), "byte {index}");
            assert!(key.open("session.bin", &sealed[..index]).is_none());
        }
    }

    #[test]
    fn what_cannot_be_opened_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let mut terminal = Terminal::new(false);
        assert!(Vault::open(&place, Store::File, &mut terminal).unwrap().is_none());
        let vault = Vault::make(&place, Store::File, &mut terminal, false).unwrap();
        vault.write("a.bin", &"text").unwrap();
        let again = Vault::open(&place, Store::File, &mut terminal).unwrap().unwrap();
        assert_eq!(again.read::<String>("a.bin").unwrap().unwrap(), "text");
        assert_eq!(again.read::<u32>("a.bin").unwrap(), None, "of another shape");
        std::fs::copy(place.file("a.bin"), place.file("b.bin")).unwrap();
        assert_eq!(again.read::<String>("b.bin").unwrap(), None, "swapped");
        forget_key(&place).unwrap();
        let other = Vault::make(&place, Store::File, &mut terminal, false).unwrap();
        assert_eq!(other.read::<String>("a.bin").unwrap(), None, "under the old key");
    }
}
