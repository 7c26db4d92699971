//! The function `assign-app-to-tenant`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<apps::AssignAppToTenant>()
}
