//! The function `deactivate-tenant-app`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_apps::DeactivateTenantApp>()
}
