//! The function `list-tenant-domains`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_domains::ListTenantDomains>()
}
