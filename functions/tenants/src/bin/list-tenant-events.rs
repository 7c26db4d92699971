//! The function `list-tenant-events`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenants::ListTenantEvents>()
}
