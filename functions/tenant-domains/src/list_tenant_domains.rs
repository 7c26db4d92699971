//! Lists a tenant's domains, page by page.
//!
//! # Okta calls
//!
//! 1. At the same time: `listGroups`, `getGroup` and `getApplicationGroupAssignment`, as
//!    in `get-tenant`; `listPolicies`.
//! 2. `getPolicyRule` for each of the tenant's rules, whose ids the index knows.
//!
//! Seven calls, three in a row. Until the index is complete, `listPolicyRules` in place of 2,
//! page after page, at the same time as 1.

use domain::TenantName;
use lambda_kit::{
    Context, Decode, Endpoint, Example, NoBody, Paging, QueryParameter, Request, Success, Values,
};
use operations::Operation;
use run_kit::{ConfigError, Environment, Failure, Violation};
use serde_json::json;
use tenancy::Depth;

use crate::lookup::{Lookup, LookupError};
use crate::routing::Domain;

/// The operation `list-tenant-domains`.
pub struct ListTenantDomains {
    lookup: Lookup,
}

/// Whose domains, which, and which page.
#[derive(Debug)]
pub struct Input {
    tenant: TenantName,
    verified: Option<bool>,
    paging: Paging,
}

impl Decode for Input {
    type Body = NoBody;

    const QUERY: &'static [QueryParameter] = &[
        Paging::LIMIT_OF_ALL,
        Paging::AFTER,
        QueryParameter {
            name: "verified",
            description: "`true` or `false`; both unless given.",
            values: Values::OneOf(&["true", "false"]),
        },
    ];

    fn decode(request: &Request) -> Result<Self, Failure> {
        let mut violations = Vec::new();
        let verified = match request.query("verified") {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                let (pointer, detail) = ("query.verified".to_owned(), "must be `true` or `false`".to_owned());
                violations.push(Violation { pointer, detail });
                None
            }
        };
        match Paging::decode_of_all(request, &["verified"]) {
            Ok(paging) if violations.is_empty() => Ok(Self { tenant: request.tenant()?, verified, paging }),
            Ok(_) => Err(Failure::violations_of(violations)),
            Err(violation) => Err(Failure::violations_of([vec![violation], violations].concat())),
        }
    }
}

impl Endpoint for ListTenantDomains {
    const OPERATION: &'static Operation = operations::get("list-tenant-domains");
    type Input = Input;
    type Output = Vec<Domain>;
    type Error = LookupError;

    fn prepare(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { lookup: Lookup::prepare(environment)? })
    }

    async fn call(&self, context: &Context, input: Input) -> Result<Success<Vec<Domain>>, LookupError> {
        let (tenant, routing) = self.lookup.read(context, &input.tenant, Depth::Read).await?;
        let mut domains = routing.of(&tenant).domains();
        domains.retain(|domain| input.verified.is_none_or(|verified| domain.verified == verified));
        let (page, next) = input.paging.cut(domains, |domain| &domain.domain);
        Ok(input.paging.answer(context, Self::OPERATION, page, next.as_deref()))
    }

    fn example() -> Example {
        Example {
            target: "/tenants/globex/domains",
            body: None,
            answer: Some(json!([
                {
                    "domain": "globex-labs.test", "verified": false,
                    "dnsVerificationString": "5f0c7d9e-6f0b-4a53-9a55-0d3a1b0f7a11",
                },
                { "domain": "globex.test", "verified": true },
            ])),
        }
    }
}
