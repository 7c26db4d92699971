//! What a command works with: settings, secrets, the network; each made when it is needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use reqwest::Client;

use super::arguments::Options;
use super::files::Place;
use super::http;
use super::settings::{DEFAULT_ORG, OrgSettings, Settings};
use super::sign_in::Secrets;
use super::sign_in::webauthn::Authenticator;
use super::sts::{Endpoints, Sts};
use super::vault::Vault;
use crate::environment::{Environment, Folders};
use crate::failure::{Exit, Failure};
use crate::output::Printing;
use crate::terminal::Terminal;
use crate::{interrupt, warn};

/// The file of secrets.
pub const SECRETS: &str = "secrets.bin";

/// What needs neither secrets nor the network.
pub struct Base<'e> {
    /// Variables of the process.
    pub environment: &'e Environment,
    /// Options of the group.
    pub options: Options,
    /// How lists and reports are printed.
    pub printing: Printing,
    /// The user's folders.
    pub folders: Folders,
    /// Where settings are.
    pub settings_file: PathBuf,
    /// Settings; empty ones if there is no file.
    pub settings: Settings,
    /// Where state is.
    pub place: Place,
    /// The person.
    pub terminal: Terminal,
    /// When the command must be done.
    pub deadline: Instant,
    /// The region of the profile that was named.
    pub profile_region: Option<String>,
}

impl<'e> Base<'e> {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`].
    pub fn load(
        options: &Options,
        printing: Printing,
        environment: &'e Environment,
    ) -> Result<Self, Failure> {
        let region = options.region.as_deref().or_else(|| environment.text("AWS_REGION"));
        let region = region.or_else(|| environment.text("AWS_DEFAULT_REGION"));
        if let Some(region) = region.filter(|region| !is_region(region)) {
            return Err(Failure::new(Exit::Usage, format!("`{region}` is no AWS region, such as eu-west-1")));
        }
        let folders = Folders::new(environment, options.home.as_deref());
        let settings_file = Settings::file(&folders, options.config.as_deref());
        let deadline = Instant::now() + Duration::from_secs(options.timeout);
        Ok(Self {
            environment,
            settings: Settings::read(&settings_file)?.unwrap_or_default(),
            place: Place::new(&folders.state),
            terminal: Terminal::new(!options.no_input).until(deadline),
            deadline,
            profile_region: None,
            options: options.clone(),
            printing,
            folders,
            settings_file,
        })
    }

    /// The org that is meant.
    pub fn org_name(&self) -> &str {
        let only = self.settings.orgs.keys().next().filter(|_| self.settings.orgs.len() == 1);
        self.options.org.as_deref().or(only.map(String::as_str)).unwrap_or(DEFAULT_ORG)
    }

    /// Its settings.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`].
    pub fn org(&self) -> Result<&OrgSettings, Failure> {
        let name = self.org_name();
        self.settings.orgs.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.settings.orgs.keys().map(String::as_str).collect();
            let sentence = if known.is_empty() {
                "no Okta org is set up".to_owned()
            } else {
                format!("there is no org `{name}`: {} are set up", known.join(", "))
            };
            Failure::new(Exit::Configuration, sentence).hint("`okta-dac aws init` sets one up")
        })
    }

    /// Opens the secrets' store.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`], [`Exit::PersonNeeded`]; [`Exit::Configuration`] before `init`.
    pub fn vault(&mut self) -> Result<Vault, Failure> {
        let store = self.settings.store;
        if let Some(other) = self.options.store.filter(|other| *other != store) {
            let sentence = format!("the key of secrets is kept in the store `{store}`, and not in `{other}`");
            return Err(
                Failure::new(Exit::Configuration, sentence).hint("`okta-dac aws init --store` moves it")
            );
        }
        let vault = Vault::open(&self.place, store, &mut self.terminal)?;
        vault.ok_or_else(|| {
            Failure::new(Exit::Configuration, "there is no key for secrets")
                .hint("`okta-dac aws init` makes one")
        })
    }

    /// Addresses of AWS.
    pub fn endpoints(&self) -> Endpoints {
        let own = self.settings.orgs.get(self.org_name()).and_then(|org| org.region.as_deref());
        let given = self.options.region.as_deref();
        let of_environment =
            self.environment.text("AWS_REGION").or_else(|| self.environment.text("AWS_DEFAULT_REGION"));
        Endpoints::new(self.environment, given.or(self.profile_region.as_deref()).or(of_environment).or(own))
    }

    /// A message on stderr, if the command is verbose.
    pub fn verbose(&self, message: &str) {
        if self.options.verbose() {
            warn(message);
        }
    }

    /// Goes online: with secrets and an HTTP client.
    ///
    /// # Errors
    ///
    /// [`Exit::Configuration`].
    pub fn online(self, vault: Vault) -> Result<Context, Failure> {
        interrupt::watch();
        let org_name = self.org_name().to_owned();
        let org = self.org()?.clone();
        org.check_https(self.environment)?;
        let endpoints = self.endpoints();
        Ok(Context {
            secrets: Secrets::default(),
            partial: false,
            http: http::client()?,
            endpoints,
            open_browser: self.options.open_browser,
            factor: self.options.factor.clone(),
            app: self.options.app_id.clone(),
            place: self.place,
            terminal: self.terminal,
            deadline: self.deadline,
            authenticator: None,
            org_name,
            org,
            vault,
        })
    }
}

/// What is online.
pub struct Context {
    /// Where state is.
    pub place: Place,
    /// Name of the org.
    pub org_name: String,
    /// Its settings.
    pub org: OrgSettings,
    /// Sealed files.
    pub vault: Vault,
    /// Secrets of the org.
    pub secrets: Secrets,
    /// The person.
    pub terminal: Terminal,
    /// Some app gave no assertion.
    pub partial: bool,
    /// HTTP.
    pub http: Client,
    /// Addresses of AWS.
    pub endpoints: Endpoints,
    /// When the command must be done.
    pub deadline: Instant,
    /// The factor of `--factor`.
    pub factor: Option<String>,
    /// The app of `--app-id`.
    pub app: Option<String>,
    /// A security key.
    pub authenticator: Option<Box<dyn Authenticator>>,
    /// Whether a browser is opened.
    pub open_browser: bool,
}

impl Context {
    /// Org and user: whose sign-ins are one after another.
    pub fn who(&self) -> String {
        who(&self.org)
    }

    /// A file of this org and user.
    pub fn file(&self, prefix: &str, suffix: &str) -> String {
        file(&self.org, prefix, suffix)
    }

    /// Reads the secrets of the org.
    ///
    /// # Errors
    ///
    /// [`Exit::Store`].
    pub fn read_secrets(&mut self) -> Result<(), Failure> {
        let all: BTreeMap<String, Secrets> = self.vault.read(SECRETS)?.unwrap_or_default();
        self.secrets = all.get(&self.org_name).cloned().unwrap_or_default();
        Ok(())
    }

    /// A message on stderr.
    pub fn warn(&self, message: &str) {
        warn(message);
    }

    /// The client of STS.
    pub fn sts(&self) -> Sts {
        Sts::new(self.http.clone(), self.endpoints.clone(), self.deadline)
    }
}

/// It becomes a part of a host's name, and of AWS's files.
pub fn is_region(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A file of an org and user.
pub fn file(org: &OrgSettings, prefix: &str, suffix: &str) -> String {
    format!("{prefix}-{}.{suffix}", hash(&[&who(org)]))
}

/// Org and user.
pub fn who(org: &OrgSettings) -> String {
    format!("{}|{}", org.org_url(), org.user())
}

/// SHA-256 of texts that are told apart, in hexadecimal digits.
pub fn hash(texts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in texts {
        context.update(&text.len().to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
