//! Which API a command talks to, and where its token is kept.
//!
//! `profiles.toml` has no secret: an address, an issuer and a client for each profile. The token
//! of a profile is sealed in the folder of state, as `okta-dac aws` seals what it keeps. A token
//! is sent to the API of its own profile and to no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::stop::{Code, Stop};
use crate::aws::files::{self, Place};
use crate::aws::vault::{Store, Vault, forget_other_keys};
use crate::environment::{Environment, Folders};
use crate::terminal::Terminal;

/// Which API.
#[derive(Clone, Debug, Args)]
pub struct Where {
    /// Address of the API [default: the profile's]
    #[arg(long, env = "OKTA_DAC_API", value_name = "URL")]
    pub api: Option<Url>,
    /// The profile, as `okta-dac login` made it
    #[arg(long, env = "OKTA_DAC_PROFILE", value_name = "NAME", default_value = "default")]
    pub profile: String,
    /// A file with an access token, for its owner alone, instead of the profile's
    #[arg(long, env = "OKTA_DAC_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// A profile: what a person chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Address of the API.
    pub api: Url,
    /// The authorization server that issues the tokens.
    pub issuer: Url,
    /// OAuth client with the device authorization grant.
    pub client_id: String,
    /// Where the key of the token is.
    #[serde(default)]
    pub store: Store,
}

/// A token, as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    /// The access token.
    pub access_token: String,
    /// When it ends, in seconds since 1970.
    pub expires: i64,
    /// The API that it is for.
    pub api: Url,
}

/// The profiles of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    fn file(folders: &Folders) -> PathBuf {
        folders.settings.join("profiles.toml")
    }

    /// Reads the file; none is empty.
    ///
    /// # Errors
    ///
    /// The file is no such file.
    pub fn read(folders: &Folders) -> Result<Self, Stop> {
        let path = Self::file(folders);
        let Some(bytes) = files::read(&path)? else { return Ok(Self::default()) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        toml::from_str(&text)
            .map_err(|error| Stop::new(Code::Usage, format!("{}: {}", path.display(), error.message())))
    }

    /// A profile.
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// Keeps a profile.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn keep(&mut self, folders: &Folders, name: &str, profile: Profile) -> Result<(), Stop> {
        self.0.insert(name.to_owned(), profile);
        let text = toml::to_string(&self).map_err(|error| Stop::new(Code::Failed, error.to_string()))?;
        Ok(files::replace(&Self::file(folders), text.as_bytes())?)
    }
}

/// The file of a token.
const TOKEN: &str = "token.bin";

/// Where the token of a profile is kept: in a folder, and under a key, of its own.
pub(crate) struct Kept {
    place: Place,
    store: Store,
}

impl Kept {
    pub(crate) fn of(folders: &Folders, profile: &str, store: Store) -> Self {
        // No two names are one folder, whatever their letters.
        let name: String = profile.bytes().map(|byte| format!("{byte:02x}")).collect();
        Self { place: Place::new(&folders.state.join("api").join(name)), store }
    }

    pub(crate) fn read(&self) -> Result<Option<Token>, Stop> {
        let mut terminal = Terminal::new(true);
        let Some(vault) = Vault::open(&self.place, self.store, &mut terminal)? else { return Ok(None) };
        Ok(vault.read(TOKEN)?)
    }

    /// Gives where the key is now. `anew`: it was elsewhere before.
    pub(crate) fn write(&self, token: &Token, anew: bool) -> Result<Store, Stop> {
        let mut terminal = Terminal::new(true);
        let vault = Vault::make(&self.place, self.store, &mut terminal, anew)?;
        vault.write(TOKEN, token)?;
        forget_other_keys(&self.place, vault.store())?;
        Ok(vault.store())
    }

    pub(crate) fn remove(&self) -> Result<(), Stop> {
        Ok(files::remove(&self.place.file(TOKEN))?)
    }
}

/// An API, and a token for it.
pub struct Access {
    /// Address of the API, without a slash at its end.
    pub api: String,
    pub(crate) token: Zeroizing<String>,
}

impl Access {
    /// What the options say.
    ///
    /// # Errors
    ///
    /// Nobody has signed in, or what is needed cannot be read.
    pub fn find(places: &Where, environment: &Environment) -> Result<Self, Stop> {
        let folders = Folders::new(environment, None);
        let profiles = Profiles::read(&folders)?;
        let profile = profiles.get(&places.profile);
        let api = places.api.as_ref().or(profile.map(|profile| &profile.api));
        let api = api.ok_or_else(|| {
            Stop::new(
                Code::Refused,
                format!("there is no profile `{}`: `okta-dac login` makes one", places.profile),
            )
        })?;
        is_secure(api, "--api")?;
        let token = match (&places.token_file, profile) {
            (Some(file), _) => of_file(file)?,
            (None, Some(profile)) if same(&profile.api, api) => {
                let kept = Kept::of(&folders, &places.profile, profile.store).read()?;
                let now = Timestamp::now().as_second();
                let kept = kept.filter(|token| token.expires > now && same(&token.api, api));
                let token = kept.ok_or_else(|| {
                    let command = match places.profile.as_str() {
                        "default" => "okta-dac login".to_owned(),
                        name => format!("okta-dac login --profile {name}"),
                    };
                    Stop::new(Code::Refused, format!("you are not signed in: `{command}`"))
                })?;
                Zeroizing::new(token.access_token)
            }
            // A token would be known to somebody else.
            (None, Some(_)) => {
                return Err(Stop::new(
                    Code::Usage,
                    format!(
                        "the token of the profile `{}` is for another API: name a profile of this one, or `--token-file`",
                        places.profile
                    ),
                ));
            }
            (None, None) => {
                return Err(Stop::new(
                    Code::Refused,
                    "you are not signed in: `okta-dac login`, or `--token-file`",
                ));
            }
        };
        Ok(Self { api: api.as_str().trim_end_matches('/').to_owned(), token })
    }
}

fn same(one: &Url, other: &Url) -> bool {
    one.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/')
}

/// A token goes over TLS, but on this machine.
///
/// # Errors
///
/// The address is neither.
pub(crate) fn is_secure(url: &Url, what: &str) -> Result<(), Stop> {
    let local = url.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
    match url.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err(Stop::new(Code::Usage, format!("`{what}` must be an https address"))),
    }
}

/// A token in a file that nobody else may read.
fn of_file(path: &Path) -> Result<Zeroizing<String>, Stop> {
    let wrong = |why: String| Stop::new(Code::Usage, format!("{}: {why}", path.display()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(wrong("others may read the token: `chmod 600` first".to_owned()));
        }
    }
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| wrong(error.to_string()))?;
    let token = Zeroizing::new(text.trim().to_owned());
    match token.is_empty() || token.contains(char::is_whitespace) {
        true => Err(wrong("there is no token in it".to_owned())),
        false => Ok(token),
    }
}

/// The claims of a token, unverified: the API verifies it.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
