//! What a response can do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a response does, in the order in which it is done, whatever the order of the request:
/// first what keeps the user out, and sessions late, so that those that were opened meanwhile
/// end, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Keeps the user from signing in (`suspendUser`).
    Suspend,
    /// Asks for a new password at the next sign-in, with the old one (`expirePassword`).
    ExpirePassword,
    /// Takes the password away and mails a link for a new one (`resetPassword`).
    ResetPassword,
    /// Takes all factors away (`resetFactors`).
    ResetFactors,
    /// Takes the user out of groups (`unassignUserFromGroup`).
    RemoveFromGroups,
    /// Puts the user into the group of `RESPONSE_QUARANTINE_GROUP` (`assignUserToGroup`).
    Quarantine,
    /// Takes the user's own admin roles away (`unassignRoleFromUser`).
    RemoveAdminRoles,
    /// Ends what the user consented to (`revokeUserGrants`).
    RevokeGrants,
    /// Sets the user's risk to `HIGH` (`upsertUserRisk`).
    SetRisk,
    /// Ends sessions of Okta and tokens (`revokeUserSessions`).
    ClearSessions,
    /// Ends the account for good (`deactivateUser`).
    Deactivate,
}

impl Action {
    /// Every action, in their order.
    pub const ALL: [Action; 11] = [
        Action::Suspend,
        Action::ExpirePassword,
        Action::ResetPassword,
        Action::ResetFactors,
        Action::RemoveFromGroups,
        Action::Quarantine,
        Action::RemoveAdminRoles,
        Action::RevokeGrants,
        Action::SetRisk,
        Action::ClearSessions,
        Action::Deactivate,
    ];

    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Suspend => "suspend",
            Action::ExpirePassword => "expire-password",
            Action::ResetPassword => "reset-password",
            Action::ResetFactors => "reset-factors",
            Action::RemoveFromGroups => "remove-from-groups",
            Action::Quarantine => "quarantine",
            Action::RemoveAdminRoles => "remove-admin-roles",
            Action::RevokeGrants => "revoke-grants",
            Action::SetRisk => "set-risk",
            Action::ClearSessions => "clear-sessions",
            Action::Deactivate => "deactivate",
        }
    }

    /// The action with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// Whether the end of a response can take it back.
    pub const fn has_undo(self) -> bool {
        matches!(
            self,
            Action::Suspend
                | Action::RemoveFromGroups
                | Action::Quarantine
                | Action::RemoveAdminRoles
                | Action::SetRisk
        )
    }

    /// Whether the user may be unable to sign in, or to administer, afterwards: what is never
    /// done to the last super admin.
    pub const fn may_lock_out(self) -> bool {
        !matches!(self, Action::RevokeGrants | Action::ClearSessions)
    }

    /// Whether the user cannot sign in afterwards, even with password and factors.
    pub const fn contains(self) -> bool {
        matches!(self, Action::Suspend | Action::ResetPassword | Action::Quarantine | Action::Deactivate)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done after a user was unsuspended, before anybody can have signed in for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnLift {
    /// See [`Action::ExpirePassword`].
    ExpirePassword,
    /// See [`Action::ResetPassword`].
    ResetPassword,
}

impl From<OnLift> for Action {
    fn from(on_lift: OnLift) -> Self {
        match on_lift {
            OnLift::ExpirePassword => Action::ExpirePassword,
            OnLift::ResetPassword => Action::ResetPassword,
        }
    }
}
