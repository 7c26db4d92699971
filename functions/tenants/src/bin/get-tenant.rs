//! The function `get-tenant`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenants::GetTenant>()
}
