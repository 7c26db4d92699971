//! Takes a domain from a tenant, verified or pending.
//!
//! # Okta calls
//!
//! Under locks:
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`; `listPolicies`.
//! 2. `getPolicyRule` for each of the tenant's rules.
//! 3. If the domain is verified, `getIdentityProvider` and, with a filter of subjects
//!    that refuses its logins, `replaceIdentityProvider`.
//! 4. `replacePolicyRule` of the tenant's active rule, without the domain; then of
//!    the inactive rule, if that also holds the domain. A rule without a domain would be for
//!    everybody: `deletePolicyRule` where it was the last.
//!
//! Nine calls, four in a row, where the domain is pending and one of several; eleven,
//! six in a row, where it is verified. Until the index is complete, `listPolicyRules` in place of
//! 2, at the same time as 1.
//!
//! There is no undo: the same request sent again completes what stopped half-way. What says that
//! the tenant has the domain is changed last: the rule, and after the rule the index.

use domain::{EmailDomain, TenantName};
use lambda_kit::{Context, Decode, Endpoint, Example, NoBody, Request, Success};
use okta_client::Error;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Incomplete, Object, chain};
use state::{Change, LockError, Locks, State, StateError, holding};
use tenancy::Depth;

use crate::lookup::{Lookup, LookupError};
use crate::routing::Kind;

/// The operation `delete-tenant-domain`.
pub struct DeleteTenantDomain {
    state: State,
    lookup: Lookup,
}

/// Which domain of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    domain: EmailDomain,
}

/// Why the tenant has the domain still.
#[derive(Debug)]
pub enum DeleteTenantDomainError {
    /// The tenant, or what holds its domains, cannot be read.
    Lookup(LookupError),
    /// The tenant has no such domain.
    NotFound(Input),
    /// Others are changing the rules.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// The index holds the domain still.
    Unreleased(EmailDomain, StateError),
    /// Some of it is gone, or may be.
    Incomplete {
        /// The rule that may hold the domain still.
        left: Object,
        /// Why.
        source: Error,
    },
}

impl From<DeleteTenantDomainError> for Failure {
    fn from(error: DeleteTenantDomainError) -> Self {
        match error {
            DeleteTenantDomainError::Lookup(error) => error.into(),
            DeleteTenantDomainError::NotFound(input) => crate::not_found(&input.tenant, &input.domain),
            DeleteTenantDomainError::Lock(error) => error.into(),
            DeleteTenantDomainError::Okta(error) => Failure::okta("change the routing rules", &error),
            DeleteTenantDomainError::Unreleased(domain, error) => {
                tracing::warn!(error = %chain(&error), %domain, "the index holds the domain still");
                let left = Object::unknown("domain", domain.as_str());
                Incomplete::after(&["remove the domain from rule and identity provider"], vec![left]).into()
            }
            DeleteTenantDomainError::Incomplete { left, source } => {
                Incomplete::after(&[], vec![left]).because("remove the domain", source).into()
            }
        }
    }
}

impl Decode for Input {
    type Body = NoBody;

    fn decode(request: &Request) -> Result<Self, Failure> {
        Ok(Self { tenant: request.tenant()?, domain: crate::domain(request)? })
    }
}

impl Endpoint for DeleteTenantDomain {
    const OPERATION: &'static Operation = operations::get("delete-tenant-domain");
    type Input = Input;
    type Output = ();
    type Error = DeleteTenantDomainError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, lookup: Lookup::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<()>, DeleteTenantDomainError> {
        holding(&self.state, &context.run, |locks| self.delete(context, input, locks))
            .await
            .map(|()| Success::empty())
    }

    fn example() -> Example {
        Example { target: "/tenants/globex/domains/globex-labs.test", body: None, answer: None }
    }
}

impl DeleteTenantDomain {
    async fn delete(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<(), DeleteTenantDomainError> {
        locks.take(Change::Tenant(&input.tenant)).await.map_err(DeleteTenantDomainError::Lock)?;
        let read = self.lookup.read(context, &input.tenant, Depth::Change).await;
        let (tenant, routing) = &read.map_err(DeleteTenantDomainError::Lookup)?;
        let (okta, own) = (context.run.okta.forward(), routing.of(tenant));
        let pending = own.pending(&input.domain).map(|pending| pending.pattern());
        if pending.is_none() && !own.is_verified(&input.domain) {
            return Err(DeleteTenantDomainError::NotFound(input));
        }
        let is_domain = |pattern: &str| EmailDomain::parse(pattern).is_ok_and(|of| of == input.domain);
        let is_token = |pattern: &str| pending.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(pattern));
        let mut changed = false;
        // Fewer domains are never too many, except those that somebody made by hand:
        // then the filter stays as it is.
        let filter =
            own.filter(|pattern| !is_domain(pattern), None).filter(|_| own.is_verified(&input.domain));
        if let Some(filter) = filter {
            own.lock_idp(&locks).await.map_err(DeleteTenantDomainError::Lock)?;
            if let Some(idp) = own.idp(okta).await.map_err(DeleteTenantDomainError::Okta)? {
                changed = match filter.write(okta, &idp).await {
                    Ok(written) => written,
                    Err(source) if source.may_have_happened() => {
                        return Err(DeleteTenantDomainError::Incomplete { left: own.idp_object(), source });
                    }
                    Err(source) => return Err(DeleteTenantDomainError::Okta(source)),
                };
            }
        }
        for kind in [Kind::Verified, Kind::Pending] {
            let removed = match kind {
                Kind::Verified => own.remove(okta, kind, is_domain).await,
                Kind::Pending => own.remove(okta, kind, is_token).await,
            };
            match (removed, own.object(kind)) {
                (Ok(removed), _) => changed |= removed,
                (Err(source), Some(left)) if changed || source.may_have_happened() => {
                    return Err(DeleteTenantDomainError::Incomplete { left, source });
                }
                (Err(source), _) => return Err(DeleteTenantDomainError::Okta(source)),
            }
        }
        if own.is_verified(&input.domain) {
            let released = self.state.release_domain(&context.run, &input.domain, &tenant.id).await;
            match released {
                Err(error) if own.is_indexed(&input.domain) => {
                    return Err(DeleteTenantDomainError::Unreleased(input.domain, error));
                }
                // No rule has the domain any more: the claim gives way.
                Err(error) => tracing::warn!(error = %chain(&error), "a claim stays"),
                Ok(()) => {}
            }
        }
        routing.note(&self.state, &context.run, tenant).await;
        Ok(())
    }
}
