//! The function `update-tenant`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenants::UpdateTenant>()
}
