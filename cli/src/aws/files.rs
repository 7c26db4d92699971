//! Files that nobody sees half-written, and locks between processes.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::failure::{Exit, Failure};

/// A file of ours that cannot be used.
fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Store, format!("{} cannot be used: {error}", path.display()))
}

/// Makes a folder, with those above it, for its owner alone.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| failed(path, &error))
}

/// What a file has; [`None`] if there is none.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Replaces a file at once, for its owner alone: a reader sees the old or the new one, also
/// after a crash.
///
/// # Errors
///
/// [`Exit::Store`]; the old file is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace_as(path, bytes, true)
}

/// The same for what can be had again: a crash of the machine may take the file, and a
/// sealed file that is cut off counts as absent.
///
/// # Errors
///
/// [`Exit::Store`]; the old file is as it was.
pub fn replace_cached(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace_as(path, bytes, false)
}

fn replace_as(path: &Path, bytes: &[u8], lasting: bool) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let write = || -> std::io::Result<()> {
        // 0600, under a name that did not exist.
        let mut file = tempfile::Builder::new().prefix(".okta-dac-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        if lasting {
            file.as_file().sync_all()?;
        }
        file.persist(path)?;
        if lasting { sync_folder(folder) } else { Ok(()) }
    };
    write().map_err(|error| failed(path, &error))
}

/// Makes a rename last.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes a file, if there is one.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

/// A lock between processes. The kernel frees it when its holder ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// Whether another process had the lock when this one came.
    pub waited: bool,
}

impl Lock {
    /// Takes the lock of this file; waits until `deadline`.
    ///
    /// # Errors
    ///
    /// [`Exit::Busy`] with the id of the process that has the lock; [`Exit::Store`].
    pub fn take(path: &Path, deadline: Instant) -> Result<Self, Failure> {
        make_folder(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| failed(path, &error))?;
        let waited = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => {
                wait(&file, path, deadline)?;
                true
            }
            Err(TryLockError::Error(error)) => return Err(failed(path, &error)),
        };
        let mut lock = Self { _file: file, waited };
        lock.sign();
        Ok(lock)
    }

    /// Leaves the process's id for those who wait.
    fn sign(&mut self) {
        let file = &mut self._file;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
    }
}

/// Waits for a lock in a thread of its own: the kernel knows no time limit for it.
fn wait(file: &File, path: &Path, deadline: Instant) -> Result<(), Failure> {
    let (done, told) = mpsc::channel();
    let waiting = file.try_clone().map_err(|error| failed(path, &error))?;
    // Where the time is over, the thread ends with the process.
    std::thread::spawn(move || done.send(waiting.lock()));
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    match told.recv_timeout(left) {
        Ok(result) => result.map_err(|error| failed(path, &error)),
        Err(_) => {
            let holder = holder(path).map_or_else(String::new, |pid| format!(" (process {pid})"));
            Err(Failure::new(Exit::Busy, format!("another `okta-dac aws`{holder} is still at work"))
                .hint("`--timeout` says how long to wait"))
        }
    }
}

fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(path).ok()?.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Where the state of `aws` is.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// In this folder.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("aws") }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of what is in it.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        match std::fs::read_dir(&self.folder) {
            Ok(entries) => {
                Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(&self.folder, &error)),
        }
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn who_waits_too_long_is_told_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::take(&path, Instant::now()).unwrap();
        assert!(!held.waited);
        let late = Lock::take(&path, Instant::now()).unwrap_err();
        assert_eq!(late.exit, Exit::Busy);
        assert!(late.sentence.contains(&std::process::id().to_string()), "{late}");
        let waiting = {
            let path = path.clone();
            std::thread::spawn(move || {
                Lock::take(&path, Instant::now() + Duration::from_secs(60)).unwrap().waited
            })
        };
        // Freed before or after the other thread comes: it gets the lock.
        drop(held);
        waiting.join().unwrap();
    }
}
