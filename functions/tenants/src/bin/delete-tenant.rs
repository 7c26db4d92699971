//! The function `delete-tenant`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenants::DeleteTenant>()
}
