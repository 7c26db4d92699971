//! The function `list-tenant-apps`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_apps::ListTenantApps>()
}
