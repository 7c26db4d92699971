//! A file as it was seen, so that another program's change is noticed.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

/// A file as it was seen.
pub(super) struct Seen {
    pub(super) bytes: Vec<u8>,
    pub(super) metadata: Option<Metadata>,
}

impl Seen {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        match File::open(path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(Self { bytes, metadata: Some(file.metadata()?) })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { bytes: Vec::new(), metadata: None })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_still(&self, path: &Path) -> std::io::Result<bool> {
        let now = Self::of(path)?;
        let same_file = match (&self.metadata, &now.metadata) {
            (Some(one), Some(other)) => same(one, other),
            (None, None) => true,
            _ => false,
        };
        Ok(same_file && now.bytes == self.bytes)
    }
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(one: &Metadata, other: &Metadata) -> bool {
    one.modified().ok() == other.modified().ok()
}
