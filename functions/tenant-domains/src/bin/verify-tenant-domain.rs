//! The function `verify-tenant-domain`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_domains::VerifyTenantDomain>()
}
