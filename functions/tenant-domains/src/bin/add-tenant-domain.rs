//! The function `add-tenant-domain`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idempotency::Once<tenant_domains::AddTenantDomain>>()
}
