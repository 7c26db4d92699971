//! The function `list-idps`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idps::ListIdps>()
}
