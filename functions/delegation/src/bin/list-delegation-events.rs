//! The function `list-delegation-events`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::ListDelegationEvents>()
}
