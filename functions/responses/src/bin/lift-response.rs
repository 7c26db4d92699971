//! The function `lift-response`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<responses::LiftResponse>()
}
