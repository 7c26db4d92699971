//! A tenant, found by its name.
//!
//! # What counts
//!
//! A tenant's admin has an Okta token of their own, with which they rename the groups
//! that they manage and write their descriptions. Names and descriptions therefore say
//! where to look. What is true follows from objects that a tenant's admin cannot write:
//!
//! - A tenant is a group `ADMINS_<name>` that is assigned to the okta-dac app with the
//!   claim `<idp id>:<name>:<users group id>`; during a rename, with the former name.
//! - Where this assignment is missing, it is a group that holds the admins' role while
//!   an IdP is called `DAC_<name>`.
//! - Its IdP and its users group are those of these ids; without the assignment, the
//!   users group is the one that the IdP names.
//!
//! Whatever else is called `ADMINS_…` is no tenant: absent for whoever reads, and named
//! to whoever wants to change it.

use std::time::Duration;

use domain::{AdminsDescription, Caller, TenantClaim, TenantName, admins_group, idp_name, users_group};
use futures::TryStreamExt;
use okta_client::models::{AppId, ApplicationGroupAssignment, Group, GroupId, IdentityProvider, IdpId};
use okta_client::{Client, Error, ListIdentityProviders};
use operations::{EnvVar, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Run};
use serde_json::Value;
use tokio::time::Instant;

use crate::groups::{Indexed, OKTA_GROUP};
use crate::{Groups, Ids, Want, if_present, role_targets};

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

/// The users group that an IdP names by id, whatever it is called: a tenant's admin may
/// rename it.
///
/// # Errors
///
/// Okta's.
pub async fn users_of_idp(okta: &Client, idp: &IdentityProvider) -> Result<Option<Group>, Error> {
    let Some(users) = idp.provisioned_groups().first().map(|id| GroupId::from(*id)) else { return Ok(None) };
    Ok(if_present(okta.get_group(&users)).await?.filter(|group| group.kind == OKTA_GROUP))
}

/// The elements of the claim that an assignment gives.
pub fn claims(assignment: &ApplicationGroupAssignment) -> Vec<TenantClaim> {
    let elements = assignment.profile.get("tenants").and_then(Value::as_array).into_iter().flatten();
    elements.filter_map(|element| TenantClaim::parse(element.as_str()?).ok()).collect()
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
    /// The assignment of `admins` to the okta-dac app; `None` if somebody deleted it.
    pub assignment: Option<ApplicationGroupAssignment>,
    /// Its IdP, where it was looked at ([`Depth::Change`]) and is there.
    pub idp: Option<IdentityProvider>,
    /// The record in the description of `admins`: where to look.
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
    /// A group has the name of a tenant's admins, and is none.
    #[error("find the tenant whose admins are `{}`", .0.profile.name)]
    Pretender(Box<Group>),
    /// Two tenants have one IdP.
    #[error("tell the tenants `{name}` and `{other}` apart")]
    Twins {
        /// The tenant.
        name: TenantName,
        /// The tenant that the IdP is called after.
        other: TenantName,
        /// Id of the IdP.
        idp: String,
    },
    /// It lacks an object that it cannot be without.
    #[error("find {missing}")]
    Broken {
        /// The object.
        missing: String,
    },
    /// What okta-dac itself keeps of it cannot be read.
    #[error("read what is kept of the tenant")]
    Unknown(Failure),
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
            TenantError::Pretender(group) => Failure::new(
                ProblemCode::TenantBroken,
                format!(
                    "the group `{}` with the id `{}` is called like a tenant's admins and is no tenant's; rename or delete it in Okta",
                    group.profile.name, group.id
                ),
            ),
            TenantError::Twins { name, other, idp } => Failure::new(
                ProblemCode::TenantBroken,
                format!(
                    "the tenants `{name}` and `{other}` have the same identity provider `{idp}`; nothing was changed; correct the assignments of their admins to the okta-dac app"
                ),
            ),
            TenantError::Broken { missing } => {
                Failure::new(ProblemCode::TenantBroken, format!("the tenant lacks {missing}"))
            }
            TenantError::Unknown(failure) => failure,
            TenantError::Okta(error) => Failure::okta("look the tenant up", &error),
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// For reading: the assignment is enough.
    Read,
    /// For a change: also whether the IdP is another tenant's.
    Change,
}

/// Finds tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    /// The okta-dac app.
    pub app: AppId,
}

/// What was asked for the ids of the index.
type Early<T> = Option<(Ids, Result<T, Error>)>;

impl Tenants {
    /// With the okta-dac app of the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { app: environment.text(&EnvVar::OKTA_DAC_APP_ID)?.into() })
    }

    /// The tenant called `name`, if it is the caller's: names may be given to
    /// another tenant while tokens with the old one live on.
    ///
    /// # Errors
    ///
    /// [`TenantError`].
    pub async fn of_caller(
        &self,
        run: &Run,
        caller: &Caller,
        name: &TenantName,
        depth: Depth,
    ) -> Result<Tenant, TenantError> {
        let nothing = |_| async { Ok(()) };
        self.of_caller_with(run, caller, name, depth, nothing).await.map(|(tenant, ())| tenant)
    }

    /// As [`Tenants::of_caller`], and what `also` gives for the tenant's groups: it is
    /// called as soon as the index names them, while they are read.
    ///
    /// # Errors
    ///
    /// [`TenantError`].
    pub async fn of_caller_with<T, F: Future<Output = Result<T, Error>>>(
        &self,
        run: &Run,
        caller: &Caller,
        name: &TenantName,
        depth: Depth,
        also: impl Fn(Ids) -> F,
    ) -> Result<(Tenant, T), TenantError> {
        let okta = run.okta.forward();
        let (tenant, early) = self.find_with(okta, name, Want::Tenant, depth, run.deadline, &also).await?;
        let is_own = |claim: &TenantClaim| claim.name == tenant.name && claim.tenant_id == tenant.id;
        if !caller.superuser && !caller.tenants.iter().any(is_own) {
            return Err(TenantError::Foreign);
        }
        run.record.concerns(&tenant.id);
        let ids = Ids { admins: tenant.admins.id.clone(), users: tenant.require_users()?.id.clone() };
        let also = match early {
            Some((asked, answer)) if asked == ids => answer?,
            _ => also(ids).await?,
        };
        Ok((tenant, also))
    }

    /// The tenant called `name`. Waits a while, at most until `deadline`, for a
    /// search index that is late.
    ///
    /// # Errors
    ///
    /// [`TenantError`], but never [`TenantError::Foreign`].
    pub async fn find(
        &self,
        okta: &Client,
        name: &TenantName,
        want: Want,
        depth: Depth,
        deadline: Instant,
    ) -> Result<Tenant, TenantError> {
        let nothing = |_| async { Ok(()) };
        self.find_with(okta, name, want, depth, deadline, &nothing).await.map(|(tenant, _)| tenant)
    }

    async fn find_with<T, F: Future<Output = Result<T, Error>>>(
        &self,
        okta: &Client,
        name: &TenantName,
        want: Want,
        depth: Depth,
        deadline: Instant,
        also: &impl Fn(Ids) -> F,
    ) -> Result<(Tenant, Early<T>), TenantError> {
        let deadline = deadline.min(Instant::now() + INDEX_LAG);
        loop {
            let indexed = Indexed::of(okta, name, want).await?;
            let early = async {
                match indexed.ids(name) {
                    Some(ids) => Some((ids.clone(), also(ids).await)),
                    None => None,
                }
            };
            let hint = indexed.admins(name).cloned();
            let assignment = async {
                match &hint {
                    Some(admins) => self.assignment(okta, &admins.id).await,
                    None => Ok(None),
                }
            };
            // The record only says which IdP to read meanwhile.
            let meant = async {
                let record =
                    hint.as_ref().and_then(|group| AdminsDescription::parse(&group.profile.description));
                match record.and_then(|record| record.tenant_id).filter(|_| depth == Depth::Change) {
                    Some(id) => if_present(okta.get_identity_provider(&IdpId::from(id))).await,
                    None => Ok(None),
                }
            };
            let (found, early, assignment, meant) =
                futures::join!(indexed.read(okta, name), early, assignment, meant);
            let mut found = found?;
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
            let assignment = match hint.filter(|hint| hint.id == admins.id) {
                Some(_) => assignment?,
                None => self.assignment(okta, &admins.id).await?,
            };
            let mut tenant = self.tenant(okta, name, want, depth, found, admins, assignment).await?;
            if depth == Depth::Change {
                let idp = match meant?.filter(|idp| idp.id.as_str() == tenant.id) {
                    Some(idp) => Some(idp),
                    None => if_present(okta.get_identity_provider(&tenant.id.as_str().into())).await?,
                };
                if let Some(idp) = &idp {
                    self.check_idp(okta, &tenant, idp).await?;
                }
                tenant.idp = idp;
            }
            return Ok((tenant, early));
        }
    }

    async fn assignment(
        &self,
        okta: &Client,
        admins: &GroupId,
    ) -> Result<Option<ApplicationGroupAssignment>, Error> {
        if_present(okta.get_application_group_assignment(&self.app, admins)).await
    }

    /// The tenant called `name` whose admins group this is; `None` if it is no tenant's.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub async fn of_group(
        &self,
        okta: &Client,
        name: &TenantName,
        group: &Group,
    ) -> Result<Option<Tenant>, Error> {
        let (found, assignment) = (Groups::default(), self.assignment(okta, &group.id).await?);
        let (want, depth) = (Want::Tenant, Depth::Read);
        match self.tenant(okta, name, want, depth, found, group.clone(), assignment).await {
            Ok(tenant) => Ok(Some(tenant)),
            Err(TenantError::Okta(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The tenant of an admins group, by what its admins cannot write.
    #[expect(clippy::too_many_arguments, reason = "all that was read of one tenant")]
    async fn tenant(
        &self,
        okta: &Client,
        name: &TenantName,
        want: Want,
        depth: Depth,
        mut found: Groups,
        admins: Group,
        assignment: Option<ApplicationGroupAssignment>,
    ) -> Result<Tenant, TenantError> {
        let description = AdminsDescription::parse(&admins.profile.description).unwrap_or_default();
        if description.creating.is_some() {
            return Err(TenantError::Absent(name.clone()));
        }
        let former = description.former_name();
        let is_its = |claim: &TenantClaim| claim.name == *name || Some(&claim.name) == former.as_ref();
        let claim = assignment.as_ref().and_then(|of| claims(of).into_iter().find(is_its));
        let (id, users) = match claim {
            Some(TenantClaim { tenant_id, users_group_id, .. }) => {
                let users = GroupId::from(users_group_id);
                let read = found.users.take().filter(|group| group.id == users);
                let users = match read {
                    Some(group) => Some(group),
                    None => if_present(okta.get_group(&users)).await?,
                };
                (tenant_id, users)
            }
            None => {
                // Its admins can make neither the role nor the IdP.
                let holds_role = role_targets(okta, &admins.id).await?.is_some();
                let idp = if holds_role { idp_of(okta, name).await? } else { None };
                let Some(idp) = idp else {
                    return Err(match depth {
                        Depth::Read => TenantError::Absent(name.clone()),
                        Depth::Change => TenantError::Pretender(Box::new(admins)),
                    });
                };
                (idp.id.to_string(), users_of_idp(okta, &idp).await?)
            }
        };
        found.add_former(okta, former.as_ref(), want).await?;
        let app_users = found.app_users;
        let (name, idp) = (name.clone(), None);
        Ok(Tenant { name, id, admins, assignment, idp, description, users, app_users })
    }

    /// Ends the request if the IdP of a tenant is called after another one that has the
    /// same.
    ///
    /// # Errors
    ///
    /// [`TenantError::Twins`], or Okta's.
    pub async fn check_idp(
        &self,
        okta: &Client,
        tenant: &Tenant,
        idp: &IdentityProvider,
    ) -> Result<(), TenantError> {
        let former = tenant.description.former_name();
        let own = [Some(&tenant.name), former.as_ref()];
        if own.into_iter().flatten().any(|name| idp.name == idp_name(name)) {
            return Ok(());
        }
        let other = idp.name.strip_prefix("DAC_").and_then(|name| TenantName::parse(name).ok());
        let Some(other) = other else { return Ok(()) };
        let Some(group) = crate::group_called(okta, &admins_group(&other)).await? else { return Ok(()) };
        let Some(assignment) = self.assignment(okta, &group.id).await? else { return Ok(()) };
        let is_twin = |claim: &TenantClaim| claim.name == other && claim.tenant_id == tenant.id;
        match claims(&assignment).iter().any(is_twin) {
            true => Err(TenantError::Twins { name: tenant.name.clone(), other, idp: tenant.id.clone() }),
            false => Ok(()),
        }
    }
}

/// Whether the tenant is there although no search finds its `ADMINS_` group:
/// its IdP is, and the users group that this names by id.
async fn is_index_late(okta: &Client, name: &TenantName) -> Result<bool, Error> {
    let Some(idp) = idp_of(okta, name).await? else { return Ok(false) };
    Ok(users_of_idp(okta, &idp).await?.is_some())
}
