//! The function `expire-responses`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<responses::ExpireResponses>()
}
