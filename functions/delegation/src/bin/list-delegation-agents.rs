//! The function `list-delegation-agents`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<delegation::ListDelegationAgents>()
}
