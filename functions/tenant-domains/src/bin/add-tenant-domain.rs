//! The function `add-tenant-domain`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<state::Once<tenant_domains::AddTenantDomain>>()
}
