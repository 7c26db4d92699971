//! Verifies a domain: its DNS holds the token that was issued to this tenant for
//! it. From then on logins of the domain go to the tenant's IdP.
//!
//! # Okta calls
//!
//! First the resolvers. Then, under the tenant's lock:
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`;
//!    `listPolicies` and `listPolicyRules`.
//! 2. Under the lock of the registrable domain, once the DNS holds the token:
//!    `listPolicyRules` once more.
//! 3. At the same time: `getIdentityProvider`; `replacePolicyRule` of the tenant's
//!    active rule. Undo: the old rule. If there is none yet, `createPolicyRule`,
//!    `getGroup` and `replaceGroup` as in `add-tenant-domain`.
//! 4. At the same time: `replaceIdentityProvider` with the filter of subjects that
//!    lets logins of the domain pass; `replacePolicyRule` of the inactive rule,
//!    without the token, or `deletePolicyRule`, if it was the last.
//!
//! Twelve calls, five in a row, plus the resolvers. Where the domain ends in the letters of
//! another one, `listPolicyRules` again under the lock of the order, and
//! `replacePolicyRule` for each rule that must move.
//!
//! # Why this order
//!
//! The pattern is added before the token goes: in between the domain is both,
//! and counts as verified, and the IdP refuses its users; the same request sent again completes it. What counts
//! is the token in our rule, never what the caller sends. No two tenants verify domains
//! that overlap at the same time: the second sees the first one's domain. Who has no
//! string in the DNS takes no lock but their own tenant's, and gets 200 with
//! `verified: false`: a client waits for the DNS by asking again.

use domain::{EmailDomain, TenantName, TenantStatus, verification_name};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Stopped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{Change, LockError, Locks, State, holding};
use tenancy::{Depth, TenantError, Tenants};

use crate::dns::{DnsError, Resolvers};
use crate::place::OrderError;
use crate::routing::read;

/// The operation `verify-tenant-domain`.
pub struct VerifyTenantDomain {
    state: State,
    resolvers: Resolvers,
    tenants: Tenants,
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
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The tenant has no such domain.
    NotFound(Input),
    /// It is, or overlaps with, somebody else's.
    Taken(EmailDomain),
    /// With it, the tenant's domains are more than an IdP can be limited to.
    TooMany(EmailDomain),
    /// It ends in the same letters as another domain, and cannot be put in order.
    Order(EmailDomain, OrderError),
    /// No resolver answered.
    Dns(DnsError),
    /// Others are changing the rules.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// A step failed.
    Stopped(Stopped),
}

impl From<VerifyTenantDomainError> for Failure {
    fn from(error: VerifyTenantDomainError) -> Self {
        match error {
            VerifyTenantDomainError::Tenant(error) => error.into(),
            VerifyTenantDomainError::NotFound(input) => crate::not_found(&input.tenant, &input.domain),
            VerifyTenantDomainError::Taken(domain) => crate::taken(&domain),
            VerifyTenantDomainError::TooMany(domain) => crate::too_many(&domain),
            VerifyTenantDomainError::Order(domain, error) => error.into_failure(&domain),
            VerifyTenantDomainError::Lock(error) => error.into(),
            VerifyTenantDomainError::Okta(error) => Failure::okta("read the routing rules", &error),
            VerifyTenantDomainError::Dns(error) => error.into(),
            VerifyTenantDomainError::Stopped(stopped) => stopped.into(),
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
            tenants: Tenants::prepare(environment)?,
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
        let (tenant, routing) = read(&self.tenants, context, &input.tenant, Depth::Change).await;
        let tenant = &tenant.map_err(VerifyTenantDomainError::Tenant)?;
        let mut routing = routing.map_err(VerifyTenantDomainError::Okta)?;
        let okta = context.run.okta.forward();
        let own = routing.of(tenant);
        let pending = own.pending(&input.domain);
        let is_verified = own.is_verified(&input.domain);
        if !is_verified {
            let Some(pending) = &pending else { return Err(VerifyTenantDomainError::NotFound(input)) };
            let texts = texts.map_err(VerifyTenantDomainError::Dns)?;
            if !texts.contains(&pending.token) {
                return Ok(Success::new(not_yet(&input.domain, texts.len())));
            }
            // Not before: who has no string in the DNS must not hold up who has one.
            let registrable = Change::Domain(input.domain.registrable());
            locks.take(registrable).await.map_err(VerifyTenantDomainError::Lock)?;
            routing.read_again(okta).await.map_err(VerifyTenantDomainError::Okta)?;
        }
        let own = routing.of(tenant);
        if !is_verified && routing.taken_by(&input.domain, &own).is_some() {
            return Err(VerifyTenantDomainError::Taken(input.domain));
        }
        let more = (!is_verified).then_some(input.domain.as_str());
        let Some(filter) = own.filter(|_| true, more) else {
            return Err(VerifyTenantDomainError::TooMany(input.domain));
        };
        own.lock_idp(&locks).await.map_err(VerifyTenantDomainError::Lock)?;
        let moves = match is_verified {
            true => Vec::new(),
            false => routing
                .order(okta, &locks, tenant, &input.domain, false)
                .await
                .map_err(|error| VerifyTenantDomainError::Order(input.domain.clone(), error))?,
        };
        let own = routing.of(tenant);
        let given = own.give(&context.run, &input.domain, &filter, pending.as_ref(), &moves).await;
        given.map_err(VerifyTenantDomainError::Stopped)?;
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
