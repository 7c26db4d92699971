//! The function `update-idp`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idps::UpdateIdp>()
}
