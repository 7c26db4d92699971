//! The function `list-apps`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<apps::ListApps>()
}
