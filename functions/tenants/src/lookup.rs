//! Finding the objects of a tenant by its name.
//!
//! Okta has no lookup by name that is both exact and current: `search` is
//! exact but lags behind ("typically less than one second"), reading by id is
//! current. So a name is searched for, and what is found is read again by id.
//! Where a search finds nothing although the tenant's IdP is there, the index
//! is late, and the search is repeated.

use std::time::Duration;

use domain::{
    AdminsDescription, TenantName, admins_group, app_of_appusers_group, appusers_prefix, idp_name,
    users_group,
};
use futures::TryStreamExt;
use futures::future::try_join_all;
use okta_client::models::{Group, GroupId, IdentityProvider};
use okta_client::{Client, Error, ListGroups, ListIdentityProviders, search};
use tokio::time::Instant;

/// Wait between two looks at something that will be there soon.
pub(crate) const POLL: Duration = Duration::from_millis(200);

/// The groups that carry a tenant's name, as they are now.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) admins: Option<Group>,
    pub(crate) users: Option<Group>,
    /// `APPUSERS_<tenant>_<appId>`, in the order of their names.
    pub(crate) app_users: Vec<Group>,
}

impl Groups {
    /// The tenant's record; `None` without an `ADMINS_` group or after an edit
    /// by hand.
    pub(crate) fn description(&self) -> Option<AdminsDescription> {
        AdminsDescription::parse(&self.admins.as_ref()?.profile.description)
    }

    /// Adds the groups that have the tenant's former name still, because a
    /// rename stopped half-way.
    pub(crate) async fn add_former(
        &mut self,
        okta: &Client,
        former: Option<&TenantName>,
    ) -> Result<(), Error> {
        let Some(former) = former else { return Ok(()) };
        let former = groups(okta, former).await?;
        self.users = self.users.take().or(former.users);
        self.app_users.extend(former.app_users);
        Ok(())
    }
}

/// The groups of `tenant`: one search, then each group by its id.
pub(crate) async fn groups(okta: &Client, tenant: &TenantName) -> Result<Groups, Error> {
    let name = |name: String| search::eq("profile.name", &name);
    let expression = search::any(&[
        name(admins_group(tenant)),
        name(users_group(tenant)),
        search::sw("profile.name", &appusers_prefix(tenant)),
    ]);
    let mut groups = Groups::default();
    for group in current(okta, expression).await? {
        // Okta compares without case; we do not.
        if group.profile.name == admins_group(tenant) {
            groups.admins = Some(group);
        } else if group.profile.name == users_group(tenant) {
            groups.users = Some(group);
        } else if app_of_appusers_group(tenant, &group.profile.name).is_some() {
            groups.app_users.push(group);
        }
    }
    groups.app_users.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
    Ok(groups)
}

/// The group called exactly `name`.
pub(crate) async fn group_called(okta: &Client, name: &str) -> Result<Option<Group>, Error> {
    let found = current(okta, search::eq("profile.name", name)).await?;
    Ok(found.into_iter().find(|group| group.profile.name == name))
}

async fn current(okta: &Client, expression: String) -> Result<Vec<Group>, Error> {
    let indexed: Vec<Group> = okta.list_groups(&ListGroups::search(expression)).try_collect().await?;
    let read = indexed.iter().map(|group| if_present(okta.get_group(&group.id)));
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// The tenant that is being renamed and was called `name` before, if there is one.
pub(crate) async fn renamed_from(okta: &Client, name: &TenantName) -> Result<Option<TenantName>, Error> {
    // As `AdminsDescription` writes it.
    let note = format!("\"renamedFrom\":{}", serde_json::Value::from(name.as_str()));
    let found = current(okta, search::co("profile.description", &note)).await?;
    Ok(found.iter().find_map(|group| {
        let record = AdminsDescription::parse(&group.profile.description)?;
        let renamed = TenantName::parse(group.profile.name.strip_prefix("ADMINS_")?).ok()?;
        (record.renamed_from.as_deref() == Some(name.as_str())).then_some(renamed)
    }))
}

/// The object, or `None` if Okta says that it is gone.
pub(crate) async fn if_present<T>(read: impl Future<Output = Result<T, Error>>) -> Result<Option<T>, Error> {
    match read.await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The IdP called exactly `DAC_<tenant>`.
pub(crate) async fn idp_of(okta: &Client, tenant: &TenantName) -> Result<Option<IdentityProvider>, Error> {
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

/// A tenant that exists.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: TenantName,
    /// Id of its IdP.
    pub(crate) id: String,
    pub(crate) admins: Group,
    pub(crate) description: AdminsDescription,
    pub(crate) users: Option<Group>,
    pub(crate) app_users: Vec<Group>,
}

impl Tenant {
    pub(crate) fn users_group_id(&self) -> Option<&GroupId> {
        self.users.as_ref().map(|group| &group.id)
    }
}

/// Why a name leads to no tenant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFound {
    /// There is none, or it is not complete yet.
    #[error("find the tenant")]
    Absent,
    /// The record was edited by hand and there is no IdP of the tenant's name.
    #[error("find the tenant's id: `{admins_group}` does not name it and there is no `{idp}`")]
    Unidentified { admins_group: String, idp: String },
    /// Okta did not answer.
    #[error(transparent)]
    Okta(#[from] Error),
}

/// Whether the tenant is there although no search finds it: the list of IdPs
/// is no search index, and its IdP names the users group by id.
async fn is_index_late(okta: &Client, name: &TenantName) -> Result<bool, Error> {
    let Some(idp) = idp_of(okta, name).await? else { return Ok(false) };
    let Some(users) = idp.provisioned_groups().first().map(|id| GroupId::from(*id)) else { return Ok(false) };
    let users = if_present(okta.get_group(&users)).await?;
    Ok(users.is_some_and(|group| group.profile.name == users_group(name)))
}

/// The tenant called `name`. Waits until `deadline` for a search index that
/// is late.
pub(crate) async fn tenant(okta: &Client, name: &TenantName, deadline: Instant) -> Result<Tenant, NotFound> {
    loop {
        let mut found = groups(okta, name).await?;
        let description = found.description();
        let Some(admins) = found.admins.take() else {
            if found.users.is_none() && is_index_late(okta, name).await? && Instant::now() + POLL < deadline {
                tokio::time::sleep(POLL).await;
                continue;
            }
            return Err(NotFound::Absent);
        };
        let description = match description {
            Some(description) if description.creating.is_some() => return Err(NotFound::Absent),
            Some(description) => description,
            None => AdminsDescription::default(),
        };
        let id = match &description.tenant_id {
            Some(id) => id.clone(),
            None => match idp_of(okta, name).await? {
                Some(idp) => idp.id.to_string(),
                None => {
                    return Err(NotFound::Unidentified {
                        admins_group: admins.profile.name,
                        idp: idp_name(name),
                    });
                }
            },
        };
        found.add_former(okta, description.former_name().as_ref()).await?;
        let Groups { users, app_users, .. } = found;
        return Ok(Tenant { name: name.clone(), id, admins, description, users, app_users });
    }
}
