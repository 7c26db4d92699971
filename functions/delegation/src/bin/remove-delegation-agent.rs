//! The function `remove-delegation-agent`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::RemoveDelegationAgent>()
}
