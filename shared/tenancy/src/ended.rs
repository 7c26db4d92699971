//! What an event of Okta's ends of somebody's rights.
//!
//! Okta ends users, memberships and assignments by itself, or by the hand of an
//! administrator. Tokens that were issued before live on: the revocation that this
//! module names ends them. Which group an event is about follows from the group's id;
//! names count only for a group that is gone, and no tenant's admin can delete a group.

use domain::{CLOCK_SKEW_SECONDS, ENDING_EVENTS, Revoked, SUPERUSERS, TenantName};
use jiff::Timestamp;
use okta_client::models::{GroupId, LogEvent, LogTarget};
use okta_client::{Client, Error};

use crate::{Tenants, claims, idp_of, if_present};

/// Whose rights ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All rights of the user with this id.
    User(String),
    /// The rights of a user over a tenant.
    Admin {
        /// Id of the tenant.
        tenant: String,
        /// Id of the user.
        user: String,
    },
    /// Everybody's rights over the tenant with this id.
    Tenant(String),
    /// The rights of all superusers.
    Superusers,
}

impl Ended {
    /// As a revocation has it.
    pub fn revoked(&self) -> Revoked<'_> {
        match self {
            Ended::User(user) => Revoked::User(user),
            Ended::Admin { tenant, user } => Revoked::Admin { tenant, user },
            Ended::Tenant(tenant) => Revoked::Tenant(tenant),
            Ended::Superusers => Revoked::Superusers,
        }
    }
}

/// What an event ends, and until when: tokens that were issued until then, in seconds
/// since 1970, do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose rights.
    pub ended: Ended,
    /// When they ended, by Okta's clock.
    pub before: i64,
}

/// Until when tokens do not count that an event ends; `None` for an event that ends nothing.
/// `now` is in seconds since 1970: a date in the future must not end the rights of tokens
/// that are yet to come.
pub fn ended_at(event: &LogEvent, now: i64) -> Option<i64> {
    let Ok(published) = event.published.parse::<Timestamp>() else {
        tracing::warn!(event = event.uuid, "the time of an event cannot be read");
        return None;
    };
    let ends = event.is_done() && ENDING_EVENTS.contains(&event.event_type.as_str());
    ends.then(|| published.as_second().min(now + CLOCK_SKEW_SECONDS))
}

impl Tenants {
    /// What an event ends; nothing, if it is about nobody's rights over a tenant. `now`
    /// is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Okta's.
    pub async fn ending_of(
        &self,
        okta: &Client,
        now: i64,
        event: &LogEvent,
    ) -> Result<Option<Ending>, Error> {
        let Some(before) = ended_at(event, now) else { return Ok(None) };
        let user = event.target_of("User").map(|user| user.id.clone());
        let group = event.target_of("UserGroup");
        let ended = match (event.event_type.as_str(), user, group) {
            ("group.user_membership.remove", Some(user), Some(group)) => {
                self.ended_membership(okta, user, group).await?
            }
            ("group.application_assignment.remove", _, Some(group)) => {
                let ours = event.target_of("AppInstance").is_none_or(|app| app.id == self.app.as_str());
                if ours { self.ended_group(okta, group).await? } else { None }
            }
            ("group.lifecycle.delete" | "group.privilege.revoke", _, Some(group)) => {
                self.ended_group(okta, group).await?
            }
            (kind, Some(user), _) if kind.starts_with("user.lifecycle.") => Some(Ended::User(user)),
            _ => None,
        };
        Ok(ended.map(|ended| Ending { ended, before }))
    }

    /// A user was taken out of a group.
    async fn ended_membership(
        &self,
        okta: &Client,
        user: String,
        group: &LogTarget,
    ) -> Result<Option<Ended>, Error> {
        let id = GroupId::from(group.id.as_str());
        let assignment = if_present(okta.get_application_group_assignment(&self.app, &id));
        let (assignment, now) = futures::try_join!(assignment, if_present(okta.get_group(&id)))?;
        let tenant = assignment.and_then(|assignment| claims(&assignment).into_iter().next());
        if let Some(claim) = tenant {
            return Ok(Some(Ended::Admin { tenant: claim.tenant_id, user }));
        }
        // A group that is gone by now had the name that the event gives.
        let name = now.map(|group| group.profile.name).or_else(|| group.display_name.clone());
        Ok((name.as_deref() == Some(SUPERUSERS)).then_some(Ended::User(user)))
    }

    /// A group lost its role or its assignment, or was deleted.
    async fn ended_group(&self, okta: &Client, group: &LogTarget) -> Result<Option<Ended>, Error> {
        let id = GroupId::from(group.id.as_str());
        let assignment = if_present(okta.get_application_group_assignment(&self.app, &id)).await?;
        let claim = assignment.and_then(|assignment| claims(&assignment).into_iter().next());
        if let Some(claim) = claim {
            return Ok(Some(Ended::Tenant(claim.tenant_id)));
        }
        let name = group.display_name.as_deref().unwrap_or_default();
        if name == SUPERUSERS {
            return Ok(Some(Ended::Superusers));
        }
        let Some(tenant) = name.strip_prefix("ADMINS_").and_then(|name| TenantName::parse(name).ok()) else {
            return Ok(None);
        };
        Ok(idp_of(okta, &tenant).await?.map(|idp| Ended::Tenant(idp.id.to_string())))
    }
}
