//! E-mail domains of a tenant: whose logins go to the tenant's IdP.
//!
//! A verified domain is a pattern of the tenant's routing rule `DAC_<tenant>`. A
//! pending one is a pattern `<token>.<domain>` of the inactive rule
//! `DAC_<tenant>_unverified`; the token was issued to this tenant for this domain,
//! and the tenant that puts the string into the DNS of the domain has verified the domain.
//! The index of domains, in the state table, says which tenant has which domain. With the
//! setting `DISCOVERY_BY=webfinger` nothing but the index says so, and a verified domain makes no
//! routing rule.
//!
//! One module is one operation.

mod add_tenant_domain;
mod claims;
mod delete_tenant_domain;
mod dns;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod get_tenant_domain;
mod giving;
mod known;
mod list_tenant_domains;
mod lookup;
mod order;
mod place;
mod routing;
mod subject;
#[cfg(test)]
mod testing;
mod verify_tenant_domain;

pub use add_tenant_domain::AddTenantDomain;
pub use delete_tenant_domain::DeleteTenantDomain;
pub use get_tenant_domain::GetTenantDomain;
pub use list_tenant_domains::ListTenantDomains;
pub use verify_tenant_domain::VerifyTenantDomain;

/// The operations of this package, ordered by name.
pub const ENDPOINTS: &[lambda_kit::Description] = &[
    lambda_kit::Description::of::<AddTenantDomain>().served_as::<idempotency::Once<AddTenantDomain>>(),
    lambda_kit::Description::of::<DeleteTenantDomain>(),
    lambda_kit::Description::of::<GetTenantDomain>(),
    lambda_kit::Description::of::<ListTenantDomains>(),
    lambda_kit::Description::of::<VerifyTenantDomain>(),
];

/// A domain of the path.
fn domain(request: &lambda_kit::Request) -> Result<domain::EmailDomain, run_kit::Failure> {
    let text = request.parts.path.get("domain").map_or("", String::as_str);
    domain::EmailDomain::parse(text)
        .map_err(|error| run_kit::Failure::violation("path.domain", error.to_string()))
}

/// The domain is, or overlaps with, somebody else's.
fn taken(domain: &domain::EmailDomain) -> run_kit::Failure {
    let detail = format!("`{domain}`, or a domain above or below it, belongs to somebody else");
    run_kit::Failure::new(operations::ProblemCode::DomainTaken, detail)
}

/// With the domain, Okta would refuse the filter that limits the tenant's IdP.
fn too_many(domain: &domain::EmailDomain) -> run_kit::Failure {
    let detail = format!(
        "with `{domain}` the tenant's verified domains are longer than the 1,024 characters that Okta allows to limit an IdP; delete one that is not needed, or verify a shorter one"
    );
    run_kit::Failure::new(operations::ProblemCode::InvalidRequest, detail)
}

/// The tenant has no such domain.
fn not_found(tenant: &domain::TenantName, domain: &domain::EmailDomain) -> run_kit::Failure {
    let detail = format!("`{tenant}` has no domain `{domain}`");
    run_kit::Failure::new(operations::ProblemCode::DomainNotFound, detail)
}
