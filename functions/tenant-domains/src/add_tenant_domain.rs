//! Adds a domain to a tenant: pending, with a token that is to be put into its
//! DNS; or, if a superuser says so, verified.
//!
//! # Okta calls
//!
//! Under a lock of the tenant:
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`; `listPolicies`.
//! 2. `getPolicyRule` for each of the tenant's rules.
//! 3. `replacePolicyRule` with one more pattern. Undo: the old rule.
//!
//! Nine calls, four in a row.
//!
//! If the tenant has no such rule yet, instead of 3:
//!
//! 3. `createPolicyRule`. Undo: `deletePolicyRule`.
//! 4. `getGroup`, and `replaceGroup` with the rule's id in the tenant's record.
//!    Undo: the old description.
//!
//! Ten calls, five in a row. The IdP of the tenant also gets a verified
//! domain, as in `verify-tenant-domain`. Until the index is complete, `listPolicyRules` in place
//! of 2, at the same time as 1.
//!
//! # Who gets a domain
//!
//! Okta replaces a rule as a whole and has no conditional writes: of two requests
//! that add a domain each, one would be lost. So domains are added under a
//! lock of the tenant. A verified domain is claimed in the index first, by a conditional write: no
//! two tenants get domains that overlap. Where a domain ends in the letters of
//! another one, `listPolicyRules` is called under the lock of the order, and
//! `replacePolicyRule` moves rules.

use domain::{NewEmailDomain, TenantName, verification_name};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Steps, Stopped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Change, LockError, Locks, State, holding};
use tenancy::{Depth, Pending};

use crate::claims::{ClaimError, Claims};
use crate::giving::{GiveError, Giving};
use crate::lookup::{Lookup, LookupError};
use crate::routing::Kind;

/// The operation `add-tenant-domain`.
pub struct AddTenantDomain {
    state: State,
    lookup: Lookup,
}

/// Which domain for which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    domain: NewEmailDomain,
    verified: bool,
    any_order: bool,
}

/// Most domains of a tenant that await their verification.
const PENDING: usize = 50;

/// Request body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "AddTenantDomainRequest")]
pub struct Body {
    /// The domain; at least one label below a public suffix.
    domain: String,
    /// `true`: it is the tenant's without a look into the DNS; superusers only.
    #[serde(default)]
    verified: bool,
    /// `true`: also where it ends in the same letters as another tenant's domain and no
    /// order of the routing rules is right for both; superusers only, with `verified`.
    #[serde(rename = "anyOrder", default)]
    any_order: bool,
}

/// The domain as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AddedTenantDomain")]
pub struct Output {
    /// The domain: lower case, A-labels.
    pub domain: String,
    /// What the TXT record must hold; absent if the domain is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_verification_string: Option<String>,
    /// Name of the TXT record; absent if the domain is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
}

/// Why the tenant does not get the domain.
#[derive(Debug)]
pub enum AddTenantDomainError {
    /// The tenant, or what holds its domains, cannot be read.
    Lookup(LookupError),
    /// The tenant has it, verified.
    Exists(NewEmailDomain),
    /// It is somebody else's, or nobody can say.
    Claim(NewEmailDomain, ClaimError),
    /// The tenant cannot have it, verified.
    Give(NewEmailDomain, GiveError),
    /// As many domains await their verification as may.
    TooManyPending,
    /// Others are changing the rules.
    Lock(LockError),
    /// The request cannot be noted; nothing was changed.
    Begin(Failure),
    /// A step failed.
    Stopped(Stopped),
}

impl From<AddTenantDomainError> for Failure {
    fn from(error: AddTenantDomainError) -> Self {
        match error {
            AddTenantDomainError::Lookup(error) => error.into(),
            AddTenantDomainError::Exists(domain) => Failure::new(
                ProblemCode::DomainAlreadyVerified,
                format!("the tenant has verified `{}`", *domain),
            ),
            AddTenantDomainError::Claim(domain, error) => error.into_failure(&domain),
            AddTenantDomainError::Give(domain, error) => error.into_failure(&domain),
            AddTenantDomainError::TooManyPending => Failure::new(
                ProblemCode::InvalidRequest,
                format!(
                    "{PENDING} domains of the tenant await their verification; verify or delete one first"
                ),
            ),
            AddTenantDomainError::Lock(error) => error.into(),
            AddTenantDomainError::Begin(failure) => failure,
            AddTenantDomainError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl Decode for Input {
    type Body = Body;

    fn decode(request: &Request) -> Result<Self, Failure> {
        let tenant = request.tenant()?;
        let body: Body = request.body()?;
        let superuser = request.caller.superuser;
        if body.verified && !superuser {
            let detail = "only a superuser may send `verified: true`; add the domain, then verify it";
            return Err(Failure::new(ProblemCode::Forbidden, detail));
        }
        if body.any_order && !(superuser && body.verified) {
            let detail = "only a superuser may send `anyOrder: true`, with `verified: true`";
            return Err(Failure::new(ProblemCode::Forbidden, detail));
        }
        let domain = NewEmailDomain::parse(&body.domain, superuser);
        let domain = domain.map_err(|error| Failure::violation("/domain", error.to_string()))?;
        Ok(Self { tenant, domain, verified: body.verified, any_order: body.any_order })
    }
}

impl Endpoint for AddTenantDomain {
    const OPERATION: &'static Operation = operations::get("add-tenant-domain");
    const OTHER_SUCCESS: Option<(u16, &'static str)> = Some((200, "The tenant had the domain before."));
    type Input = Input;
    type Output = Output;
    type Error = AddTenantDomainError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { state: State::prepare(environment)?, lookup: Lookup::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Output>, AddTenantDomainError> {
        holding(&self.state, &context.run, |locks| self.add(context, input, locks)).await
    }

    fn example() -> Example {
        Example {
            target: "/tenants/acme/domains",
            body: Some(json!({ "domain": "acme.test" })),
            answer: Some(json!({
                "domain": "acme.test", "dnsVerificationString": "0b9d7c2e-1f7d-4d0a-8c55-2f6f4f0f9a10",
                "dnsName": "_oktadac.verification.acme.test",
            })),
        }
    }
}

impl AddTenantDomain {
    async fn add(
        &self,
        context: &Context,
        input: Input,
        locks: Locks,
    ) -> Result<Success<Output>, AddTenantDomainError> {
        locks.take(Change::Tenant(&input.tenant)).await.map_err(AddTenantDomainError::Lock)?;
        let read = self.lookup.read(context, &input.tenant, Depth::Change).await;
        let (tenant, routing) = read.map_err(AddTenantDomainError::Lookup)?;
        let own = routing.of(&tenant);
        let is_verified = own.is_verified(&input.domain);
        if input.verified {
            let (run, domain, any_order) = (&context.run, &*input.domain, input.any_order);
            let giving = Giving {
                run,
                state: &self.state,
                locks: &locks,
                tenant: &tenant,
                domain,
                pending: None,
                any_order,
            };
            let given = giving.give(routing).await;
            let changed = given.map_err(|error| AddTenantDomainError::Give(input.domain.clone(), error))?;
            if is_verified && !changed {
                return Err(AddTenantDomainError::Exists(input.domain));
            }
            let output = Output { domain: domain.to_string(), dns_verification_string: None, dns_name: None };
            let status = if is_verified { 200 } else { AddTenantDomain::OPERATION.success() };
            return Ok(Success::new(output).status(status));
        }
        if is_verified {
            return Err(AddTenantDomainError::Exists(input.domain));
        }
        let claims = Claims { run: &context.run, state: &self.state, routing: &routing, tenant: &tenant };
        let free = claims.check(&input.domain).await;
        free.map_err(|error| AddTenantDomainError::Claim(input.domain.clone(), error))?;
        let (okta, steps) = (context.run.okta.forward(), Steps::of(&context.run));
        let known = own.pending(&input.domain);
        let status = if known.is_some() { 200 } else { AddTenantDomain::OPERATION.success() };
        let pending = match known {
            Some(pending) => {
                if let Err(failure) = own.complete(okta, &steps, Kind::Pending).await {
                    return Err(AddTenantDomainError::Stopped(steps.unwind(failure).await));
                }
                pending
            }
            None => {
                let token = uuid::Uuid::new_v4().to_string();
                let pending = Pending { token, domain: (*input.domain).clone() };
                if own.pending_domains().len() >= PENDING {
                    return Err(AddTenantDomainError::TooManyPending);
                }
                let begun = routing.begin(&self.state, &context.run, &tenant, Kind::Pending).await;
                begun.map_err(AddTenantDomainError::Begin)?;
                if let Err(failure) = own.add(okta, &steps, Kind::Pending, &pending.pattern(), None).await {
                    return Err(AddTenantDomainError::Stopped(steps.unwind(failure).await));
                }
                pending
            }
        };
        routing.note(&self.state, &context.run, &tenant).await;
        let output = Output {
            domain: pending.domain.to_string(),
            dns_name: Some(verification_name(&pending.domain)),
            dns_verification_string: Some(pending.token),
        };
        Ok(Success::new(output).status(status))
    }
}
