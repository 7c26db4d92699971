//! The function `add-tenant`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idempotency::Once<tenants::AddTenant>>()
}
