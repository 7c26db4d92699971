//! The function `end-user-rights`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_event_hook::<tenant_admins::EndUserRights>()
}
