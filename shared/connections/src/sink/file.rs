//! A file for its owner alone.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::stop::{Code, Stop};
use crate::stored::Stored;

pub(super) fn read(path: &Path) -> Result<Option<Stored>, Stop> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    check_mode(path)?;
    Stored::parse(&text).map(Some)
}

/// Whether the file was made.
pub(super) fn write(path: &Path, stored: &Stored) -> Result<bool, Stop> {
    let made = !path.exists();
    if made && *stored == Stored::default() {
        return Ok(false);
    }
    replace(path, &stored.text()?, 0o600)?;
    Ok(made)
}

/// Where the public halves of the keys are.
pub(super) fn public(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".jwks.json");
    name.into()
}

pub(super) fn publish(path: &Path, document: &str) -> Result<(), Stop> {
    replace(&public(path), document, 0o644)
}

/// Replaces what is there, at once and lastingly.
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), Stop> {
    let folder = folder(path);
    let write = || -> std::io::Result<()> {
        // 0600, under a name that did not exist.
        let mut file = tempfile::Builder::new().prefix(".okta-dac-").tempfile_in(folder)?;
        set_mode(file.path(), mode)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
    };
    write().map_err(|error| failed(path, &error))
}

pub(super) fn remove(path: &Path) -> Result<(), Stop> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn withdraw(path: &Path) -> Result<(), Stop> {
    remove(&public(path))
}

/// What is published beside the credential.
pub(super) fn published(path: &Path) -> Result<Option<String>, Stop> {
    let path = public(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, &error)),
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &std::io::Error) -> Stop {
    Stop::new(Code::Usage, format!("{} cannot be used for a credential: {error}", path.display()))
}

/// A credential that others may read is none any more.
#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), Stop> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_err(|error| failed(path, &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let sentence = format!("{} can be read by others: `chmod 600` it, or name another file", path.display());
    Err(Stop::new(Code::Usage, sentence))
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), Stop> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::sink::Sink;

    use super::*;

    #[tokio::test]
    async fn a_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credential.json");
        let sink: Sink = format!("file:{}", path.display()).parse().unwrap();
        assert_eq!(sink.read().await.unwrap(), None);
        let stored = Stored { client_id: Some("0oa1".to_owned()), ..Stored::default() };
        sink.write(&stored).await.unwrap();
        assert_eq!(sink.read().await.unwrap(), Some(stored));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(sink.read().await.unwrap_err().sentence.contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "{\"s3cret\":1}").unwrap();
        let stop = sink.read().await.unwrap_err();
        assert!(stop.code == Code::Ambiguous && !stop.sentence.contains("s3cret"), "{stop}");
        sink.remove().await.unwrap();
        sink.remove().await.unwrap();
        for bad in ["credential.json", "file:", "s3:x", "secretsmanager:", "ssm:name", "secretsmanager:a b"] {
            assert!(bad.parse::<Sink>().is_err(), "{bad}");
        }
    }
}
