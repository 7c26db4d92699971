//! The function `start-rotations`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<passwords::StartRotations>()
}
