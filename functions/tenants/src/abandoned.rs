//! What `add-tenant` does when somebody else has the name: it waits for a run that
//! may be under way, and removes what an abandoned one left.

use std::time::Duration;

use domain::{AdminsDescription, TenantName, admins_group, users_group};
use okta_client::models::{Group, KeyId};
use okta_client::{Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::{Failure, Incomplete, Object, Run, StepFailure};
use tenancy::{Depth, POLL, TenantError, Tenants, Want, group_called, idp_of};
use tokio::time::Instant;

use crate::creation::LENGTH;
use crate::lookup::{is_leftover, remove_idp, remove_roles};

/// Age from which a tenant that is not complete has nobody working on it: runs
/// that create one have ended by then, undone if need be, and one second is for calls
/// that were on their way.
pub(crate) const ABANDONED: Duration = LENGTH.saturating_add(Duration::from_secs(1));

/// Searches for the group that has the name, before a new attempt.
const LOOKS: u32 = 5;

/// Why it is not known whose the name is, or the name cannot be made free.
#[derive(Debug)]
pub enum Unsettled {
    /// Another request has been creating the tenant for as long as this one could wait.
    Busy(TenantName),
    /// What an earlier request left is removed, and no time is left for more.
    Removed(TenantName),
    /// Another of the tenant's names is taken by what a deletion left.
    Deleted {
        /// The name.
        name: TenantName,
        /// What is left.
        object: String,
    },
    /// Another of the tenant's names is still that of a tenant with this name by now.
    Renamed {
        /// The name.
        name: TenantName,
        /// The tenant.
        renamed: String,
    },
    /// The name is taken by something that is no tenant.
    NameTaken {
        /// What has the name.
        object: String,
    },
    /// The name is a tenant's that is not whole.
    Tenant(TenantError),
    /// Okta did not answer; nothing was changed.
    Okta(StepFailure),
    /// What an earlier request left is removed in part.
    Incomplete(Incomplete),
}

impl From<Unsettled> for Failure {
    fn from(error: Unsettled) -> Self {
        match error {
            Unsettled::Busy(name) => {
                Failure::new(ProblemCode::TenantBusy, format!("another request is creating `{name}`"))
                    .retry_after(Duration::from_secs(2))
            }
            Unsettled::Removed(name) => Failure::new(
                ProblemCode::TenantBusy,
                format!("what an earlier request for `{name}` left is removed; send this request again"),
            )
            .retry_after(Duration::from_secs(1)),
            Unsettled::Deleted { name, object } => Failure::new(
                ProblemCode::NameTaken,
                format!(
                    "the org has {object}, which is left of a tenant `{name}` that is not wholly deleted; send `DELETE /tenants/{name}` first"
                ),
            ),
            Unsettled::Renamed { name, renamed } => Failure::new(
                ProblemCode::NameTaken,
                format!(
                    "the tenant `{renamed}` still has a part of its former name `{name}`; complete that with `PUT /tenants/{renamed}` and `{{\"name\": \"{renamed}\"}}`, or choose another name"
                ),
            ),
            Unsettled::NameTaken { object } => Failure::new(
                ProblemCode::NameTaken,
                format!(
                    "the org has {object}, which belongs to no tenant; choose another name, or rename it in Okta"
                ),
            ),
            Unsettled::Tenant(error) => error.into(),
            Unsettled::Okta(failure) => failure.into(),
            Unsettled::Incomplete(incomplete) => incomplete.into(),
        }
    }
}

/// Somebody else has `ADMINS_<name>`: gives the id of the tenant if it is one,
/// `None` if the name is free again. Waits for a run that may be under way, and
/// removes what an abandoned one left.
pub(crate) async fn settle(
    run: &Run,
    tenants: &Tenants,
    placeholder: &KeyId,
    name: &TenantName,
    last_start: Instant,
) -> Result<Option<String>, Unsettled> {
    let okta = run.okta.forward();
    let stopped = |source| Unsettled::Okta(StepFailure { step: "find out who has the name", source });
    let mut looks = 0;
    loop {
        let Some(admins) = group_called(okta, &admins_group(name)).await.map_err(stopped)? else {
            // It is gone again, or the index is late: look a few times, since
            // a new run is dearer than a search.
            wait(name, last_start).await?;
            looks += 1;
            if looks < LOOKS {
                continue;
            }
            return Ok(None);
        };
        let record = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
        if record.creating.is_some() {
            if okta.age(&admins.created).is_some_and(|age| age >= ABANDONED) {
                sweep(run, placeholder, name, &admins).await?;
                return if Instant::now() > last_start {
                    Err(Unsettled::Removed(name.clone()))
                } else {
                    Ok(None)
                };
            }
        } else {
            let found = tenants.find(okta, name, Want::Tenant, Depth::Change, run.deadline).await;
            match found {
                Ok(tenant) => return Ok(Some(tenant.id)),
                // The name is a tenant's, although its IdP is another one's, too.
                Err(TenantError::Twins { idp, .. }) => return Ok(Some(idp)),
                // It is gone again.
                Err(TenantError::Absent(_)) => {}
                Err(TenantError::Okta(error)) => return Err(stopped(error)),
                Err(TenantError::Pretender(group)) => {
                    let object = format!("a group `{}` with the id `{}`", group.profile.name, group.id);
                    return Err(Unsettled::NameTaken { object });
                }
                Err(error) => return Err(Unsettled::Tenant(error)),
            }
        }
        wait(name, last_start).await?;
    }
}

async fn wait(name: &TenantName, last_start: Instant) -> Result<(), Unsettled> {
    if Instant::now() + POLL > last_start {
        return Err(Unsettled::Busy(name.clone()));
    }
    tokio::time::sleep(POLL).await;
    Ok(())
}

/// Removes what an abandoned run left, its `ADMINS_` group last: it is what a
/// repeated request recognises the rest by. Objects that are found by name are
/// removed only if they are as old, because another request may sweep at the
/// same time and have begun anew.
async fn sweep(run: &Run, placeholder: &KeyId, name: &TenantName, admins: &Group) -> Result<(), Unsettled> {
    let okta = run.okta.forward();
    // Made by the abandoned run: not before its `ADMINS_` group, and not after
    // it must have ended.
    let of_run = |created: &str| match (okta.age(&admins.created), okta.age(created)) {
        (Some(run), Some(age)) => run + Duration::from_secs(1) >= age && run < age + ABANDONED,
        _ => false,
    };
    let mut left = vec![Object::new("group", admins_group(name), &admins.id)];
    let swept = async {
        if okta.group_has_members(&admins.id).await? {
            return Ok::<_, Error>(false);
        }
        let users = group_called(okta, &users_group(name)).await?.filter(|users| of_run(&users.created));
        let users = match users {
            Some(users) if is_leftover(okta, &users).await? => Some(users),
            _ => None,
        };
        left.extend(users.iter().map(|users| Object::new("group", users_group(name), &users.id)));
        let idp = idp_of(okta, name).await?.filter(|idp| of_run(&idp.created));
        let idp = idp.filter(|idp| idp.trusted_key() == Some(placeholder.as_str()));
        if let Some(idp) = idp {
            left.push(Object::new("identityProvider", &idp.name, &idp.id));
            remove_idp(okta, &idp.id).await?;
            left.pop();
        }
        remove_roles(okta, &admins.id).await?;
        if let Some(users) = users {
            okta.delete_group(&users.id).await.ok_if_absent()?;
            left.pop();
        }
        okta.delete_group(&admins.id).await.ok_if_absent()?;
        Ok(true)
    };
    match swept.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unsettled::NameTaken {
            object: format!("a half-made tenant `{name}` whose group `{}` has members", admins_group(name)),
        }),
        Err(error) if error.is_not_found() => Ok(()), // Another request swept it meanwhile.
        Err(error) => {
            let incomplete = Incomplete::after(&[], left);
            Err(Unsettled::Incomplete(incomplete.because("remove what an earlier request left", error)))
        }
    }
}
