//! The function `find-idp`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_forward::<discovery::FindIdp>()
}
