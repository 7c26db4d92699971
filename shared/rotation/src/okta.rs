//! The port of Okta, by `okta_client`.

use okta_client::models::{PasswordChange, User, UserId};
use okta_client::{Client, Error, search};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::end::Code;
use crate::facts::{Admin, Proof, Said};
use crate::policy;
use crate::ports::{Account, Okta, Reply, Trouble};

/// Statuses of a sign-in with the right password (Okta's reference page "Authentication").
const PROVED: [&str; 6] =
    ["SUCCESS", "MFA_REQUIRED", "MFA_ENROLL", "MFA_ENROLL_ACTIVATE", "PASSWORD_WARN", "PASSWORD_EXPIRED"];

/// An org with a credential, and how passwords are changed there.
#[derive(Clone, Debug)]
pub struct Org {
    /// Calls Okta.
    pub client: Client,
    /// The policy's minimum age, and for an admin's right its history, count.
    pub strict: bool,
    /// A change ends the user's sessions.
    pub revoke_sessions: bool,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let text = |pointer: [&str; 3]| {
            let value = pointer.iter().fold(user.other.get(pointer[0]), |value, name| {
                if *name == pointer[0] { value } else { value.and_then(|value| value.get(name)) }
            });
            value.and_then(Value::as_str).map(str::to_owned)
        };
        Self {
            id: user.id.as_str().to_owned(),
            login: user.login().to_owned(),
            provider: text(["credentials", "provider", "type"]).unwrap_or_default(),
            is_changing: user.other.get("transitioningToStatus").is_some_and(|status| !status.is_null()),
            password_changed: user
                .other
                .get("passwordChanged")
                .and_then(Value::as_str)
                .and_then(|time| time.parse().ok()),
            status: user.status,
        }
    }
}

fn error_id(error: &Error) -> Option<String> {
    match error {
        Error::Api(api) if !api.error_id.is_empty() => Some(api.error_id.clone()),
        _ => None,
    }
}

/// Why nothing could be asked.
pub fn trouble(error: &Error) -> Trouble {
    let code = match error {
        _ if error.is_rejected_credential() => Code::NotPermitted,
        Error::Api(api) if matches!(api.status, 401 | 403) => Code::NotPermitted,
        Error::Token { status, .. } if *status < 500 => Code::NotPermitted,
        _ => Code::NotAvailable,
    };
    Trouble { code, error_id: error_id(error) }
}

/// What a call said; `length` is that of the password in the call, in characters.
fn reply(result: Result<(), Error>, length: usize) -> Reply {
    let Err(error) = result else { return Reply { said: Said::Done, error_id: None } };
    let said = match &error {
        Error::RateLimited { .. } => Said::RateLimited,
        Error::Communication { never_sent: true, .. } => Said::NotSent,
        Error::Token { status, .. } if *status >= 500 => Said::NotSent,
        Error::Token { .. } | Error::NotPermitted | Error::InvalidRequest(_) => Said::NotPermitted,
        _ if error.is_rejected_credential() => Said::NotPermitted,
        _ if error.is_wrong_password() => Said::OldWrong,
        Error::Api(api) => {
            let causes: Vec<&str> = api.causes.iter().map(|cause| cause.error_summary.as_str()).collect();
            let is_about_password =
                |cause: &&str| cause.to_lowercase().contains("password") && !cause.starts_with("user:");
            match (api.status, api.code.as_str()) {
                (500.., _) => Said::Lost,
                // Somebody else is changing this; Okta did nothing.
                (409 | 423, _) => Said::RateLimited,
                (403, "E0000014") => Said::Policy(policy::reasons(causes, length)),
                // An admin's right is refused so, and in some orgs a change.
                (400, "E0000001") if causes.iter().any(is_about_password) => {
                    Said::Policy(policy::reasons(causes, length))
                }
                (403, "E0000038" | "E0000032") | (400 | 404, _) => Said::WrongState,
                _ => Said::NotPermitted,
            }
        }
        _ => Said::Lost,
    };
    Reply { said, error_id: error_id(&error) }
}

fn length(password: &SecretString) -> usize {
    password.expose_secret().chars().count()
}

impl Okta for Org {
    async fn read(&self, user: &str) -> Result<Option<Account>, Trouble> {
        match self.client.get_user(user).await {
            Ok(user) => Ok(Some(user.into())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }

    async fn find(&self, email: &str) -> Result<Vec<String>, Trouble> {
        let found = self.client.find_users(&search::eq("profile.email", email), 2).await;
        let found = found.map_err(|error| trouble(&error))?;
        Ok(found.into_iter().map(|user| user.id.as_str().to_owned()).collect())
    }

    async fn roles(&self, id: &str) -> Admin {
        match self.client.list_assigned_roles_for_user(id).await {
            Ok(roles) if roles.is_empty() => Admin::No,
            Ok(_) => Admin::Yes,
            Err(_) => Admin::Unknown,
        }
    }

    async fn unlock(&self, id: &str) -> Reply {
        reply(self.client.unlock_user(&UserId::from(id)).await, 0)
    }

    async fn change(&self, id: &str, old: &SecretString, new: &SecretString) -> Reply {
        let change = PasswordChange {
            old: old.clone(),
            new: new.clone(),
            revoke_sessions: self.revoke_sessions,
            strict: self.strict,
        };
        reply(self.client.change_password(&UserId::from(id), &change).await, length(new))
    }

    async fn set(&self, id: &str, password: &SecretString, is_new: bool) -> Reply {
        let strict = self.strict && is_new;
        let set = self.client.set_password(&UserId::from(id), password, strict).await;
        reply(set, length(password))
    }

    async fn probe(&self, login: &str, password: &SecretString) -> Proof {
        match self.client.sign_in(login, password).await {
            Ok(status) if PROVED.contains(&status.as_str()) => Proof::Proved,
            Err(Error::Api(api)) if (api.status, api.code.as_str()) == (401, "E0000004") => Proof::Refused,
            _ => Proof::Inconclusive,
        }
    }
}
