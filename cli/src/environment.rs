//! The variables and folders that a command may see, taken once when the program starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Variables of the process, and where the user's folders are.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// These, for tests.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables }
    }

    /// A variable that is text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(std::ffi::OsStr::new(name))?.to_str().filter(|value| !value.is_empty())
    }

    /// A variable that is a path, with `~` and variables expanded as botocore does it
    /// (`os.path.expanduser`, `os.path.expandvars`).
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(|text| self.expand(text))
    }

    /// All of them.
    pub fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.text("HOME").map(PathBuf::from).or_else(|| etcetera::home_dir().ok()).unwrap_or_default()
    }

    /// A path with `~` and `$NAME` replaced.
    pub fn expand(&self, text: &str) -> PathBuf {
        let text = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", self.home().display())
            }
            _ => text.to_owned(),
        };
        let mut expanded = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let (name, left) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
                Some((name, left)) => (name, left),
                None => {
                    let end =
                        after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            match self.text(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.push_str(&rest[before.len()..rest.len() - left.len()]),
            }
            rest = left;
        }
        expanded.push_str(rest);
        PathBuf::from(expanded)
    }
}

/// The user's folders; `--home` stands for the home folder in each.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The home folder.
    pub home: PathBuf,
    /// Settings: `$XDG_CONFIG_HOME/okta-dac`.
    pub settings: PathBuf,
    /// State: `$XDG_STATE_HOME/okta-dac`.
    pub state: PathBuf,
}

impl Folders {
    /// Those of the user; macOS and Windows have theirs.
    pub fn new(environment: &Environment, home: Option<&Path>) -> Self {
        let own = home.map(|home| std::path::absolute(home).unwrap_or_else(|_| home.to_owned()));
        let (config, state) = if cfg!(windows) {
            ("AppData/Roaming", "AppData/Local")
        } else if cfg!(target_os = "macos") {
            ("Library/Application Support", "Library/Application Support")
        } else {
            (".config", ".local/state")
        };
        let of = |variable: &str, default: &str| {
            let given = environment.path(variable).filter(|path| path.is_absolute() && own.is_none());
            given
                .unwrap_or_else(|| own.clone().unwrap_or_else(|| environment.home()).join(default))
                .join("okta-dac")
        };
        Self {
            settings: of("XDG_CONFIG_HOME", config),
            state: of("XDG_STATE_HOME", state),
            home: own.clone().unwrap_or_else(|| environment.home()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded_as_botocore_does_it() {
        let environment =
            Environment::of([("HOME", "/users/a"), ("X", "y"), ("AWS_CONFIG_FILE", "~/c/$X/${X}z/$NONE")]);
        assert_eq!(environment.path("AWS_CONFIG_FILE").unwrap(), Path::new("/users/a/c/y/yz/$NONE"));
        assert_eq!(environment.expand("~b/c"), Path::new("~b/c"));
        assert_eq!(environment.expand("$"), Path::new("$"));
    }

    #[test]
    fn home_stands_for_every_folder() {
        let environment = Environment::of([("HOME", "/users/a"), ("XDG_STATE_HOME", "/state")]);
        assert_eq!(Folders::new(&environment, None).state, Path::new("/state/okta-dac"));
        assert_eq!(
            Folders::new(&environment, Some(Path::new("/b"))).state,
            Path::new("/b/.local/state/okta-dac")
        );
    }
}
