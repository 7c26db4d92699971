//! Adds a domain to a tenant: pending, with a token that is to be put into its
//! DNS; or, if a superuser says so, verified.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`, with `getIdentityProvider`;
//!    `listPolicies` and, under a lock, `listPolicyRules`.
//! 2. `replacePolicyRule` with one more pattern. Undo: the old rule.
//!
//! Eight calls, three in a row.
//!
//! If the tenant has no such rule yet, instead of 2:
//!
//! 2. `createPolicyRule`. Undo: `deletePolicyRule`.
//! 3. `getGroup`, and `replaceGroup` with the rule's id in the tenant's record.
//!    Undo: the old description.
//!
//! Ten calls, five in a row. The IdP of the tenant also gets a verified
//! domain, as in `verify-tenant-domain`.
//!
//! # Why a lock
//!
//! Okta replaces a rule as a whole and has no conditional writes: of two requests
//! that add a domain each, one would be lost. Pending domains are added under a
//! lock of the tenant. Verified domains are also added under a lock of the registrable
//! domain: no two tenants get domains that overlap. Where a domain ends in the letters of
//! another one, `listPolicyRules` is called once more under the lock of the order, and
//! `replacePolicyRule` moves rules.

use domain::{NewEmailDomain, TenantName, verification_name};
use lambda_kit::{Context, Decode, Endpoint, Example, Request, Success};
use okta_client::Error;
use operations::{Operation, ProblemCode};
use run_kit::{ConfigError, Environment, Failure, Steps, Stopped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::{Change, LockError, Locks, State, holding};
use tenancy::{Depth, TenantError, Tenants};

use crate::pending::Pending;
use crate::place::OrderError;
use crate::routing::{Kind, read};

/// The operation `add-tenant-domain`.
pub struct AddTenantDomain {
    state: State,
    tenants: Tenants,
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
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The tenant has it, verified.
    Exists(NewEmailDomain),
    /// It is, or overlaps with, somebody else's.
    Taken(NewEmailDomain),
    /// With it, the tenant's domains are more than an IdP can be limited to.
    TooMany(NewEmailDomain),
    /// As many domains await their verification as may.
    TooManyPending,
    /// It ends in the same letters as another domain, and cannot be put in order.
    Order(NewEmailDomain, OrderError),
    /// Others are changing the rules.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// A step failed.
    Stopped(Stopped),
}

impl From<AddTenantDomainError> for Failure {
    fn from(error: AddTenantDomainError) -> Self {
        match error {
            AddTenantDomainError::Tenant(error) => error.into(),
            AddTenantDomainError::Exists(domain) => Failure::new(
                ProblemCode::DomainAlreadyVerified,
                format!("the tenant has verified `{}`", *domain),
            ),
            AddTenantDomainError::Taken(domain) => crate::taken(&domain),
            AddTenantDomainError::TooMany(domain) => crate::too_many(&domain),
            AddTenantDomainError::TooManyPending => Failure::new(
                ProblemCode::InvalidRequest,
                format!(
                    "{PENDING} domains of the tenant await their verification; verify or delete one first"
                ),
            ),
            AddTenantDomainError::Order(domain, error) => error.into_failure(&domain),
            AddTenantDomainError::Lock(error) => error.into(),
            AddTenantDomainError::Okta(error) => Failure::okta("read the routing rules", &error),
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
        Ok(Self { state: State::prepare(environment)?, tenants: Tenants::prepare(environment)? })
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
        if input.verified {
            let registrable = Change::Domain(input.domain.registrable());
            locks.take(registrable).await.map_err(AddTenantDomainError::Lock)?;
        }
        let (tenant, routing) = read(&self.tenants, context, &input.tenant, Depth::Change).await;
        let tenant = &tenant.map_err(AddTenantDomainError::Tenant)?;
        let mut routing = routing.map_err(AddTenantDomainError::Okta)?;
        let okta = context.run.okta.forward();
        let own = routing.of(tenant);
        let is_verified = own.is_verified(&input.domain);
        if is_verified && !input.verified {
            return Err(AddTenantDomainError::Exists(input.domain.clone()));
        }
        if !is_verified && routing.taken_by(&input.domain, &own).is_some() {
            return Err(AddTenantDomainError::Taken(input.domain.clone()));
        }
        if input.verified {
            let more = (!is_verified).then_some(input.domain.as_str());
            let Some(filter) = own.filter(|_| true, more) else {
                return Err(AddTenantDomainError::TooMany(input.domain.clone()));
            };
            own.lock_idp(&locks).await.map_err(AddTenantDomainError::Lock)?;
            let moves = routing.order(okta, &locks, tenant, &input.domain, input.any_order).await;
            let moves = moves.map_err(|error| AddTenantDomainError::Order(input.domain.clone(), error))?;
            let own = routing.of(tenant);
            let given = own.give(&context.run, &input.domain, &filter, None, &moves).await;
            let changed = given.map_err(AddTenantDomainError::Stopped)?;
            if is_verified && !changed {
                return Err(AddTenantDomainError::Exists(input.domain.clone()));
            }
            let output =
                Output { domain: input.domain.to_string(), dns_verification_string: None, dns_name: None };
            let status = if is_verified { 200 } else { AddTenantDomain::OPERATION.success() };
            return Ok(Success::new(output).status(status));
        }
        let steps = Steps::of(&context.run);
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
                if let Err(failure) = own.add(okta, &steps, Kind::Pending, &pending.pattern(), None).await {
                    return Err(AddTenantDomainError::Stopped(steps.unwind(failure).await));
                }
                pending
            }
        };
        let output = Output {
            domain: pending.domain.to_string(),
            dns_name: Some(verification_name(&pending.domain)),
            dns_verification_string: Some(pending.token),
        };
        Ok(Success::new(output).status(status))
    }
}
