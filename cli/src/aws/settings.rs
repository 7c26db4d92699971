//! `aws.toml`: what a person chose. It has no secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::files;
use super::vault::Store;
use crate::environment::{Environment, Folders};
use crate::failure::{Exit, Failure};

/// The org that a command means if none is named.
pub const DEFAULT_ORG: &str = "default";

/// The variable that allows `http://127.0.0.1`.
const INSECURE_LOCAL: &str = "OKTA_DAC_AWS_INSECURE_LOCAL";

/// How somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// User name and password at Okta's authentication API, and a factor (Classic Engine).
    Classic,
    /// The device authorization grant, in a browser (Identity Engine).
    Device,
    /// A machine with a private key.
    M2m,
}

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the key of secrets is.
    #[serde(default)]
    pub store: Store,
    /// Orgs by name.
    #[serde(default)]
    pub orgs: BTreeMap<String, OrgSettings>,
}

/// Settings of one org.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgSettings {
    /// The org's URL, or that of the AWS app in it.
    pub sso_url: Url,
    /// How somebody signs in; by what the org says of itself, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// OAuth client, for `device` and `m2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The AWS app, for `device`; all of the user's, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The factor to use: its type, or its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// The custom authorization server, for `m2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authz_id: Option<String>,
    /// The scope, for `m2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Id of the key, for `m2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Where the private key is, for `m2m`, if it is not among the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_file: Option<PathBuf>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Seconds that credentials shall live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// What names of profiles are made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_template: Option<String>,
    /// Names of accounts, by their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
}

/// Members that would be secrets.
const SECRETS: [&str; 5] = ["password", "totp_seed", "private_key", "secret", "token"];

impl Settings {
    /// The file.
    pub fn file(folders: &Folders, given: Option<&Path>) -> PathBuf {
        given.map_or_else(|| folders.settings.join("aws.toml"), Path::to_owned)
    }

    /// Reads the file; [`None`] if there is none.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`].
    pub fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(bytes) = files::read(path)? else { return Ok(None) };
        let wrong = |why: String| Failure::new(Exit::Configuration, format!("{}: {why}", path.display()));
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
        let read: Result<Self, toml::de::Error> = toml::from_str(&text);
        let settings = read.map_err(|error| {
            let secret = SECRETS.iter().find(|secret| error.message().contains(&format!("`{secret}`")));
            match secret {
                Some(secret) => wrong(format!("`{secret}` is a secret and does not belong here"))
                    .hint("take the line out; `okta-dac aws init` stores secrets encrypted"),
                None => wrong(error.message().to_owned()),
            }
        })?;
        for (name, org) in &settings.orgs {
            org.check().map_err(|why| wrong(format!("orgs.{name}: {why}")))?;
        }
        Ok(Some(settings))
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string_pretty(self).map_err(|error| Failure::defect(error.to_string()))?;
        files::replace(path, text.as_bytes())
    }
}

impl OrgSettings {
    /// An org of which only the address is known.
    pub fn new(sso_url: Url) -> Self {
        Self {
            sso_url,
            mode: None,
            username: None,
            client_id: None,
            app_id: None,
            factor: None,
            authz_id: None,
            scope: None,
            key_id: None,
            private_key_file: None,
            region: None,
            duration: None,
            profile_template: None,
            aliases: BTreeMap::new(),
        }
    }

    /// What is wrong, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        let host = self.sso_url.host_str().unwrap_or_default();
        let local = matches!(host, "127.0.0.1" | "localhost");
        if self.sso_url.scheme() != "https" && !(local && self.sso_url.scheme() == "http") {
            return Err(format!("`{}` is not https: a password would be sent in the clear", self.sso_url));
        }
        if let Some(region) = self.region.as_ref().filter(|region| !super::context::is_region(region)) {
            return Err(format!("`{region}` is no AWS region, such as eu-west-1"));
        }
        if let Some(seconds) = self.duration.filter(|seconds| !(900..=43_200).contains(seconds)) {
            return Err(format!("a duration of {seconds} s: from 900 to 43200 are possible"));
        }
        Ok(())
    }

    /// A password is sent in the clear nowhere but to this machine itself, and there only if
    /// somebody says so.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`].
    pub fn check_https(&self, environment: &Environment) -> Result<(), Failure> {
        if self.sso_url.scheme() == "https" || environment.text(INSECURE_LOCAL) == Some("1") {
            return Ok(());
        }
        Err(Failure::new(Exit::Configuration, format!("`{}` is not https", self.sso_url))
            .hint(format!("`{INSECURE_LOCAL}=1` in the environment allows that on this machine, for tests")))
    }

    /// The org itself.
    pub fn org_url(&self) -> Url {
        let mut url = self.sso_url.clone();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// The link of the AWS app, if the address is one.
    pub fn app_link(&self) -> Option<&Url> {
        (self.sso_url.path().len() > 1).then_some(&self.sso_url)
    }

    /// Who signs in: what sessions and credentials belong to.
    pub fn user(&self) -> &str {
        self.username.as_deref().or(self.client_id.as_deref()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Settings>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aws.toml");
        std::fs::write(&path, text).unwrap();
        Settings::read(&path)
    }

    #[test]
    fn a_secret_is_an_error() {
        let org = "[orgs.default]\nsso_url = 'https://acme.test'\n";
        assert!(read(org).unwrap().is_some());
        for secret in SECRETS {
            let failure = read(&format!("{org}{secret} = 'x'\n")).unwrap_err();
            assert_eq!(failure.exit, Exit::Configuration);
            assert!(failure.sentence.contains("is a secret"), "{failure}");
        }
    }

    #[test]
    fn a_password_is_not_sent_in_the_clear() {
        let failure = read("[orgs.default]\nsso_url = 'http://acme.test'\n").unwrap_err();
        assert!(failure.sentence.contains("not https"), "{failure}");
        assert!(read("[orgs.default]\nsso_url = 'http://127.0.0.1:8700'\n").unwrap().is_some());
    }

    #[test]
    fn what_is_written_is_read() {
        let mut settings = Settings { store: Store::Keyring, ..Settings::default() };
        let mut org = OrgSettings::new(Url::parse("https://acme.test/app/amazon_aws/exk1/sso/saml").unwrap());
        org.mode = Some(Mode::Classic);
        org.aliases.insert("123456789012".to_owned(), "production".to_owned());
        settings.orgs.insert(DEFAULT_ORG.to_owned(), org);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aws.toml");
        settings.write(&path).unwrap();
        assert_eq!(Settings::read(&path).unwrap(), Some(settings));
    }
}
