//! The function `set-delegation`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::SetDelegation>()
}
