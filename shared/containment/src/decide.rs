//! The guardrails: what a response must not do, in one pure function.

use std::collections::BTreeSet;

use crate::plan::{Plan, Step, Will};
use crate::{Action, Order};

/// Type of the groups whose members the API can change; those of apps and of Okta itself it
/// cannot.
pub const OKTA_GROUP: &str = "OKTA_GROUP";

/// The role that nobody may be the last to have.
const SUPER_ADMIN: &str = "SUPER_ADMIN";

/// Who asks for a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'w> {
    /// A superuser, by the id of their user.
    Superuser(&'w str),
    /// A member of the responders' group.
    Responder(&'w str),
    /// An admin of the user's tenant.
    TenantAdmin(&'w str),
    /// An event, by a rule or as somebody put it on the bus.
    Job,
}

impl Who<'_> {
    fn uid(&self) -> Option<&str> {
        match self {
            Who::Superuser(uid) | Who::Responder(uid) | Who::TenantAdmin(uid) => Some(uid),
            Who::Job => None,
        }
    }
}

/// `status` of a user of Okta (schema `UserStatus`), as far as responses tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Signs in.
    Active,
    /// Suspended.
    Suspended,
    /// Ended.
    Deprovisioned,
    /// Has to choose a password.
    PasswordExpired,
    /// Waits for a mail with a link.
    Recovery,
    /// `LOCKED_OUT`, `STAGED`, `PROVISIONED`, and what this release does not know.
    Other,
}

impl Status {
    /// Of the text that Okta prints.
    pub fn of(text: &str) -> Self {
        match text {
            "ACTIVE" => Status::Active,
            "SUSPENDED" => Status::Suspended,
            "DEPROVISIONED" => Status::Deprovisioned,
            "PASSWORD_EXPIRED" => Status::PasswordExpired,
            "RECOVERY" => Status::Recovery,
            _ => Status::Other,
        }
    }
}

/// A group of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN`.
    pub kind: String,
    /// Whether its members administer okta-dac: superusers and responders.
    pub administers: bool,
}

/// An admin role of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Id of the assignment.
    pub id: String,
    /// Its kind: `SUPER_ADMIN`, …
    pub kind: String,
    /// Whether it is the user's own, and not one of their groups'.
    pub own: bool,
}

/// The admin roles of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Okta did not say.
    Unknown,
    /// All of them.
    Known(Vec<Admin>),
}

/// How many others are super admins and can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuperAdmins {
    /// Okta did not say, or was not asked.
    Unknown,
    /// At least so many.
    Others(usize),
}

/// What is known of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Id.
    pub user: String,
    /// Login.
    pub login: String,
    /// Status, as Okta prints it.
    pub status: String,
    /// Their groups, all of them.
    pub groups: Vec<Group>,
    /// Their admin roles.
    pub rights: Rights,
    /// The super admins; asked for only where it matters.
    pub super_admins: SuperAdmins,
    /// Whether okta-dac calls Okta with an API token of this user.
    pub owns_token: bool,
    /// For an admin of a tenant: whether the user is of this tenant, and of no other.
    pub is_of_tenant: bool,
    /// Whether the user's risk is `HIGH`; asked for only where it matters.
    pub is_risky: bool,
}

impl Facts {
    /// Whether the user administers the org or okta-dac, or Okta does not say.
    pub fn administers(&self) -> bool {
        let has_roles = match &self.rights {
            Rights::Unknown => true,
            Rights::Known(roles) => !roles.is_empty(),
        };
        has_roles || self.groups.iter().any(|group| group.administers)
    }

    /// Whether the user is a super admin.
    pub fn is_super_admin(&self) -> bool {
        match &self.rights {
            Rights::Unknown => false,
            Rights::Known(roles) => roles.iter().any(|role| role.kind == SUPER_ADMIN),
        }
    }
}

/// What the deployment allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The actions that are switched on.
    pub actions: BTreeSet<Action>,
    /// Id of the quarantine group.
    pub quarantine: Option<String>,
    /// Id of the group whose members nothing is done to.
    pub protected: Option<String>,
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is ever done to this user, or not by whoever asks.
    #[error("{0}")]
    Protected(&'static str),
    /// Nobody could administer the org any more.
    #[error("the user is the last super admin who can sign in")]
    LastSuperAdmin,
    /// The user is not the tenant's, or another tenant's as well.
    #[error("the user is not a user of this tenant alone")]
    NotAMember,
    /// The action is switched off here, or the user's state has no room for it.
    #[error("`{action}` {reason}")]
    NotPossible {
        /// The action.
        action: Action,
        /// As it reads after the action.
        reason: String,
    },
    /// The login that confirms a deactivation is another user's.
    #[error("`confirm` is not the login of the user")]
    NotConfirmed,
}

/// What an order does to its user, or why it does nothing.
///
/// # Errors
///
/// [`Refusal`].
pub fn decide(order: &Order, who: Who<'_>, facts: &Facts, settings: &Settings) -> Result<Plan, Refusal> {
    if who.uid() == Some(&facts.user) {
        return Err(Refusal::Protected("nobody responds to themselves"));
    }
    // Before everything else: whoever else's user this is, a tenant's admin learns nothing.
    if matches!(who, Who::TenantAdmin(_)) && !facts.is_of_tenant {
        return Err(Refusal::NotAMember);
    }
    if facts.owns_token {
        return Err(Refusal::Protected("okta-dac calls Okta with an API token of this user"));
    }
    let is_member = |id: &String| facts.groups.iter().any(|group| group.id == *id);
    if settings.protected.as_ref().is_some_and(is_member) {
        return Err(Refusal::Protected("the user is in the group of RESPONSE_PROTECTED_GROUP"));
    }
    let Rights::Known(roles) = &facts.rights else {
        return Err(Refusal::Protected("Okta does not say whether the user is an administrator"));
    };
    if facts.administers() && !matches!(who, Who::Superuser(_)) {
        return Err(Refusal::Protected("the user is an administrator: a superuser decides"));
    }
    possible(order, who, facts, settings)?;
    if facts.is_super_admin() && order.may_lock_out() {
        match facts.super_admins {
            SuperAdmins::Others(0) => return Err(Refusal::LastSuperAdmin),
            SuperAdmins::Others(_) => {}
            SuperAdmins::Unknown => {
                return Err(Refusal::Protected("Okta does not say who the other super admins are"));
            }
        }
    }
    let mut steps = Vec::new();
    for action in &order.actions {
        steps.extend(steps_of(*action, order, facts, roles, settings));
    }
    Ok(Plan { steps })
}

/// Whether the deployment and the user's state have room for the order.
fn possible(order: &Order, who: Who<'_>, facts: &Facts, settings: &Settings) -> Result<(), Refusal> {
    let not = |action: Action, reason: String| Err(Refusal::NotPossible { action, reason });
    let later = order.on_lift.iter().map(|on_lift| Action::from(*on_lift));
    let mut all = order.actions.iter().copied().chain(later);
    if let Some(off) = all.find(|action| !settings.actions.contains(action)) {
        return not(off, "is not switched on: `RESPONSE_ACTIONS` does not name it".to_owned());
    }
    if order.actions.contains(&Action::Quarantine) && settings.quarantine.is_none() {
        return not(Action::Quarantine, "needs a group: set `RESPONSE_QUARANTINE_GROUP`".to_owned());
    }
    if order.actions.contains(&Action::Deactivate) {
        if !matches!(who, Who::Superuser(_)) {
            return Err(Refusal::Protected("a superuser alone may deactivate a user"));
        }
        if !order.confirm.as_ref().is_some_and(|confirm| confirm.eq_ignore_ascii_case(&facts.login)) {
            return Err(Refusal::NotConfirmed);
        }
    }
    match (Status::of(&facts.status), order.actions.first()) {
        (Status::Deprovisioned, Some(action)) => {
            not(*action, "cannot be done: the user is `DEPROVISIONED`".to_owned())
        }
        _ => Ok(()),
    }
}

fn steps_of(action: Action, order: &Order, facts: &Facts, roles: &[Admin], settings: &Settings) -> Vec<Step> {
    let status = Status::of(&facts.status);
    let skip = |does: &str| Will::Skip(format!("{does} a user who is `{}`", facts.status));
    let member = |id: &str| facts.groups.iter().find(|group| group.id == id);
    let one = |will| vec![Step::new(action, will)];
    match action {
        Action::Suspend => one(match status {
            Status::Active => Will::Do,
            Status::Suspended => Will::Already,
            _ => skip("Okta does not suspend"),
        }),
        Action::ExpirePassword => one(match status {
            Status::Suspended => skip("Okta expires no password of"),
            Status::PasswordExpired => Will::Already,
            _ => Will::Do,
        }),
        Action::ResetPassword => one(match status {
            Status::Suspended => skip("Okta resets no password of"),
            _ => Will::Do,
        }),
        Action::RemoveFromGroups => {
            let named = order.groups.iter().map(String::as_str);
            let own = facts.groups.iter().map(|group| group.id.as_str());
            let quarantine = |id: &&str| settings.quarantine.as_deref() != Some(*id);
            let wanted: Vec<&str> =
                if order.groups.is_empty() { own.filter(quarantine).collect() } else { named.collect() };
            let will = |id: &str| match member(id) {
                None => Will::Already,
                Some(group) if group.kind == OKTA_GROUP => Will::Do,
                Some(group) => Will::Skip(format!(
                    "the API does not change members of a group of the type `{}`",
                    group.kind
                )),
            };
            wanted.into_iter().map(|id| Step::on_group(action, id, will(id))).collect()
        }
        Action::Quarantine => {
            let group = settings.quarantine.as_deref().unwrap_or_default();
            let will = if member(group).is_some() { Will::Already } else { Will::Do };
            vec![Step::on_group(action, group, will)]
        }
        Action::RemoveAdminRoles => {
            let will = |role: &Admin| match role.own {
                true => Will::Do,
                false => Will::Skip(format!("`{}` comes from a group: use `remove-from-groups`", role.kind)),
            };
            let step = |role: &Admin| Step {
                role: Some((role.id.clone(), role.kind.clone())),
                ..Step::new(action, will(role))
            };
            match roles {
                [] => one(Will::Already),
                roles => roles.iter().map(step).collect(),
            }
        }
        Action::SetRisk => one(if facts.is_risky { Will::Already } else { Will::Do }),
        Action::ResetFactors | Action::RevokeGrants | Action::ClearSessions | Action::Deactivate => {
            one(Will::Do)
        }
    }
}
