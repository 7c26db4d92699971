//! Making a verified domain a tenant's: what `add-tenant-domain` does for a superuser, and
//! `verify-tenant-domain` once the DNS holds the token.
//!
//! The index is first: of two tenants that want domains which overlap, one gets its claim. A
//! claim whose request was taken back is taken back, too; a claim that a killed request left
//! gives way when nothing stands behind the claim.

use domain::{Discovery, EmailDomain};
use run_kit::{Failure, Run, Stopped, chain};
use state::{LockError, Locks, State};
use tenancy::{Pending, Tenant};

use crate::claims::{ClaimError, Claims};
use crate::known::Routing;
use crate::place::OrderError;
use crate::routing::Kind;

/// A domain that a tenant is to have, verified. The tenant's lock is held.
pub(crate) struct Giving<'g> {
    pub(crate) run: &'g Run,
    pub(crate) state: &'g State,
    pub(crate) locks: &'g Locks,
    pub(crate) tenant: &'g Tenant,
    pub(crate) domain: &'g EmailDomain,
    /// The token that is not needed any more.
    pub(crate) pending: Option<&'g Pending>,
    /// Whether the tenant gets the domain although no order of the rules is right.
    pub(crate) any_order: bool,
}

/// Why the tenant does not have the domain.
#[derive(Debug)]
pub enum GiveError {
    /// With it, the tenant's domains are more than an IdP can be limited to.
    TooMany,
    /// It is somebody else's, or nobody can say.
    Claim(ClaimError),
    /// Others are changing the tenant's IdP.
    Lock(LockError),
    /// It ends in the same letters as another domain, and cannot be put in order.
    Order(OrderError),
    /// The request cannot be noted; nothing was changed.
    Begin(Failure),
    /// A step failed.
    Stopped(Stopped),
}

impl GiveError {
    /// As a problem about this domain.
    pub(crate) fn into_failure(self, domain: &EmailDomain) -> Failure {
        match self {
            GiveError::TooMany => crate::too_many(domain),
            GiveError::Claim(error) => error.into_failure(domain),
            GiveError::Lock(error) => error.into(),
            GiveError::Order(error) => error.into_failure(domain),
            GiveError::Begin(failure) => failure,
            GiveError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Giving<'_> {
    /// Makes the domain the tenant's, or completes that; gives whether anything had to be changed.
    ///
    /// # Errors
    ///
    /// [`GiveError`].
    pub(crate) async fn give(&self, mut routing: Routing) -> Result<bool, GiveError> {
        let Giving { run, state, tenant, domain, .. } = *self;
        let own = routing.of(tenant);
        let was_verified = own.is_verified(domain);
        let to_index = routing.discovery == Discovery::Webfinger && !own.is_indexed(domain);
        if own.filter(|_| true, (!was_verified).then_some(domain.as_str())).is_none() {
            return Err(GiveError::TooMany);
        }
        let claimed = match was_verified && !to_index {
            // What the tenant has is no question.
            true => false,
            false => {
                let claims = Claims { run, state, routing: &routing, tenant };
                claims.claim(domain).await.map_err(GiveError::Claim)?
            }
        };
        match self.complete(&mut routing, was_verified).await {
            Ok(changed) => {
                routing.note(state, run, tenant).await;
                Ok(changed || to_index)
            }
            Err(error) => {
                let may_have_it = matches!(error, GiveError::Stopped(Stopped::Incomplete(_)));
                if claimed
                    && !may_have_it
                    && let Err(error) = state.release_domain(run, domain, &tenant.id).await
                {
                    tracing::warn!(error = %chain(&error), %domain, "a claim stays until somebody else wants the domain");
                }
                Err(error)
            }
        }
    }

    /// What follows when the domain is the tenant's in the index: rule, IdP, token.
    async fn complete(&self, routing: &mut Routing, was_verified: bool) -> Result<bool, GiveError> {
        let Giving { run, state, locks, tenant, domain, .. } = *self;
        routing.of(tenant).lock_idp(locks).await.map_err(GiveError::Lock)?;
        let in_rule = routing.of(tenant).is_in_rule(domain);
        let moves = match in_rule {
            true => Vec::new(),
            false => {
                let okta = run.okta.forward();
                let moves = routing.order(okta, state, locks, tenant, domain, self.any_order).await;
                moves.map_err(GiveError::Order)?
            }
        };
        if routing.discovery == Discovery::RoutingRules {
            routing.begin(state, run, tenant, Kind::Verified).await.map_err(GiveError::Begin)?;
        }
        let own = routing.of(tenant);
        let more = (!was_verified).then_some(domain.as_str());
        let filter = own.filter(|_| true, more).ok_or(GiveError::TooMany)?;
        own.give(run, domain, &filter, self.pending, &moves).await.map_err(GiveError::Stopped)
    }
}
