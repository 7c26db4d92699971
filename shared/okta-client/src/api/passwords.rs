//! Passwords of users, and sign-ins that only show whether one is right.
//!
//! `POST /api/v1/authn` is not in the published description; its facts are those of Okta's
//! reference page "Authentication".

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::client::Authorization;
use crate::models::{PasswordChange, UserId};
use crate::{Client, Error};

/// What a sign-in with a password leads to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    status: String,
    state_token: Option<SecretString>,
}

impl Client {
    /// Changes a password, knowing the old one (`changePassword`). `strict` also checks how
    /// old the present one has to be.
    ///
    /// # Errors
    ///
    /// [`Error::is_wrong_password`] if the old one is not right, which may count
    /// towards lockout; [`Error::Api`] 403 E0000014 if the policy does not allow
    /// the new one, 403 E0000038 if the user's status allows no change.
    pub async fn change_password(&self, user: &UserId, change: &PasswordChange) -> Result<(), Error> {
        let mut url = self.url(&["users", user.as_str(), "credentials", "change_password"])?;
        url.set_query(Some(&format!("strict={}", change.strict)));
        let _: serde::de::IgnoredAny =
            self.call_with("changePassword", Method::POST, url, &change.body()).await?;
        Ok(())
    }

    /// Sets a password as an admin, and changes nothing else of the user (`updateUser`).
    /// Without `strict`, Okta looks neither at former passwords nor at the age of the present
    /// one.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 if the policy does not allow it.
    pub async fn set_password(
        &self,
        user: &UserId,
        password: &SecretString,
        strict: bool,
    ) -> Result<(), Error> {
        let mut url = self.url(&["users", user.as_str()])?;
        url.set_query(Some(&format!("strict={strict}")));
        let body = json!({ "credentials": { "password": { "value": password.expose_secret() } } });
        let _: serde::de::IgnoredAny = self.call_with("updateUser", Method::POST, url, &body).await?;
        Ok(())
    }

    /// Unlocks a user who is locked out (`unlockUser`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000032 if the user is not, or a directory has the user.
    pub async fn unlock_user(&self, user: &UserId) -> Result<(), Error> {
        let url = self.url(&["users", user.as_str(), "lifecycle", "unlock"])?;
        self.command("unlockUser", Method::POST, url).await
    }

    /// Signs in with a password and goes no further: gives the status that Okta answers,
    /// `SUCCESS`, `MFA_REQUIRED` and so on (`POST /api/v1/authn`). The call is nobody's: it
    /// carries no credential. What the sign-in began is cancelled.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 401 E0000004 if the password is not right, the user is locked out, or a
    /// policy lets nobody in from here: Okta does not say which.
    pub async fn sign_in(&self, login: &str, password: &SecretString) -> Result<String, Error> {
        let mut nobody = self.clone();
        nobody.authorization = Authorization::Nobody;
        let body = json!({ "username": login, "password": password.expose_secret() });
        let begun: SignIn = nobody.call_with("authn", Method::POST, self.url(&["authn"])?, &body).await?;
        if let Some(token) = begun.state_token {
            let body = json!({ "stateToken": token.expose_secret() });
            let cancelled: Result<serde::de::IgnoredAny, Error> =
                nobody.call_with("authnCancel", Method::POST, self.url(&["authn", "cancel"])?, &body).await;
            // The token ends by itself after five minutes.
            if let Err(error) = cancelled {
                tracing::debug!(%error, "a sign-in could not be cancelled");
            }
        }
        Ok(begun.status)
    }
}
