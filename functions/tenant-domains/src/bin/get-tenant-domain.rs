//! The function `get-tenant-domain`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_domains::GetTenantDomain>()
}
