//! What contains a user, and what takes it back (Okta Management API 2026.06.3).

use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::models::{RiskLevel, Role, RoleAssignmentId, User, UserId};
use crate::{Client, Error};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Risk {
    risk_level: RiskLevel,
}

impl Client {
    /// A call about the lifecycle of a user, with a query.
    async fn lifecycle(
        &self,
        operation_id: &'static str,
        user: &UserId,
        step: &str,
        query: &[(&str, &str)],
    ) -> Result<(), Error> {
        let mut url = self.url(&["users", user.as_str(), "lifecycle", step])?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.command(operation_id, Method::POST, url).await
    }

    /// Keeps a user from signing in; what the user has stays (`suspendUser`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 unless the user is ACTIVE.
    pub async fn suspend_user(&self, user: &UserId) -> Result<(), Error> {
        self.lifecycle("suspendUser", user, "suspend", &[]).await
    }

    /// Makes a suspended user ACTIVE (`unsuspendUser`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 400 E0000001 unless the user is SUSPENDED.
    pub async fn unsuspend_user(&self, user: &UserId) -> Result<(), Error> {
        self.lifecycle("unsuspendUser", user, "unsuspend", &[]).await
    }

    /// Ends a user for good: memberships and assignments are lost (`deactivateUser`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000038 if the user is DEPROVISIONED.
    pub async fn deactivate_user(&self, user: &UserId) -> Result<(), Error> {
        self.lifecycle("deactivateUser", user, "deactivate", &[]).await
    }

    /// Lets the user choose a new password at the next sign-in, with the old one
    /// (`expirePassword`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000038 in a status that has no password.
    pub async fn expire_password(&self, user: &UserId) -> Result<User, Error> {
        let url = self.url(&["users", user.as_str(), "lifecycle", "expire_password"])?;
        self.call("expirePassword", Method::POST, url).await.map(|answer| answer.body)
    }

    /// Takes the password away and mails the user a link for a new one; ends the sessions
    /// (`resetPassword`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 403 E0000017 in a status that has no password.
    pub async fn reset_password(&self, user: &UserId) -> Result<(), Error> {
        let query = [("sendEmail", "true"), ("revokeSessions", "true")];
        self.lifecycle("resetPassword", user, "reset_password", &query).await
    }

    /// Takes all factors away; the user enrols new ones at the next sign-in (`resetFactors`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn reset_factors(&self, user: &UserId) -> Result<(), Error> {
        self.lifecycle("resetFactors", user, "reset_factors", &[]).await
    }

    /// Ends the user's sessions of Okta, with `oauth_tokens` their OAuth tokens, and with
    /// `forget_devices` what their devices remember (`revokeUserSessions`). Sessions inside apps, and API tokens, stay.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn revoke_user_sessions(
        &self,
        user: &UserId,
        oauth_tokens: bool,
        forget_devices: bool,
    ) -> Result<(), Error> {
        let mut url = self.url(&["users", user.as_str(), "sessions"])?;
        // Okta's default differs between its engines.
        url.set_query(Some(&format!("oauthTokens={oauth_tokens}&forgetDevices={forget_devices}")));
        self.command("revokeUserSessions", Method::DELETE, url).await
    }

    /// Ends what the user consented to (`revokeUserGrants`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn revoke_user_grants(&self, user: &UserId) -> Result<(), Error> {
        let url = self.url(&["users", user.as_str(), "grants"])?;
        self.command("revokeUserGrants", Method::DELETE, url).await
    }

    /// Gives a user an admin role for the whole org (`assignRoleToUser`).
    ///
    /// # Errors
    ///
    /// [`Error::is_duplicate`] if the user has the role.
    pub async fn assign_role_to_user(&self, user: &UserId, kind: &str) -> Result<Role, Error> {
        let mut url = self.url(&["users", user.as_str(), "roles"])?;
        url.set_query(Some("disableNotifications=true"));
        self.call_with("assignRoleToUser", Method::POST, url, &json!({ "type": kind })).await
    }

    /// Takes an admin role from a user (`unassignRoleFromUser`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub async fn unassign_role_from_user(&self, user: &UserId, role: &RoleAssignmentId) -> Result<(), Error> {
        let url = self.url(&["users", user.as_str(), "roles", role.as_str()])?;
        self.command("unassignRoleFromUser", Method::DELETE, url).await
    }

    /// The risk that the org sees in a user (`getUserRisk`). Orgs with Identity Threat
    /// Protection alone have it.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] in other orgs.
    pub async fn get_user_risk(&self, user: &UserId) -> Result<RiskLevel, Error> {
        let url = self.url(&["users", user.as_str(), "risk"])?;
        let answer = self.call::<Risk>("getUserRisk", Method::GET, url).await?;
        Ok(answer.body.risk_level)
    }

    /// Sets the risk of a user (`upsertUserRisk`): `HIGH` or `LOW`.
    ///
    /// # Errors
    ///
    /// As [`Client::get_user_risk`].
    pub async fn upsert_user_risk(&self, user: &UserId, level: RiskLevel) -> Result<(), Error> {
        let url = self.url(&["users", user.as_str(), "risk"])?;
        let body = json!({ "riskLevel": level });
        let _: IgnoredAny = self.call_with("upsertUserRisk", Method::PUT, url, &body).await?;
        Ok(())
    }
}
