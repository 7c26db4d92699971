//! Where a tenant's domains are read: routing rules by their ids, and the index of domains.
//!
//! The index knows the ids of the rules that lead to a tenant's IdP. Until a pass of `reconcile`
//! has noted all rules of the org, and while a request may have made a rule that is not noted,
//! all rules are read.

use domain::{Discovery, TenantName};
use guard::{DomainIndex, KnownDomains};
use lambda_kit::Context;
use okta_client::Error;
use operations::EnvVar;
use run_kit::{ConfigError, Environment, Failure};
use tenancy::{Depth, EarlyRules, Tenant, TenantError, Tenants, TenantsRules};

use crate::known::{Notes, Routing};

/// Finds tenants and their domains.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    tenants: Tenants,
    index: DomainIndex,
    discovery: Discovery,
}

/// Why there is nothing to read.
#[derive(Debug)]
pub enum LookupError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// Okta did not show the rules.
    Okta(Error),
    /// The index did not answer.
    Index(Failure),
}

impl From<Error> for LookupError {
    fn from(error: Error) -> Self {
        LookupError::Okta(error)
    }
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Tenant(error) => error.into(),
            LookupError::Okta(error) => Failure::okta("read the routing rules", &error),
            LookupError::Index(failure) => failure,
        }
    }
}

impl Lookup {
    /// As the environment describes it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub(crate) fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            tenants: Tenants::prepare(environment)?,
            index: DomainIndex::prepare(environment)?,
            discovery: Discovery::webfinger_if(environment.choice(&EnvVar::DISCOVERY_BY, Discovery::WORDS)?),
        })
    }

    /// The tenant, and what holds its domains.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    pub(crate) async fn read(
        &self,
        context: &Context,
        tenant: &TenantName,
        depth: Depth,
    ) -> Result<(Tenant, Routing), LookupError> {
        let okta = context.run.okta.forward();
        let state = async { self.index.state().await.map_err(LookupError::Index) };
        let early = EarlyRules::read(okta, state);
        let tenant = self.tenants.of_caller(&context.run, &context.caller, tenant, depth);
        let (tenant, early) = futures::join!(tenant, early);
        let (tenant, early) = (tenant.map_err(LookupError::Tenant)?, early?);
        let known = self.index.of_tenant(&tenant.id).await.map_err(LookupError::Index)?;
        let KnownDomains { state, tenant: known } = known;
        let rules = early.of_tenant(okta, state, &known).await?;
        let TenantsRules { policy, rules, is_whole } = rules;
        let (discovery, notes) = (self.discovery, Notes::default());
        Ok((tenant, Routing { policy, rules, is_whole, known, discovery, notes }))
    }
}
