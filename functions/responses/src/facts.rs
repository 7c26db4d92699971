//! What is true of a user, as Okta says now.

use std::collections::BTreeSet;

use containment::{Action, Admin, Before, Current, Facts, Group, Order, Rights, Status, SuperAdmins};
use domain::{SUPERUSERS, is_okta_id};
use futures::TryStreamExt;
use futures::future::{join, join_all, join5};
use okta_client::models::{RiskLevel, Role, User, UserId};
use okta_client::{Client, Error};
use tenancy::if_present;

use crate::settings::Responding;

/// Administrators that are looked at, to find another super admin.
const ADMINISTRATORS: usize = 200;

/// Administrators that are looked at at the same time.
const AT_ONCE: usize = 8;

/// The role that somebody must have.
const SUPER_ADMIN: &str = "SUPER_ADMIN";

/// Id of the user whom a text names: by id or login. Okta also finds users by short names,
/// and those may name another user.
pub(crate) async fn user_id(okta: &Client, named: &str) -> Result<Option<UserId>, Error> {
    if named.starts_with("00u") && is_okta_id(named) {
        return Ok(Some(UserId::from(named)));
    }
    let user = if_present(okta.get_user(named)).await?;
    Ok(user.filter(|user| user.login().eq_ignore_ascii_case(named)).map(|user| user.id))
}

/// A user, and what is decided by.
pub(crate) struct Found {
    pub(crate) user: User,
    pub(crate) facts: Facts,
}

/// Reads a user for an order: all at the same time. [`None`] if there is no such user.
/// `tenant` is the group of the users of the caller's tenant, for an admin of one.
pub(crate) async fn read(
    okta: &Client,
    responding: &Responding,
    order: &Order,
    user: &UserId,
    tenant: Option<&str>,
) -> Result<Option<Found>, Error> {
    let groups = okta.list_user_groups(user).try_collect::<Vec<okta_client::models::Group>>();
    let owner = async {
        match okta.client_id() {
            Some(_) => Ok(None),
            None => okta.get_user("me").await.map(|owner| Some(owner.id)),
        }
    };
    let risk = async {
        match order.actions.contains(&Action::SetRisk) {
            true => risk(okta, user).await,
            false => Ok(None),
        }
    };
    let roles = okta.list_assigned_roles_for_user(user.as_str());
    let (found, groups, roles, owner, risk) =
        join5(if_present(okta.get_user(user.as_str())), groups, roles, owner, risk).await;
    let Some(found) = found?.filter(|found| found.id == *user) else { return Ok(None) };
    let rights = match roles {
        Ok(roles) => Rights::Known(roles.iter().map(admin).collect()),
        // Not allowed, or not understood: then nothing is done, and nothing is repeated.
        Err(error) if !error.is_retryable() => Rights::Unknown,
        Err(error) => return Err(error),
    };
    let groups = groups?;
    let users_groups = groups.iter().filter(|group| group.profile.name.starts_with("USERS_"));
    let is_of_tenant = tenant.is_some_and(|tenant| {
        let own: Vec<&str> = users_groups.map(|group| group.id.as_str()).collect();
        let is_member = groups.iter().any(|group| group.id.as_str() == tenant);
        is_member && own.iter().all(|id| *id == tenant)
    });
    let groups = groups.iter().map(|group| Group {
        id: group.id.to_string(),
        kind: group.kind.clone(),
        administers: group_administers(responding, group),
    });
    let facts = Facts {
        user: found.id.to_string(),
        login: found.login().to_owned(),
        status: found.status.clone(),
        groups: groups.collect(),
        rights,
        super_admins: SuperAdmins::Unknown,
        owns_token: owner?.is_some_and(|owner| owner == found.id),
        is_of_tenant,
        is_risky: risk? == Some(RiskLevel::High),
    };
    Ok(Some(Found { user: found, facts }))
}

/// Whether the members of a group administer okta-dac.
fn group_administers(responding: &Responding, group: &okta_client::models::Group) -> bool {
    let responders = responding.responses.responders.as_deref();
    group.profile.name == SUPERUSERS || responders == Some(group.id.as_str())
}

/// Whether a user administers the org or okta-dac now; one who is gone does not.
pub(crate) async fn administers(
    okta: &Client,
    responding: &Responding,
    user: &UserId,
) -> Result<bool, Error> {
    let groups = okta.list_user_groups(user).try_collect::<Vec<_>>();
    let (roles, groups) = join(okta.list_assigned_roles_for_user(user.as_str()), groups).await;
    let (Some(roles), Some(groups)) =
        (if_present(async { roles }).await?, if_present(async { groups }).await?)
    else {
        return Ok(false);
    };
    Ok(!roles.is_empty() || groups.iter().any(|group| group_administers(responding, group)))
}

fn admin(role: &Role) -> Admin {
    let own = role.assignment.as_deref() == Some("USER");
    Admin { id: role.id.to_string(), kind: role.kind.clone(), own }
}

/// The risk of a user; [`None`] in an org that knows none.
async fn risk(okta: &Client, user: &UserId) -> Result<Option<RiskLevel>, Error> {
    match okta.get_user_risk(user).await {
        Ok(level) => Ok(Some(level)),
        Err(error) if !error.is_retryable() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether somebody other than `user` is a super admin who can sign in. Stops at the first
/// one; without an answer of Okta nobody knows.
pub(crate) async fn super_admins(okta: &Client, responding: &Responding, user: &UserId) -> SuperAdmins {
    let Ok(administrators) = okta.list_users_with_role_assignments().await else {
        return SuperAdmins::Unknown;
    };
    let quarantine = responding.settings.quarantine.as_deref();
    let others: Vec<UserId> = administrators.into_iter().filter(|other| other != user).collect();
    for some in others.chunks(AT_ONCE).take(ADMINISTRATORS / AT_ONCE) {
        let found = join_all(some.iter().map(|other| is_working_super_admin(okta, quarantine, other))).await;
        if found.iter().any(|found| matches!(found, Ok(true))) {
            return SuperAdmins::Others(1);
        }
        if found.iter().any(Result::is_err) {
            return SuperAdmins::Unknown;
        }
    }
    if others.len() > ADMINISTRATORS { SuperAdmins::Unknown } else { SuperAdmins::Others(0) }
}

/// Whoever is in quarantine may be unable to sign in.
async fn is_working_super_admin(
    okta: &Client,
    quarantine: Option<&str>,
    user: &UserId,
) -> Result<bool, Error> {
    let roles = okta.list_assigned_roles_for_user(user.as_str()).await?;
    if !roles.iter().any(|role| role.kind == SUPER_ADMIN) {
        return Ok(false);
    }
    let found = okta.get_user(user.as_str()).await?;
    let Some(quarantine) = quarantine.filter(|_| Status::of(&found.status) == Status::Active) else {
        return Ok(Status::of(&found.status) == Status::Active);
    };
    let groups: Vec<okta_client::models::Group> = okta.list_user_groups(user).try_collect().await?;
    Ok(groups.iter().all(|group| group.id.as_str() != quarantine))
}

/// How a user was, or is.
pub(crate) fn before(user: &User) -> Before {
    Before {
        status: user.status.clone(),
        status_changed: user.status_changed().map(str::to_owned),
        groups: Vec::new(),
    }
}

/// How a user is now, as far as these actions look at it; [`None`] if the user is gone.
pub(crate) async fn current(
    okta: &Client,
    user: &UserId,
    actions: &BTreeSet<Action>,
) -> Result<Option<Current>, Error> {
    let has = |action| actions.contains(&action);
    let groups = async {
        match has(Action::RemoveFromGroups) || has(Action::Quarantine) {
            true => okta.list_user_groups(user).try_collect().await,
            false => Ok(Vec::<okta_client::models::Group>::new()),
        }
    };
    let roles = async {
        match has(Action::RemoveAdminRoles) {
            true => okta.list_assigned_roles_for_user(user.as_str()).await,
            false => Ok(Vec::new()),
        }
    };
    let risk = async { if has(Action::SetRisk) { risk(okta, user).await } else { Ok(None) } };
    let ((found, groups), (roles, risk)) =
        join(join(if_present(okta.get_user(user.as_str())), groups), join(roles, risk)).await;
    let Some(found) = found?.filter(|found| found.id == *user) else { return Ok(None) };
    let own = |role: &Role| role.assignment.as_deref() == Some("USER");
    Ok(Some(Current {
        user: before(&found),
        groups: groups?.iter().map(|group| group.id.to_string()).collect(),
        roles: roles?.into_iter().filter(own).map(|role| role.kind).collect(),
        is_risky: risk? == Some(RiskLevel::High),
    }))
}
