//! The function `list-delegators`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::ListDelegators>()
}
