//! The groups of a tenant, as they are now.

use domain::{
    AdminsDescription, TenantName, admins_group, app_of_appusers_group, appusers_prefix, users_group,
};
use futures::TryStreamExt;
use futures::future::try_join_all;
use okta_client::models::{Application, Group, GroupId, RoleAssignmentId};
use okta_client::{Client, Error, ListGroups, OkIfAbsent, search};

/// Groups that are read at the same time: Okta bounds concurrent calls.
const READS: usize = 8;

/// Names are unique among groups of this type only.
pub(crate) const OKTA_GROUP: &str = "OKTA_GROUP";

/// The groups that carry a tenant's name, as they are now.
#[derive(Debug, Default)]
pub struct Groups {
    /// `ADMINS_<tenant>`.
    pub admins: Option<Group>,
    /// `USERS_<tenant>`.
    pub users: Option<Group>,
    /// `APPUSERS_<tenant>_<appId>`, in the order of their names; only if asked for.
    pub app_users: Vec<Group>,
    /// The tenant of this name is being renamed to this.
    pub moved_to: Option<String>,
}

/// Whether the app groups are also wanted: there may be many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// `ADMINS_` and `USERS_`.
    Tenant,
    /// Also the app groups.
    AppGroups,
}

impl Groups {
    /// The tenant's record; `None` without an `ADMINS_` group or after an edit
    /// by hand.
    pub fn description(&self) -> Option<AdminsDescription> {
        AdminsDescription::parse(&self.admins.as_ref()?.profile.description)
    }

    /// Adds the groups that have the tenant's former name still, because a
    /// rename stopped half-way. If the former name has an `ADMINS_` group, it is
    /// another tenant's by now, and so is everything of that name: a rename
    /// moves the users group last, which keeps the name until then.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub async fn add_former(
        &mut self,
        okta: &Client,
        former: Option<&TenantName>,
        want: Want,
    ) -> Result<(), Error> {
        let Some(former) = former else { return Ok(()) };
        let former = groups_of_tenant(okta, former, want).await?;
        if former.admins.is_none() {
            self.users = self.users.take().or(former.users);
            self.app_users.extend(former.app_users);
        }
        Ok(())
    }
}

/// Ids of the two groups that every tenant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Of `ADMINS_<tenant>`.
    pub admins: GroupId,
    /// Of `USERS_<tenant>`.
    pub users: GroupId,
}

/// The groups of `tenant`: one search, then each group by its id.
///
/// # Errors
///
/// Okta's.
pub async fn groups_of_tenant(okta: &Client, tenant: &TenantName, want: Want) -> Result<Groups, Error> {
    Indexed::of(okta, tenant, want).await?.read(okta, tenant).await
}

/// The groups with a tenant's names, as the index has them.
#[derive(Debug)]
pub(crate) struct Indexed(Vec<Group>);

impl Indexed {
    /// One search.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub(crate) async fn of(okta: &Client, tenant: &TenantName, want: Want) -> Result<Self, Error> {
        let name = |name: String| search::eq("profile.name", &name);
        let mut names = vec![name(admins_group(tenant)), name(users_group(tenant))];
        if want == Want::AppGroups {
            names.push(search::sw("profile.name", &appusers_prefix(tenant)));
        }
        indexed_groups(okta, &search::any(&names)).await.map(Self)
    }

    fn called(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.profile.name == name)
    }

    /// The one that is called like the tenant's admins.
    pub(crate) fn admins(&self, tenant: &TenantName) -> Option<&Group> {
        self.called(&admins_group(tenant))
    }

    /// The ids of the two that every tenant has: only as good as the index.
    pub(crate) fn ids(&self, tenant: &TenantName) -> Option<Ids> {
        let users = self.called(&users_group(tenant))?.id.clone();
        Some(Ids { admins: self.admins(tenant)?.id.clone(), users })
    }

    /// The groups as they are now.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub(crate) async fn read(&self, okta: &Client, tenant: &TenantName) -> Result<Groups, Error> {
        let mut groups = Groups::default();
        for group in read_groups(okta, &self.0).await? {
            // Okta compares without case; we do not.
            if group.profile.name == admins_group(tenant) {
                groups.admins = Some(group);
            } else if group.profile.name == users_group(tenant) {
                groups.users = Some(group);
            } else if app_of_appusers_group(tenant, &group.profile.name).is_some() {
                groups.app_users.push(group);
            } else {
                // The index is late: the group has another name by now.
                let record = AdminsDescription::parse(&group.profile.description).unwrap_or_default();
                let moved = record.renamed_from.as_deref() == Some(tenant.as_str());
                let name = group.profile.name.strip_prefix("ADMINS_").filter(|_| moved);
                groups.moved_to = name.map(str::to_owned).or(groups.moved_to);
            }
        }
        groups.app_users.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        Ok(groups)
    }
}

/// The group called exactly `name`.
///
/// # Errors
///
/// Okta's.
pub async fn group_called(okta: &Client, name: &str) -> Result<Option<Group>, Error> {
    let found = current_groups(okta, &search::eq("profile.name", name)).await?;
    Ok(found.into_iter().find(|group| group.profile.name == name))
}

/// The groups that a search finds, read by id.
///
/// # Errors
///
/// Okta's.
pub async fn current_groups(okta: &Client, expression: &str) -> Result<Vec<Group>, Error> {
    read_groups(okta, &indexed_groups(okta, expression).await?).await
}

/// The groups that a search finds, as the index has them: without those of the
/// last moment, with those that were just deleted.
///
/// # Errors
///
/// Okta's.
pub async fn indexed_groups(okta: &Client, expression: &str) -> Result<Vec<Group>, Error> {
    okta.list_groups(&ListGroups::search(of_type(expression))).try_collect().await
}

/// These groups as they are now, without those that are gone.
///
/// # Errors
///
/// Okta's.
pub async fn read_groups(okta: &Client, indexed: &[Group]) -> Result<Vec<Group>, Error> {
    let mut read = Vec::with_capacity(indexed.len());
    for some in indexed.chunks(READS) {
        read.extend(try_join_all(some.iter().map(|group| if_present(okta.get_group(&group.id)))).await?);
    }
    Ok(read.into_iter().flatten().filter(|group| group.kind == OKTA_GROUP).collect())
}

/// The expression for admins groups whose record has this member with this value.
pub fn record_says(member: &str, value: &str) -> String {
    // As `AdminsDescription` writes it.
    let note = format!("\"{member}\":{}", serde_json::Value::from(value));
    search::co("profile.description", &note)
}

/// `expression`, for groups that are ours to change: imported ones may have the
/// same names.
pub fn of_type(expression: &str) -> String {
    format!("{} and ({expression})", search::eq("type", OKTA_GROUP))
}

/// The groups that the role of a tenant's admins is limited to; `None` without
/// the role. In contrast to a search this is never late.
///
/// # Errors
///
/// Okta's.
pub async fn role_targets(okta: &Client, admins: &GroupId) -> Result<Option<Vec<Group>>, Error> {
    let role = RoleAssignmentId::user_admin();
    if_present(okta.list_group_targets_for_group_role(admins, &role).try_collect()).await
}

/// Whether nobody relies on a group: it has no members, no admin role, and no app.
///
/// # Errors
///
/// Okta's.
pub async fn is_unused(okta: &Client, group: &GroupId) -> Result<bool, Error> {
    let (has_members, roles, apps) = futures::try_join!(
        okta.group_has_members(group),
        okta.list_group_assigned_roles(group),
        okta.list_assigned_applications_for_group(group).try_collect::<Vec<Application>>(),
    )?;
    Ok(!has_members && roles.is_empty() && apps.is_empty())
}

/// Deletes a group; one that is gone already is a success.
///
/// # Errors
///
/// Okta's.
pub async fn delete_group(okta: Client, group: GroupId) -> Result<(), Error> {
    okta.delete_group(&group).await.ok_if_absent()
}

/// The object, or `None` if Okta says that it is gone.
///
/// # Errors
///
/// Okta's, but for that one.
pub async fn if_present<T>(read: impl Future<Output = Result<T, Error>>) -> Result<Option<T>, Error> {
    match read.await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
