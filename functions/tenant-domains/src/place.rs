//! The place of a tenant's rule, looked up under the lock of the order.

use domain::{Discovery, EmailDomain};
use okta_client::{Client, Error};
use operations::ProblemCode;
use run_kit::Failure;
use state::{Change, LockError, Locks, State, StateError};
use tenancy::Tenant;

use crate::known::Routing;
use crate::order::{Move, NoOrder, meets, moves};

/// Why a domain cannot be put in order.
#[derive(Debug)]
pub enum OrderError {
    /// No order of the rules is right.
    None(NoOrder),
    /// Others are changing the order.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The index did not answer; nothing was changed.
    State(StateError),
}

impl OrderError {
    /// As a problem about this domain.
    pub(crate) fn into_failure(self, domain: &EmailDomain) -> Failure {
        match self {
            OrderError::None(NoOrder { rule }) => Failure::new(
                ProblemCode::DomainTaken,
                format!(
                    "`{domain}` ends in the same letters as domains of the routing rule `{rule}`, so that each of the two rules would have to stand above the other; a superuser can add the domain with `anyOrder: true`, and users of one of the domains are then sent to the other's identity provider, which refuses them"
                ),
            ),
            OrderError::Lock(error) => error.into(),
            OrderError::State(error) => error.into(),
            OrderError::Okta(error) => Failure::okta("read the routing rules", &error),
        }
    }
}

impl Routing {
    /// The places of rules that must change before the tenant can have the domain,
    /// because domains end in the same letters; usually none, and then no other rule is
    /// read. They are looked up anew under the lock of the order. Where the index alone says
    /// whose a domain is, no order matters.
    ///
    /// # Errors
    ///
    /// [`OrderError`].
    pub(crate) async fn order(
        &mut self,
        okta: &Client,
        state: &State,
        locks: &Locks,
        tenant: &Tenant,
        domain: &EmailDomain,
        any_order: bool,
    ) -> Result<Vec<Move>, OrderError> {
        if self.discovery == Discovery::Webfinger {
            return Ok(Vec::new());
        }
        let own = self.of(tenant);
        let is_met = match self.is_whole {
            true => meets(&self.rules, own.verified, domain),
            false => {
                let domains = own.verified_domains();
                state.meets_others(domain, &tenant.id, &domains).await.map_err(OrderError::State)?
            }
        };
        if !is_met {
            return Ok(Vec::new());
        }
        locks.take(Change::RuleOrder).await.map_err(OrderError::Lock)?;
        self.read_all(okta).await.map_err(OrderError::Okta)?;
        let own = self.of(tenant).verified.cloned();
        match moves(&self.rules, own.as_ref(), domain) {
            Err(_) if any_order => Ok(Vec::new()),
            moves => moves.map_err(OrderError::None),
        }
    }
}
