//! The function `get-idp-metadata`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<idps::GetIdpMetadata>()
}
