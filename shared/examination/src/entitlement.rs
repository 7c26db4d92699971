//! What can be wrong with an app group.
//!
//! # Okta calls
//!
//! `getApplicationGroupAssignment`; `listGroups` and `getGroup` for the admins group,
//! `listGroupTargetsForGroupRole`; where there is no assignment,
//! `listAssignedApplicationsForGroup` or `getApplication`; of a group that is no target,
//! `getApplicationGroupAssignment` of the okta-dac app and `getGroup` of the users group.
//! Where something is wrong: `getGroup`, and all of these once more.

use domain::{TenantName, admins_group};
use okta_client::Client;
use okta_client::models::{AppId, Group};
use run_kit::{Object, Run};
use state::Change;
use tenancy::{POLL, Tenants, group_called, if_present, role_targets};

use crate::finding::PieceError;
use crate::memory::Memory;
use crate::tenant::{app_of_group, is_quiet, is_suspended};
use crate::{Finding, Kind};

/// What is wrong with an app group whose tenant exists.
///
/// A damage counts if it is there twice, with a wait between that is longer than one call:
/// an entitlement may be ending.
///
/// # Errors
///
/// Of Okta or of the table.
pub(crate) async fn examine(
    run: &Run,
    memory: Memory<'_>,
    tenants: &Tenants,
    group: &Group,
    tenant: &TenantName,
    app: &AppId,
) -> Result<Vec<Finding>, PieceError> {
    let okta = run.okta.forward();
    if !is_quiet(okta, &[&group.created, &group.last_updated]) {
        return Ok(Vec::new());
    }
    let Some(kind) = look(okta, memory, tenants, group, tenant, app).await? else { return Ok(Vec::new()) };
    tokio::time::sleep(POLL).await;
    let now = if_present(okta.get_group(&group.id)).await?;
    let same = now.is_some_and(|now| now.profile.name == group.profile.name);
    if !same
        || memory.is_locked(run, Change::Tenant(tenant)).await?
        || look(okta, memory, tenants, group, tenant, app).await? != Some(kind)
    {
        return Ok(Vec::new());
    }
    let object = Object::new("group", &group.profile.name, &group.id);
    Ok(vec![Finding::new(kind, Some(tenant.as_str()), object)])
}

/// What is wrong now: an app group is assigned to its app, and a target of the role of
/// the tenant's admins.
async fn look(
    okta: &Client,
    memory: Memory<'_>,
    tenants: &Tenants,
    group: &Group,
    name: &TenantName,
    app: &AppId,
) -> Result<Option<Kind>, PieceError> {
    let assignment = if_present(okta.get_application_group_assignment(app, &group.id)).await?;
    let Some(admins) = group_called(okta, &admins_group(name)).await? else { return Ok(None) };
    // Without the role, or without any target, something else is wrong.
    let targets = role_targets(okta, &admins.id).await?.unwrap_or_default();
    let is_target = targets.iter().any(|target| target.id == group.id);
    if assignment.is_none() {
        if is_target && app_of_group(okta, &group.id).await?.is_some() {
            return Ok(Some(Kind::RenamedGroup));
        }
        let exists = if_present(okta.get_application(app)).await?.is_some();
        return Ok(Some(if exists { Kind::HalfMadeEntitlement } else { Kind::GroupLeadsNowhere }));
    }
    if targets.is_empty() || is_target {
        return Ok(None);
    }
    // While the tenant is suspended, the state table has the targets.
    let kept = match tenants.of_group(okta, name, &admins).await? {
        // Without the table nobody knows them.
        Some(tenant) if !memory.is_there() && is_suspended(&tenant.description, None) => return Ok(None),
        Some(tenant) => memory.kept_targets(&tenant.id).await?,
        None => Vec::new(),
    };
    let is_kept = kept.iter().any(|target| target == group.id.as_str());
    Ok((!is_kept).then_some(Kind::HalfMadeEntitlement))
}
