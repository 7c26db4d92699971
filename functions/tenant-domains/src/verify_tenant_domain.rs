//! Verifies a domain: its DNS holds the token that was issued to this tenant for
//! it. From then on logins of the domain go to the tenant's IdP.
//!
//! # Okta calls
//!
//! First the resolvers. Then, under the tenant's lock:
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`; `listPolicies`.
//! 2. `getPolicyRule` for each of the tenant's rules.
//! 3. At the same time: `getIdentityProvider`; `replacePolicyRule` of the tenant's
//!    active rule. Undo: the old rule. If there is none yet, `createPolicyRule`,
//!    `getGroup` and `replaceGroup` as in `add-tenant-domain`.
//! 4. At the same time: `replaceIdentityProvider` with the filter of subjects that
//!    lets logins of the domain pass; `replacePolicyRule` of the inactive rule,
//!    without the token, or `deletePolicyRule`, if it was the last.
//!
//! Twelve calls, five in a row, plus the resolvers. Where the domain ends in the letters of
//! another one, `listPolicyRules` under the lock of the order, and
//! `replacePolicyRule` for each rule that must move. Until the index is complete,
//! `listPolicyRules` in place of 2, at the same time as 1. Where the index alone says whose a
//! domain is (`DISCOVERY_BY=webfinger`), no active rule is made or changed.
//!
//! # Why this order
//!
//! The domain is claimed in the index before anything else: of two tenants that verify domains
//! which overlap, one gets its claim (`giving.rs`). The pattern is added before the token goes: in
//! between the domain is both,
//! and counts as verified, and the IdP refuses its users; the same request sent again completes it. What counts
//! is the token in our rule, never what the caller sends. Who has no
//! string in the DNS takes no lock but their own tenant's, and gets 200 with
//! `verified: false`: a client waits for the DNS by asking again.

use domain::{EmailDomain, TenantName, TenantStatus, verification_name};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{Change, LockError, Locks, State, holding};
use tenancy::Depth;

use crate::dns::{DnsError, Resolvers};
use crate::giving::{GiveError, Giving};
use crate::lookup::{Lookup, LookupError};

/// The operation `verify-tenant-domain`.
pub struct VerifyTenantDomain {
    state: State,
    lookup: Lookup,
    resolvers: Resolvers,
}

/// Which domain of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    domain: EmailDomain,
}

/// Request body, as clients of the predecessor send it; none is needed, and what is in it
/// does not count: what counts is the string that was issued.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "VerifyTenantDomainRequest")]
pub struct Body(#[expect(dead_code, reason = "ignored")] Map<String, Value>);

/// The domain as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "VerifiedTenantDomain")]
pub struct Output {
    /// The domain: lower case, A-labels.
    pub domain: String,
    /// Whether logins of the domain go to the tenant's IdP: `false` while the DNS does not
    /// show the string, and while the tenant is suspended.
    pub verified: bool,
    /// What to do, while the DNS does not show the string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why the domain is not verified.
#[derive(Debug)]
pub enum VerifyTenantDomainError {
    /// The tenant, or what holds its domains, cannot be read.
    Lookup(LookupError),
    /// The tenant has no such domain.
    NotFound(Input),
    /// The tenant cannot have it.
    Give(EmailDomain, GiveError),
    /// No resolver answered.
    Dns(DnsError),
    /// Others are changing the tenant.
    Lock(LockError),
}

impl From<VerifyTenantDomainError> for Failure {
    fn from(error: VerifyTenantDomainError) -> Self {
        match error {
            VerifyTenantDomainError::Lookup(error) => error.into(),
            VerifyTenantDomainError::NotFound(input) => crate::not_found(&input.tenant, &input.domain),
            VerifyTenantDomainError::Give(domain, error) => error.into_failure(&domain),
            VerifyTenantDomainError::Lock(error) => error.into(),
            VerifyTenantDomainError::Dns(error) => error.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    const BODY_REQUIRED: bool = false;

    fn decode(request: &Request) -> Result<Self, Failure> {
        if !request.parts.body.is_empty() {
            let _: Body = request.body()?;
        }
        Ok(Self { tenant: request.tenant()?, domain: crate::domain(request)? })
    }
}

impl Endpoint for VerifyTenantDomain {
    const OPERATION: &'static Operation = operations::get("verify-tenant-domain");
    type Input = Input;
    type Output = Output;
    type Error = VerifyTenantDomainError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            state: State::prepare(environment)?,
            lookup: Lookup::prepare(environment)?,
            resolvers: Resolvers::prepare(environment)?,
        })
    }

    async fn call(
        &self,
        context: &Context,
        input: Input,
    ) -> Result<Success<Output>, VerifyTenantDomainError> {
        holding(&self.state, &context.run, |locks| self.verify(context, input, locks)).await
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/domains/globex-labs.test",
            body: None,
            answer: Some(json!({ "domain": "globex-labs.test", "verified": true })),
        }
    }
}

impl VerifyTenantDomain {
    async fn verify(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<Output>, VerifyTenantDomainError> {
        // Before the locks: a resolver may be slow.
        let texts = self.resolvers.texts(&input.domain).await;
        locks.take(Change::Tenant(&input.tenant)).await.map_err(VerifyTenantDomainError::Lock)?;
        let read = self.lookup.read(context, &input.tenant, Depth::Change).await;
        let (tenant, routing) = read.map_err(VerifyTenantDomainError::Lookup)?;
        let own = routing.of(&tenant);
        let pending = own.pending(&input.domain);
        if !own.is_verified(&input.domain) {
            let Some(pending) = &pending else { return Err(VerifyTenantDomainError::NotFound(input)) };
            let texts = texts.map_err(VerifyTenantDomainError::Dns)?;
            if !texts.contains(&pending.token) {
                return Ok(Success::new(not_yet(&input.domain, texts.len())));
            }
        }
        let giving = Giving {
            run: &context.run,
            state: &self.state,
            locks: &locks,
            tenant: &tenant,
            domain: &input.domain,
            pending: pending.as_ref(),
            any_order: false,
        };
        let given = giving.give(routing).await;
        given.map_err(|error| VerifyTenantDomainError::Give(input.domain.clone(), error))?;
        let (domain, verified) =
            (input.domain.to_string(), tenant.description.status() == TenantStatus::Active);
        Ok(Success::new(Output { domain, verified, detail: None }))
    }
}

/// The DNS does not show the string; `found` are the records that it shows.
fn not_yet(domain: &EmailDomain, found: usize) -> Output {
    let name = verification_name(domain);
    let shown = match found {
        0 => format!("there is no TXT record at `{name}`"),
        1 => format!("the TXT record at `{name}` does not hold the string that was issued for the domain"),
        more => format!(
            "none of the {more} TXT records at `{name}` holds the string that was issued for the domain"
        ),
    };
    let detail = format!("{shown}; add one that does, and wait until your DNS shows it");
    Output { domain: domain.to_string(), verified: false, detail: Some(detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br_20_records_are_counted_as_people_count() {
        let detail = |found| not_yet(&EmailDomain::parse("acme.test").unwrap(), found).detail.unwrap();
        for (found, says) in
            [(0, "there is no TXT record"), (1, "the TXT record at"), (2, "none of the 2 TXT records")]
        {
            assert!(detail(found).starts_with(says), "{}", detail(found));
        }
    }
}
