//! The function `list-responses`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve::<responses::ListResponses>()
}
