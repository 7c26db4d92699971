//! The function `start-delegation`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::StartDelegation>()
}
