//! What creating, renaming and deleting a tenant look for beyond its groups.

use domain::{AdminsDescription, TenantName, USERS_DESCRIPTION, app_of_appusers_group};
use futures::TryStreamExt;
use futures::future::try_join_all;
use okta_client::models::{Application, Group, GroupId, IdentityProvider, IdpId, Role};
use okta_client::{Client, Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::{Failure, Run};
use state::{State, StateError, Suspension};
use tenancy::{
    App, Depth, Groups, Tenant, TenantError, Tenants, Want, current_groups, groups_of_tenant, idp_of,
    if_present, is_unused, record_says, role_targets, users_of_idp,
};

/// The tenant that is being renamed and was called `name` before, if there is one.
pub(crate) async fn renamed_from(
    okta: &Client,
    tenants: &Tenants,
    name: &TenantName,
) -> Result<Option<String>, Error> {
    for group in current_groups(okta, &record_says("renamedFrom", name.as_str())).await? {
        let record = AdminsDescription::parse(&group.profile.description).unwrap_or_default();
        let renamed =
            group.profile.name.strip_prefix("ADMINS_").and_then(|name| TenantName::parse(name).ok());
        // Whoever may write a description may write this.
        if let Some(renamed) = renamed
            && record.renamed_from.as_deref() == Some(name.as_str())
            && tenants.of_group(okta, &renamed, &group).await?.is_some()
        {
            return Ok(Some(renamed.to_string()));
        }
    }
    Ok(None)
}

/// Whether a `USERS_` group was made for a tenant that was never completed. Somebody's
/// group may have this name and this text; then somebody relies on it.
pub(crate) async fn is_leftover(okta: &Client, users: &Group) -> Result<bool, Error> {
    Ok(users.profile.description == USERS_DESCRIPTION && is_unused(okta, &users.id).await?)
}

/// Deletes an IdP; off first, because Okta may want that.
pub(crate) async fn remove_idp(okta: &Client, idp: &IdpId) -> Result<(), Error> {
    okta.deactivate_identity_provider(idp).await.ok_if_absent()?;
    okta.delete_identity_provider(idp).await.ok_if_absent()
}

/// Takes every admin role from a group, before anything that limits it goes.
pub(crate) async fn remove_roles(okta: &Client, group: &GroupId) -> Result<(), Error> {
    let Some(roles) = if_present(okta.list_group_assigned_roles(group)).await? else { return Ok(()) };
    let removed = roles
        .iter()
        .map(|role| async { okta.unassign_role_from_group(group, &role.id).await.ok_if_absent() });
    try_join_all(removed).await.map(drop)
}

/// The name is a tenant's, with this id.
pub(crate) fn already_exists(name: &TenantName, id: String) -> Failure {
    let detail = format!("the tenant `{name}` exists already, with the id `{id}`");
    Failure::new(ProblemCode::TenantAlreadyExists, detail).member("existingId", id.into())
}

/// Everything that is a tenant's, whatever of it is left.
#[derive(Debug)]
pub(crate) struct Remains {
    /// Id of the tenant: the id of its IdP, which may be gone.
    pub(crate) id: Option<String>,
    /// `ADMINS_<name>`.
    pub(crate) admins: Option<Group>,
    /// The group of all users.
    pub(crate) users: Option<Group>,
    /// The app groups, in the order of their names.
    pub(crate) app_users: Vec<Group>,
    /// The tenant of this name is being renamed to this.
    pub(crate) moved_to: Option<String>,
    pub(crate) record: AdminsDescription,
    pub(crate) idp: Option<IdentityProvider>,
    /// The admins' roles.
    pub(crate) roles: Vec<Role>,
    /// Whether the state table keeps a suspension.
    pub(crate) is_suspended: bool,
    /// What the role of a suspended tenant is limited to.
    pub(crate) empty: Option<Group>,
    /// Whether the role is limited to something that goes after the role.
    pub(crate) is_limited_to_the_end: bool,
}

/// Why nothing can be said about what is left.
#[derive(Debug)]
pub enum RemainsError {
    /// Okta did not answer.
    Okta(Error),
    /// The state table did not answer.
    State(StateError),
    /// What has the name is no tenant's, or two tenants'.
    Tenant(TenantError),
}

impl From<Error> for RemainsError {
    fn from(error: Error) -> Self {
        RemainsError::Okta(error)
    }
}

/// What is left of the tenant called `name`: of a tenant, its own objects by their ids;
/// of one without its admins, the IdP of its name and the group that this names.
/// What a run that was killed left is removed by name only where nobody relies on it.
pub(crate) async fn remains(
    run: &Run,
    tenants: &Tenants,
    state: &State,
    name: &TenantName,
) -> Result<Remains, RemainsError> {
    let okta = run.okta.forward();
    let found = tenants.find(okta, name, Want::AppGroups, Depth::Change, run.deadline).await;
    match found {
        Ok(tenant) => Ok(of_tenant(okta, state, tenant).await?),
        Err(TenantError::Absent(_)) => without_tenant(okta, state, name).await,
        Err(TenantError::Okta(error)) => Err(error.into()),
        Err(error) => Err(RemainsError::Tenant(error)),
    }
}

/// The group that the role of a suspended tenant is limited to.
async fn empty_group(okta: &Client, kept: Option<&Suspension>) -> Result<Option<Group>, Error> {
    let group = kept.and_then(|kept| kept.empty_group.as_ref()?.id.as_deref()).map(GroupId::from);
    match &group {
        Some(group) => if_present(okta.get_group(group)).await,
        None => Ok(None),
    }
}

async fn roles_of(okta: &Client, admins: &GroupId) -> Result<Vec<Role>, Error> {
    Ok(if_present(okta.list_group_assigned_roles(admins)).await?.unwrap_or_default())
}

async fn of_tenant(okta: &Client, state: &State, tenant: Tenant) -> Result<Remains, RemainsError> {
    let okta_read = async {
        let (targets, roles) =
            futures::try_join!(role_targets(okta, &tenant.admins.id), roles_of(okta, &tenant.admins.id))?;
        Ok::<_, RemainsError>((targets, roles))
    };
    let kept = async { state.suspension(&tenant.id).await.map_err(RemainsError::State) };
    let ((targets, roles), kept) = futures::try_join!(okta_read, kept)?;
    let (is_suspended, empty) = (kept.is_some(), empty_group(okta, kept.as_ref()).await?);
    let own = [Some(&tenant.admins), tenant.users.as_ref(), empty.as_ref()];
    let is_app = |id: &GroupId| !own.iter().flatten().any(|own| own.id == *id);
    let is_limited_to_the_end = targets.iter().flatten().any(|group| !is_app(&group.id));
    let targets: Vec<Group> =
        targets.unwrap_or_default().into_iter().filter(|group| is_app(&group.id)).collect();
    let ids = kept.into_iter().flat_map(|kept| kept.targets).map(GroupId::from);
    let ids: Vec<GroupId> = ids.filter(|id| is_app(id) && targets.iter().all(|of| of.id != *id)).collect();
    let read = try_join_all(ids.iter().map(|id| if_present(okta.get_group(id)))).await?;
    let mut app_users = Vec::new();
    // An administrator of the org may have added a group that is not the tenant's.
    for group in targets.into_iter().chain(read.into_iter().flatten()) {
        if is_entitlement(okta, &tenant.name, &group).await? {
            app_users.push(group);
        }
    }
    // What only has the name was left by an entitlement that was killed, or is somebody's.
    for group in tenant.app_users {
        let is_known = !is_app(&group.id) || app_users.iter().any(|of| of.id == group.id);
        if !is_known && is_unused(okta, &group.id).await? {
            app_users.push(group);
        }
    }
    app_users.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
    let Tenant { id, admins, users, idp, description: record, .. } = tenant;
    Ok(Remains {
        id: Some(id),
        admins: Some(admins),
        users,
        app_users,
        moved_to: None,
        record,
        idp,
        roles,
        is_suspended,
        empty,
        is_limited_to_the_end,
    })
}

/// Whether a target of a tenant's role is there for an app: it has the label of one, or
/// is assigned to an app that tenants can be entitled to, whatever an admin called it.
async fn is_entitlement(okta: &Client, tenant: &TenantName, group: &Group) -> Result<bool, Error> {
    if app_of_appusers_group(tenant, &group.profile.name).is_some() {
        return Ok(true);
    }
    let apps = okta.list_assigned_applications_for_group(&group.id).try_collect::<Vec<Application>>();
    let apps = if_present(apps).await?.unwrap_or_default();
    Ok(group.kind == "OKTA_GROUP" && apps.iter().any(|app| App::of(app).is_some()))
}

/// What is left without a group of admins, or with one of a tenant that was never
/// complete.
async fn without_tenant(okta: &Client, state: &State, name: &TenantName) -> Result<Remains, RemainsError> {
    let (groups, idp) =
        futures::try_join!(groups_of_tenant(okta, name, Want::AppGroups), idp_of(okta, name))?;
    let Groups { admins, users: named, app_users, moved_to } = groups;
    let record = admins.as_ref().and_then(|group| AdminsDescription::parse(&group.profile.description));
    let record = record.unwrap_or_default();
    if let Some(admins) = &admins {
        // A tenant in the making has no members; whoever is in this group relies on it.
        if record.creating.is_none() || okta.group_has_members(&admins.id).await? {
            return Err(RemainsError::Tenant(TenantError::Pretender(Box::new(admins.clone()))));
        }
    }
    let users = match &idp {
        Some(idp) => users_of_idp(okta, idp).await?,
        None => None,
    };
    let users = match (users, named) {
        (Some(users), _) => Some(users),
        (None, Some(named)) if is_leftover(okta, &named).await? => Some(named),
        _ => None,
    };
    let mut unused = Vec::new();
    for group in app_users {
        if is_unused(okta, &group.id).await? {
            unused.push(group);
        }
    }
    let id = idp.as_ref().map(|idp| idp.id.to_string());
    let kept = match &id {
        Some(id) => state.suspension(id).await.map_err(RemainsError::State)?,
        None => None,
    };
    let is_suspended = kept.is_some();
    let empty = empty_group(okta, kept.as_ref()).await?;
    let roles = match &admins {
        Some(admins) => roles_of(okta, &admins.id).await?,
        None => Vec::new(),
    };
    Ok(Remains {
        id,
        admins,
        users,
        app_users: unused,
        moved_to,
        record,
        idp,
        roles,
        is_suspended,
        empty,
        is_limited_to_the_end: false,
    })
}
