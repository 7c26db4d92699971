//! Reads one of a tenant's domains: an element of `list-tenant-domains`.
//!
//! # Okta calls
//!
//! Those of `list-tenant-domains`: seven calls, three in a row.

use domain::{EmailDomain, TenantName};
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use serde_json::json;
use tenancy::Depth;

use crate::lookup::{Lookup, LookupError};
use crate::routing::Domain;

/// The operation `get-tenant-domain`.
pub struct GetTenantDomain {
    lookup: Lookup,
}

/// Which domain of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    domain: EmailDomain,
}

/// Why there is no domain to show.
#[derive(Debug)]
pub enum GetTenantDomainError {
    /// The tenant, or what holds its domains, cannot be read.
    Lookup(LookupError),
    /// The tenant has no such domain.
    NotFound(Input),
}

impl From<GetTenantDomainError> for Failure {
    fn from(error: GetTenantDomainError) -> Self {
        match error {
            GetTenantDomainError::Lookup(error) => error.into(),
            GetTenantDomainError::NotFound(input) => crate::not_found(&input.tenant, &input.domain),
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { tenant: request.tenant()?, domain: crate::domain(request)? })
    }
}

impl Endpoint for GetTenantDomain {
    const OPERATION: &'static Operation = operations::get("get-tenant-domain");
    type Input = Input;
    type Output = Domain;
    type Error = GetTenantDomainError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { lookup: Lookup::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Domain>, GetTenantDomainError> {
        let read = self.lookup.read(context, &input.tenant, Depth::Read).await;
        let (tenant, routing) = read.map_err(GetTenantDomainError::Lookup)?;
        let found = routing.of(&tenant).domains().into_iter().find(|of| of.domain == input.domain.as_str());
        found.map(Success::new).ok_or(GetTenantDomainError::NotFound(input))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/domains/globex.test",
            body: None,
            answer: Some(json!({ "domain": "globex.test", "verified": true })),
        }
    }
}
