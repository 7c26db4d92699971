//! What the emulator knows: accounts, and the credentials that it gave out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arn::Arn;
use crate::error::AwsError;
use crate::random;
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
    Session(Box<Session>),
}

impl Principal {
    pub(crate) fn arn(&self) -> &Arn {
        match self {
            Self::Operator(arn) => arn,
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

/// What is remembered between calls.
pub(crate) struct State {
    seed: Seed,
    pub(crate) settings: Settings,
    sessions: BTreeMap<String, Session>,
    /// What `/federation` gave out, and when it ends.
    pub(crate) signin_tokens: BTreeMap<String, Timestamp>,
    /// Metadata and keys of identity providers, by URL.
    pub(crate) documents: BTreeMap<String, String>,
}

impl State {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            settings: Settings::default(),
            sessions: BTreeMap::new(),
            signin_tokens: BTreeMap::new(),
            documents: BTreeMap::new(),
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.seed.clone());
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
        json!({ "accounts": accounts.collect::<Vec<_>>(), "sessions": sessions.collect::<Vec<_>>() })
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
