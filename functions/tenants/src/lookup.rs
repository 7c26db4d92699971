//! Finding the objects of a tenant, and removing some of them.
//!
//! Okta has no lookup by name that is both exact and current: `search` is
//! exact but lags behind ("typically less than one second"), reading by id is
//! current. So a name is searched for, and what is found is read again by id.
//! What a search does not show although it must be there is found through the
//! tenant's IdP, which names the users group by id.

use std::time::Duration;

use domain::{
    AdminsDescription, Caller, TenantName, admins_group, app_of_appusers_group, appusers_prefix, idp_name,
    pending_rule_name, rule_name, users_group,
};
use futures::TryStreamExt;
use futures::future::try_join_all;
use lambda_kit::{Context, Problem};
use okta_client::models::{ACTIVE, Group, GroupId, IdentityProvider, IdpId, PolicyId, PolicyRule};
use okta_client::{Client, Error, ListGroups, ListIdentityProviders, OkIfAbsent, search};
use operations::ProblemCode;
use tokio::time::Instant;

/// The admin role of a tenant's admins.
pub(crate) const ROLE: &str = "USER_ADMIN";

/// Age from which a tenant that is not complete has nobody working on it: runs
/// that create one end after 12 seconds, undone if need be (see `add_tenant`),
/// and one second is for calls that were on their way.
pub(crate) const ABANDONED: Duration = Duration::from_secs(13);

/// Wait between two looks at something that will be there soon.
pub(crate) const POLL: Duration = Duration::from_millis(200);

/// Longest wait for the search index.
const INDEX_LAG: Duration = Duration::from_secs(7);

/// Groups that are read at the same time: Okta bounds concurrent calls.
const READS: usize = 8;

/// Names are unique among groups of this type only.
const OKTA_GROUP: &str = "OKTA_GROUP";

/// The groups that carry a tenant's name, as they are now.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) admins: Option<Group>,
    pub(crate) users: Option<Group>,
    /// `APPUSERS_<tenant>_<appId>`, in the order of their names; only if asked for.
    pub(crate) app_users: Vec<Group>,
    /// The tenant of this name is being renamed to this.
    pub(crate) moved_to: Option<String>,
}

/// Whether the app groups are wanted, too: there may be many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Tenant,
    AppGroups,
}

impl Groups {
    /// The tenant's record; `None` without an `ADMINS_` group or after an edit
    /// by hand.
    pub(crate) fn description(&self) -> Option<AdminsDescription> {
        AdminsDescription::parse(&self.admins.as_ref()?.profile.description)
    }

    /// Adds the groups that have the tenant's former name still, because a
    /// rename stopped half-way. If the former name has an `ADMINS_` group, it is
    /// another tenant's by now, and so is everything of that name: a rename
    /// moves the users group last, which keeps the name until then.
    async fn add_former(
        &mut self,
        okta: &Client,
        former: Option<&TenantName>,
        want: Want,
    ) -> Result<(), Error> {
        let Some(former) = former else { return Ok(()) };
        let former = groups(okta, former, want).await?;
        if former.admins.is_none() {
            self.users = self.users.take().or(former.users);
            self.app_users.extend(former.app_users);
        }
        Ok(())
    }
}

/// The groups of `tenant`: one search, then each group by its id.
pub(crate) async fn groups(okta: &Client, tenant: &TenantName, want: Want) -> Result<Groups, Error> {
    let name = |name: String| search::eq("profile.name", &name);
    let mut names = vec![name(admins_group(tenant)), name(users_group(tenant))];
    if want == Want::AppGroups {
        names.push(search::sw("profile.name", &appusers_prefix(tenant)));
    }
    let mut groups = Groups::default();
    for group in current(okta, &search::any(&names)).await? {
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

/// The group called exactly `name`.
pub(crate) async fn group_called(okta: &Client, name: &str) -> Result<Option<Group>, Error> {
    let found = current(okta, &search::eq("profile.name", name)).await?;
    Ok(found.into_iter().find(|group| group.profile.name == name))
}

/// The groups that a search finds, read by id.
async fn current(okta: &Client, expression: &str) -> Result<Vec<Group>, Error> {
    let query = ListGroups::search(of_type(expression));
    let indexed: Vec<Group> = okta.list_groups(&query).try_collect().await?;
    let mut read = Vec::with_capacity(indexed.len());
    for some in indexed.chunks(READS) {
        read.extend(try_join_all(some.iter().map(|group| if_present(okta.get_group(&group.id)))).await?);
    }
    Ok(read.into_iter().flatten().filter(|group| group.kind == OKTA_GROUP).collect())
}

/// `expression`, for groups that are ours to change: imported ones may have the
/// same names.
pub(crate) fn of_type(expression: &str) -> String {
    format!("{} and ({expression})", search::eq("type", OKTA_GROUP))
}

/// The tenant that is being renamed and was called `name` before, if there is one.
pub(crate) async fn renamed_from(okta: &Client, name: &TenantName) -> Result<Option<String>, Error> {
    // As `AdminsDescription` writes it.
    let note = format!("\"renamedFrom\":{}", serde_json::Value::from(name.as_str()));
    let found = current(okta, &search::co("profile.description", &note)).await?;
    Ok(found.iter().find_map(|group| {
        let record = AdminsDescription::parse(&group.profile.description)?;
        let renamed = group.profile.name.strip_prefix("ADMINS_")?;
        (record.renamed_from.as_deref() == Some(name.as_str())).then(|| renamed.to_owned())
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

/// The users group that an IdP names by id, if it has the tenant's name.
async fn users_of_idp(
    okta: &Client,
    idp: &IdentityProvider,
    tenant: &TenantName,
) -> Result<Option<Group>, Error> {
    let Some(users) = idp.provisioned_groups().first().map(|id| GroupId::from(*id)) else { return Ok(None) };
    let users = if_present(okta.get_group(&users)).await?;
    Ok(users.filter(|group| group.profile.name == users_group(tenant)))
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

/// The routing policy and all its rules.
pub(crate) async fn routing(okta: &Client) -> Result<(Option<PolicyId>, Vec<PolicyRule>), Error> {
    let policy = okta.list_policies("IDP_DISCOVERY").await?.into_iter().next().map(|policy| policy.id);
    let rules = match &policy {
        Some(policy) => okta.list_policy_rules(policy).try_collect().await?,
        None => Vec::new(),
    };
    Ok((policy, rules))
}

/// Whether a rule is a tenant's: it routes to the tenant's IdP, or the record
/// names it. Only if there is no IdP any more does the name decide: it may be
/// another tenant's that is called `<tenant>_unverified`.
pub(crate) fn is_rule_of(
    rule: &PolicyRule,
    idp: Option<&str>,
    record: &AdminsDescription,
    name: &TenantName,
) -> bool {
    let recorded = [&record.routing_rule_id, &record.inactive_routing_rule_id];
    let recorded = recorded.into_iter().flatten().any(|id| id == rule.id.as_str());
    recorded
        || match idp {
            Some(idp) => rule.routes_to(idp),
            None => [rule_name(name), pending_rule_name(name)].contains(&rule.name),
        }
}

/// Whether a rule holds the pending domains of a tenant that is, or was, called so.
pub(crate) fn is_pending_rule(rule: &PolicyRule, record: &AdminsDescription, names: &[TenantName]) -> bool {
    record.inactive_routing_rule_id.as_deref() == Some(rule.id.as_str())
        || names.iter().any(|name| rule.name == pending_rule_name(name))
}

/// Whether a rule is active.
pub(crate) fn is_active(rule: &PolicyRule) -> bool {
    rule.status == ACTIVE
}

/// The name is a tenant's, with this id.
pub(crate) fn already_exists(name: &TenantName, id: String) -> Problem {
    let detail = format!("the tenant `{name}` exists already, with the id `{id}`");
    Problem::new(ProblemCode::TenantAlreadyExists, detail).member("existingId", id.into())
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
    /// The tenant has this name since the caller's token was issued: the token
    /// is for another one.
    #[error("find the tenant that the token is for")]
    Foreign,
    /// The record was edited by hand and there is no IdP of the tenant's name.
    #[error("find the tenant's id: `{admins_group}` does not name it and there is no `{idp}`")]
    Unidentified { admins_group: String, idp: String },
    /// Okta did not answer.
    #[error(transparent)]
    Okta(#[from] Error),
}

/// The tenant called `name`, if it is the caller's: names may be given to
/// another tenant while tokens with the old one live on.
pub(crate) async fn tenant_for(context: &Context, name: &TenantName, want: Want) -> Result<Tenant, NotFound> {
    let tenant = tenant(&context.okta, name, want, context.deadline).await?;
    if may_see(&context.caller, &tenant) { Ok(tenant) } else { Err(NotFound::Foreign) }
}

fn may_see(caller: &Caller, tenant: &Tenant) -> bool {
    caller.superuser
        || caller.tenants.iter().any(|claim| claim.name == tenant.name && claim.tenant_id == tenant.id)
}

/// The tenant called `name`. Waits a while, at most until `deadline`, for a
/// search index that is late.
pub(crate) async fn tenant(
    okta: &Client,
    name: &TenantName,
    want: Want,
    deadline: Instant,
) -> Result<Tenant, NotFound> {
    let deadline = deadline.min(Instant::now() + INDEX_LAG);
    loop {
        let mut found = groups(okta, name, want).await?;
        let description = found.description();
        let Some(admins) = found.admins.take() else {
            if found.moved_to.is_none()
                && is_index_late(okta, name).await?
                && Instant::now() + POLL < deadline
            {
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
        found.add_former(okta, description.former_name().as_ref(), want).await?;
        if found.users.is_none()
            && let Some(idp) = if_present(okta.get_identity_provider(&id.as_str().into())).await?
        {
            found.users = users_of_idp(okta, &idp, name).await?;
        }
        let Groups { users, app_users, .. } = found;
        return Ok(Tenant { name: name.clone(), id, admins, description, users, app_users });
    }
}

/// Whether the tenant is there although no search finds its `ADMINS_` group:
/// its IdP is, and the users group that this names by id.
async fn is_index_late(okta: &Client, name: &TenantName) -> Result<bool, Error> {
    let Some(idp) = idp_of(okta, name).await? else { return Ok(false) };
    Ok(users_of_idp(okta, &idp, name).await?.is_some())
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
        let (groups, idp) = futures::try_join!(groups(okta, name, Want::AppGroups), idp_of(okta, name))?;
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
