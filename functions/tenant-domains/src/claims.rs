//! Whose a domain is, by the index; and whether who stands in the way has the domain still.
//!
//! A claim in the index may have outlived what it stands for: a tenant is gone, or somebody took
//! the domain out of a rule by hand. So who has an older claim on a domain that a tenant wants is
//! looked at, and a claim that nothing stands behind gives way.

use std::collections::BTreeSet;

use domain::{Discovery, EmailDomain, Holder};
use okta_client::models::IdpId;
use okta_client::{Client, Error};
use run_kit::{Failure, Run};
use state::{Claimed, State, StateError};
use tenancy::{Tenant, domains_of_rule, if_present, rules_of_ids};

use crate::known::Routing;

/// Claims that give way to one request.
const GIVE_WAY: usize = 8;

/// Why a tenant cannot have a domain.
#[derive(Debug)]
pub enum ClaimError {
    /// Somebody else has it, or one that overlaps with it.
    Taken,
    /// Okta did not show whether somebody else has it.
    Okta(Error),
    /// The index did not answer.
    State(StateError),
}

impl ClaimError {
    /// As a problem about this domain.
    pub(crate) fn into_failure(self, domain: &EmailDomain) -> Failure {
        match self {
            ClaimError::Taken => crate::taken(domain),
            ClaimError::Okta(error) => Failure::okta("look for the domain's holder", &error),
            ClaimError::State(error) => error.into(),
        }
    }
}

/// Who wants a domain.
pub(crate) struct Claims<'c> {
    pub(crate) run: &'c Run,
    pub(crate) state: &'c State,
    pub(crate) routing: &'c Routing,
    pub(crate) tenant: &'c Tenant,
}

impl Claims<'_> {
    /// Ends the request if somebody else has the domain.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    pub(crate) async fn check(&self, domain: &EmailDomain) -> Result<(), ClaimError> {
        if self.routing.taken_by(domain, &self.routing.of(self.tenant)).is_some() {
            return Err(ClaimError::Taken);
        }
        let taken = self.state.taken_domain(domain, &self.tenant.id).await.map_err(ClaimError::State)?;
        match taken {
            Some((domain, by)) if self.is_held(&domain, &by).await? => Err(ClaimError::Taken),
            _ => Ok(()),
        }
    }

    /// Makes the domain the tenant's in the index; gives whether it was not before.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    pub(crate) async fn claim(&self, domain: &EmailDomain) -> Result<bool, ClaimError> {
        if self.routing.taken_by(domain, &self.routing.of(self.tenant)).is_some() {
            return Err(ClaimError::Taken);
        }
        for _ in 0..GIVE_WAY {
            let claimed =
                self.state.claim_domain(self.run, domain, &self.tenant.id, self.routing.discovery).await;
            match claimed.map_err(ClaimError::State)? {
                Claimed::New => return Ok(true),
                Claimed::Before => return Ok(false),
                Claimed::Taken { domain, by } if self.is_held(&domain, &by).await? => break,
                Claimed::Taken { domain, by } => {
                    tracing::info!(%domain, holder = by.id, "a claim that nothing stands behind gives way");
                    self.state.release_domain(self.run, &domain, &by.id).await.map_err(ClaimError::State)?;
                }
            }
        }
        Err(ClaimError::Taken)
    }

    /// Whether the holder of a claim has the domain still.
    async fn is_held(&self, domain: &EmailDomain, holder: &Holder) -> Result<bool, ClaimError> {
        let okta = self.run.okta.forward();
        if holder.is_new(self.run.clock.now_ms()) {
            return Ok(true);
        }
        if let Some(rule) = holder.rule() {
            return self.is_in(okta, domain, &[rule.to_owned()].into()).await;
        }
        if holder.by == Discovery::Webfinger {
            let idp = if_present(okta.get_identity_provider(&IdpId::from(holder.id.as_str()))).await;
            return idp.map(|idp| idp.is_some()).map_err(ClaimError::Okta);
        }
        if self.routing.is_whole {
            let its = self.routing.rules.iter().filter(|rule| rule.routes_to(&holder.id));
            return Ok(its.map(domains_of_rule).any(|domains| domains.contains(domain)));
        }
        let known = self.state.domains_of(&holder.id).await.map_err(ClaimError::State)?;
        let index = self.state.index_state().await.map_err(ClaimError::State)?;
        match index.rules_of(&known) {
            Some(rules) => self.is_in(okta, domain, rules).await,
            // The next pass of `reconcile` says which rules are the holder's.
            None => Ok(true),
        }
    }

    /// Whether one of these rules has the domain.
    async fn is_in(
        &self,
        okta: &Client,
        domain: &EmailDomain,
        rules: &BTreeSet<String>,
    ) -> Result<bool, ClaimError> {
        let Some(policy) = &self.routing.policy else { return Ok(true) };
        let rules = rules_of_ids(okta, policy, rules).await.map_err(ClaimError::Okta)?;
        Ok(rules.iter().any(|rule| domains_of_rule(rule).contains(domain)))
    }
}
