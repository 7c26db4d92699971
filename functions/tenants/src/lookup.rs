//! What creating, renaming and deleting a tenant look for beyond its groups.

use domain::{AdminsDescription, TenantName, USERS_DESCRIPTION};
use futures::future::try_join_all;
use okta_client::models::{Group, GroupId, IdentityProvider, IdpId};
use okta_client::{Client, Error, OkIfAbsent};
use operations::ProblemCode;
use run_kit::Failure;
use tenancy::{
    Groups, INDEX_LAG, POLL, Want, current_groups, groups_of_tenant, idp_of, if_present, record_says,
    users_of_idp,
};
use tokio::time::Instant;

/// The tenant that is being renamed and was called `name` before, if there is one.
pub(crate) async fn renamed_from(okta: &Client, name: &TenantName) -> Result<Option<String>, Error> {
    let found = current_groups(okta, &record_says("renamedFrom", name.as_str())).await?;
    Ok(found.iter().find_map(|group| {
        let record = AdminsDescription::parse(&group.profile.description)?;
        let renamed = group.profile.name.strip_prefix("ADMINS_")?;
        (record.renamed_from.as_deref() == Some(name.as_str())).then(|| renamed.to_owned())
    }))
}

/// Whether a `USERS_` group was made for a tenant that was never completed.
pub(crate) async fn is_leftover(okta: &Client, users: &Group) -> Result<bool, Error> {
    Ok(users.profile.description == USERS_DESCRIPTION && !okta.group_has_members(&users.id).await?)
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

/// Everything that is found by a tenant's name, whatever of it is left.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) groups: Groups,
    pub(crate) record: AdminsDescription,
    pub(crate) idp: Option<IdentityProvider>,
}

/// What is left of the tenant called `name`.
pub(crate) async fn remains(okta: &Client, name: &TenantName, deadline: Instant) -> Result<Remains, Error> {
    let deadline = deadline.min(Instant::now() + INDEX_LAG);
    let (mut groups, mut idp) = loop {
        let (groups, idp) =
            futures::try_join!(groups_of_tenant(okta, name, Want::AppGroups), idp_of(okta, name))?;
        // Without its `ADMINS_` group it is half deleted, or the index is late.
        let late = match &idp {
            Some(idp) if groups.admins.is_none() && groups.moved_to.is_none() => {
                users_of_idp(okta, idp, name).await?.is_some()
            }
            _ => false,
        };
        if !late || Instant::now() + POLL > deadline {
            break (groups, idp);
        }
        tokio::time::sleep(POLL).await;
    };
    let record = groups.description().unwrap_or_default();
    let former = record.former_name();
    groups.add_former(okta, former.as_ref(), Want::AppGroups).await?;
    if let (None, Some(id)) = (&idp, &record.tenant_id) {
        // Renamed by hand, or by a rename that stopped half-way.
        idp = if_present(okta.get_identity_provider(&id.as_str().into())).await?;
    }
    if let (None, Some(idp)) = (&groups.users, &idp) {
        groups.users = users_of_idp(okta, idp, name).await?;
    }
    Ok(Remains { groups, record, idp })
}
