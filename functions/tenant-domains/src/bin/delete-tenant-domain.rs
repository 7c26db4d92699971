//! The function `delete-tenant-domain`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_domains::DeleteTenantDomain>()
}
