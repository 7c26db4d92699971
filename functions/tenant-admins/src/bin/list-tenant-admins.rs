//! The function `list-tenant-admins`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_admins::ListTenantAdmins>()
}
