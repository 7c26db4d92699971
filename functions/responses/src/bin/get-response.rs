//! The function `get-response`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<responses::GetResponse>()
}
