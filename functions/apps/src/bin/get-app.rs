//! The function `get-app`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<apps::GetApp>()
}
