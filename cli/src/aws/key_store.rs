//! Where the 32 bytes of the data key are kept.
//!
//! Only the key is in the operating system's store: Windows' takes 2,560 bytes at most, and
//! a session of AWS is longer.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::files::Place;
use super::vault::DataKey;
use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;

/// Begins the key's file.
const MAGIC: &[u8] = b"ODACK1\n";

/// The name under which a passphrase seals the key.
const SEALED_AS: &str = "key.bin";

const SALT: usize = 16;

/// Argon2id: 64 MiB, three passes, one lane (RFC 9106, section 4, second choice).
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// The key in its file.
pub(super) enum KeyFile {
    /// As it is.
    Plain(DataKey),
    /// Sealed by a passphrase: salt, and the sealed key.
    Sealed([u8; SALT], Vec<u8>),
}

impl KeyFile {
    /// The file's bytes for a key; an empty passphrase is none.
    pub(super) fn make(key: &DataKey, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if passphrase.is_empty() {
            return Ok(Zeroizing::new([MAGIC, b"0", &key.0].concat()));
        }
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| Failure::new(Exit::Store, "the system gives no random bytes"))?;
        let sealed = derived(passphrase, &salt)?.seal(SEALED_AS, &key.0)?;
        Ok(Zeroizing::new([MAGIC, b"1", &salt, &sealed].concat()))
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.strip_prefix(MAGIC)?.split_first()?;
        match kind {
            b'0' => Some(Self::Plain(DataKey(rest.try_into().ok()?))),
            b'1' => {
                let (salt, sealed) = rest.split_at_checked(SALT)?;
                Some(Self::Sealed(salt.try_into().ok()?, sealed.to_vec()))
            }
            _ => None,
        }
    }

    /// The key; asks for the passphrase, three times at most.
    pub(super) fn open(self, terminal: &mut Terminal) -> Result<DataKey, Failure> {
        let (salt, sealed) = match self {
            Self::Plain(key) => return Ok(key),
            Self::Sealed(salt, sealed) => (salt, sealed),
        };
        for _ in 0..3 {
            let passphrase = Zeroizing::new(terminal.ask_secret("Passphrase of `okta-dac aws`")?);
            let opened = derived(&passphrase, &salt)?.open(SEALED_AS, &sealed);
            if let Some(key) = opened.and_then(|key| key.as_slice().try_into().ok()) {
                return Ok(DataKey(key));
            }
            terminal.show("This is not the passphrase.");
        }
        Err(Failure::new(Exit::Store, "the passphrase is wrong")
            .hint("`okta-dac aws logout --all` forgets everything, `okta-dac aws init` begins anew"))
    }
}

fn derived(passphrase: &str, salt: &[u8]) -> Result<DataKey, Failure> {
    let defect = |error: argon2::Error| Failure::defect(error.to_string());
    let parameters = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(defect)?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(defect)?;
    Ok(DataKey(key))
}

/// The name of the key: one for each folder of state.
fn name(place: &Place) -> String {
    format!("okta-dac:{}", place.folder().display())
}

/// The key, if the operating system's store has it.
#[cfg(target_os = "linux")]
pub(super) fn get(place: &Place) -> Result<Option<DataKey>, Failure> {
    let ring = ring()?;
    let Ok(found) = ring.search(&name(place)) else { return Ok(None) };
    let bytes = found.read_to_vec().map(Zeroizing::new).map_err(unusable)?;
    Ok(bytes.as_slice().try_into().ok().map(DataKey))
}

/// Keeps the key until the next restart.
#[cfg(target_os = "linux")]
pub(super) fn put(place: &Place, key: &DataKey) -> Result<(), Failure> {
    ring()?.add_key(&name(place), &key.0).map(|_| ()).map_err(unusable)
}

/// Takes the key out of the store.
#[cfg(target_os = "linux")]
pub(super) fn remove(place: &Place) {
    if let Ok(ring) = ring()
        && let Ok(found) = ring.search(&name(place))
    {
        let _ = found.invalidate();
    }
}

#[cfg(target_os = "linux")]
fn ring() -> Result<linux_keyutils::KeyRing, Failure> {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    let user = KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(unusable)?;
    // A session without the user's ring cannot read what it adds to that ring.
    let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false).map_err(unusable)?;
    let _ = session.link_keyring_id(KeyRingIdentifier::User);
    Ok(user)
}

#[cfg(target_os = "linux")]
fn unusable(error: linux_keyutils::KeyError) -> Failure {
    Failure::new(Exit::Store, "the kernel's keyring cannot be used here")
        .hint("`okta-dac aws init --store file` keeps the key in a file for you alone")
        .detail(format!("{error:?}"))
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::*;

    fn entry(place: &Place) -> Result<keyring::Entry, Failure> {
        keyring::Entry::new("okta-dac", &name(place)).map_err(|error| {
            Failure::new(Exit::Store, "the store of the operating system cannot be used")
                .hint("`okta-dac aws init --store file` keeps the key in a file for you alone")
                .detail(error.to_string())
        })
    }

    /// The key, if the operating system's store has it.
    pub(in super::super) fn get(place: &Place) -> Result<Option<DataKey>, Failure> {
        let bytes = entry(place)?.get_secret().ok().map(Zeroizing::new);
        Ok(bytes.and_then(|bytes| bytes.as_slice().try_into().ok()).map(DataKey))
    }

    /// Keeps the key.
    pub(in super::super) fn put(place: &Place, key: &DataKey) -> Result<(), Failure> {
        entry(place)?.set_secret(&key.0).map_err(|error| Failure::new(Exit::Store, error.to_string()))
    }

    /// Takes the key out of the store.
    pub(in super::super) fn remove(place: &Place) {
        let _ = entry(place).map(|entry| entry.delete_credential());
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) use other::{get, put, remove};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_needed_for_what_it_sealed() {
        let key = DataKey::random().unwrap();
        let plain = KeyFile::make(&key, "").unwrap();
        assert!(matches!(KeyFile::parse(&plain), Some(KeyFile::Plain(of)) if of.0 == key.0));
        let sealed = KeyFile::make(&key, "correct horse").unwrap();
        assert!(!sealed.windows(32).any(|window| window == key.0));
        let Some(KeyFile::Sealed(salt, text)) = KeyFile::parse(&sealed) else { panic!("sealed") };
        assert!(derived("wrong", &salt).unwrap().open(SEALED_AS, &text).is_none());
        assert_eq!(
            derived("correct horse", &salt).unwrap().open(SEALED_AS, &text).unwrap().as_slice(),
            key.0
        );
        let asked = KeyFile::parse(&sealed).unwrap().open(&mut Terminal::new(false));
        assert!(matches!(asked, Err(failure) if failure.exit == Exit::PersonNeeded));
        assert!(KeyFile::parse(b"ODACK1\n2").is_none());
    }
}
