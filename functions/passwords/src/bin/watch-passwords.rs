//! The function `watch-passwords`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<passwords::WatchPasswords>()
}
