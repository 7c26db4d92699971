//! Profiles in AWS's files: one for each role, written and taken out by us alone.

use std::collections::BTreeMap;
use std::fs::{Metadata, OpenOptions};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::seen::Seen;
use super::files::{self, Lock};
use super::ini::{Document, Put, Section, Written};
use super::settings::DEFAULT_ORG;
use crate::environment::{Environment, Folders};
use crate::failure::{Exit, Failure};

/// Begins the comment that makes a section ours.
pub const MARK: &str = "# okta-dac:";

/// The command of the predecessor, whose profiles are ours as well.
const PREDECESSOR: &str = "okta-aws-cred-helper";

/// How often a file is read anew that others change meanwhile.
const TRIES: usize = 5;

/// A file of profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFile {
    /// Where it is.
    pub path: PathBuf,
    /// `[profile NAME]` in the config file, `[NAME]` in the credentials file.
    prefixed: bool,
    /// The credentials file beside a config file: keys in it win over a command, for some of
    /// AWS's tools.
    beside: Option<PathBuf>,
}

/// In the comment, before the name of an org that is not the default one.
const ORG: &str = "org=";

/// Whose a profile of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// ARN of the role.
    pub role: String,
    /// Name of the org that grants the role.
    pub org: String,
    /// The region that somebody gave the profile.
    pub region: Option<String>,
}

/// A profile to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// ARN of the role.
    pub role: String,
    /// Name of the org that grants the role.
    pub org: String,
    /// Written only when the profile is made.
    pub region: Option<String>,
    /// What it has.
    pub content: Content,
}

/// What a profile has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The command that gives credentials.
    Process(String),
    /// Credentials themselves: access key id, secret access key, session token, end.
    Static([String; 4]),
}

const PROCESS: &str = "credential_process";
const STATIC: [&str; 4] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "x_security_token_expires"];

/// Keys whose values are secrets; the last one is that of older tools.
const SECRET: [&str; 3] = ["aws_secret_access_key", "aws_session_token", "aws_security_token"];

/// What an edit does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Profiles that are new.
    pub added: Vec<String>,
    /// Profiles that were rewritten.
    pub changed: Vec<String>,
    /// Profiles that were taken out: their role was withdrawn.
    pub removed: Vec<String>,
}

/// An edit that was made, or would be.
#[derive(Debug)]
pub struct Edit {
    /// What it does to profiles.
    pub changes: Changes,
    /// The file before it.
    pub before: Vec<u8>,
    /// The file after it.
    pub after: Vec<u8>,
}

impl Edit {
    /// The lines that differ, as a unified diff without lines of others; values of keys are
    /// not shown, however a key is written.
    pub fn diff(&self) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let lines = text.split_inclusive('\n').map(|line| {
                let key = line.split_once(['=', ':']).map(|(key, _)| key.trim());
                let is_secret = |key: &&str| SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(key));
                match key.filter(is_secret) {
                    Some(key) => format!("{key} = …\n"),
                    None => line.to_owned(),
                }
            });
            lines.collect::<String>()
        };
        let (before, after) = (text(&self.before), text(&self.after));
        similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(0).to_string()
    }
}

impl ProfileFile {
    /// The file that a command means: the credentials file if an option names it, else the
    /// config file.
    pub fn find(
        environment: &Environment,
        folders: &Folders,
        config: Option<&Path>,
        credentials: Option<&Path>,
    ) -> Self {
        let absolute = |path: &Path| {
            let path = environment.expand(&path.to_string_lossy());
            std::path::absolute(&path).unwrap_or(path)
        };
        if let Some(path) = credentials {
            return Self { path: absolute(path), prefixed: false, beside: None };
        }
        let given = config.map(absolute).or_else(|| environment.path("AWS_CONFIG_FILE"));
        let path = given.unwrap_or_else(|| folders.home.join(".aws").join("config"));
        let beside = environment.path("AWS_SHARED_CREDENTIALS_FILE");
        let beside = beside.unwrap_or_else(|| folders.home.join(".aws").join("credentials"));
        Self { path: std::path::absolute(&path).unwrap_or(path), prefixed: true, beside: Some(beside) }
    }

    /// The header of a profile: as it is in the file, or as it is to be.
    fn section(&self, document: &Document, name: &str) -> String {
        let known = document.sections().iter().find(|section| self.name(&section.name) == Some(name));
        if let Some(section) = known {
            return section.name.clone();
        }
        if self.prefixed && name != "default" { format!("profile {name}") } else { name.to_owned() }
    }

    fn name<'a>(&self, section: &'a str) -> Option<&'a str> {
        match section.strip_prefix("profile") {
            Some(rest) if self.prefixed && rest.starts_with([' ', '\t']) => Some(rest.trim()),
            _ if self.prefixed => (section == "default").then_some(section),
            _ => Some(section),
        }
    }

    /// Whose a section of ours is.
    fn owner(document: &Document, section: &Section) -> Option<Owner> {
        let region = document.value(section, "region").map(str::to_owned);
        if let Some(text) = document.comment(section, MARK) {
            let mut words = text.split_whitespace();
            let role = words.next()?.to_owned();
            let org = words.find_map(|word| word.strip_prefix(ORG)).unwrap_or(DEFAULT_ORG).to_owned();
            return Some(Owner { role, org, region });
        }
        let command = document.value(section, PROCESS).filter(|command| command.contains(PREDECESSOR))?;
        let (_, rest) = command.split_once("--role-arn")?;
        let quoted = rest.split('"').find(|word| word.starts_with("arn:"));
        let role = quoted.or_else(|| rest.split_whitespace().next())?.to_owned();
        Some(Owner { role, org: DEFAULT_ORG.to_owned(), region })
    }

    /// Our profiles, by name, with the role of each.
    ///
    /// # Errors
    ///
    /// [`Exit::File`].
    pub fn own(&self) -> Result<BTreeMap<String, Owner>, Failure> {
        let document = self.read()?;
        Ok(self.own_in(&document))
    }

    fn own_in(&self, document: &Document) -> BTreeMap<String, Owner> {
        let sections = document.sections().iter().filter_map(|section| {
            Some((self.name(&section.name)?.to_owned(), Self::owner(document, section)?))
        });
        sections.collect()
    }

    /// Names of profiles that are others'.
    ///
    /// # Errors
    ///
    /// [`Exit::File`].
    pub fn others(&self) -> Result<Vec<String>, Failure> {
        let document = self.read()?;
        let own = self.own_in(&document);
        let names = document.sections().iter().filter_map(|section| self.name(&section.name));
        Ok(names.filter(|name| !own.contains_key(*name)).map(str::to_owned).collect())
    }

    fn read(&self) -> Result<Document, Failure> {
        let bytes = std::fs::read(&self.path).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(self.failed(&error)),
        })?;
        let document = Document::new(bytes);
        document.check().map_err(|damage| {
            Failure::new(Exit::File, format!("{}: {damage}", self.path.display()))
                .hint("mend the file by hand; nothing was changed")
        })?;
        Ok(document)
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::new(Exit::File, format!("{} cannot be edited: {error}", self.path.display()))
            .hint("nothing was changed")
    }

    /// Writes profiles, and takes ours out whose role is in `withdrawn`. Other bytes stay.
    /// With `dry`, nothing is written.
    ///
    /// # Errors
    ///
    /// [`Exit::File`], with no byte changed.
    pub fn edit(
        &self,
        profiles: &[Profile],
        withdrawn: &dyn Fn(&Owner) -> bool,
        replace_static: bool,
        dry: bool,
        deadline: Instant,
    ) -> Result<Edit, Failure> {
        let path = self.target()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let _lock = if dry {
            None
        } else {
            // Where our own files cannot be written, secrets cannot be kept; here an edit is not safe.
            let unusable = |failure: Failure| match failure.exit {
                Exit::Store => Failure { exit: Exit::File, ..failure }.hint("nothing was changed"),
                _ => failure,
            };
            files::make_folder(folder).map_err(unusable)?;
            let lock = Lock::take(&folder.join(".okta-dac.lock"), deadline).map_err(unusable)?;
            sweep(folder);
            Some(lock)
        };
        for _ in 0..TRIES {
            let before = Seen::of(&path).map_err(|error| self.failed(&error))?;
            let mut document = self.read()?;
            if before.bytes != document.bytes() {
                continue;
            }
            let changes = self.apply(&mut document, profiles, withdrawn, replace_static)?;
            let same = document.bytes() == before.bytes;
            if dry || same || self.write(&path, &before, document.bytes())? {
                return Ok(Edit { changes, before: before.bytes, after: document.bytes().to_vec() });
            }
        }
        Err(Failure::new(Exit::File, format!("{} is being changed by another program", self.path.display()))
            .hint("nothing was changed; try again"))
    }

    /// The file that a link leads to: the link stays.
    fn target(&self) -> Result<PathBuf, Failure> {
        match std::fs::canonicalize(&self.path) {
            Ok(path) => Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.path.is_symlink() => {
                Ok(self.path.clone())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn apply(
        &self,
        document: &mut Document,
        profiles: &[Profile],
        withdrawn: &dyn Fn(&Owner) -> bool,
        replace_static: bool,
    ) -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        for (name, owner) in self.own_in(document) {
            if withdrawn(&owner) && !profiles.iter().any(|profile| profile.name == name) {
                changes.removed.push(name);
            }
        }
        let beside =
            self.beside.as_ref().and_then(|path| Some((path, Document::new(std::fs::read(path).ok()?))));
        let mut puts = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let name = self.section(document, &profile.name);
            if let Some(section) = document.section(&name) {
                self.may_write(document, section, profile, replace_static)?;
            }
            if let (Some((path, other)), Content::Process(_)) = (&beside, &profile.content)
                && let Some(section) = other.section(&profile.name)
                && STATIC.iter().any(|key| other.value(section, key).is_some())
            {
                let place = format!("{} line {}", path.display(), section.line);
                let sentence = format!("{place}: keys of `{}` would win over its command", profile.name);
                return Err(
                    Failure::new(Exit::File, sentence).hint("take that section out; nothing was changed")
                );
            }
            let mut keys = Vec::new();
            match &profile.content {
                Content::Process(command) => {
                    keys.push((PROCESS, Some(command.as_str())));
                    keys.extend(STATIC.iter().filter(|_| replace_static).map(|key| (*key, None)));
                }
                Content::Static(values) => {
                    keys.push((PROCESS, None));
                    keys.extend(STATIC.iter().zip(values).map(|(key, value)| (*key, Some(value.as_str()))));
                }
            }
            let once = profile.region.iter().map(|region| ("region", region.as_str())).collect();
            let org =
                if profile.org == DEFAULT_ORG { String::new() } else { format!(" {ORG}{}", profile.org) };
            puts.push(Put { name, comment: format!("{MARK} {}{org}", profile.role), keys, once });
        }
        let removed: Vec<String> = changes.removed.iter().map(|name| self.section(document, name)).collect();
        for (written, profile) in document.apply(&removed, &puts).into_iter().zip(profiles) {
            match written {
                Written::New => changes.added.push(profile.name.clone()),
                Written::Changed => changes.changed.push(profile.name.clone()),
                Written::Same => {}
            }
        }
        document
            .check()
            .map_err(|damage| Failure::defect(format!("the edit would damage the file: {damage}")))?;
        Ok(changes)
    }

    /// A profile with keys of its own is not overwritten: for some SDKs they would win.
    fn may_write(
        &self,
        document: &Document,
        section: &Section,
        profile: &Profile,
        replace_static: bool,
    ) -> Result<(), Failure> {
        let refuse = |why: &str| {
            let place = format!("{} line {}", self.path.display(), section.line);
            Err(Failure::new(Exit::File, format!("{place}: the profile `{}` {why}", profile.name)))
        };
        if Self::owner(document, section).is_none() {
            return refuse("is not ours")
                .map_err(|failure: Failure| failure.hint("`--profile-template` gives other names"));
        }
        let has_keys = document.value(section, STATIC[0]).is_some();
        if has_keys && !replace_static && matches!(profile.content, Content::Process(_)) {
            return refuse("has keys of its own, which some of AWS's tools would prefer")
                .map_err(|failure: Failure| failure.hint("`--replace-static` takes them out"));
        }
        Ok(())
    }

    /// Puts the new file in the old one's place, if that is still as it was seen.
    fn write(&self, path: &Path, before: &Seen, bytes: &[u8]) -> Result<bool, Failure> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let write = || -> std::io::Result<bool> {
            if before.metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
                return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it is read-only"));
            }
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
            file.write_all(bytes)?;
            if let Some(metadata) = &before.metadata {
                file.as_file().set_permissions(self.mode(metadata, bytes))?;
            }
            file.as_file().sync_all()?;
            if !before.is_still(path)? {
                return Ok(false);
            }
            match file.persist(path) {
                Ok(_) => {}
                // A file that is mounted alone cannot be replaced.
                Err(error) if error.error.raw_os_error() == Some(BUSY) => {
                    crate::warn(&format!(
                        "{} cannot be replaced, and is overwritten: a crash now would leave a part of it",
                        path.display()
                    ));
                    in_place(path, before, bytes)?;
                }
                Err(error) => return Err(error.error),
            }
            files::sync_folder(folder)?;
            Ok(true)
        };
        write().map_err(|error| self.failed(&error))
    }

    /// The old mode; of a file that has keys no wider than for its owner.
    #[cfg(unix)]
    fn mode(&self, metadata: &Metadata, bytes: &[u8]) -> std::fs::Permissions {
        use std::os::unix::fs::PermissionsExt;
        let keys = STATIC[1].as_bytes();
        let secret = !self.prefixed || bytes.windows(keys.len()).any(|window| window == keys);
        std::fs::Permissions::from_mode(metadata.permissions().mode() & if secret { 0o600 } else { 0o777 })
    }

    #[cfg(not(unix))]
    fn mode(&self, metadata: &Metadata, _: &[u8]) -> std::fs::Permissions {
        metadata.permissions()
    }
}

/// Names of files that are being written begin so.
const TEMPORARY: &str = ".okta-dac-";

/// `EBUSY`.
const BUSY: i32 = 16;

/// Overwrites a file that cannot be replaced, after a copy beside it.
fn in_place(path: &Path, before: &Seen, bytes: &[u8]) -> std::io::Result<()> {
    let _whole = crate::interrupt::hold();
    let copy = path.with_extension("okta-dac-backup");
    files::replace(&copy, &before.bytes).map_err(|failure| std::io::Error::other(failure.sentence))?;
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()?;
    std::fs::remove_file(copy)
}

/// Takes away what killed edits left: under the lock nobody is writing.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A word of `credential_process`, quoted so that a shell, Python's shlex and Windows'
/// `cmd.exe` read the same.
///
/// # Errors
///
/// [`Exit::File`]: no quoting means the same to all of them.
pub fn quoted(word: &str) -> Result<String, Failure> {
    let bad = if cfg!(windows) { "\"`$%!\n" } else { "\"`$\\\n" };
    let comment =
        word.as_bytes().windows(2).any(|pair| b" \t".contains(&pair[0]) && b"#;".contains(&pair[1]));
    if let Some(c) = word.chars().find(|c| bad.contains(*c)) {
        return Err(Failure::new(
            Exit::File,
            format!("`{word}` cannot stand in a profile: AWS's tools read {c:?} differently"),
        )
        .hint("install the program, or keep its folder, under a path without it"));
    }
    if comment {
        let sentence =
            format!("`{word}` cannot stand in a profile: some of AWS's tools would take a part as a comment");
        return Err(Failure::new(Exit::File, sentence));
    }
    Ok(format!("\"{word}\""))
}

mod seen;
#[cfg(test)]
mod tests;
