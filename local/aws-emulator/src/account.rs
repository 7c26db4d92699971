//! What the emulator knows: accounts, and the credentials that it gave out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arn::Arn;
use crate::error::AwsError;
use crate::function_rights::Functions;
use crate::parameters::{Parameter, Parameters};
use crate::random;
use crate::secrets::{self, Secrets};
use crate::seed::{AccountSeed, RoleSeed, Seed};
use crate::settings::Settings;

/// The keys of an operator: access key id and secret access key.
const OPERATOR: &str = "local";

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Saml,
    WebIdentity,
    /// AssumeRole with the credentials of another role.
    Chained,
    /// AssumeRole with the keys of a user.
    User,
}

/// Temporary credentials that were given out.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) role: Arn,
    /// Of the session.
    pub(crate) arn: Arn,
    pub(crate) expires: Timestamp,
    pub(crate) source: Source,
    pub(crate) source_identity: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Who signs a call.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    Operator(Arn),
    /// A function of the stack: its access key id, and whom it is.
    Function(String, Arn),
    Session(Box<Session>),
}

impl Principal {
    pub(crate) fn arn(&self) -> &Arn {
        match self {
            Self::Operator(arn) | Self::Function(_, arn) => arn,
            Self::Session(session) => &session.arn,
        }
    }
}

/// A role, as the settings leave it.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) arn: Arn,
    pub(crate) seed: RoleSeed,
}

/// What a reset does not take away.
#[derive(Clone, Debug, Default)]
struct Planted {
    secrets: BTreeMap<String, String>,
    /// By id: value, version, function.
    rotated: BTreeMap<String, [String; 3]>,
    parameters: BTreeMap<String, String>,
}

/// What is remembered between calls.
pub(crate) struct State {
    seed: Seed,
    pub(crate) settings: Settings,
    sessions: BTreeMap<String, Session>,
    /// What `/federation` gave out, and when it ends.
    pub(crate) signin_tokens: BTreeMap<String, Timestamp>,
    /// Metadata and keys of identity providers, by URL.
    pub(crate) documents: BTreeMap<String, String>,
    /// By name.
    pub(crate) secrets: Secrets,
    /// By name.
    pub(crate) parameters: Parameters,
    /// Secrets and parameters that were there from the beginning.
    planted: Planted,
    /// What functions may do.
    pub(crate) functions: Functions,
}

impl State {
    pub(crate) fn new(seed: Seed) -> Self {
        let first = seed.accounts.first();
        let secrets = first.map_or_else(Secrets::default, |first| Secrets::of(&first.partition, &first.id));
        Self {
            seed,
            settings: Settings::default(),
            sessions: BTreeMap::new(),
            signin_tokens: BTreeMap::new(),
            documents: BTreeMap::new(),
            secrets,
            parameters: Parameters::new(),
            planted: Planted::default(),
            functions: Functions::default(),
        }
    }

    pub(crate) fn reset(&mut self) {
        let planted = std::mem::take(&mut self.planted);
        let functions = std::mem::take(&mut self.functions);
        *self = Self::new(self.seed.clone());
        self.set_functions(functions);
        for (id, value) in &planted.secrets {
            self.plant_secret(id, value);
        }
        for (id, [value, version, function]) in &planted.rotated {
            self.plant_rotated(id, value, version, function);
        }
        for (name, value) in &planted.parameters {
            self.plant_parameter(name, value);
        }
    }

    /// The functions that call the account; secrets are in theirs.
    pub(crate) fn set_functions(&mut self, functions: Functions) {
        if let Some(account) = &functions.account {
            self.secrets = Secrets::of("aws", account);
        }
        self.functions = functions;
    }

    /// Puts a secret into the account, also after a reset.
    pub(crate) fn plant_secret(&mut self, id: &str, value: &str) {
        self.planted.secrets.insert(id.to_owned(), value.to_owned());
        secrets::plant(&mut self.secrets, id, value, Timestamp::now());
    }

    /// The same with the id of its version, and the function that rotates it.
    pub(crate) fn plant_rotated(&mut self, id: &str, value: &str, version: &str, function: &str) {
        let parts = [value, version, function].map(str::to_owned);
        self.planted.rotated.insert(id.to_owned(), parts);
        secrets::plant(&mut self.secrets, id, value, Timestamp::now());
        secrets::set_rotated(&mut self.secrets, id, version, function);
    }

    /// Puts a parameter into the account, also after a reset.
    pub(crate) fn plant_parameter(&mut self, name: &str, value: &str) {
        self.planted.parameters.insert(name.to_owned(), value.to_owned());
        self.parameters.insert(name.to_owned(), Parameter::new(value));
    }

    pub(crate) fn account(&self, arn: &Arn) -> Option<&AccountSeed> {
        self.seed
            .accounts
            .iter()
            .find(|account| account.id == arn.account && account.partition == arn.partition)
    }

    pub(crate) fn role(&self, arn: &Arn) -> Option<Role> {
        let name = arn.role()?;
        let mut seed = self.account(arn)?.roles.iter().find(|role| role.name == name)?.clone();
        if let Some(change) = self.settings.roles.get(&arn.to_string()) {
            seed.max_session_duration = change.max_session_duration.unwrap_or(seed.max_session_duration);
            seed.external_id = change.external_id.clone().or(seed.external_id);
        }
        Some(Role { arn: arn.clone(), seed })
    }

    /// The secret of an access key, and whose it is.
    pub(crate) fn principal(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(String, Principal), AwsError> {
        if access_key_id == OPERATOR {
            let account = self.seed.accounts.first().ok_or_else(AwsError::invalid_client_token)?;
            let arn = Arn::iam(&account.partition, &account.id, format!("user/{OPERATOR}"));
            return Ok((OPERATOR.to_owned(), Principal::Operator(arn)));
        }
        if self.functions.rights.contains_key(access_key_id) {
            let account = self.functions.account.as_deref().unwrap_or_default();
            let arn = Arn::iam("aws", account, format!("role/{access_key_id}Role"));
            return Ok((OPERATOR.to_owned(), Principal::Function(access_key_id.to_owned(), arn)));
        }
        let session = self.sessions.get(access_key_id).ok_or_else(AwsError::invalid_client_token)?;
        if token != Some(&session.token) {
            return Err(AwsError::invalid_client_token());
        }
        if session.expires <= now {
            return Err(AwsError::expired_credentials());
        }
        Ok((session.secret.clone(), Principal::Session(Box::new(session.clone()))))
    }

    /// The session of credentials that somebody sent in a body.
    pub(crate) fn session(&self, access_key_id: &str, secret: &str, token: &str) -> Option<&Session> {
        let session = self.sessions.get(access_key_id)?;
        (session.secret == secret && session.token == token).then_some(session)
    }

    /// Gives out credentials.
    pub(crate) fn issue(&mut self, role: &Role, issue: Issue<'_>, now: Timestamp) -> Session {
        let end = now + SignedDuration::from_secs(i64::from(issue.seconds));
        let session = Session {
            access_key_id: random::access_key_id(),
            secret: random::base64(30),
            token: random::base64(360),
            role: role.arn.clone(),
            arn: role.arn.session(issue.name),
            expires: issue.not_after.map_or(end, |limit| limit.min(end)),
            source: issue.source,
            source_identity: issue.source_identity,
            tags: issue.tags,
        };
        self.sessions.insert(session.access_key_id.clone(), session.clone());
        session
    }

    /// Without keys and tokens.
    pub(crate) fn snapshot(&self) -> Value {
        let sessions = self.sessions.values().map(|session| {
            json!({
                "arn": session.arn.to_string(), "role": session.role.to_string(),
                "expires": session.expires.to_string(), "source": format!("{:?}", session.source),
                "sourceIdentity": session.source_identity, "tags": session.tags,
            })
        });
        let accounts = self.seed.accounts.iter().map(|account| {
            let roles = account.roles.iter().map(|role| {
                let arn = Arn::iam(&account.partition, &account.id, format!("role/{}", role.name));
                self.role(&arn).map(|role| {
                    json!({
                        "arn": role.arn.to_string(), "maxSessionDuration": role.seed.max_session_duration,
                    })
                })
            });
            json!({
                "id": account.id, "partition": account.partition, "alias": account.alias,
                "roles": roles.collect::<Vec<_>>(),
            })
        });
        json!({
            "accounts": accounts.collect::<Vec<_>>(), "sessions": sessions.collect::<Vec<_>>(),
            "secrets": secrets::snapshot(&self.secrets), "parameters": self.parameters.keys().collect::<Vec<_>>(),
        })
    }
}

/// What credentials are to be given out.
pub(crate) struct Issue<'a> {
    pub(crate) name: &'a str,
    pub(crate) seconds: u32,
    /// The identity provider's end of the session.
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) source: Source,
    pub(crate) source_identity: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}
