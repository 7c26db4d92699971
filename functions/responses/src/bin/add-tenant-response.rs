//! The function `add-tenant-response`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idempotency::Once<responses::AddTenantResponse>>()
}
