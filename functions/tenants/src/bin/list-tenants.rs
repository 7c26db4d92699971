//! The function `list-tenants`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenants::ListTenants>()
}
