//! The function `assign-tenant-admin`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_admins::AssignTenantAdmin>()
}
