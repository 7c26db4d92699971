//! The function `rotate-user-secret`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<passwords::RotateUserSecret>()
}
