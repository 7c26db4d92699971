//! Verifies a domain: its DNS holds the token that was issued to this tenant for
//! it. From then on logins of the domain go to the tenant's IdP.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups` and `getGroup`, as in `get-tenant`;
//!    `listPolicies`, the resolvers, and then, under a lock, `listPolicyRules`.
//! 2. `replacePolicyRule` of the tenant's active rule. Undo: the old rule. If there
//!    is none yet, `createPolicyRule`, `getGroup` and `replaceGroup` as in
//!    `add-tenant-domain`.
//! 3. `replacePolicyRule` of the inactive rule, without the token; or
//!    `deletePolicyRule`, if it was the last.
//!
//! Seven calls, four in a row, plus the resolvers.
//!
//! # Why this order
//!
//! The pattern is added before the token goes: in between the domain is both,
//! and counts as verified; the same request sent again completes it. What counts
//! is the token in our rule, never what the caller sends. No two tenants verify at
//! the same time: the second sees the first one's domain.

use domain::{EmailDomain, TenantName};
use lambda_kit::{Context, Decode, Endpoint, Example, Problem, Request, Steps, Success};
use okta_client::Error;
use operations::{Operation, ProblemCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use state::LockError;
use tenancy::{Tenant, TenantError, Want, tenant_for};

use crate::dns::{DnsError, record_name, texts};
use crate::routing::{Domain, Kind, Locks, Pending, Routing, TenantRules, policy};

/// The operation `verify-tenant-domain`.
pub struct VerifyTenantDomain;

/// Which domain of which tenant.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    domain: EmailDomain,
}

/// Request body, as clients of the predecessor send it; none is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a JSON object")]
#[schemars(rename = "VerifyTenantDomainRequest")]
pub struct Body {
    /// Ignored: what counts is the string that was issued.
    #[serde(rename = "dnsVerificationString", default)]
    _dns_verification_string: Option<String>,
}

/// Why the domain is not verified.
#[derive(Debug)]
pub enum VerifyTenantDomainError {
    /// There is no such tenant for the caller.
    Tenant(TenantError),
    /// The tenant has no such domain.
    NotFound(Input),
    /// The DNS does not hold the token.
    NotVerified {
        /// The domain.
        domain: EmailDomain,
        /// Records that were found.
        found: usize,
    },
    /// It is, or overlaps with, somebody else's.
    Taken(EmailDomain),
    /// No resolver answered.
    Dns(DnsError),
    /// Others are changing the rules.
    Lock(LockError),
    /// Okta did not answer; nothing was changed.
    Okta(Error),
    /// A step failed; the problem says what is left.
    Stopped(Problem),
}

impl From<VerifyTenantDomainError> for Problem {
    fn from(error: VerifyTenantDomainError) -> Self {
        match error {
            VerifyTenantDomainError::Tenant(error) => error.into(),
            VerifyTenantDomainError::NotFound(input) => crate::not_found(&input.tenant, &input.domain),
            VerifyTenantDomainError::NotVerified { domain, found } => Problem::new(
                ProblemCode::DomainNotVerified,
                format!(
                    "none of the {found} TXT records at `{}` holds the string that was issued for the domain; add it, and wait until your DNS shows it",
                    record_name(&domain)
                ),
            ),
            VerifyTenantDomainError::Taken(domain) => crate::taken(&domain),
            VerifyTenantDomainError::Lock(error) => error.into(),
            VerifyTenantDomainError::Okta(error) => Problem::okta("read the routing rules", &error),
            VerifyTenantDomainError::Dns(error) => error.into(),
            VerifyTenantDomainError::Stopped(problem) => problem,
        }
    }
}

impl Decode for Input {
    type Body = Body;

    const BODY_REQUIRED: bool = false;

    fn decode(request: &Request) -> Result<Self, Problem> {
        if !request.parts.body.is_empty() {
            let _: Body = request.body()?;
        }
        Ok(Self { tenant: request.tenant()?, domain: crate::domain(request)? })
    }
}

impl Endpoint for VerifyTenantDomain {
    const OPERATION: &'static Operation = operations::get("verify-tenant-domain");
    type Input = Input;
    type Output = Domain;
    type Error = VerifyTenantDomainError;

    async fn call(context: &Context, input: Input) -> Result<Success<Domain>, VerifyTenantDomainError> {
        let okta = &context.okta;
        let rules = async {
            let (policy, texts) = futures::join!(policy(okta), texts(context, &input.domain));
            let policy = policy.map_err(VerifyTenantDomainError::Okta)?;
            let locks = Locks::acquire(context, &input.tenant, true).await;
            let locks = locks.map_err(VerifyTenantDomainError::Lock)?;
            Ok((texts, locks, Routing::read(okta, policy).await))
        };
        let (tenant, rules) = futures::join!(tenant_for(context, &input.tenant, Want::Tenant), rules);
        let (texts, locks, routing) = rules?;
        let result = match (tenant, routing) {
            (Err(error), _) => Err(VerifyTenantDomainError::Tenant(error)),
            (_, Err(error)) => Err(VerifyTenantDomainError::Okta(error)),
            (Ok(tenant), Ok(routing)) => verify(context, input, &tenant, &routing, texts).await,
        };
        locks.release().await;
        result
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/domains/globex-labs.test",
            body: None,
            answer: Some(json!({ "domain": "globex-labs.test", "verified": true })),
        }
    }
}

async fn verify(
    context: &Context,
    input: Input,
    tenant: &Tenant,
    routing: &Routing,
    texts: Result<Vec<String>, DnsError>,
) -> Result<Success<Domain>, VerifyTenantDomainError> {
    let own = routing.of(tenant);
    let pending = own.pending(&input.domain);
    let steps = Steps::default();
    let step = if own.is_verified(&input.domain) {
        own.complete(&context.okta, &steps, Kind::Verified).await
    } else {
        let Some(pending) = &pending else { return Err(VerifyTenantDomainError::NotFound(input)) };
        let texts = texts.map_err(VerifyTenantDomainError::Dns)?;
        if !texts.contains(&pending.token) {
            return Err(VerifyTenantDomainError::NotVerified { domain: input.domain, found: texts.len() });
        }
        if routing.taken_by(&input.domain, &own).is_some() {
            return Err(VerifyTenantDomainError::Taken(input.domain));
        }
        own.add(&context.okta, &steps, Kind::Verified, input.domain.as_str()).await
    };
    if let Err(failure) = step {
        return Err(VerifyTenantDomainError::Stopped(steps.unwind(failure).await));
    }
    if let Some(pending) = pending {
        forget(context, &own, &pending).await?;
    }
    let (domain, verified) = (input.domain.to_string(), true);
    Ok(Success::new(Domain { domain, verified, dns_verification_string: None }))
}

/// Removes the token. It is not worth taking the domain back: tried twice, then
/// left to the same request sent again.
async fn forget(
    context: &Context,
    own: &TenantRules<'_>,
    pending: &Pending,
) -> Result<(), VerifyTenantDomainError> {
    let pattern = pending.pattern();
    let remove = || own.remove(&context.okta, Kind::Pending, |other| other.eq_ignore_ascii_case(&pattern));
    if remove().await.is_ok() {
        return Ok(());
    }
    remove().await.map(drop).map_err(|error| {
        let left: Vec<_> = own.object(Kind::Pending).into_iter().collect();
        let problem = Problem::incomplete(&["verify the domain"], &[], &left);
        VerifyTenantDomainError::Stopped(problem.log("remove the token", &error))
    })
}
