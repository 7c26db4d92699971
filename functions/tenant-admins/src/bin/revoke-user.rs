//! The function `revoke-user`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<tenant_admins::RevokeUser>()
}
