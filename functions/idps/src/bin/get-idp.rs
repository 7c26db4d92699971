//! The function `get-idp`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idps::GetIdp>()
}
