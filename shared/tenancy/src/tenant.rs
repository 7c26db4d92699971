//! A tenant, found by its name.

use std::time::Duration;

use domain::{AdminsDescription, Caller, TenantName, idp_name, users_group};
use futures::TryStreamExt;
use okta_client::models::{Group, GroupId, IdentityProvider};
use okta_client::{Client, Error, ListIdentityProviders};
use operations::ProblemCode;
use run_kit::{Failure, Run};
use tokio::time::Instant;

use crate::groups::groups_of_tenant_with;
use crate::{Groups, Ids, Want, if_present};

/// The admin role of a tenant's admins.
pub const ROLE: &str = "USER_ADMIN";

/// Wait between two looks at something that will be there soon.
pub const POLL: Duration = Duration::from_millis(200);

/// Longest wait for the search index.
pub const INDEX_LAG: Duration = Duration::from_secs(7);

/// The IdP called exactly `DAC_<tenant>`.
///
/// # Errors
///
/// Okta's.
pub async fn idp_of(okta: &Client, tenant: &TenantName) -> Result<Option<IdentityProvider>, Error> {
    let name = idp_name(tenant);
    let query = ListIdentityProviders { q: Some(name.clone()) };
    let mut idps = okta.list_identity_providers(&query);
    while let Some(idp) = idps.try_next().await? {
        if idp.name == name {
            return Ok(Some(idp));
        }
    }
    Ok(None)
}

/// The users group that an IdP names by id, if it has the tenant's name.
///
/// # Errors
///
/// Okta's.
pub async fn users_of_idp(
    okta: &Client,
    idp: &IdentityProvider,
    tenant: &TenantName,
) -> Result<Option<Group>, Error> {
    let Some(users) = idp.provisioned_groups().first().map(|id| GroupId::from(*id)) else { return Ok(None) };
    let users = if_present(okta.get_group(&users)).await?;
    Ok(users.filter(|group| group.profile.name == users_group(tenant)))
}

/// A tenant that exists.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// Id of its IdP.
    pub id: String,
    /// `ADMINS_<name>`, the group of its admins.
    pub admins: Group,
    /// The record in the description of `admins`.
    pub description: AdminsDescription,
    /// `USERS_<name>`; `None` if somebody deleted it.
    pub users: Option<Group>,
    /// `APPUSERS_<name>_<appId>`; empty unless asked for.
    pub app_users: Vec<Group>,
}

impl Tenant {
    /// The group of all its users.
    ///
    /// # Errors
    ///
    /// [`TenantError::Broken`] if somebody deleted it.
    pub fn require_users(&self) -> Result<&Group, TenantError> {
        let missing = || TenantError::Broken { missing: format!("the group `{}`", users_group(&self.name)) };
        self.users.as_ref().ok_or_else(missing)
    }
}

/// Why a name leads to no tenant that can be worked with.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// There is none of this name, or it is not complete yet.
    #[error("find the tenant `{0}`")]
    Absent(TenantName),
    /// The tenant has this name since the caller's token was issued: the token
    /// is for another one.
    #[error("find the tenant that the token is for")]
    Foreign,
    /// It lacks an object that it cannot be without.
    #[error("find {missing}")]
    Broken {
        /// The object.
        missing: String,
    },
    /// Okta did not answer.
    #[error("look the tenant up")]
    Okta(#[from] Error),
}

impl From<TenantError> for Failure {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Absent(name) => {
                Failure::new(ProblemCode::TenantNotFound, format!("there is no tenant `{name}`"))
            }
            TenantError::Foreign => {
                Failure::new(ProblemCode::Forbidden, "the token is for another tenant; get a new one")
            }
            TenantError::Broken { missing } => {
                Failure::new(ProblemCode::TenantBroken, format!("the tenant lacks {missing}"))
            }
            TenantError::Okta(error) => Failure::okta("look the tenant up", &error),
        }
    }
}

/// The tenant called `name`, if it is the caller's: names may be given to
/// another tenant while tokens with the old one live on.
///
/// # Errors
///
/// [`TenantError`].
pub async fn tenant_for(
    run: &Run,
    caller: &Caller,
    name: &TenantName,
    want: Want,
) -> Result<Tenant, TenantError> {
    tenant_for_with(run, caller, name, want, |_| async { Ok(()) }).await.map(|(tenant, ())| tenant)
}

/// As [`tenant_for`], and what `also` gives for the tenant's groups: it is
/// called as soon as the index names them, while they are read.
///
/// # Errors
///
/// [`TenantError`].
pub async fn tenant_for_with<T, F: Future<Output = Result<T, Error>>>(
    run: &Run,
    caller: &Caller,
    name: &TenantName,
    want: Want,
    also: impl Fn(Ids) -> F,
) -> Result<(Tenant, T), TenantError> {
    let (tenant, early) = find(run.okta.forward(), name, want, run.deadline, &also).await?;
    if !may_see(caller, &tenant) {
        return Err(TenantError::Foreign);
    }
    let ids = Ids { admins: tenant.admins.id.clone(), users: tenant.require_users()?.id.clone() };
    let also = match early {
        Some((asked, answer)) if asked == ids => answer?,
        _ => also(ids).await?,
    };
    Ok((tenant, also))
}

fn may_see(caller: &Caller, tenant: &Tenant) -> bool {
    caller.superuser
        || caller.tenants.iter().any(|claim| claim.name == tenant.name && claim.tenant_id == tenant.id)
}

/// The tenant called `name`. Waits a while, at most until `deadline`, for a
/// search index that is late.
///
/// # Errors
///
/// [`TenantError`], but never [`TenantError::Foreign`].
pub async fn tenant(
    okta: &Client,
    name: &TenantName,
    want: Want,
    deadline: Instant,
) -> Result<Tenant, TenantError> {
    find(okta, name, want, deadline, &|_| async { Ok(()) }).await.map(|(tenant, _)| tenant)
}

/// What was asked for the ids of the index.
type Early<T> = Option<(Ids, Result<T, Error>)>;

async fn find<T, F: Future<Output = Result<T, Error>>>(
    okta: &Client,
    name: &TenantName,
    want: Want,
    deadline: Instant,
    also: &impl Fn(Ids) -> F,
) -> Result<(Tenant, Early<T>), TenantError> {
    let deadline = deadline.min(Instant::now() + INDEX_LAG);
    loop {
        let (mut found, early) = groups_of_tenant_with(okta, name, want, also).await?;
        let description = found.description();
        let Some(admins) = found.admins.take() else {
            if found.moved_to.is_none()
                && is_index_late(okta, name).await?
                && Instant::now() + POLL < deadline
            {
                tokio::time::sleep(POLL).await;
                continue;
            }
            return Err(TenantError::Absent(name.clone()));
        };
        let description = match description {
            Some(description) if description.creating.is_some() => {
                return Err(TenantError::Absent(name.clone()));
            }
            Some(description) => description,
            None => AdminsDescription::default(),
        };
        let id = match &description.tenant_id {
            Some(id) => id.clone(),
            None => match idp_of(okta, name).await? {
                Some(idp) => idp.id.to_string(),
                None => {
                    let missing = format!(
                        "the tenant's id: the description of `{}` does not hold it and there is no identity provider `{}`",
                        admins.profile.name,
                        idp_name(name)
                    );
                    return Err(TenantError::Broken { missing });
                }
            },
        };
        found.add_former(okta, description.former_name().as_ref(), want).await?;
        if found.users.is_none()
            && let Some(idp) = if_present(okta.get_identity_provider(&id.as_str().into())).await?
        {
            found.users = users_of_idp(okta, &idp, name).await?;
        }
        let Groups { users, app_users, .. } = found;
        let name = name.clone();
        return Ok((Tenant { name, id, admins, description, users, app_users }, early));
    }
}

/// Whether the tenant is there although no search finds its `ADMINS_` group:
/// its IdP is, and the users group that this names by id.
async fn is_index_late(okta: &Client, name: &TenantName) -> Result<bool, Error> {
    let Some(idp) = idp_of(okta, name).await? else { return Ok(false) };
    Ok(users_of_idp(okta, &idp, name).await?.is_some())
}
